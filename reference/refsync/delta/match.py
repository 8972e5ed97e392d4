"""Finds what the receiver already has.

Each offset of the source is looked up by its rolling sum among the block
sums of the basis; a hit is checked by the strong sum. Which of several equal
blocks is named is the same choice as upstream's, so that both send the same
tokens for the same files. Clauses SUM-11 to SUM-14; upstream
``match.c:match_sums``, ``hash_search``, ``matched``.
"""

from __future__ import annotations

from collections.abc import Iterator

from .. import native
from ..wire.cursor import Buffer
from ..wire.sumhead import SumHead
from ..wire.tokens import CHUNK_SIZE
from .checksums import Checksums, Hasher
from .source import READ_SIZE, Source, Window

#: A false alarm costs a strong sum. Once those come to this many times the file's length (and some, for small
#: files) the rest is sent as it is: sums that were made up to cause alarms end in a plain transfer (SUM-14).
ALARM_FACTOR = 16
ALARM_ALLOWANCE = 64 * 1024 * 1024
#: What an alarm costs besides the bytes of its block, in bytes.
ALARM_COST = 1024


def whole_file_ops(source: Source, hasher: Hasher) -> Iterator[Buffer]:
    """Everything as literal data. Each view is good until the next step."""
    room = memoryview(bytearray(min(READ_SIZE, source.length)))
    while count := source.read_into(room):
        hasher.update(room[:count])
        yield room[:count]


def append_ops(source: Source, head: SumHead, hasher: Hasher, *, verify: bool) -> Iterator[Buffer]:
    """``--append``: only what comes after the basis (SUM-15).

    With ``verify`` the digest covers the whole file, else what is sent.
    """
    left = min(head.file_length, source.length)
    if not verify:
        source.skip(left)
    room = memoryview(bytearray(min(READ_SIZE, left)))
    while verify and left:
        count = source.read_into(room[:left])
        hasher.update(room[:count])
        left -= count
    yield from whole_file_ops(source, hasher)


