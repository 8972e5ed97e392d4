"""The C kernel's search of a file for blocks of a basis, and its sums of the blocks of one.

Importing this fails where the kernel was not built, or without the header of libxxhash; the twins are
``delta.match.Matcher`` and ``delta.signature.iter_sums``.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync._kernel import ffi, lib

from .bulk import KINDS, FileSum
from .kernel import SumTable


def file_sums(fd: int, at: int, want: int, *, block: int, strong: int, name: str, seed: int) -> bytes:
    """The packed sums of ``want`` bytes from ``at`` on, in blocks of ``block`` bytes."""
    out = bytearray(-(-want // block) * (4 + strong))
    if not lib.refsync_file_sums(fd, at, want, block, strong, KINDS[name], seed, ffi.from_buffer(out)):
        raise MemoryError("no memory for a block")
    return bytes(out)


class FileMatcher:
    """The first ``length`` bytes of ``fd`` as blocks and literal data; all of them pass ``total``.

    ``table`` is of ``full`` blocks of ``block`` bytes; behind their sums are those of one of ``shorter``
    bytes unless that is 0. ``budget`` bounds the cost of false alarms, each of a block and ``alarm_cost``.
    The file is read ``window`` bytes at a time; literal data comes in multiples of ``chunk`` but for the
    end of a run.
    """

    def __init__(
        self,
        fd: int,
        length: int,
        table: SumTable,
        total: FileSum,
        *,
        block: int,
        full: int,
        shorter: int,
        name: str,
        seed: int,
        budget: int,
        alarm_cost: int,
        in_place: bool,
        window: int,
        chunk: int,
    ) -> None:
        self._kept = table, total  # the kernel points to them
        made = lib.refsync_match_new(
            fd,
            length,
            block,
            full,
            shorter,
            KINDS[name],
            seed,
            table.raw,
            total.state,
            budget,
            alarm_cost,
            in_place,
            window,
            chunk,
        )
        self._chunk = chunk
        if made == ffi.NULL:
            raise MemoryError("no memory to search a file")
        self._m = ffi.gc(made, lib.refsync_match_free)

    @property
    def matches(self) -> int:
        return int(self._m.matches)

    @property
    def false_alarms(self) -> int:
        return int(self._m.false_alarms)

    @property
    def literal(self) -> int:
        """Bytes of literal data so far."""
        return int(self._m.literal)

    @property
    def matched(self) -> int:
        """Bytes of blocks so far."""
        return int(self._m.matched)

    @property
    def file_error(self) -> int:
        """Why some bytes had to be made up, an errno value, else 0."""
        return int(self._m.file_error)

    def ops(self) -> Iterator[tuple[memoryview, int]]:
        """(bytes of the source, the block that they are or -1), in order; good until the next step."""
        m = self._m
        while lib.refsync_match_run(m):
            whole = memoryview(ffi.buffer(m.data, m.end - m.start))
            for index in range(m.count):
                op = m.op[index]
                at = op.at - m.start
                yield whole[at : at + op.size], op.index

    def tokens(self) -> Iterator[memoryview]:
        """The same as plain tokens, as ``wire.tokens.PlainEncoder`` writes them; good until the next step."""
        m = self._m
        room = bytearray()
        while lib.refsync_match_run(m):
            window = int(m.end - m.start)
            most = window + 4 * (window // self._chunk + 2 * int(m.count))
            if most > len(room):
                room = bytearray(most)
            size = lib.refsync_match_tokens(m, ffi.from_buffer(room))
            yield memoryview(room)[:size]
