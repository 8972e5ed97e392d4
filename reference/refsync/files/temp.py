"""Files while they are being written, and what becomes of them if the run ends early.

Clauses FS-1, FS-2, FS-8; upstream ``receiver.c:open_tmpfile``,
``cleanup.c:exit_cleanup``, ``fileio.c:write_sparse``.
"""

from __future__ import annotations

import os

from ..wire.cursor import Buffer

#: Zeros in runs of at least this many bytes become holes with ``--sparse``.
SPARSE_UNIT = 1024
_ZEROS = bytes(SPARSE_UNIT)


class OutputFile:
    """An open file that is filled in order. ``name`` is where it lies now."""

    inplace = False

    def __init__(self, fd: int, name: bytes, *, sparse: bool) -> None:
        self.name = name
        self.written = 0  # bytes that came as data, for deciding whether a partial file is worth keeping
        self._fd = fd
        self._offset = 0
        self._sparse = sparse

    def write(self, data: Buffer) -> None:
        """The next bytes; all of them, or ``OSError``."""
        self.written += len(data)
        if self._sparse:
            self._write_sparse(memoryview(data))
            return
        with memoryview(data) as view:
            self._write_at(view)

    def _write_at(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            done += os.pwrite(self._fd, view[done:], self._offset + done)
        self._offset += done

    def _write_sparse(self, view: memoryview) -> None:
        for at in range(0, len(view), SPARSE_UNIT):
            part = view[at : at + SPARSE_UNIT]
            if part == _ZEROS[: len(part)]:
                self.skip_zeros(len(part))
            else:
                self._write_at(part)

    def skip_zeros(self, count: int) -> None:
        """Zeros of a new file need no writing."""
        self._offset += count

    def keep(self, data: Buffer) -> None:
        """The next bytes are already there."""
        self._offset += len(data)

    def finish(self) -> None:
        """All has been written: set the length."""
        os.ftruncate(self._fd, self._offset)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def commit(self) -> None:
        """Give the file its final name."""
        self.close()

    def discard(self) -> None:
        """The file did not come whole."""
        self.close()

    def keep_partial(self) -> None:
        """``--partial``: what came is worth keeping, under the final name."""
        self.close()


class InPlaceFile(OutputFile):
    """The destination file itself (``--inplace``)."""

    inplace = True

    def skip_zeros(self, count: int) -> None:
        """What the file had here has to become zeros."""
        with memoryview(_ZEROS[:count]) as view:
            self._write_at(view)


class TempFile(OutputFile):
    """A file beside its destination. ``directory`` is a descriptor that it owns: no path can lead elsewhere."""

    def __init__(
        self, fd: int, name: bytes, base: bytes, final: bytes, directory: int, *, sparse: bool
    ) -> None:
        super().__init__(fd, name, sparse=sparse)
        self._base = base
        self._final = final
        self._directory = directory
        _live.add(self)

    def commit(self) -> None:
        self.close()
        os.rename(self._base, self._final, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        self._release()

    def discard(self) -> None:
        self.close()
        if self._directory >= 0:
            try:
                os.unlink(self._base, dir_fd=self._directory)
            except FileNotFoundError:
                pass
            self._release()

    def keep_partial(self) -> None:
        self.finish()
        self.commit()

    def _release(self) -> None:
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1
        _live.discard(self)


_live: set[TempFile] = set()


def discard_all() -> None:
    """FS-8: remove what an ended run left; called on every way out but a kill."""
    for temp in list(_live):
        try:
            temp.discard()
        except OSError:
            _live.discard(temp)
