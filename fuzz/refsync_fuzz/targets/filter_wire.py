"""The filter list as it is sent.

Input: wire bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.session.link import Link
from refsync.session.tasks import Tasks
from refsync.wire import filterlist
from refsync.wire.dialect import build
from refsync.wire.errors import Exit
from refsync.wire.integers import int32
from refsync.wire.limits import MAX_FILTER_BYTES, MAX_FILTER_RULE

from ..oracle import MORE, Outcome, Refused, Value, check_decoder, constants, expect, outcome, refuses, same
from ..structure import Shape, fixed
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("FILT-1", "FILT-2"),
    code=("refsync.wire.filterlist",),
    oracle="ERBTMD",
    dictionary={
        "end": int32(0),
        "exclude": int32(5) + b"- *.o",
        "include": int32(4) + b"+ */",
        "clear": int32(1) + b"!",
        "merge": int32(10) + b":n .filter",
        "longest": int32(MAX_FILTER_RULE),
        "too_long": int32(MAX_FILTER_RULE + 1),
        "negative": int32(-1),
    },
    max_length=MAX_FILTER_RULE + 64,
    shape=Shape(fixed(0), 4),
)


#: Stands for the limit of all rules together, which no input here reaches.
SMALL_TOTAL = 40


def _model(data: bytes, most: int) -> Outcome:
    texts: list[bytes] = []
    rest = data
    while len(rest) >= 4:
        length = int.from_bytes(rest[:4], "little")
        at = len(data) - len(rest)
        rest = rest[4:]
        if length == 0:
            return Value(texts, at + 4)
        if length > 5119:  # what fits upstream's buffer; a negative one is larger still
            return Refused("FILT-2", Exit.MALLOC, at)
        if len(rest) < length:
            break
        texts.append(rest[:length])
        if sum(map(len, texts)) > most:
            return Refused("FILT-2", Exit.MALLOC, 0)
        rest = rest[length:]
    return MORE


def fuzz_one(data: bytes) -> None:
    """Oracle: the rules of an independent model; they re-encode to the bytes that were read.

    A rule past the limit is refused before its text is there, and so are rules
    that are too long together; they hold
    fewer bytes than came, and each is explained in a line.
    """
    with constants(filterlist, MAX_FILTER_BYTES=SMALL_TOTAL):
        same(outcome(filterlist.decode, data), _model(data, SMALL_TOTAL), "rules within a small total")
    got = check_decoder(lambda: filterlist.decode, data)
    same(got, _model(data, MAX_FILTER_BYTES), "rules")
    if isinstance(got, Value) and isinstance(got.value, list):
        again = filterlist.encode(got.value)
        same(again, data[: got.consumed], "encoded again")
        same(outcome(filterlist.decode, again), got, "decoded again")
        link = Link()
        link.feed(data)
        tasks = Tasks(link, filterlist.receive_filters(link, build(32)))
        tasks.step()
        same(tasks.results, [got.value], "rules read from a link")
        same(link.available, len(data) - got.consumed, "bytes left behind the list")
        explained = filterlist.explain(got.value)
        same(len(explained), len(got.value) + 1, "lines of explanation")
        same(
            filterlist.encode([b"", *got.value]),
            again,
            "an empty rule, which would end the list, is not sent",
        )
        refuses(lambda: filterlist.encode([data[:1] * (MAX_FILTER_RULE + 1)]), "a rule past the limit")
        expect(sum(map(len, got.value)) < len(data), "rules hold more bytes than came")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Lists of old and new prefixes, the limits, an end in the middle."""
    yield "empty", filterlist.encode([])
    yield "modern", filterlist.encode([b"-p *.o", b"+s */", b":n .rsync-filter", b"!", b"-/!r /home"])
    yield "old", filterlist.encode([b"+ */", b"*.o", b"- - x", b"!"])
    yield "longest", filterlist.encode([b"x" * MAX_FILTER_RULE])
    yield "too_long", int32(5120) + b"x" * 8
    yield "total", filterlist.encode([b"- " + b"y" * 12] * 4)
    yield "negative", int32(3) + b"- x" + int32(-1)
    yield "behind", filterlist.encode([b"- a"]) + b"more"
