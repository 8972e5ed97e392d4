"""File indexes, delta-coded with a state for each direction, and plain below protocol 30.

Input: a byte of switches, a byte with the number of pieces, their sizes, then wire bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import ndx
from refsync.wire.cursor import Cursor
from refsync.wire.integers import int32
from refsync.wire.ndx import NdxCodec

from ..choices import Choices
from ..oracle import MORE, Outcome, Refused, check_decoder, drip, expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("NDX-1", "NDX-2", "NDX-3", "NDX-4"),
    code=("refsync.wire.ndx",),
    oracle="ECRBTD",
    dictionary={
        "done": NdxCodec(True).encode(ndx.NDX_DONE),
        "done_old": int32(ndx.NDX_DONE),
        "flist_eof": NdxCodec(True).encode(ndx.NDX_FLIST_EOF),
        "del_stats": NdxCodec(True).encode(ndx.NDX_DEL_STATS),
        "flist_offset": NdxCodec(True).encode(ndx.NDX_FLIST_OFFSET),
        "wide": b"\xfe\x7f\xff",
        "absolute": b"\xfe\xff\xff\xff\xff",
        "absolute_negative": b"\xff\xfe\xff\xff\xff\xff",
        "flist_eof_old": int32(ndx.NDX_FLIST_EOF),
    },
    max_length=256,
)


def _model(data: bytes) -> tuple[list[int], Outcome]:
    """All indexes of a delta-coded stream, by a table of what each form's bytes mean."""
    values: list[int] = []
    last = {1: -1, -1: 1}
    at = 0
    while True:
        start = at
        rest = data[at:]
        if rest[:1] == b"\0":
            values.append(-1)
            at += 1
            continue
        sign = -1 if rest[:1] == b"\xff" else 1
        body = rest[1:] if sign < 0 else rest
        used = len(rest) - len(body)
        if not body:
            return values, MORE
        if body[0] != 254:
            number, used = last[sign] + body[0], used + 1
        elif len(body) < 2:
            return values, MORE
        elif body[1] < 128:
            if len(body) < 3:
                return values, MORE
            number, used = last[sign] + body[1] * 256 + body[2], used + 3
        else:
            if len(body) < 5:
                return values, MORE
            number = (body[1] - 128) * 2**24 + body[4] * 2**16 + body[3] * 2**8 + body[2]
            used += 5
        if number >= 2**31:
            return values, Refused("NDX-4", 2, start)
        last[sign] = number
        values.append(sign * number)
        at += used


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces, the indexes of an independent model.

    Encoded again by a fresh codec they
    decode to themselves; a second codec is not touched by the first.
    """
    choices = Choices(data)
    delta = choices.byte() % 2 == 0
    pieces = [1 + choices.byte() % 16 for _ in range(choices.byte() % 4)]
    stream = choices.rest()
    check_decoder(lambda: NdxCodec(delta).decode, stream)
    bystander = NdxCodec(delta)
    values, end = drip(NdxCodec(delta).decode, stream, pieces or [1])
    if delta:
        same((values, end), _model(stream), "indexes")
    else:
        whole = len(stream) // 4
        same(len(values), whole, "plain indexes")
        expect(b"".join(map(int32, values)) == stream[: whole * 4] and end == MORE, "plain indexes")
    encoder = NdxCodec(delta)
    again = b"".join(encoder.encode(value) for value in values)
    same(drip(NdxCodec(delta).decode, again, []), (values, MORE), "encoded again")
    encoder = NdxCodec(delta)
    same(b"".join(encoder.encode(value) for value in values), again, "a fresh encoder")
    same(bystander.decode(Cursor(b"\x05\0\0\0")), 4 if delta else 5, "another direction's codec")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Runs of indexes, jumps at the edges of each form, sub-lists, the goodbye."""
    runs = {
        "run": list(range(8)),
        "jumps": [0, 253, 506, 761, 33529, 33530, 66298, 1 << 24, (1 << 31) - 1, 5, 5],
        "sublists": [-101, -102, -103, -354, -2, -101],
        "goodbye": [7, -1, -1, -1, -3, -1, -1],
        "mixed": [3, -101, 4, -102, 70000, -70000, -1],
    }
    for name, values in runs.items():
        for switch, delta in ((0, True), (1, False)):
            codec = NdxCodec(delta)
            wire = b"".join(codec.encode(value) for value in values)
            yield f"{name}.{'delta' if delta else 'plain'}", bytes((switch, 1, 0)) + wire
    yield "overflow", b"\0\0" + b"\xfe\xff\xff\xff\xff" + b"\x01"
    yield "negative_zero", b"\0\0" + b"\xff\xfe\x80\0\0\0" + b"\xff\0" + b"\xff\x05"
