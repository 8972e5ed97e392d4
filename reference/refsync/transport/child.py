"""Starts the other side: a remote shell or command over pipes, or this program's own server in a fork.

Clauses OPT-2, OPT-3, END-14; upstream ``pipe.c:piped_child``, ``local_child``,
``main.c:wait_process_with_flush``, ``cleanup.c:_exit_cleanup``.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable

from ..records import dataclass, field
from ..wire.errors import Exit, RefsyncError
from .childerr import ChildErrors, open_pair

#: Seconds that a child which has closed its end has to leave.
LEAVING = 2.0
#: Seconds that a child has to end by itself, and then to obey.
GRACE = 0.4
OBEY = 3.0
#: Seconds to obey that a child has if somebody waits for our end.
HURRY = 0.1
_STEP = 0.005
#: What a connection to a child is to hold; the system may give less. Of a pipe, which comes with 64 KiB, an
#: ordinary user may ask for no more. A server leaves the pipes that it is given alone: they show others how
#: far it is, and it has to meet the end of one that nobody reads.
ROOM = 1024 * 1024
_LISTEN = 0.02


@dataclass(slots=True)
class Child:
    """A process at the other end of ``fd_in`` and ``fd_out``, which may be one socket."""

    pid: int
    fd_in: int
    fd_out: int
    errors: ChildErrors | None = None
    _status: int | None = field(default=None, init=False)

    def close(self) -> None:
        """Close our ends; a child that still reads sees the end."""
        for fd in {self.fd_in, self.fd_out} - {-1}:
            try:
                os.close(fd)
            except OSError:
                pass
        self.fd_in = self.fd_out = -1

    def code(self, seconds: float = 0.0) -> int:
        """END-14: its exit code if it ends by itself in that time, else 0; and 0 if a signal ended it."""
        if not self._ends(seconds):
            return 0
        assert self._status is not None
        return os.WEXITSTATUS(self._status) if os.WIFEXITED(self._status) else 0

    def end(self, *, hurry: bool = False) -> None:
        """After an error: see to it that it ends, by itself, told to or, at last, forced to.

        With ``hurry``, after a signal, one that is stopped or hangs is told to and left behind: it may have
        something to tidy up, and we are to be gone within a second.
        """
        self.close()
        steps = ((0, GRACE), (signal.SIGTERM, HURRY if hurry else OBEY), (signal.SIGKILL, OBEY))
        for number, seconds in steps[:2] if hurry else steps:
            if number and self._status is None:
                os.kill(self.pid, number)
            if self._ends(seconds):
                break
        self._last_words()

    def wait(self) -> int:
        """The child's exit code, as upstream takes it (END-14)."""
        while self.errors is not None and self.errors.fd >= 0 and not self._ends(0.0):
            self.errors.wait(_LISTEN)
        if self._status is None:
            _, self._status = os.waitpid(self.pid, 0)
        self._last_words()
        if os.WIFSIGNALED(self._status):
            return Exit.CRASHED if os.WCOREDUMP(self._status) else Exit.TERMINATED
        return os.WEXITSTATUS(self._status)

    def _ends(self, seconds: float) -> bool:
        stop = time.monotonic() + seconds
        while self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
                break
            if time.monotonic() >= stop:
                return False
            if self.errors is not None and self.errors.fd >= 0:
                self.errors.wait(_STEP)
            else:
                time.sleep(_STEP)
        return True

    def _last_words(self) -> None:
        if self.errors is not None:
            self.errors.linger()
            self.errors.close()


def run_command(argv: list[str]) -> Child:
    """Start a command with pipes for its standard input and output; its errors come to us first (END-15)."""
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, their_in, 0),
        (os.POSIX_SPAWN_DUP2, their_out, 1),
    ]
    for pipe in (our_out, our_in):
        _widen(pipe)
    pair = open_pair()
    if pair is not None:
        actions.append((os.POSIX_SPAWN_DUP2, pair[1], 2))
    try:
        pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    except OSError as error:
        for fd in (our_in, our_out, *(pair or ())[:1]):
            os.close(fd)
        raise RefsyncError(f"Failed to exec {argv[0]}: {error.strerror} ({error.errno})", Exit.IPC) from None
    finally:
        for fd in (their_in, their_out, *(pair or ())[1:]):
            os.close(fd)
    return Child(pid, our_in, our_out, ChildErrors(pair[0]) if pair else None)


def _widen(pipe: int) -> None:
    """Have it hold more, so that its ends wait less often; where that is refused it stays as it is."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, ROOM)
    except (ImportError, AttributeError, OSError):
        pass


def run_local(serve: Callable[[int, int], int]) -> Child:
    """Fork; the child runs ``serve(fd_in, fd_out)`` over a socket pair and exits with what it returns."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
    pid = os.fork()
    if pid:
        theirs.close()
        fd = ours.detach()
        return Child(pid, fd, fd)
    code: int = Exit.CRASHED
    try:
        ours.close()
        fd = theirs.detach()
        code = serve(fd, fd)
    except KeyboardInterrupt as stop:
        code = getattr(stop, "code", Exit.SIGNAL)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)
