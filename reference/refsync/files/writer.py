"""Sequential output to a file: plain, sparse, or over what is there.

Clause FS-1; upstream ``fileio.c:write_file``, ``write_sparse``,
``sparse_end``, ``skip_matched``, ``syscall.c:do_punch_hole``, ``do_fallocate``.
"""

from __future__ import annotations

import errno
import os

from ..wire.cursor import Buffer

#: Small pieces are gathered up to this size.
GATHER = 256 * 1024
#: A run of zeros becomes a hole if it covers a whole piece of this size and alignment.
HOLE = 1024

_ZEROS = bytes(HOLE)
_MANY_ZEROS = bytes(16 * HOLE)
_PUNCH_HOLE = 0x02
_KEEP_SIZE = 0x01


class Writer:
    """Writes a file from its start to its end.

    ``sparse``: zeros become holes. ``existing``: the size of the file that is written over (``--inplace``), 0
    for a new one. ``device``: the file's length is not ours to set. ``offset``
    is the position in the finished file, ``written`` counts the bytes given to
    ``write``. Nothing is certain to be in the file before ``finish``. All
    methods raise OSError (ENOSPC and such).
    """

    def __init__(self, fd: int, *, sparse: bool = False, existing: int = 0, device: bool = False) -> None:
        self.fd = fd
        self.sparse = sparse
        self.device = device
        self.existing = existing
        self._gathered = bytearray()
        self._start = 0  # where in the file the gathered bytes belong
        self.offset = 0
        self.written = 0

    def write(self, data: Buffer, /) -> None:
        """The next bytes of the file."""
        size = len(data)
        self.written += size
        self.offset += size
        gathered = self._gathered
        if gathered:
            gathered += data
            if len(gathered) < GATHER:
                return
            data = gathered
        elif size < GATHER:
            gathered += data
            return
        self._put(data)

    def start_at(self, offset: int) -> None:
        """Nothing has been written yet, and what comes first belongs at ``offset`` (``--append``)."""
        self.offset = self._start = offset

    def keep(self, data: Buffer, /) -> None:
        """The next bytes are ``data``, and they are in their place already."""
        self.flush()
        if self.sparse:
            self._put_sparse(data, keep=True)
        self.offset += len(data)
        self._start = self.offset

    def advance(self, offset: int) -> None:
        """Somebody else has written up to there, from where we were after a ``flush``."""
        self.written += offset - self.offset
        self.offset = self._start = offset

    def finish(self) -> None:
        """Write what is gathered; cut off what an older file had beyond the end, and end a hole there."""
        self.flush()
        if (self.sparse or self.existing) and not self.device:
            os.ftruncate(self.fd, self.offset)

    def preallocate(self, size: int) -> None:
        """Take the room for ``size`` bytes now; the file's length stays as it is. Raises OSError.

        Not quite ``size``, as upstream: a file that was cut off can be told from one that is whole.
        """
        _fallocate(self.fd, _KEEP_SIZE, 0, size + 1 if size & 1 else size - 1)

    def flush(self) -> None:
        """Write what is gathered."""
        if self._gathered:
            self._put(self._gathered)

    def _put(self, data: Buffer) -> None:
        """Write ``data``, of which all is before ``offset``, at ``_start``."""
        if self.sparse:
            self._put_sparse(data, keep=False)
        else:
            self._pwrite(data, self._start)
        self._start = self.offset
        self._gathered.clear()

    def _pwrite(self, data: Buffer, position: int) -> None:
        with memoryview(data) as view:
            done = 0
            while done < len(view):
                with view[done:] as rest:
                    done += os.pwrite(self.fd, rest, position + done)

    def _put_sparse(self, data: Buffer, *, keep: bool) -> None:
        """Runs of zeros as holes, the rest as data (with ``keep`` the data is there, only holes are made)."""
        # comparing in a bytes object copies nothing and is many times faster than in a memoryview
        raw = bytes(data) if isinstance(data, memoryview) else data
        base, size = self._start, len(raw)
        begin = at = 0  # data that is not zeros: from ``begin`` to ``at``
        while at < size:
            piece = min(HOLE - (base + at) % HOLE, size - at)
            if not raw.startswith(_ZEROS[:piece], at):
                at += piece
                continue
            if at > begin and not keep:
                self._pwrite(raw[begin:at], base + begin)
            end = at + piece
            while raw.startswith(_MANY_ZEROS, end):
                end += len(_MANY_ZEROS)
            while end < size and raw.startswith(_ZEROS[: min(HOLE, size - end)], end):
                end = min(end + HOLE, size)
            self._hole(base + at, end - at)
            begin = at = end
        if size > begin and not keep:
            self._pwrite(raw[begin:] if begin else raw, base + begin)

    def _hole(self, position: int, size: int) -> None:
        """Zeros that take no room: nothing to do past the old end; before it a hole, zeros at worst."""
        size = min(size, self.existing - position)
        if size > 0 and not _punch(self.fd, position, size):
            for done in range(0, size, GATHER):
                self._pwrite(bytes(min(GATHER, size - done)), position + done)


def _punch(fd: int, position: int, size: int) -> bool:
    """True if the range of the file is a hole now; False if the system or the file system has none."""
    try:
        _fallocate(fd, _PUNCH_HOLE | _KEEP_SIZE, position, size)
    except OSError:
        return False
    return True


def _fallocate(fd: int, mode: int, position: int, size: int) -> None:
    """Linux's ``fallocate``; ``OSError``, with ENOSYS where the C library has none."""
    import ctypes  # only holes in existing files and --preallocate come here

    try:
        fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    except (AttributeError, OSError):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
    offset = ctypes.c_long if ctypes.sizeof(ctypes.c_long) == 8 else ctypes.c_longlong
    if offset is not ctypes.c_long:  # the plain symbol takes 32 bits there
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, offset, offset)
    fallocate.restype = ctypes.c_int
    if fallocate(fd, mode, position, size) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
