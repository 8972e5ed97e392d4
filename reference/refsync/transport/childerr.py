"""What a child says on its standard error: passed on as it comes, and its end kept for the error report.

The child has one end of a socket pair. A helper that it leaves behind, such as
a shared connection of ``ssh``, may keep that open as long as it likes: nobody
waits for it. Clause END-15.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import Callable

#: How much of the end is kept.
KEPT = 64 * 1024
#: Seconds that last words have after the child has gone.
LINGER = 0.05
_READ = 16 * 1024
#: Reads in a row before others get their turn.
_TURNS = 16


def pass_on(data: bytes) -> None:
    """Write to our own standard error, as it is; if nobody reads that there is nobody to tell."""
    try:
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        pass


class ChildErrors:
    """Our end. ``forward`` gets each piece as it comes, lines or not: a prompt has no line end."""

    def __init__(self, fd: int, forward: Callable[[bytes], None] = pass_on) -> None:
        self.fd = fd
        self.forward = forward
        self._kept = bytearray()
        os.set_blocking(fd, False)

    @property
    def tail(self) -> bytes:
        """The last that the child has said, at most ``KEPT`` bytes."""
        return bytes(self._kept[-KEPT:])

    def hear(self) -> None:
        """Take what is there, without waiting; ``fd`` is -1 once there will be no more."""
        for _ in range(_TURNS):
            if self.fd < 0:
                return
            try:
                data = os.read(self.fd, _READ)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self._kept += data
            if len(self._kept) > 2 * KEPT:
                del self._kept[:-KEPT]
            self.forward(data)

    def linger(self, seconds: float = LINGER) -> None:
        """Take what still comes within that time, or until there will be no more."""
        stop = time.monotonic() + seconds
        while self.fd >= 0:
            self.wait(max(0.0, stop - time.monotonic()))
            if time.monotonic() >= stop:
                return

    def wait(self, seconds: float) -> None:
        """Wait for something to be said, at most so long, and take it."""
        if self.fd >= 0:
            poll = select.poll()
            poll.register(self.fd, select.POLLIN)
            poll.poll(int(seconds * 1000 + 0.999))
            self.hear()

    def close(self) -> None:
        """Let go, whoever may have the other end."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)


def open_pair() -> tuple[int, int] | None:
    """(our end, the child's end) of a socket pair or, without one, of a pipe; else None, after a warning."""
    try:
        ours, theirs = socket.socketpair()
        ours.shutdown(socket.SHUT_WR)
        return ours.detach(), theirs.detach()
    except OSError:
        pass
    try:
        return os.pipe()
    except OSError as error:
        text = "the remote shell's errors go past refsync, and are missing in its report"
        print(f"rsync: warning: {text}: {error.strerror} ({error.errno})", file=sys.stderr)
        return None
