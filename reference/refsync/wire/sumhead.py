"""The head of a file's block sums: how many, of what size.

Clauses SUM-1 and SUM-2; upstream ``io.c:read_sum_head`` and ``write_sum_head``.
"""

from __future__ import annotations

from ..records import dataclass
from .cursor import Cursor
from .errors import ProtocolError
from .integers import int32


@dataclass(slots=True, frozen=True)
class SumHead:
    """``count`` blocks of ``block_length`` bytes, the last of ``remainder`` bytes if that is not 0;
    each with a weak sum and ``strong_length`` bytes of strong sum. All zero: no basis, send everything.
    """

    count: int = 0
    block_length: int = 0
    strong_length: int = 0
    remainder: int = 0

    @property
    def file_length(self) -> int:
        """Bytes of the basis that the sums cover."""
        if not self.count:
            return 0
        return self.count * self.block_length - (self.block_length - self.remainder if self.remainder else 0)

    def block_size(self, index: int) -> int:
        """Bytes of block ``index``."""
        if index == self.count - 1 and self.remainder:
            return self.remainder
        return self.block_length


NO_SUMS = SumHead()


def encode(head: SumHead) -> bytes:
    """SUM-1: four ints."""
    return int32(head.count) + int32(head.block_length) + int32(head.strong_length) + int32(head.remainder)


def decode(cursor: Cursor, max_block_size: int, digest_length: int) -> SumHead:
    """SUM-2: each field within its bounds, or exit 2.

    ``digest_length`` is that of the negotiated checksum: a longer strong sum
    would have the sender read or reveal more than a digest holds.
    """
    start = cursor.pos
    raw = cursor.take(16)
    count, block, strong, rest = (
        int.from_bytes(raw[i : i + 4], "little", signed=True) for i in range(0, 16, 4)
    )
    if count < 0:
        raise ProtocolError(f"Invalid checksum count {count}", clause="SUM-2", offset=start)
    if not 0 <= block <= max_block_size or (count and not block):
        raise ProtocolError(f"Invalid block length {block}", clause="SUM-2", offset=start + 4)
    if not 0 <= strong <= digest_length:
        raise ProtocolError(f"Invalid checksum length {strong}", clause="SUM-2", offset=start + 8)
    if not 0 <= rest <= block:
        raise ProtocolError(f"Invalid remainder length {rest}", clause="SUM-2", offset=start + 12)
    return SumHead(count, block, strong, rest)
