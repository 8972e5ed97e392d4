"""Lists of extended attributes, requests for their values, and the answers.

Input: a byte for what is fuzzed and for which names are kept, then wire bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from refsync.wire import xattr
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData
from refsync.wire.integers import varint
from refsync.wire.limits import MAX_XATTR_COUNT, MAX_XATTR_NAME, MAX_XATTR_VALUE

from ..choices import Choices
from ..oracle import MORE, Value, check_decoder, drip, expect, outcome, same
from ..target import Surface

SURFACE = Surface(
    priority=2,
    clauses=("XATTR-1", "XATTR-2", "XATTR-3", "XATTR-4", "XATTR-5"),
    code=("refsync.wire.xattr",),
    oracle="ETRBM",
    dictionary={
        "name": b"\x07\x01user.a\0",
        "no_nul": b"\x06\x01user.a",
        "long": varint(33),
        "full": varint(32),
        "count_limit": varint(MAX_XATTR_COUNT + 1),
        "name_limit": varint(MAX_XATTR_NAME + 2),
        "value_limit": varint(MAX_XATTR_VALUE + 1),
        "back": varint(-1),
        "most": varint((1 << 31) - 1),
    },
    max_length=1200,
)

#: Kept as it is, dropped unless of ``user``, put behind a prefix.
KEEPS: tuple[Callable[[bytes], bytes | None] | None, ...] = (
    None,
    lambda name: name if name.startswith(b"user.") else None,
    lambda name: b"user.rsync." + name,
)
Listed = tuple[tuple[bytes, int, bytes | None, bytes, int], ...]
NUMBERS = (1, 2, 3, 5, 8)


def _lists(keep: int) -> Callable[[Cursor], Listed]:
    decoder = xattr.XattrDecoder(KEEPS[keep])

    def decode(cursor: Cursor) -> Listed:
        attributes, new = decoder.decode(cursor)
        if new:
            decoder.remember(attributes)
        return tuple((one.name, one.size, one.value, one.digest, one.number) for one in attributes)

    return decode


def _long() -> xattr.XattrList:
    """Values to ask for, a short one that came with the list, and one that was asked for before."""
    settled = xattr.Xattr(b"user.settled", 40, b"s" * 40, bytes(16), 6)
    settled.asked = True
    wanted = [xattr.Xattr(b"user.%d" % number, 40, None, bytes(16), number) for number in NUMBERS]
    return [*wanted, xattr.Xattr(b"user.short", 1, b"1", b"", 4), settled]


def _request(cursor: Cursor) -> list[int]:
    return [one.number for one in xattr.decode_request(cursor, _long())]


def _answer(cursor: Cursor) -> list[tuple[int, bytes]]:
    start = cursor.pos
    decoder, found = xattr.AnswerDecoder(_long()), []
    try:
        while (got := decoder.decode(cursor)) is not None:
            found.append((got[0].number, got[1]))
    except NeedMoreData:
        cursor.pos = start
        raise
    return found


def fuzz_one(data: bytes) -> None:
    """Oracle: lists in any pieces are the same, within their limits, in the order of names.

    Lists that were decoded encode to bytes that decode to the same; a list
    that comes again is a number. What is made of a value compares by the value if
    that is short, else by its digest. Requests and answers name each value once, and
    encode to what they came from if their numbers ascend.
    """
    choices = Choices(data)
    kind, keep = choices.byte() % 3, choices.byte() % len(KEEPS)
    wire = choices.rest()
    if kind:
        decode: Callable[[Cursor], object] = _request if kind == 1 else _answer
        got = check_decoder(lambda: decode, wire)
        if isinstance(got, Value) and isinstance(got.value, list):
            numbers = [one if isinstance(one, int) else one[0] for one in got.value]
            expect(len(set(numbers)) == len(numbers) and set(numbers) <= set(NUMBERS), f"numbers {numbers}")
            again = xattr.encode_request(got.value) if kind == 1 else xattr.encode_answer(got.value)
            same(outcome(decode, again), Value(got.value, len(again)), "encoded again")
        return
    _made(wire)
    check_decoder(lambda: _lists(keep), wire)
    values, end = drip(_lists(keep), wire, [])
    same(drip(_lists(keep), wire, [1 + len(wire) // 3, 1]), (values, end), "in pieces")
    for value in values:
        names = [one[0] for one in value]
        expect(names == sorted(names), f"names {names}")
        for name, size, content, digest, _ in value:
            expect(len(name) <= MAX_XATTR_NAME + 12 and 0 <= size <= MAX_XATTR_VALUE, "limits")
            expect((content is None) == (size > xattr.MAX_FULL) == (len(digest) == 16), f"{name!r}")
    _encode_again(values)


def _made(value: bytes) -> None:
    one = xattr.make(b"user.made", value, _md5, 3)
    same((one.size, one.long), (len(value), len(value) > xattr.MAX_FULL), "size")
    same((one.value, one.digest), (None, _md5(value)) if one.long else (value, b""), "what is kept")
    same(one.content[1], _md5(value) if one.long else value, "what is compared")
    expect(repr(one).endswith("~>") == one.long and "user.made" in repr(one), repr(one))


def _md5(value: bytes) -> bytes:
    return hashlib.md5(value, usedforsecurity=False).digest()


def _encode_again(values: list[Listed]) -> None:
    encoder, first = xattr.XattrEncoder(), dict[object, int]()
    wire = b""
    for value in values:
        attributes = [
            xattr.Xattr(name, size, content, digest, at)
            for at, (name, size, content, digest, _) in enumerate(value, 1)
        ]
        out, kept = encoder.encode(attributes)
        known = xattr.key(attributes)
        if known in first:
            expect(out == varint(first[known] + 1) and xattr.key(kept) == known, "a list that comes again")
        else:
            first[known] = len(first)
        wire += out
    again, end = drip(_lists(0), wire, [])
    same(end, MORE, "the end of what was encoded")
    bare = [[one[:4] for one in value] for value in values]
    same([[one[:4] for one in value] for value in again], bare, "encoded again")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Lists of each length that matters, one that comes again, limits; requests and answers."""
    encoder = xattr.XattrEncoder()
    lists = [
        [xattr.make(b"user.n%d" % size, bytes(size), _md5, 1) for size in (0, 1, 32, 33)],
        [],
        [xattr.make(b"trusted.t", b"t", _md5, 1), xattr.make(b"user.rsync.%stat", b"x" * 40, _md5, 2)],
    ]
    wire = b"".join(encoder.encode(one)[0] for one in [*lists, lists[0]])
    for keep in range(len(KEEPS)):
        yield f"lists.{keep}", bytes((0, keep)) + wire
    yield "no_nul", b"\0\0\0\1\6\1user.a1"
    yield "inner_nul", b"\0\0\0\1\7\1us\0r.a\0001"
    yield "no_name", b"\0\0\0\1\0\1"
    yield "request_settled", b"\1\0" + xattr.encode_request([1, 6])
    yield "answer_settled", b"\2\0" + xattr.encode_answer([(2, b""), (6, b"v")])
    yield "answer_none", b"\2\0" + xattr.encode_answer([(2, b"a"), (7, b"v")])
    yield "index", b"\0\0\3"
    yield "index_first", b"\0\0\1"
    yield "request_twice", b"\1\0" + varint(5) + varint(-3) + varint(3) + b"\0"
    yield "count", b"\0\0\0" + varint(MAX_XATTR_COUNT + 1)
    yield "value", b"\0\0\0\1\7" + varint(MAX_XATTR_VALUE + 1) + b"user.a\0"
    yield "request", b"\1\0" + xattr.encode_request([1, 3, 8])
    yield "request_back", b"\1\0" + varint(5) + varint(-3) + b"\0"
    yield "request_short", b"\1\0" + xattr.encode_request([4])
    yield "answer", b"\2\0" + xattr.encode_answer([(2, b""), (5, b"v" * 50)])
    yield "answer_twice", b"\2\0\2\1a\2\1b" + varint(-2) + b"\1c\0"
