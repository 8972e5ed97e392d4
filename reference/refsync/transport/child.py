"""Starts the other side: a remote shell or command over pipes, or this program's own server in a fork.

Clauses OPT-2, OPT-3; upstream ``pipe.c:piped_child``, ``local_child``.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable

from ..records import dataclass
from ..wire.errors import Exit, RefsyncError


@dataclass(slots=True)
class Child:
    """A process at the other end of ``fd_in`` and ``fd_out``, which may be one socket."""

    pid: int
    fd_in: int
    fd_out: int

    def close(self) -> None:
        """Close our ends; a child that still reads sees the end."""
        for fd in {self.fd_in, self.fd_out}:
            try:
                os.close(fd)
            except OSError:
                pass

    def end(self, seconds: float = 0.5) -> int:
        """After an error: its exit code if it ends by itself in that time, else 0 and it is told to end."""
        stop = time.monotonic() + seconds
        while time.monotonic() < stop:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        return 0

    def give_up(self, *, hung_up: bool) -> int:
        """Close our ends after an error: the exit code of a child that ended by itself, else 0.

        ``hung_up``: it was the child that closed the connection. Otherwise what it says of our closing
        it (exit 12) is no news, and counts only if it had ended before.
        """
        if hung_up:
            self.close()
            return self.end()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        self.close()
        if pid:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
        self.end()
        return 0

    def wait(self) -> int:
        """The child's exit code, as upstream takes it (END-2)."""
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status):
            return Exit.TERMINATED
        return os.WEXITSTATUS(status)


def run_command(argv: list[str]) -> Child:
    """Start a command with pipes for its standard input and output; its errors go where ours go."""
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, their_in, 0),
        (os.POSIX_SPAWN_DUP2, their_out, 1),
    ]
    try:
        pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    except OSError as error:
        os.close(our_in)
        os.close(our_out)
        raise RefsyncError(f"Failed to exec {argv[0]}: {error.strerror} ({error.errno})", Exit.IPC) from None
    finally:
        os.close(their_in)
        os.close(their_out)
    return Child(pid, our_in, our_out)


def run_local(serve: Callable[[int, int], int]) -> Child:
    """Fork; the child runs ``serve(fd_in, fd_out)`` over a socket pair and exits with what it returns."""
    ours, theirs = socket.socketpair()
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
    except KeyboardInterrupt:
        code = Exit.SIGNAL
    finally:
        os._exit(code)
