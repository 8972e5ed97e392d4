"""Rebuilding a file from a token stream that a peer made up.

Input: block length, count and remainder of the sums, a basis behind its length,
a byte of switches, then the token stream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from refsync.delta.apply import Reconstructor
from refsync.wire import tokens
from refsync.wire.cursor import Cursor
from refsync.wire.errors import Exit, NeedMoreData, ProtocolError
from refsync.wire.integers import int32
from refsync.wire.sumhead import SumHead

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface
from ._files import Sink, memory_file

SURFACE = Surface(
    priority=1,
    clauses=("TOK-3", "SUM-2"),
    code=("refsync.delta.apply",),
    oracle="EMD",
    dictionary={
        "block_0": int32(-1),
        "block_1": int32(-2),
        "block_past": int32(-100),
        "block_last": int32(-(1 << 31)),
        "literal": int32(3) + b"abc",
        "end": int32(0),
    },
    max_length=800,
)

#: The target stops here: a stream of references is short, what it makes is not.
MOST = 1 << 20


def fuzz_one(data: bytes) -> None:
    """Oracle: the bytes of a model that cuts the basis up beforehand.

    A block past the count, or any without a basis, is refused with exit 2
    and nothing is written for it; a basis shorter than its sums reads as
    zeros. The digest is that of what was written, and no block is longer
    than the sums say.
    """
    choices = Choices(data)
    block = 1 + choices.integer(2) % 5000
    count = choices.byte()
    head = SumHead(count, block, 2, choices.integer(2) % (block + 1) if count else 0)
    basis = choices.text()
    switches = choices.byte()
    padded = (basis * (1 + switches // 4) + bytes(head.file_length))[: head.file_length]
    blocks = [padded[at * block : at * block + head.block_size(at)] for at in range(count)]
    wanted, sink, hasher = b"", Sink(), hashlib.md5(usedforsecurity=False)
    decoder, cursor = tokens.PlainDecoder(), Cursor(choices.rest())
    with memory_file(basis * (1 + switches // 4)) as fd:
        have = switches & 1 == 0
        replaying = not have and bool(switches & 0x80)  # a batch's file that is not to be looked at
        rebuilt = Reconstructor(
            head, fd if have else None, sink, hasher, in_place=bool(switches & 2), replaying=replaying
        )
        while len(wanted) < MOST:
            try:
                token = decoder.decode(cursor)
            except (NeedMoreData, ProtocolError):
                break
            if token is None:
                break
            if isinstance(token, bytes):
                rebuilt.literal(token)
                wanted += token
                continue
            legal = (have or replaying) and token < count
            try:
                got = rebuilt.copy(token)
            except ProtocolError as error:
                expect(not legal, f"block {token} of {count} refused")
                same((error.clause, error.code), ("TOK-3", int(Exit.PROTOCOL)), "a refusal")
                break
            expect(legal, f"block {token} of {count}, basis {have}: not refused")
            block_there = bytes(len(blocks[token])) if replaying else blocks[token]
            same(got, block_there, f"block {token}")
            wanted += block_there
    same(bytes(sink.data), wanted, "the rebuilt file")
    same(rebuilt.offset, len(wanted), "its length")
    same(hasher.digest(), hashlib.md5(wanted, usedforsecurity=False).digest(), "its digest")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Honest streams, blocks at and past the count, no basis, a basis that shrank."""
    head = b"\x09\0\4\5\0\x23" + bytes(range(0x23))  # blocks of ten bytes, the last of five
    honest = int32(-2) + int32(3) + b"abc" + int32(-1) + int32(-4) + int32(0)
    yield "honest", head + b"\0" + honest
    yield "no_basis", head + b"\1" + honest
    yield "replayed", head + b"\x81" + honest
    yield "in_place", head + b"\2" + int32(-1) + int32(-2) + int32(-1) + int32(0)
    yield "last_block", head + b"\0" + int32(-4)
    yield "past_count", head + b"\0" + int32(-4) + int32(-5)
    yield "farthest", head + b"\0" + int32(-(1 << 31))
    yield "shrunk", b"\x87\x13\x08\0\0\4only\0" + int32(-8) + int32(-1)
    yield "no_sums", b"\0\0\0\0\0\0\0" + int32(2) + b"hi" + int32(-1)
