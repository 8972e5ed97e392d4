"""The files of one directory's list as rows in the C kernel, without an object for each.

Only what is usual becomes a row by itself: a run of rows stops at all else, and the general code goes on.
What the calls do is said by ``files.scan``, ``wire.flist_encode``, ``wire.flist_decode``, ``wire.order`` and
``engine.itemize``, which serve where the kernel is missing.
"""

from __future__ import annotations

from refsync._kernel import ffi, lib

from ..records import dataclass
from .bulk import KINDS
from .twins import Readable

#: Bytes that are encoded in one go.
ROOM = 64 * 1024
#: Names that are looked at in one go.
AT_ONCE = 1024
#: No request for a new file is longer.
REQUEST = 23


@dataclass(slots=True)
class Row:
    """One row. ``made``: the number of the object that stands for it, -1 if there is none."""

    name: bytes
    size: int
    mtime: int
    nsec: int
    mode: int
    uid: int
    gid: int
    digest: bytes | None
    made: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes a file here one of which nothing is to be changed.

    ``window``: of times, in seconds; below 0: to the nanosecond. ``checksum``: contents are compared by it,
    with ``flags`` for opening; else by size and time, or size alone (``any_time``). The rest: what is kept.
    """

    window: int
    checksum: str | None
    flags: int
    any_time: bool
    times: bool
    mode: bool
    uid: bool
    gid: bool


def digest_size(checksum: str | None) -> int:
    """Bytes of a digest in the list; 0 without one."""
    return 0 if checksum is None else 16 if KINDS[checksum] == 1 else 8


class State:
    """What the next entry is told as the difference from."""

    def __init__(self) -> None:
        self.raw = ffi.new("flist_state *")

    def set(self, name: bytes, mtime: int, mode: int, uid: int, gid: int) -> None:
        """As the general codec has it; without a name nothing is usual."""
        raw = self.raw
        name = name if len(name) < len(raw.name) else b""
        raw.length = len(name)
        ffi.memmove(raw.name, name, len(name))
        raw.mtime, raw.mode, raw.uid, raw.gid = mtime, mode, uid, gid

    def get(self) -> tuple[bytes, int, int]:
        """Name, mtime and mode of the last entry; ids don't change in a run."""
        raw = self.raw
        return bytes(ffi.buffer(raw.name, raw.length)), int(raw.mtime), int(raw.mode)


