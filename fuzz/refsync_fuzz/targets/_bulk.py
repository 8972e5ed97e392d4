"""File data on its way through C, to and from a peer: what ``native_bulk`` and ``native_ring`` share.

Input: a byte that is odd for sending. Of what is received: block length, count and remainder of
the sums, a basis behind its length, a byte of switches (frames, a basis, holes, an older file of
that many times 300 bytes), how much was received before, then the
stream. Of a file that is sent: its content behind a length, how often it comes, a byte for frames and
for where it is to begin, by how much it has shrunk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import xxhash
from refsync import native
from refsync.session.bulk import Moved
from refsync.wire.integers import int32
from refsync.wire.sumhead import SumHead

from ..choices import Choices
from ..oracle import expect, same
from ._files import memory_file

if TYPE_CHECKING or native.HAVE_BULK:
    from refsync.native.bulk import FileIn, FileOut, FileSum

DICTIONARY = {
    "frame": (7 << 24 | 7).to_bytes(4, "little"),
    "message": (9 << 24 | 3).to_bytes(4, "little") + b"abc",
    "literal": int32(3) + b"abc",
    "block_0": int32(-1),
    "block_1": int32(-2),
    "end": int32(0),
    "zeros": int32(90) + bytes(90),
}

LONGEST_RUN = 1 << 16
#: Milliseconds of one call.
PATIENCE = 200


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


def incoming(
    choices: Choices, make: Callable[..., FileIn], pair: Callable[[], tuple[int, int]] = os.pipe
) -> None:
    """The bytes, the reason to stop and the rest of a model that takes frames apart first.

    The digest is that of the file; what was received before makes no difference.
    """
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
    sparse, older = bool(switches & 4), (switches >> 3) * b"x" * 300
    wanted, reason, token, behind = _model(stream, framed, blocks if have else None)
    total = FileSum("xxh128")
    with memory_file(basis) as old, memory_file(older) as new:
        taken, given = pair()
        try:
            os.write(given, stream[cut:])
            os.close(given)
            job = make(
                new,
                old if have else -1,
                total,
                framed=framed,
                block=block,
                count=count,
                last=head.block_size(count - 1) if count else 0,
                max_literal=LONGEST_RUN,
                sparse=sparse,
                existing=len(older),
            )
            job.begin(stream[:cut], 0, 0, 0)
            outcome = _patiently(lambda: job.run(taken, -1, PATIENCE))
            kept, raw, _frame_left, _run_left = job.rest()
        finally:
            os.close(taken)
        os.ftruncate(new, len(wanted) + 1 if sparse or older else max(os.fstat(new).st_size, len(wanted)))
        found = os.pread(new, len(wanted) + 1, 0)
        same(found[: len(wanted)], wanted, "the file")
        expect(bool(sparse or older) or len(found) == len(wanted), "nothing behind the file's end")
        again = FileSum("xxh128")
        same(again.add_file(new, 0, len(wanted)), (len(wanted), 0), "what is read of the file")
        same(again.digest(), total.digest(), "the digest of what was written")
    same(Moved(outcome), reason, "why it stopped")
    same(job.offset, len(wanted), "the file's length")
    same(total.digest(), xxhash.xxh3_128_digest(wanted)[::-1], "the digest")
    expect(stream[: min(cut, len(stream)) + job.moved].endswith(raw), "what is left over was received")
    if reason in (Moved.CLOSED, Moved.MESSAGE):
        same(kept, token, "the start of a token")
    elif not framed:
        expect(behind.startswith(raw), "what is behind the end")
    job.close()


def outgoing(
    choices: Choices, make: Callable[..., FileOut], pair: Callable[[], tuple[int, int]] = os.pipe
) -> None:
    """Literal runs that say the file, zeros where it has become shorter, and its digest."""
    content = choices.text() * (1 + choices.byte() % 40)
    switches = choices.byte()
    framed = bool(switches & 1)
    length = len(content) + choices.byte() % 64
    start = min((switches >> 1) * 97, length)
    total = FileSum("xxh64")
    with memory_file(content) as fd:
        taken, given = pair()
        try:
            job = make(fd, length, total, framed=framed)
            job.start_at(start, 0)
            outcome = _patiently(lambda: job.run(given, -1, PATIENCE))
            os.close(given)
            said = b"".join(iter(lambda: os.read(taken, 1 << 16), b""))
        finally:
            os.close(taken)
        same(Moved(outcome), Moved.DONE, "how sending ended")
        same((job.moved, job.position, job.at_boundary), (len(said), length, True), "what it has counted")
        same(
            job.file_error != 0,
            length > max(start, len(content)),
            f"whether the file is known to be short: {job.file_error}",
        )
        job.close()
    wanted = content.ljust(length, b"\0")[start:]
    same(_unframed(said) if framed else said, _literal(wanted, said), "what was said of the file")
    same(total.digest(), xxhash.xxh64_digest(wanted)[::-1], "the digest of what was said")


def _patiently(run: Callable[[], int]) -> int:
    """A call comes back when its time is up; all is there, so that few are needed."""
    for _ in range(20):
        outcome = run()
        if outcome != Moved.AGAIN:
            break
    return outcome


def _unframed(stream: bytes) -> bytes:
    payload, at = b"", 0
    while at < len(stream):
        head = int.from_bytes(stream[at : at + 4], "little")
        same(head >> 24, 7, "the tag of a frame")
        payload += stream[at + 4 : at + 4 + (head & 0xFFFFFF)]
        at += 4 + (head & 0xFFFFFF)
    same(at, len(stream), "the end of the last frame")
    return payload


def _literal(content: bytes, said: bytes) -> bytes:
    """The runs that a sender makes of it: 32 KiB each, with or without the end, which others send."""
    runs = (content[at : at + 32768] for at in range(0, len(content), 32768))
    tokens = b"".join(int32(len(run)) + run for run in runs)
    return tokens + int32(0) if said.endswith(int32(0)) and not tokens.endswith(int32(0)) else tokens


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
        ("holes", 7, 0, _frame(int32(40) + b"a" + bytes(39) + copies) + _frame(int32(60) + bytes(60) + end)),
        ("holes_over", 0x3E, 0, int32(90) + bytes(90) + copies + literal + int32(90) + bytes(90) + end),
        ("over", 0x0A, 0, literal + copies + end),
    ):
        yield name, b"\0" + start + bytes((switches, cut)) + stream
    for name, content, times, framed, shrunk in (
        ("sent", b"hello", 0, 0, 0),
        ("sent_framed", bytes(range(200)), 39, 1, 0),
        ("sent_empty", b"", 0, 1, 0),
        ("sent_shrunk", b"short", 3, 0, 9),
        ("sent_shrunk_framed", b"short", 3, 1, 63),
        ("sent_from", bytes(range(200)), 39, 0x15, 0),
        ("sent_from_behind", b"short", 3, 0xFE, 63),
    ):
        yield name, bytes((1, len(content))) + content + bytes((times, framed, shrunk))
