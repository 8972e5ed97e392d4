"""The head of a batch file, and what it says of its stream.

Input: the bytes of the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import batch
from refsync.wire.batch import Head
from refsync.wire.integers import int32, varint

from ..oracle import Refused, Value, check_decoder, expect, outcome, same
from ..target import Surface

SURFACE = Surface(
    priority=2,
    clauses=("BATCH-1", "BATCH-2"),
    code=("refsync.wire.batch",),
    oracle="ERTS",
    dictionary={
        "protocol_29": int32(29),
        "protocol_30": int32(30),
        "protocol_32": int32(32),
        "compat": varint(0x1FF),
        "all_flags": int32(0x7FFF),
    },
    max_length=64,
)


def fuzz_one(data: bytes) -> None:
    """Oracle: a head re-encodes to bytes that decode to it; its flags are those of their names.

    No flag counts in a protocol that does not look at it.
    """
    got = check_decoder(lambda: batch.decode, data)
    if isinstance(got, Value) and isinstance(got.value, Head):
        head = got.value
        again = batch.encode(head)
        same(outcome(batch.decode, again), Value(head, len(again)), "the head encoded again")
        names = batch.flag_names(head.flags, head.protocol)
        back = batch.flags_of(set(names))
        same(back, head.flags & back, "the flags of the names")
        known = sum(1 << bit for bit, (_, since) in enumerate(batch.STREAM_FLAGS) if head.protocol >= since)
        same(back, head.flags & known, "the flags that count")
        expect(all(name in batch.explain(head) for name in names), "each flag is explained")
    elif isinstance(got, Refused):
        expect(got.clause in ("BATCH-1", "INT-5"), f"refused by {got.clause}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each version, all flags and none, bounds of the version."""
    for protocol in range(27, 33):
        yield f"head.{protocol}", batch.encode(Head(0x9F, protocol, 0x1FE if protocol >= 30 else 0, 1))
    yield "behind", batch.encode(Head(0x9F, 29, 0, 0x70605)) + bytes(range(1, 9))
    yield "all", batch.encode(Head(0x7FFF, 32, 0x1FF, -1))
    yield "none", batch.encode(Head(0, 30, 0, 0))
    yield "negative", batch.encode(Head(-1, 32, -1, 0))
    yield "too_old", batch.encode(Head(0, 19, 0, 0))
    yield "too_new", batch.encode(Head(0, 41, 0, 0))
