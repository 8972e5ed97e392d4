"""New small files of a list of rows, many in a call.

What is in any way unusual stops a run before it, and the loops of ``engine.sender`` and ``engine.receiver``,
which do the same, go on there.
"""

from __future__ import annotations

from refsync._kernel import ffi, lib

from ..records import dataclass
from .bulk import KINDS
from .rows import Rows
from .smallbatch import SmallBatch
from .twins import Readable

#: Bytes of answers that are made in one go.
ROOM = 1024 * 1024
#: Files in one call.
MOST = 1024
#: In place of a group: any.
ANY = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Run:
    """What a call did: for which indexes, with how many bytes of input, and sizes as listed and as found.

    ``more``: the next file is a usual one, of which more is to come.
    """

    indexes: list[int]
    used: int
    sizes: int
    literal: int
    more: bool


@dataclass(frozen=True, slots=True)
class Manner:
    """How files are put in place: what they are given, and the umask for those that don't keep their mode.

    Files of another group than ``group`` stop a run, unless it is ``ANY``.
    """

    times: bool
    mode: bool
    umask: int
    uid: bool
    gid: bool
    group: int


class Files:
    """Of one session.

    ``flags``: of each item beside those of a new file. Files of more than ``most`` bytes stop a run.
    """

    def __init__(self, checksum: str, most: int, flags: int, open_flags: int) -> None:
        self._run = ffi.new("row_run *")
        self._run.sum, self._run.most = KINDS[checksum], most
        self._run.flags, self._run.open_flags = flags, open_flags
        self._room = bytearray(ROOM)
        self._indexes = ffi.new("int32_t[]", MOST)
        self._run.done, self._run.limit = self._indexes, MOST

    def serve(
        self, rows: Rows, start: int, index: int, previous: int, directory: int, data: Readable, pos: int
    ) -> tuple[Run, memoryview]:
        """Answers to requests, of which the first is for ``index`` and goes on at ``pos``.

        They are good until the next call. ``start`` is the index of the first row, ``previous`` the one that
        was sent last.
        """
        run = self._begin(start, index, directory)
        run.previous = previous
        with memoryview(data) as view, view[pos:] as rest:
            raw, out = ffi.from_buffer(rest), ffi.from_buffer(self._room)
            lib.refsync_rows_serve(rows.raw, raw, len(rest), out, len(self._room), run)
            ffi.release(raw)
            ffi.release(out)
        return self._done(), memoryview(self._room)[: run.out_used]

    def take(
        self,
        rows: Rows,
        start: int,
        index: int,
        directory: int,
        data: Readable,
        pos: int,
        how: Manner,
        batch: SmallBatch | None = None,
    ) -> Run:
        """Puts in place files of which all has come, or has them wait; as ``serve`` for what is read."""
        run = self._begin(start, index, directory)
        run.set_times, run.keep_mode, run.umask = how.times, how.mode, how.umask
        run.set_uid, run.set_gid, run.gid = how.uid, how.gid, how.group
        with memoryview(data) as view, view[pos:] as rest:
            raw = ffi.from_buffer(rest)
            lib.refsync_rows_take(rows.raw, raw, len(rest), run, ffi.NULL if batch is None else batch.raw)
            ffi.release(raw)
        return self._done()

    def _begin(self, start: int, index: int, directory: int):  # type: ignore[no-untyped-def]
        run = self._run
        run.start, run.index, run.directory = start, index, directory
        run.count = run.more = run.in_used = run.out_used = run.sizes = run.literal = 0
        return run

    def _done(self) -> Run:
        run = self._run
        return Run(ffi.unpack(self._indexes, run.count), run.in_used, run.sizes, run.literal, bool(run.more))
