"""Exit codes and the only two exceptions that a decoder may raise.

Source: upstream ``errcode.h``; clause END-1.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """rsync's process exit codes (END-1)."""

    OK = 0
    SYNTAX = 1
    PROTOCOL = 2
    FILE_SELECT = 3
    UNSUPPORTED = 4
    START_CLIENT = 5
    SOCKET_IO = 10
    FILE_IO = 11
    STREAM_IO = 12
    MESSAGE_IO = 13
    IPC = 14
    CRASHED = 15
    TERMINATED = 16
    SIGNAL1 = 19
    SIGNAL = 20
    WAIT_CHILD = 21
    MALLOC = 22
    PARTIAL = 23
    VANISHED = 24
    DEL_LIMIT = 25
    TIMEOUT = 30
    CON_TIMEOUT = 35
    COMMAND_FAILED = 124
    COMMAND_KILLED = 125
    COMMAND_RUN = 126
    COMMAND_NOT_FOUND = 127


#: What rsync prints in brackets for each exit code (upstream ``log.c:rerr_names``).
EXIT_TEXT: dict[int, str] = {
    Exit.SYNTAX: "syntax or usage error",
    Exit.PROTOCOL: "protocol incompatibility",
    Exit.FILE_SELECT: "errors selecting input/output files, dirs",
    Exit.UNSUPPORTED: "requested action not supported",
    Exit.START_CLIENT: "error starting client-server protocol",
    Exit.SOCKET_IO: "error in socket IO",
    Exit.FILE_IO: "error in file IO",
    Exit.STREAM_IO: "error in rsync protocol data stream",
    Exit.MESSAGE_IO: "errors with program diagnostics",
    Exit.IPC: "error in IPC code",
    Exit.CRASHED: "sibling process crashed",
    Exit.TERMINATED: "sibling process terminated abnormally",
    Exit.SIGNAL1: "received SIGUSR1",
    Exit.SIGNAL: "received SIGINT, SIGTERM, or SIGHUP",
    Exit.WAIT_CHILD: "waitpid() failed",
    Exit.MALLOC: "error allocating core memory buffers",
    Exit.PARTIAL: "some files/attrs were not transferred (see previous errors)",
    Exit.VANISHED: "some files vanished before they could be transferred",
    Exit.DEL_LIMIT: "the --max-delete limit stopped deletions",
    Exit.TIMEOUT: "timeout in data send/receive",
    Exit.CON_TIMEOUT: "timeout waiting for daemon connection",
    Exit.COMMAND_FAILED: "remote shell failed",
    Exit.COMMAND_KILLED: "remote shell killed",
    Exit.COMMAND_RUN: "remote command could not be run",
    Exit.COMMAND_NOT_FOUND: "remote command not found",
}


class NeedMoreData(Exception):
    """The cursor holds a strict prefix of a value; it has not moved."""


class RefsyncError(Exception):
    """An error that ends the run: what was wrong, and the exit code to end with."""

    told = False  #: whoever ends the run has told the user already
    advice = ""  #: what the user can do about it, if that can be said
    early = False  #: this side had no role in a transfer yet

    def __init__(self, message: str, code: int = Exit.PROTOCOL) -> None:
        super().__init__(message)
        self.message = message
        self.code = int(code)


class ProtocolError(RefsyncError):
    """The peer sent bytes that no conforming peer sends.

    ``clause`` names the clause that they break, ``offset`` is where in the
    decoded buffer the offending value starts (-1 if it has no single place).
    """

    def __init__(self, message: str, *, clause: str, offset: int = -1, code: int = Exit.PROTOCOL) -> None:
        super().__init__(message, code)
        self.clause = clause
        self.offset = offset

    def __str__(self) -> str:
        where = f" at byte {self.offset}" if self.offset >= 0 else ""
        return f"{self.message} [{self.clause}{where}]"


class PeerClosed(RefsyncError):
    """The connection ended in the middle of the conversation (END-8)."""

    def __init__(self, received: int) -> None:
        super().__init__(f"connection unexpectedly closed ({received} bytes received so far)", Exit.STREAM_IO)


class PeerReset(PeerClosed):
    """The peer's system has cut the connection: it was left with data of ours that nobody had read."""

    def __init__(self) -> None:
        RefsyncError.__init__(self, "read error: Connection reset by peer (104)", Exit.SOCKET_IO)


class PeerDeaf(RefsyncError):
    """The peer takes nothing more and, it seems, has nothing more to say."""

    def __init__(self) -> None:
        super().__init__("write error: Broken pipe (32)", Exit.SOCKET_IO)
