"""The file that says which process the daemon is.

Clause DAEMON-13; upstream ``clientserver.c:create_pid_file``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from types import TracebackType

from ..wire.errors import Exit, RefsyncError


class PidFile:
    """Holds the file, locked, while the daemon runs; an empty path means none.

    The lock tells a second daemon that this one lives. Something else under
    that name, such as a symlink, is not written through but replaced.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._owner = os.getpid()

    def __enter__(self) -> PidFile:
        if self._path:
            what = "open"
            try:
                self._remove_other()
                self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664)
                what = "lock"
                fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 4)
                what = "write"
                os.ftruncate(self._fd, 0)
                os.write(self._fd, f"{self._owner}\n".encode())
            except OSError as error:
                if self._fd >= 0:
                    os.close(self._fd)
                    self._fd = -1
                reason = error.strerror
                if what == "lock" and error.errno in (errno.EAGAIN, errno.EACCES):
                    reason = f"{reason}: another daemon has it"
                raise RefsyncError(
                    f"failed to {what} pid file {self._path}: {reason}", Exit.FILE_IO
                ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0 and os.getpid() == self._owner:
            try:
                os.unlink(self._path)
            except OSError:
                pass
            os.close(self._fd)
            self._fd = -1

    def _remove_other(self) -> None:
        try:
            if not stat.S_ISREG(os.lstat(self._path).st_mode):
                os.unlink(self._path)
        except FileNotFoundError:
            pass
