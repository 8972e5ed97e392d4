"""A file's data taken off the connection by the C kernel, from bytes that a peer made up.

Input: block length, count and remainder of the sums, a basis behind its length, a byte of
switches, how much was received before, then the stream.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import xxhash
from refsync import native
from refsync.session.bulk import Moved
from refsync.wire.integers import int32
from refsync.wire.sumhead import SumHead

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface
from ._files import memory_file

SURFACE = Surface(
    priority=1,
    clauses=("MUX-1", "TOK-2", "TOK-3"),
    code=("refsync.native.bulk",),
    oracle="MD",
    dictionary={
        "frame": (7 << 24 | 7).to_bytes(4, "little"),
        "message": (9 << 24 | 3).to_bytes(4, "little") + b"abc",
        "literal": int32(3) + b"abc",
        "block_0": int32(-1),
        "block_1": int32(-2),
        "end": int32(0),
    },
    max_length=800,
)

LONGEST_RUN = 1 << 16


def _model(stream: bytes, framed: bool, blocks: list[bytes] | None) -> tuple[bytes, Moved, bytes, bytes]:
    """(the file, why it stopped, the start of a token, payload behind the end), frame by frame."""
    payload, message, at = stream, False, 0
    if framed:
        payload = b""
        while len(stream) - at >= 4:
            head = int.from_bytes(stream[at : at + 4], "little")
            if head >> 24 != 7:
                message = True
                break
            payload += stream[at + 4 : at + 4 + (head & 0xFFFFFF)]
            at += 4 + (head & 0xFFFFFF)
    made, at = b"", 0
    while len(payload) - at >= 4:
        token = int.from_bytes(payload[at : at + 4], "little", signed=True)
        at += 4
        if token == 0:
            return made, Moved.DONE, b"", payload[at:]
        if token > LONGEST_RUN or (token < 0 and (blocks is None or -token > len(blocks))):
            return made, Moved.BAD_TOKEN, b"", payload[at:]
        if token < 0:
            assert blocks is not None
            made += blocks[-token - 1]
        else:
            made += payload[at : at + token]
            at += token
    return made, Moved.MESSAGE if message else Moved.CLOSED, payload[at:], b""


def fuzz_one(data: bytes) -> None:
    """Oracle: the bytes, the reason to stop and the rest of a model that takes frames apart first.

    The digest is that of the file; what was received before makes no difference. Without the
    kernel's movers there is nothing to compare.
    """
    if not native.HAVE_BULK:
        return
    from refsync.native.bulk import FileIn, FileSum

    choices = Choices(data)
    block = 1 + choices.integer(2) % 5000
    count = choices.byte()
    head = SumHead(count, block, 2, choices.integer(2) % (block + 1) if count else 0)
    basis = choices.text()
    switches = choices.byte()
    cut = choices.byte()
    stream = choices.rest()
    padded = (basis + bytes(head.file_length))[: head.file_length]
    blocks = [padded[at * block : at * block + head.block_size(at)] for at in range(count)]
    framed, have = bool(switches & 1), bool(switches & 2)
    wanted, reason, token, behind = _model(stream, framed, blocks if have else None)
    total = FileSum("xxh128")
    with memory_file(basis) as old, memory_file(b"") as new:
        taken, given = os.pipe()
        try:
            os.write(given, stream[cut:])
            os.close(given)
            job = FileIn(
                new,
                old if have else -1,
                total,
                framed=framed,
                block=block,
                count=count,
                last=head.block_size(count - 1) if count else 0,
                max_literal=LONGEST_RUN,
            )
            job.begin(stream[:cut], 0, 0, 0)
            outcome = job.run(taken, -1, 0)
        finally:
            os.close(taken)
        same(os.pread(new, len(wanted) + 1, 0), wanted, "the file")
    same(Moved(outcome), reason, "why it stopped")
    same(job.offset, len(wanted), "the file's length")
    same(total.digest(), xxhash.xxh3_128_digest(wanted)[::-1], "the digest")
    kept, raw, _frame_left, _run_left = job.rest()
    expect(stream[: min(cut, len(stream)) + job.moved].endswith(raw), "what is left over was received")
    if reason in (Moved.CLOSED, Moved.MESSAGE):
        same(kept, token, "the start of a token")
    elif not framed:
        expect(behind.startswith(raw), "what is behind the end")


def _frame(payload: bytes) -> bytes:
    return (7 << 24 | len(payload)).to_bytes(4, "little") + payload


def seeds() -> Iterator[tuple[str, bytes]]:
    """Runs, blocks in and out of order, frames that part tokens, messages, streams that end early."""
    start = b"\x09\x00\x06\x03\x00" + b"\x36" + bytes(range(54))
    literal, end = int32(5) + b"hello", int32(0)
    copies = int32(-1) + int32(-2) + int32(-3) + int32(-6) + int32(-1)
    for name, switches, cut, stream in (
        ("plain", 2, 0, literal + copies + end + b"rest"),
        ("framed", 3, 0, _frame(literal + copies + end) + b"rest"),
        ("parted", 3, 6, _frame(literal[:2]) + _frame(literal[2:7]) + _frame(literal[7:] + end)),
        ("empty_frames", 3, 0, _frame(b"") + _frame(literal) + _frame(b"") + _frame(end)),
        ("message", 3, 9, _frame(literal[:6]) + b"\x03\0\0\x09abc" + _frame(literal[6:] + end)),
        ("no_basis", 1, 0, _frame(literal + int32(-1))),
        ("past", 2, 0, int32(-7)),
        ("long", 2, 0, int32(LONGEST_RUN + 1)),
        ("early", 3, 3, _frame(literal + copies[:6])),
        ("closed", 3, 0, b"\x07"),
    ):
        yield name, start + bytes((switches, cut)) + stream
