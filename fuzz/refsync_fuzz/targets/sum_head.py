"""The head of a file's block sums.

Input: a byte that chooses the limits, then wire bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import sumhead
from refsync.wire.cursor import Cursor
from refsync.wire.integers import int32
from refsync.wire.limits import MAX_BLOCK_SIZE, OLD_MAX_BLOCK_SIZE
from refsync.wire.sumhead import SumHead

from ..choices import Choices
from ..oracle import Value, check_decoder, expect, same
from ..target import Surface

DIGESTS = (2, 8, 16, 20)

SURFACE = Surface(
    priority=1,
    clauses=("SUM-1", "SUM-2"),
    code=("refsync.wire.sumhead",),
    oracle="ERBTMD",
    dictionary={
        "max_block": int32(MAX_BLOCK_SIZE),
        "max_block_old": int32(OLD_MAX_BLOCK_SIZE),
        "count_max": int32((1 << 31) - 1),
        "minus_one": int32(-1),
        "strong_16": int32(16),
        "block_700": int32(700),
    },
    max_length=20,
)


def fuzz_one(data: bytes) -> None:
    """Oracle: exactly the heads within the bounds are accepted, and re-encode to their bytes.

    The sizes of the blocks add up to the file's length, which is never
    negative nor past what count and block length say.
    """
    choices = Choices(data)
    switches = choices.byte()
    limit = (MAX_BLOCK_SIZE, OLD_MAX_BLOCK_SIZE)[switches & 1]
    digest = DIGESTS[switches >> 1 & 3]
    wire = choices.rest()

    def decode(cursor: Cursor) -> SumHead:
        return sumhead.decode(cursor, limit, digest)

    got = check_decoder(lambda: decode, wire)
    if len(wire) < 16:
        return
    count, block, strong, rest = memoryview(wire[:16]).cast("i")
    legal = count >= 0 and 0 <= block <= limit and 0 <= strong <= digest and 0 <= rest <= block
    legal = legal and (count == 0 or block > 0)
    same(isinstance(got, Value), legal, f"count {count}, block {block}, strong {strong}, remainder {rest}")
    if not isinstance(got, Value) or not isinstance(got.value, SumHead):
        return
    head = got.value
    same(sumhead.encode(head), wire[:16], "encoded again")
    length = head.file_length
    expect(0 <= length <= count * block, f"a file of {length} bytes")
    if count:
        same(sum(map(head.block_size, range(max(0, count - 3), count))) + block * max(0, count - 3), length,
             "sizes of the blocks")  # fmt: skip
    else:
        same(length, 0, "the length of nothing")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Usual heads, each field at and past its bounds."""
    heads = {
        "none": (0, 0, 0, 0),
        "usual": (12, 700, 2, 33),
        "exact": (4, 1024, 16, 0),
        "one": (1, 131072, 2, 131072),
        "past_block": (1, 131073, 2, 5),
        "old_block": (1, 1 << 29, 2, 5),
        "negative_count": (-1, 700, 2, 0),
        "no_block": (5, 0, 2, 0),
        "long_strong": (1, 700, 17, 0),
        "negative_strong": (1, 700, -1, 0),
        "past_rest": (2, 700, 2, 701),
        "negative_rest": (2, 700, 2, -1),
        "huge": ((1 << 31) - 1, 131072, 16, 1),
        "digest_20": (3, 700, 20, 0),
    }
    for name, fields in heads.items():
        for switches in (4, 7) if name in ("old_block", "digest_20") else (4,):
            yield f"{name}.{switches}", bytes((switches,)) + b"".join(map(int32, fields))
