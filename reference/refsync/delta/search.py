"""The search that a sender runs: by the C kernel where it can, else by ``Matcher``, the twin of that."""

from __future__ import annotations

from collections.abc import Iterator

from ..typed import TYPE_CHECKING
from ..wire.cursor import Buffer
from ..wire.sumhead import SumHead
from ..wire.tokens import CHUNK_SIZE
from .checksums import Checksums, Hasher
from .match import ALARM_ALLOWANCE, ALARM_COST, ALARM_FACTOR, Matcher
from .source import READ_SIZE, Source

if TYPE_CHECKING:
    from ..native.match import FileMatcher


class Search:
    """``source`` in terms of the basis whose packed sums came with ``head``; every byte passes ``hasher``.

    ``native`` tells whether the kernel does it; only then is there ``tokens``.
    ``matched``, ``matches`` and ``false_alarms``: as ``Matcher``'s.
    """

    def __init__(
        self,
        head: SumHead,
        packed: bytes,
        checksums: Checksums,
        source: Source,
        hasher: Hasher,
        *,
        in_place: bool = False,
    ) -> None:
        self._source, self._hasher = source, hasher
        self.matched: Buffer = b""
        job = _by_kernel(head, packed, checksums, source, hasher, in_place=in_place)
        self.native = job is not None
        self._by: Matcher | FileMatcher = job or Matcher(head, packed, checksums, in_place=in_place)

    @property
    def matches(self) -> int:
        return self._by.matches

    @property
    def false_alarms(self) -> int:
        return self._by.false_alarms

    def ops(self) -> Iterator[Buffer | int]:
        """As ``Matcher.ops``."""
        by = self._by
        if isinstance(by, Matcher):
            for op in by.ops(self._source, self._hasher):
                self.matched = by.matched
                yield op
        else:
            for view, index in by.ops():
                if index >= 0:
                    self.matched = view
                yield index if index >= 0 else view
            self._source.error = by.file_error

    def tokens(self) -> Iterator[tuple[Buffer, int, int]]:
        """(plain tokens, literal bytes and bytes of blocks in them); a view is good until the next step."""
        job = self._by
        assert not isinstance(job, Matcher)
        literal = matched = 0
        for stream in job.tokens():
            yield stream, job.literal - literal, job.matched - matched
            literal, matched = job.literal, job.matched
        self._source.error = job.file_error


def _by_kernel(
    head: SumHead, packed: bytes, checksums: Checksums, source: Source, hasher: Hasher, *, in_place: bool
) -> FileMatcher | None:
    kernel = checksums.native_block
    if kernel is None:
        return None
    from ..native.bulk import FileSum
    from ..native.kernel import SumTable
    from ..native.match import FileMatcher

    if not isinstance(hasher, FileSum):
        return None
    shorter = head.remainder if head.remainder != head.block_length else 0
    full = head.count - (shorter > 0)
    return FileMatcher(
        source.fd,
        source.length,
        SumTable(packed, full, head.strong_length),
        hasher,
        block=head.block_length,
        full=full,
        shorter=shorter,
        name=kernel[0],
        seed=kernel[1],
        budget=ALARM_FACTOR * source.length + ALARM_ALLOWANCE,
        alarm_cost=ALARM_COST,
        in_place=in_place,
        window=READ_SIZE,
        chunk=CHUNK_SIZE,
    )