class Rows:
    """The rows of one list. ``MemoryError`` where there is no room for more."""

    def __init__(self, raw: object = None) -> None:
        made = lib.refsync_rows_new() if raw is None else raw
        if made == ffi.NULL:
            raise MemoryError("no memory for a file list")
        self.raw = ffi.gc(made, lib.refsync_rows_free)
        self._used = ffi.new("int64_t *")

    @staticmethod
    def scan(fd: int, checksum: str | None, flags: int) -> Rows | None:
        """All that is in an open directory, in byte order; None if something can't be looked at.

        With ``checksum`` regular files have sums, but for those that are long or can't be read.
        """
        raw = lib.refsync_rows_scan(fd)
        if raw == ffi.NULL:
            return None
        rows = Rows(raw)
        count, at = len(rows), 0
        for start in range(0, count, AT_ONCE):  # between the calls signals are heard
            if not lib.refsync_rows_look(rows.raw, start, min(start + AT_ONCE, count), fd):
                return None
        while checksum is not None and at < count:
            at = int(lib.refsync_rows_sum(rows.raw, at, fd, KINDS[checksum], flags))
            if at < 0:
                raise MemoryError("no memory for the sums of a file list")
        return rows

    def __len__(self) -> int:
        return int(self.raw.count)

    def at(self, index: int, digest_length: int = 0) -> Row:
        """One row; ``IndexError`` if there is none."""
        if not 0 <= index < self.raw.count:
            raise IndexError(index)
        one, names = self.raw.row[index], self.raw.names
        digest = bytes(ffi.buffer(names + one.digest, digest_length)) if one.digest >= 0 else None
        name = bytes(ffi.buffer(names + one.name, one.length))
        return Row(name, one.size, one.mtime, one.nsec, one.mode, one.uid, one.gid, digest, one.made)

    def names(self) -> list[bytes]:
        """All names, in order."""
        row, names = self.raw.row, self.raw.names
        return [bytes(ffi.buffer(names + row[at].name, row[at].length)) for at in range(self.raw.count)]

    def made(self, index: int, number: int, mode: int) -> None:
        """An object of that mode stands for the row from now on."""
        one = self.raw.row[index]
        one.made, one.mode = number, mode

    def number(self, index: int) -> int:
        """Which object stands for a row, -1 if none does; ``IndexError`` without such a row."""
        if not 0 <= index < self.raw.count:
            raise IndexError(index)
        return int(self.raw.row[index].made)

    def add(self, name: bytes, mode: int, number: int) -> None:
        """A row for an object that is there."""
        if not lib.refsync_rows_add(self.raw, name, len(name), mode, number):
            raise MemoryError("no memory for a file list")

    def total(self, start: int, end: int) -> int:
        """Sizes of regular files added up."""
        return int(lib.refsync_rows_total(self.raw, start, end))

    def own(self, start: int, end: int, uid: int, gid: int) -> None:
        """Whose the files of a range are here."""
        lib.refsync_rows_own(self.raw, start, end, uid & 0xFFFFFFFF, gid & 0xFFFFFFFF)

    def sort(self) -> int:
        """FLIST-18; how many stand before the directories, which come last. -1: some name occurs twice."""
        plain = int(lib.refsync_rows_sort(self.raw))
        if plain == -2:
            raise MemoryError("no memory to sort a file list")
        return plain

    def same(self, start: int, end: int, directory: int, rules: Rules) -> int:
        """How many rows from ``start`` on have a file in ``directory`` of which nothing is to be changed."""
        what = ffi.new("row_rules *")
        what.sum = 0 if rules.checksum is None else KINDS[rules.checksum]
        what.window, what.flags, what.any_time = rules.window, rules.flags, rules.any_time
        what.times, what.mode, what.uid, what.gid = rules.times, rules.mode, rules.uid, rules.gid
        return int(lib.refsync_rows_same(self.raw, start, end, directory, what))

    def request(
        self, start: int, end: int, directory: int, first: int, flags: int, previous: int
    ) -> tuple[int, bytes]:
        """How many rows from ``start`` on are missing in ``directory``, and requests for them.

        ``first`` is the index of the first row, ``previous`` the one that was sent last.
        """
        out, last = bytearray(min(end - start, ROOM // REQUEST) * REQUEST), ffi.new("int32_t *", previous)
        raw = ffi.from_buffer(out)
        count = lib.refsync_rows_request(
            self.raw, start, end, directory, first, flags, last, raw, len(out), self._used
        )
        ffi.release(raw)
        return int(count), bytes(memoryview(out)[: self._used[0]])

    def encode(
        self, start: int, end: int, prefix: bytes, state: State, *, uid: bool, gid: bool, digest_length: int
    ) -> tuple[int, bytes]:
        """How many entries from ``start`` on are usual and fit, and their bytes; ``prefix`` has a slash."""
        out = bytearray(ROOM)
        count = lib.refsync_rows_encode(
            self.raw,
            start,
            end,
            prefix,
            len(prefix),
            state.raw,
            uid,
            gid,
            digest_length,
            ffi.from_buffer(out),
            len(out),
            self._used,
        )
        return int(count), bytes(memoryview(out)[: self._used[0]])

    def decode(
        self, data: Readable, pos: int, prefix: bytes, state: State, *, digest_length: int, most: int
    ) -> tuple[int, int]:
        """How many entries at ``pos`` were usual and have become rows, and the position behind them."""
        with memoryview(data) as view, view[pos:] as rest:
            raw = ffi.from_buffer(rest)
            count = lib.refsync_rows_decode(
                self.raw, raw, len(rest), prefix, len(prefix), state.raw, digest_length, most, self._used
            )
            ffi.release(raw)
        if count < 0:
            raise MemoryError("no memory for a file list")
        return int(count), pos + int(self._used[0])
