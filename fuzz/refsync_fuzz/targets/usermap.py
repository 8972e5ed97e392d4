"""--usermap and --groupmap: names, patterns, ids and ranges that become other ids.

Input: bytes for an id, a text behind its length for its name, then the map.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.files.idmap import parse_map
from refsync.files.ids import IdMap
from refsync.filters.wildmatch import wildmatch
from refsync.wire.errors import RefsyncError

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("IDS-1", "IDS-2"),
    code=("refsync.files.idmap",),
    oracle="ERM",
    dictionary={
        "all": b"*:9",
        "none": b":7",
        "range": b"1000-2000:5",
        "name": b"eva:adam",
        "most": b"4294967295:1",
    },
    max_length=200,
)
LOCAL = {b"adam": 11, b"eva": 12, b"0": 13}


def _number(text: str) -> int:
    if int(text) > 0xFFFFFFFF:
        raise ValueError(text)
    return int(text)


def _model(text: str, number: int, name: bytes) -> int | None:
    """What the map makes of an id, None if nothing; ValueError for a text that is no map."""
    digits = set("0123456789")
    result: int | None = None
    for pair in text.split(","):
        source, colon, target = pair.partition(":")
        if not colon or not target:
            raise ValueError(pair)
        hit = False
        if source and source[0] in digits:
            low, dash, high = source.partition("-")
            if set(low) - digits or (dash and (not high or set(high) - digits)):
                raise ValueError(source)
            last = _number(high) if dash else 0
            first = _number(low)
            hit = first <= number <= (last or first)
        else:
            raw = source.encode("utf-8", "surrogateescape")
            hit = wildmatch(raw, name) if set(source) & set("*?[") else raw == name
        raw_target = target.encode("utf-8", "surrogateescape")
        to = _number(target) if not set(target) - digits else LOCAL.get(raw_target)
        if result is None and hit and to is not None:
            result = to
    return result


def fuzz_one(data: bytes) -> None:
    """Oracle: the id that a model finds for a user without a name here; refused alike (exit 1)."""
    choices = Choices(data)
    number, name = choices.integer(4), choices.text().replace(b"\0", b"0")
    text = choices.rest().decode("utf-8", "surrogateescape")
    said: list[str] = []
    try:
        rules = parse_map(text, "usermap", LOCAL.get, said.append)
    except RefsyncError as error:
        same(error.code, 1, "exit code")
        try:
            _model(text, number, name)
        except ValueError:
            return
        expect(False, f"{text!r} is refused")
        return
    expected = _model(text, number, name)
    expect(len(rules) + len(said) == text.count(",") + 1, "rules")
    found = next((rule.to for rule in rules if rule.matches(number, name)), None)
    same(found, expected, f"{number} {name!r} by {text!r}")
    if found is not None:
        same(IdMap(False, rules).user(number, name), found, "the map as it is used")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each form of a rule, and what is none."""
    head = (1500).to_bytes(4, "little") + b"\3eva"
    texts = ("1000-2000:5", "1500:eva", "e*:7", "eva:adam,*:9", ":8", "[a-e]??:3", "eva:nobody", "5", "eva:")
    wrong = ("1-2-3:4", "9-0:1", "99999999999:1", "1500:99999999999")
    for number, text in enumerate((*texts, *wrong)):
        yield f"map.{number}", head + text.encode()
