"""The final statistics at each version, and the counts of deletions.

Input: a byte that chooses the version, then wire bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.records import astuple
from refsync.wire import dialect, stats
from refsync.wire.cursor import Cursor
from refsync.wire.integers import INT64_MAX, varint
from refsync.wire.stats import DeleteStats, SessionStats

from ..choices import Choices
from ..oracle import Refused, Value, check_decoder, expect, outcome, same
from ..target import Surface

DIALECTS = tuple(dialect.build(protocol) for protocol in range(27, 33))

SURFACE = Surface(
    priority=1,
    clauses=("END-4", "DEL-6"),
    code=("refsync.wire.stats",),
    oracle="ERTMS",
    dictionary={
        "deletions_most": varint(1 << 28),
        "deletions_past": varint((1 << 28) + 1),
        "negative": varint(-1),
        "longint_escape": b"\xff\xff\xff\xff",
    },
    max_length=64,
)


def fuzz_one(data: bytes) -> None:
    """Oracle: three values, five from protocol 29; they re-encode to bytes that decode to them.

    The counts of deletions are each from 0 to 2^28, and their total is their sum.
    """
    choices = Choices(data)
    speech = choices.pick(DIALECTS)
    wire = choices.rest()

    def decode(cursor: Cursor) -> SessionStats:
        return stats.decode_stats(cursor, speech)

    got = check_decoder(lambda: decode, wire)
    if isinstance(got, Value) and isinstance(got.value, SessionStats):
        again = stats.encode_stats(got.value, speech)
        same(outcome(decode, again), Value(got.value, len(again)), "statistics encoded again")
        if speech.protocol < 29:
            same(astuple(got.value)[3:], (0, 0), "times below protocol 29")
    got = check_decoder(lambda: stats.decode_delete_stats, wire)
    if isinstance(got, Value) and isinstance(got.value, DeleteStats):
        counts = astuple(got.value)
        expect(all(0 <= count <= 1 << 28 for count in counts), f"counts {counts}")
        same(got.value.total, sum(counts), "the total")
        again = stats.encode_delete_stats(got.value)
        same(outcome(stats.decode_delete_stats, again), Value(got.value, len(again)), "counts encoded again")
    elif isinstance(got, Refused):
        expect(got.clause in ("DEL-6", "INT-5"), f"refused by {got.clause}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Statistics at each version, counts at their bounds."""
    values = SessionStats(1, 1 << 24, 1 << 40, 1001, 5)
    for number, speech in enumerate(DIALECTS):
        yield f"stats.{speech.protocol}", bytes((number,)) + stats.encode_stats(values, speech)
        yield (
            f"stats.{speech.protocol}.behind",
            bytes((number,)) + stats.encode_stats(values, speech) + b"\7" * 20,
        )
    yield "stats.most", b"\5" + stats.encode_stats(SessionStats(*[INT64_MAX] * 5), DIALECTS[5])
    yield "stats.negative", b"\0" + stats.encode_stats(SessionStats(-1, -2, -3), DIALECTS[0])
    yield "deleted", b"\5" + stats.encode_delete_stats(DeleteStats(3, 2, 1, 0, 200))
    yield "deleted.most", b"\5" + varint(1 << 28) * 5
    yield "deleted.past", b"\5" + varint(1) * 4 + varint((1 << 28) + 1)
    yield "deleted.negative", b"\5" + varint(-1) * 5
