"""Every entry point of the C kernel against its twin in Python.

Input: a byte that chooses the function, then its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from refsync import native
from refsync.native import md4, twins

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

T = TypeVar("T")

SURFACE = Surface(
    priority=3,
    clauses=("SUM-3", "SUM-11"),
    code=("refsync.native", "refsync.native.twins", "refsync.native.md4"),
    oracle="DM",
    dictionary={"zeros": bytes(32), "ones": b"\xff" * 32, "signs": b"\x7f\x80" * 8},
    max_length=1200,
)


def _both(one: Callable[[], T], other: Callable[[], T], what: str) -> T | None:
    """The result of both, or None if both refuse with ``ValueError``."""
    results: list[T | None] = []
    for call in (one, other):
        try:
            results.append(call())
        except ValueError:
            results.append(None)
    same(results[0], results[1], what)
    return results[0]


def fuzz_one(data: bytes) -> None:
    """Oracle: the same result, or the same refusal, as the twin; the twin as a formula.

    Holds without a kernel too: then the twin is checked against the formula alone.
    """
    choices = Choices(data)
    (_weak, _blocks, _table, _md4)[choices.byte() % 4](choices)


def _weak(choices: Choices) -> None:
    data = choices.rest()
    got = _both(lambda: native.weak_sum(data), lambda: twins.weak_sum(data), "weak sum")
    signed = [(byte ^ 128) - 128 for byte in data]
    weighted = sum((len(data) - at) * byte for at, byte in enumerate(signed))
    same(got, sum(signed) % 65536 + weighted % 65536 * 65536, "the formula of the weak sum")


def _blocks(choices: Choices) -> None:
    length = choices.integer(2) % 700
    data = choices.rest()
    got = _both(
        lambda: native.block_weak_sums(data, length),
        lambda: twins.block_weak_sums(data, length),
        "block sums",
    )
    expect((got is None) == (length < 1), f"blocks of {length} bytes")
    if got is not None:
        sums = [twins.weak_sum(data[at : at + length]) for at in range(0, len(data), length)]
        same(got, b"".join(sum.to_bytes(4, "little") for sum in sums), "one sum after the other")


def _table(choices: Choices) -> None:
    strong = choices.byte() % 9
    length = choices.byte() % 40
    basis = choices.text()
    announced = choices.byte()
    packed = b"".join(
        twins.weak_sum(basis[at : at + length]).to_bytes(4, "little") + basis[at : at + strong].ljust(strong)
        for at in range(0, len(basis) - length + 1, max(length, 1))
    )
    count = len(packed) // (4 + strong)
    count = count if announced < 128 else announced - 128
    made = _both(
        lambda: (native.SumTable(packed, count, strong), 0)[1],
        lambda: (twins.SumTable(packed, count, strong), 0)[1],
        "a table",
    )
    if made is None:
        return
    one, other = native.SumTable(packed, count, strong), twins.SumTable(packed, count, strong)
    start, end = choices.integer(2) % 300, choices.integer(2) % 300
    data = choices.rest()
    before = twins.weak_sum(data[start - 1 : start - 1 + length]) if start and announced & 1 else -1
    found = _both(
        lambda: one.search(data, start, end, length, before),
        lambda: other.search(data, start, end, length, before),
        f"search from {start} to {end} for blocks of {length}",
    )
    if found is not None and found[0] >= 0:
        at, weak = found
        expect(start <= at <= end, f"found at {at}")
        same(weak, twins.weak_sum(data[at : at + length]), "the sum that was found")
        for tail in (data[at : at + strong].ljust(strong), bytes(strong), bytes(max(strong - 1, 0))):
            _both(lambda: one.find(weak, tail), lambda: other.find(weak, tail), "a block")  # noqa: B023


def _md4(choices: Choices) -> None:
    cut = choices.integer(2)
    data = choices.rest()
    one, other = native.Md4(data[:cut]), md4.Md4(data)
    one.update(data[cut:])
    same(one.digest(), other.digest(), "MD4 in two parts and in one")
    same(one.digest(), other.digest(), "MD4 asked twice")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each function, at block borders and with signs."""
    yield "weak", b"\0" + bytes(range(256))
    yield "weak.empty", b"\0"
    yield "weak.long", b"\0" + b"\x80" * 1000
    yield "blocks", b"\1\x0a\0" + bytes(range(95))
    yield "blocks.none", b"\1\0\0abc"
    basis = bytes(range(60))
    yield "table", b"\2\2\x0a\x3c" + basis + b"\0" + b"\0\0\x40\0" + b"xy" + basis + b"zz"
    yield "table.rolling", b"\2\2\x0a\x3c" + basis + b"\1" + b"\1\0\x34\0" + b"xy" + basis
    yield "table.too_many", b"\2\2\x0a\x3c" + basis + b"\xff" + b"\0\0\1\0" + basis
    yield "table.outside", b"\2\2\x0a\x3c" + basis + b"\0" + b"\0\0\xff\0" + basis
    for length in (0, 55, 56, 63, 64, 65, 200):
        yield f"md4.{length}", b"\3\x21\0" + bytes(range(length % 256))[:length]
