"""The wire vectors: what is exported fits its schema, and the codecs keep to it."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from refsync.wire import integers, mux, ndx
from refsync.wire.cursor import Cursor
from refsync.wire.dialect import build
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.flist import EndOfList, Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync_conformance.vectors.export import SCHEMA, as_data, export
from refsync_conformance.vectors.groups import groups
from refsync_conformance.vectors.model import Group, refused

GROUPS = {group.name: group for group in groups()}
LISTS = [group for group in GROUPS.values() if group.clause == "FLIST-3"]
INTEGERS: dict[str, Callable[[Cursor], int]] = {
    "int32": integers.read_int32,
    "varint": integers.read_varint,
    "varlong-3": lambda cursor: integers.read_varlong(cursor, 3),
    "varlong-4": lambda cursor: integers.read_varlong(cursor, 4),
    "longint": integers.read_longint,
}


def test_names_are_used_once() -> None:
    assert len(GROUPS) == len(list(groups()))


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_decode_to_their_values(name: str) -> None:
    for vector in GROUPS[name].vectors:
        if vector.result == "valid":
            cursor = Cursor(vector.data)
            assert INTEGERS[name](cursor) == vector.value
            assert not cursor.remaining()
        else:
            with pytest.raises(NeedMoreData if vector.result == "short" else ProtocolError):
                INTEGERS[name](Cursor(vector.data))


@pytest.mark.parametrize("name", ["index-delta", "index-int"])
def test_indexes_decode_in_their_order(name: str) -> None:
    codec = ndx.NdxCodec(GROUPS[name].context["protocol"] >= 30)
    assert [codec.decode(Cursor(one.data)) for one in GROUPS[name].vectors] == [
        one.value for one in GROUPS[name].vectors
    ]


def test_frames_decode() -> None:
    for vector in GROUPS["frame"].vectors:
        if vector.result == "valid":
            code, payload = mux.decode(Cursor(vector.data))
            assert {"code": mux.MESSAGES[code][0], "payload": payload.hex()} == vector.value


@pytest.mark.parametrize(
    "group", [one for one in GROUPS.values() if one.clause == "FLIST-3"], ids=lambda g: g.name
)
def test_file_lists_decode(group: Group) -> None:
    dialect = build(group.context["protocol"], group.context["compat_flags"])
    preserve = Preserve(links=True, uid=True, gid=True, devices=True, specials=True, recurse=True)
    decoder, entries = FlistDecoder(dialect, preserve), []
    cursor = Cursor(b"".join(vector.data for vector in group.vectors))
    for vector in group.vectors:
        found = decoder.decode(cursor, entries, 0)
        if isinstance(found, EndOfList):
            assert vector.value == {"end": True, "io_error": found.io_error}
            break
        entries.append(found)
        value: dict[str, Any] = vector.value
        assert (found.name.decode(), found.mode, found.size, found.mtime) == (
            value["name"],
            value["mode"],
            value["size"],
            value["mtime"],
        )
        assert found.nsec == value.get("nsec", 0)
        assert (found.link or b"").decode() == value.get("target", "")
    assert not cursor.remaining()


def test_what_is_exported_fits_the_schema(tmp_path: pathlib.Path) -> None:
    count, total = export(tmp_path)
    index = json.loads((tmp_path / "index.json").read_text())
    assert len(index["groups"]) == count
    seen = 0
    properties, vector_properties = (
        SCHEMA["properties"],
        SCHEMA["properties"]["vectors"]["items"]["properties"],
    )
    for name in index["groups"]:
        data = json.loads((tmp_path / f"{name}.json").read_text())
        assert set(SCHEMA["required"]) <= set(data) <= set(properties)
        assert re.fullmatch(properties["name"]["pattern"], data["name"])
        for vector in data["vectors"]:
            assert {"hex", "result"} <= set(vector) <= set(vector_properties)
            assert ("value" in vector) == (vector["result"] == "valid")
            seen += 1
    assert seen == total
    assert json.loads((tmp_path / "schema.json").read_text()) == SCHEMA


def test_values_survive_json() -> None:
    for group in GROUPS.values():
        assert json.loads(json.dumps(as_data(group))) == as_data(group) or group.name == "greeting"


def test_an_input_that_is_right_is_no_refused_one() -> None:
    with pytest.raises(ValueError, match="was taken"):
        refused(integers.read_varint, {"fine": b"\0"})
