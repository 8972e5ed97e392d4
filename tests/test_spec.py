"""The written specification: its tables are those of the data, its citations exist, its examples are true.

An example is a fenced block ``example`` with the lines ``codec:``, ``value:`` (a Python literal), where it
matters ``protocol:`` and ``flags:`` (compatibility flags), and ``hex:``, which goes on over the indented
lines below it; behind a ``#`` there is a comment. The codec has to make the bytes of the value and the value
of the bytes.
"""

from __future__ import annotations

import ast
import hashlib
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import Any

import pytest
from refsync.records import astuple
from refsync.wire import (
    acl,
    batch,
    compat,
    compression,
    dialect,
    filesfrom,
    filterlist,
    greeting,
    idlist,
    integers,
    items,
    mux,
    ndx,
    negotiation,
    stats,
    sumhead,
    tokens,
    xattr,
)
from refsync.wire.cursor import Cursor
from refsync.wire.entry import FileEntry
from refsync.wire.errors import NeedMoreData
from refsync.wire.flist import EndOfList, Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync.wire.flist_encode import FlistEncoder
from refsync_conformance import clauses

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs/spec").glob("*.md"))
FENCE = re.compile(r"^```example\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CITATION = re.compile(r"\b([A-Z]+)-(\d+)\b")


def load_script() -> ModuleType:
    loader = SourceFileLoader("refsync_ci_spec", str(ROOT / "ci/spec"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    writing, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writing
    return module


# -- examples --------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    """One block; ``where`` is the page and the block's number in it."""

    where: str
    codec: str
    value: Any
    data: bytes
    speak: dialect.Dialect


def read_example(where: str, text: str) -> Example:
    fields: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if line.startswith(" "):
            assert key == "hex", f"{where}: only hex goes on over lines"
            fields[key] += " " + line.partition("#")[0]
        else:
            key, colon, rest = line.partition(":")
            assert colon and key not in fields, f"{where}: {line!r}"
            fields[key] = rest.partition("#")[0] if key == "hex" else rest.strip()
    assert fields.keys() <= {"codec", "value", "hex", "protocol", "flags"}, where
    speak = dialect.build(int(fields.get("protocol", "32")), int(fields.get("flags", "0x1fe"), 0))
    value = ast.literal_eval(fields["value"])
    return Example(where, fields["codec"], value, bytes.fromhex(fields["hex"]), speak)


def examples() -> list[Example]:
    return [
        read_example(f"{page.name}:{number}", found[1])
        for page in PAGES
        for number, found in enumerate(FENCE.finditer(page.read_text(encoding="utf-8")), 1)
    ]


def sequence(cursor: Cursor, decode: Callable[[Cursor], Any]) -> list[Any]:
    """All values up to the end of the bytes."""
    found = []
    while cursor.remaining():
        found.append(decode(cursor))
    return found


def encode_indexes(value: list[int], speak: dialect.Dialect) -> bytes:
    codec = ndx.NdxCodec(speak.varints)
    return b"".join(map(codec.encode, value))


def encode_tokens(value: list[Any], name: str | None = None) -> bytes:
    """By the named algorithm; the level is 0 where there is one."""
    encoder = compression.encoder(name, 0, quirk=False)
    encoder.begin(skip=True)
    made = []
    for token in value:
        if token is None:
            made.append(encoder.end())
        else:
            made.append(encoder.match(token, b"") if isinstance(token, int) else encoder.literal(token))
    return b"".join(made)


def decode_compressed(cursor: Cursor, example: Example) -> list[Any]:
    decoder = compression.decoder(example.value[0], quirk=False)
    found: list[Any] = [example.value[0]]
    while True:
        found.append(decoder.decode(cursor))
        if found[-1] is None:
            return found


FIELDS = ("name", "mode", "size", "mtime", "nsec", "uid", "gid", "link", "flags")


def entry_of(value: dict[str, Any]) -> FileEntry:
    entry = FileEntry()
    for field, content in value.items():
        assert field in FIELDS
        setattr(entry, field, content)
    return entry


def preserve_of(entries: list[dict[str, Any]]) -> Preserve:
    used = {field for entry in entries for field in entry}
    return Preserve(uid="uid" in used, gid="gid" in used, links="link" in used, recurse=True)


def encode_flist(value: list[dict[str, Any]], speak: dialect.Dialect) -> bytes:
    encoder = FlistEncoder(speak, preserve_of(value))
    made = [encoder.encode(entry_of(entry), index, 0) for index, entry in enumerate(value)]
    return b"".join(made) + encoder.encode_end()


def decode_flist(cursor: Cursor, speak: dialect.Dialect, like: list[dict[str, Any]]) -> list[dict[str, Any]]:
    decoder = FlistDecoder(speak, preserve_of(like))
    entries: list[FileEntry] = []
    while not isinstance(got := decoder.decode(cursor, entries, 0), EndOfList):
        entries.append(got)
    assert len(entries) == len(like)
    return [
        {field: getattr(entry, field) for field in shown} for entry, shown in zip(entries, like, strict=True)
    ]


def md5(value: bytes) -> bytes:
    return hashlib.md5(value, usedforsecurity=False).digest()


def attributes_of(value: list[tuple[bytes, bytes]]) -> xattr.XattrList:
    return [xattr.make(name, content, md5, at) for at, (name, content) in enumerate(value, 1)]


def encode_xattrs(value: list[list[tuple[bytes, bytes]]]) -> bytes:
    encoder = xattr.XattrEncoder()
    return b"".join(encoder.encode(attributes_of(one))[0] for one in value)


def decode_xattrs(cursor: Cursor, like: list[list[tuple[bytes, bytes]]]) -> list[list[tuple[bytes, bytes]]]:
    decoder, lists = xattr.XattrDecoder(), []
    while cursor.remaining():
        got, new = decoder.decode(cursor)
        if new:
            decoder.remember(got)
        lists.append(xattr.key(got))
    assert lists == [xattr.key(attributes_of(one)) for one in like][: len(lists)]
    return like[: len(lists)]


def long_ones() -> xattr.XattrList:
    return [xattr.Xattr(b"user.%d" % number, 99, None, bytes(16), number) for number in range(1, 6)]


def decode_answers_of(cursor: Cursor) -> list[tuple[int, bytes]]:
    answers, found = xattr.AnswerDecoder(long_ones()), []
    while (got := answers.decode(cursor)) is not None:
        found.append((got[0].number, got[1]))
    return found


def encode_acls(value: list[tuple[Any, ...]]) -> bytes:
    encoder = acl.AclEncoder(lambda is_user, number: True)
    lists = [acl.Acl(*one[:4], tuple(acl.Named(*name) for name in one[4])) for one in value]
    return b"".join(map(encoder.encode, lists))


def decode_acls(cursor: Cursor) -> list[tuple[Any, ...]]:
    decoder, found = acl.AclDecoder(acl.ACCESS), []
    while cursor.remaining():
        one, new = decoder.decode(cursor, 0)
        if new:
            decoder.remember(one)
        names = [(name.id, name.access, name.is_user, name.name) for name in one.names]
        found.append((one.user, one.group, acl.NO_ENTRY if names else one.mask, one.other, names))
    return found


ENCODERS: dict[str, Callable[[Any, dialect.Dialect], bytes]] = {
    "shortint": lambda value, _: integers.shortint(value),
    "int": lambda value, _: integers.int32(value),
    "longint": lambda value, _: integers.longint(value),
    "varint": lambda value, _: integers.varint(value),
    "varlong 3": lambda value, _: integers.varlong(value, 3),
    "vstring": lambda value, _: integers.vstring(value),
    "indexes": encode_indexes,
    "files": lambda value, _: filesfrom.encode(b"\0".join(value[:-1]), from0=True),
    "flags": lambda value, _: compat.encode_flags(value),
    "names": lambda value, _: negotiation.encode_names(value),
    "message": lambda value, _: mux.encode(*value),
    "messages": lambda value, _: b"".join(mux.encode(*one) for one in value),
    "greeting": lambda value, _: greeting.encode_greeting(greeting.Greeting(*value)),
    "request": lambda value, _: greeting.encode_request(greeting.Request(*value)),
    "answers": lambda value, _: b"".join(greeting.encode_answer(greeting.Answer(*one)) for one in value),
    "arguments": lambda value, speak: greeting.encode_arguments(value, nulls=speak.protocol >= 30),
    "file list": encode_flist,
    "id names": lambda value, speak: idlist.encode(
        [one for one in value.items() if one[0]], varints=speak.varints, id0_name=value.get(0)
    ),
    "item": lambda value, _: items.encode(items.ItemAttrs(*value)),
    "sum head": lambda value, _: sumhead.encode(sumhead.SumHead(*value)),
    "tokens": lambda value, _: encode_tokens(value),
    "compressed tokens": lambda value, _: encode_tokens(value[1:], value[0]),
    "filter list": lambda value, _: filterlist.encode(value),
    "totals": lambda value, speak: stats.encode_stats(stats.SessionStats(*value), speak),
    "batch head": lambda value, _: batch.encode(batch.Head(*value)),
    "xattr lists": lambda value, _: encode_xattrs(value),
    "xattr request": lambda value, _: xattr.encode_request(value),
    "xattr answer": lambda value, _: xattr.encode_answer(value),
    "acls": lambda value, _: encode_acls(value),
    "deletions": lambda value, _: stats.encode_delete_stats(stats.DeleteStats(*value)),
}


def decode_arguments(cursor: Cursor, speak: dialect.Dialect) -> list[bytes]:
    reader = greeting.ArgumentReader(nulls=speak.protocol >= 30)
    return list(iter(lambda: reader.decode(cursor), b""))


def decode_greeting(cursor: Cursor) -> tuple[Any, ...]:
    return astuple(greeting.parse_greeting(greeting.decode_line(cursor), from_server=True))


def decode_request(cursor: Cursor) -> tuple[Any, ...]:
    got = greeting.decode_request(cursor)
    assert got.length == 0  # early input's alone
    return got.kind, got.text


def decode_totals(cursor: Cursor, speak: dialect.Dialect) -> tuple[int, ...]:
    """The values that the version has."""
    return astuple(stats.decode_stats(cursor, speak))[: 5 if speak.stats_have_times else 3]


def decode_answers(cursor: Cursor) -> list[tuple[Any, ...]]:
    return [astuple(one) for one in sequence(cursor, greeting.decode_answer)]


DECODERS: dict[str, Callable[[Cursor, Example], Any]] = {
    "shortint": lambda cursor, _: integers.read_shortint(cursor),
    "int": lambda cursor, _: integers.read_int32(cursor),
    "longint": lambda cursor, _: integers.read_longint(cursor),
    "varint": lambda cursor, _: integers.read_varint(cursor),
    "varlong 3": lambda cursor, _: integers.read_varlong(cursor, 3),
    "vstring": lambda cursor, _: integers.read_vstring(cursor, 32768),
    "files": lambda cursor, _: sequence(cursor, filesfrom.decode),
    "indexes": lambda cursor, example: sequence(cursor, ndx.NdxCodec(example.speak.varints).decode),
    "flags": lambda cursor, _: compat.decode_flags(cursor),
    "names": lambda cursor, _: list(negotiation.decode_names(cursor)),
    "message": lambda cursor, _: mux.decode(cursor),
    "messages": lambda cursor, _: sequence(cursor, mux.decode),
    "greeting": lambda cursor, _: decode_greeting(cursor),
    "request": lambda cursor, _: decode_request(cursor),
    "answers": lambda cursor, _: decode_answers(cursor),
    "arguments": lambda cursor, example: decode_arguments(cursor, example.speak),
    "file list": lambda cursor, example: decode_flist(cursor, example.speak, example.value),
    "id names": lambda cursor, example: idlist.decode(
        cursor, varints=example.speak.varints, id0_names=0 in example.value
    ),
    "item": lambda cursor, _: astuple(items.decode(cursor)),
    "sum head": lambda cursor, example: astuple(sumhead.decode(cursor, example.speak.max_block_size, 16)),
    "tokens": lambda cursor, _: sequence(cursor, tokens.PlainDecoder().decode),
    "compressed tokens": decode_compressed,
    "filter list": lambda cursor, _: filterlist.decode(cursor),
    "totals": lambda cursor, example: decode_totals(cursor, example.speak),
    "batch head": lambda cursor, _: astuple(batch.decode(cursor)),
    "xattr lists": lambda cursor, example: decode_xattrs(cursor, example.value),
    "xattr request": lambda cursor, _: [one.number for one in xattr.decode_request(cursor, long_ones())],
    "xattr answer": lambda cursor, _: decode_answers_of(cursor),
    "acls": lambda cursor, _: decode_acls(cursor),
    "deletions": lambda cursor, _: astuple(stats.decode_delete_stats(cursor)),
}


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.where)
def test_an_example_is_what_the_codec_makes(example: Example) -> None:
    assert ENCODERS[example.codec](example.value, example.speak).hex(" ") == example.data.hex(" ")
    cursor = Cursor(example.data)
    assert DECODERS[example.codec](cursor, example) == example.value
    assert cursor.remaining() == 0


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.where)
def test_an_example_that_is_cut_short_is_not_complete(example: Example) -> None:
    try:
        got = DECODERS[example.codec](Cursor(example.data[:-1]), example)
    except NeedMoreData:
        return
    # A sequence that is cut between two of its values is one value short.
    assert got != example.value


def test_each_page_has_examples_and_each_codec_is_used() -> None:
    shown = examples()
    without = {page.name for page in PAGES} - {example.where.partition(":")[0] for example in shown}
    assert without == {"README.md"}
    assert {example.codec for example in shown} == set(ENCODERS) == set(DECODERS)


# -- tables and citations --------------------------------------------------


def test_the_tables_are_those_of_the_clauses() -> None:
    assert [path.name for path in load_script().behind()] == []


def test_the_script_tells_of_a_page_that_is_behind(tmp_path: pathlib.Path) -> None:
    script = load_script()
    for page in PAGES:
        (tmp_path / page.name).write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    assert script.behind(tmp_path) == []
    changed = tmp_path / "values.md"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace("One unsigned byte", "Two unsigned bytes"), encoding="utf-8")
    assert script.behind(tmp_path) == [changed]
    assert script.rendered(tmp_path)[changed] == text
    changed.unlink()
    with pytest.raises(script.PageError, match="INT"):
        script.rendered(tmp_path)


@pytest.mark.parametrize(("argument", "code"), [("--check", 0), ("--wrong", 2)])
def test_the_script_as_a_command(argument: str, code: int) -> None:
    command = [sys.executable, "-B", str(ROOT / "ci/spec"), argument]
    assert subprocess.run(command, capture_output=True, check=False).returncode == code


def test_every_clause_that_a_page_cites_exists() -> None:
    known = clauses.load()
    topics = {clause.topic for clause in known.values()}
    wrong = {
        f"{page.name}: {found[0]}"
        for page in PAGES
        for found in CITATION.finditer(page.read_text(encoding="utf-8"))
        if found[1] in topics and found[0] not in known
    }
    assert sorted(wrong) == []


def test_every_clause_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [id for id in clauses.load() if f'<a id="{id.lower()}"></a>{id} |' not in text] == []