class Matcher:
    """One basis, described by its sum head and the packed sums as they came.

    ``in_place``: the basis is overwritten as the file is written, so a block
    before the current offset is gone unless it was found to stay as it is (SUM-13).
    ``matches`` and ``false_alarms`` count what the rolling sum found. After an
    index came from ``ops``, ``matched`` shows the block, for encoders that keep a history.
    """

    def __init__(self, head: SumHead, packed: bytes, checksums: Checksums, *, in_place: bool = False) -> None:
        self._step = head.block_length
        self._size = 4 + head.strong_length
        self._strong_length = head.strong_length
        self._packed = packed
        self._short = head.remainder if head.remainder != head.block_length else 0
        self._full = head.count - (self._short > 0)  # blocks of full length
        self._block = checksums.block
        self._table = native.SumTable(packed, self._full, head.strong_length)
        self._in_place = in_place
        self._staying: set[int] = set()  # blocks that are at the same offset in the source
        self._last_staying: dict[bytes, int] = {}  # the last of them by their sums
        self.matches = 0
        self.false_alarms = 0
        self.matched: Buffer = b""

    def ops(self, source: Source, hasher: Hasher) -> Iterator[Buffer | int]:
        """Literal data and block indexes that make up the source, in order; all of it passes ``hasher``.

        A literal run starts after a match and comes in pieces that are
        multiples of ``CHUNK_SIZE`` but for its last. Each view is good until the next step.
        """
        step, length = self._step, source.length
        ahead = 2 * step if self._in_place else step  # a match in place may be one block on
        window = Window(source, hasher, CHUNK_SIZE + 1 + 2 * step)
        search = self._table.search
        budget = ALARM_FACTOR * length + ALARM_ALLOWANCE
        last = length - step  # the last offset of a whole block
        offset = sent = wanted = 0
        before = -1  # the rolling sum one byte before offset, if known
        while offset <= last:
            stop = last if window.end == length else window.end - ahead
            if offset > stop:
                ready = (offset - sent) // CHUNK_SIZE * CHUNK_SIZE
                if ready:
                    yield window.view(sent, sent + ready)
                    sent += ready
                window.advance(max(min(sent, offset - 1), 0))
                continue
            start = window.start
            found, weak = search(window.data, offset - start, stop - start, step, before)
            if found < 0:
                offset, before = stop + 1, weak
                continue
            offset = start + found
            strong = self._block(window.view(offset, offset + step))
            index = self._table.find(weak, strong)
            if index < 0:
                self.false_alarms += 1
                budget -= step + ALARM_COST
                if budget < 0:
                    yield from self._rest(window, sent, length)
                    return
            elif self._in_place:
                index, offset = self._choose_in_place(window, index, wanted, offset, weak, length)
            elif index != wanted and self._same(index, wanted):
                index = wanted
            if index < 0:
                offset, before = offset + 1, weak
                continue
            self.matches += 1
            if offset > sent:
                yield window.view(sent, offset)
            self.matched = window.view(offset, offset + step)
            yield index
            offset = sent = offset + step
            wanted, before = index + 1, -1
        while window.end < length:
            window.advance(sent)
        at = length - self._short
        if self._short and offset <= at and self._is_short_block(window, at, length):
            self.matches += 1
            if at > sent:
                yield window.view(sent, at)
            self.matched = window.view(at, length)
            yield self._full
        elif sent < length:
            yield window.view(sent, length)

    def _same(self, index: int, other: int) -> bool:
        """Whether ``other`` is a block of full length with the same sums."""
        if other >= self._full:
            return False
        size, packed = self._size, self._packed
        return packed[index * size : (index + 1) * size] == packed[other * size : (other + 1) * size]

    def _choose_in_place(
        self, window: Window, index: int, wanted: int, offset: int, weak: int, length: int
    ) -> tuple[int, int]:
        """SUM-13: (block, offset) of the match, block -1 if every equal block is overwritten by now.

        A block in its own place is best: nothing has to be written. Zeros
        that go on to the next block boundary are best matched from there,
        because the basis most likely has zeros there too.
        """
        step = self._step
        key = self._packed[index * self._size : (index + 1) * self._size]
        if index * step < offset:
            index = self._last_staying.get(key, -1)
            if index < 0:
                return -1, offset
        own = -(-offset // step)
        place = own * step
        if (place == offset or (weak == 0 and place + step <= length)) and self._same(index, own):
            if place != offset and self._sums_at(window, place) != key:
                return own, offset  # the zeros end before the boundary
            index = wanted = own
            offset = place
            self._staying.add(own)
            self._last_staying[key] = own
        if (
            index != wanted
            and (wanted * step >= offset or wanted in self._staying)
            and self._same(index, wanted)
        ):
            index = wanted
        return index, offset

    def _sums_at(self, window: Window, offset: int) -> bytes:
        view = window.view(offset, offset + self._step)
        return native.weak_sum(view).to_bytes(4, "little") + self._block(view)[: self._strong_length]

    def _is_short_block(self, window: Window, offset: int, length: int) -> bool:
        """Whether the source ends as the basis does, in its last block, which is shorter than the others."""
        if self._in_place and self._full * self._step < offset:
            return False
        view = window.view(offset, length)
        sums = self._packed[self._full * self._size :]
        return (
            native.weak_sum(view).to_bytes(4, "little") == sums[:4]
            and self._block(view)[: self._strong_length] == sums[4 : self._size]
        )

    def _rest(self, window: Window, sent: int, length: int) -> Iterator[Buffer]:
        """All that has not been sent, as literal data."""
        while sent < length:
            ready = window.end - sent
            if window.end < length:
                ready -= ready % CHUNK_SIZE
            if ready:
                yield window.view(sent, sent + ready)
                sent += ready
            window.advance(sent)
