"""The programs that a module's owner has run around a transfer, and the one that converts names.

``early exec`` runs before a client's arguments are read, ``pre-xfer exec`` once they
are known, ``post-xfer exec`` when all is over; ``name converter`` answers for as long as the
transfer lasts. They are started as who the daemon is, outside of the module's root; what they
are to know is in their environment. Clauses DAEMON-15 to DAEMON-17; upstream
``clientserver.c:start_pre_exec``, ``write_pre_exec_args``, ``finish_pre_exec``, ``main.c:shell_exec``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from ..session.daemon_server import Refused
from .config import Section

#: What is kept of a program's words for the client (upstream's buffer less its end).
MAX_SAID = 5119
#: What an early exec's and a converter's request is called; nothing was asked for yet.
NO_REQUEST = b"(NONE)"


class Program:
    """A program that waits until it is told what the client asks for; a shell runs ``command`` then.

    ``output``: what it writes is to be read here. ``OSError`` if it can't be started.
    """

    def __init__(self, command: str, *, output: bool) -> None:
        told, self._tell = os.pipe()
        self.output, says = os.pipe() if output else (-1, -1)
        self.pid = os.fork()
        if not self.pid:
            os.close(self._tell)
            _become(command, told, says)
        os.close(told)
        if output:
            os.close(says)

    def tell(self, request: bytes, arguments: Sequence[bytes] = (), early_input: bytes = b"") -> None:
        """Let it run: with these in its environment, with ``early_input`` as its standard input."""
        words = (request, *arguments, b"")
        try:
            _write_all(self._tell, b"".join(word + b"\0" for word in words) + early_input)
        except BrokenPipeError:
            pass  # it need not read what it is told

    def end_input(self) -> None:
        """Nothing more is to be read by it."""
        os.close(self._tell)
        self._tell = -1

    def ask(self, line: bytes) -> None:
        """Write a line for it to read. Raises OSError."""
        _write_all(self._tell, line)

    def outcome(self) -> tuple[int, bytes]:
        """When it has ended: its status as ``wait`` has it (a signal counts as exit 1), and what it said."""
        said = bytearray()
        if self.output >= 0:
            while piece := os.read(self.output, 65536):
                said += piece[: MAX_SAID - len(said)]
            os.close(self.output)
            self.output = -1
        _, status = os.waitpid(self.pid, 0)
        if not os.WIFEXITED(status):
            status = 1 << 8
        return status, bytes(said).replace(b"\r\n", b"\n")


class Hooks:
    """The programs of one connection's module; none is run if ``RSYNC_NO_XFER_EXEC`` is set.

    ``RefsyncError`` if the text of one can't be made safe for a shell.
    """

    def __init__(self, section: Section) -> None:
        off = "RSYNC_NO_XFER_EXEC" in os.environ
        names = ("early exec", "pre-xfer exec", "post-xfer exec", "name converter")
        texts = ["" if off else section.command(name) for name in names]
        self._early, self._before, self._after, self.converts = texts
        self._waiting: Program | None = None
        self.converter: Program | None = None
        if any(texts):
            os.environ["RSYNC_PID"] = str(os.getpid())

    def start(self, early_input: bytes, descriptors: Sequence[int]) -> None:
        """Have them run or wait, while this process may still do so.

        With a program that comes after the transfer, this returns in a new process; the old one,
        which closes the connection's ``descriptors``, waits for it and goes no further.
        """
        left = signal.alarm(0)  # the time that they take is not the client's
        try:
            if self._after:
                self._leave_to_child(descriptors)
            if self._early:
                self._run_early(early_input)
            if self._before:
                self._waiting = _started("pre-xfer exec", self._before)
            if self.converts:
                self.converter = _started("name-converter exec", self.converts)
        finally:
            signal.alarm(left)

    def before_transfer(self, request: bytes, arguments: Sequence[bytes]) -> bytes:
        """DAEMON-15: run what is to run before the transfer; a text for the client if it objects."""
        complaint = b""
        if self._waiting is not None:
            self._waiting.tell(request or NO_REQUEST, arguments)
            self._waiting.end_input()
            status, said = self._waiting.outcome()
            if status:
                complaint = b"pre-xfer exec returned failure (%d)" % status + (b":" if said else b"")
                complaint += b"\n" + said
                complaint += b"" if complaint.endswith(b"\n") else b"\n"
        if self.converter is not None:
            self.converter.tell(request or NO_REQUEST, arguments)
        return complaint

    @staticmethod
    def _run_early_program(command: str, early_input: bytes) -> int:
        program = Program(command, output=False)
        program.tell(NO_REQUEST, (), early_input)
        program.end_input()
        return program.outcome()[0]

    def _run_early(self, early_input: bytes) -> None:
        try:
            status = self._run_early_program(self._early, early_input)
        except OSError:
            raise Refused("early exec preparation failed") from None
        if status:
            raise Refused("early exec failed")

    def _leave_to_child(self, descriptors: Sequence[int]) -> None:
        try:
            pid = os.fork()
        except OSError:
            raise Refused("fork failed") from None
        if not pid:
            return
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in {*descriptors, 0}:
            os.dup2(null, descriptor)  # the other end must see the connection end when the child does
        code = 1
        try:
            _, status = os.waitpid(pid, 0)
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
            os.environ["RSYNC_RAW_STATUS"] = str(status)
            os.environ["RSYNC_EXIT_STATUS"] = str(code)
            after = os.fork()
            if not after:
                _run_shell(self._after)
            os.waitpid(after, 0)
        finally:
            os._exit(code & 0xFF)


def _started(name: str, command: str) -> Program:
    try:
        return Program(command, output=True)
    except OSError:
        raise Refused(f"{name} preparation failed") from None


def _become(command: str, told: int, says: int) -> None:
    """In the new process: wait for what there is to know, then let a shell run the command."""
    try:
        _close_all_but(told, says)
        words: list[bytes] = []
        while word := _read_word(told):
            words.append(word)
        if not words:
            os._exit(1)  # whoever started us has gone
        os.environb[b"RSYNC_REQUEST"] = words[0]
        for number, word in enumerate(words[1:]):
            os.environb[b"RSYNC_ARG%d" % number] = word
        os.dup2(told, 0)
        if says >= 0:
            os.dup2(says, 1)
        _run_shell(command)
    finally:
        os._exit(1)


def _close_all_but(*kept: int) -> None:
    """So that the end of the connection, or of another program's input, does not wait for this process."""
    start = 3
    for descriptor in sorted(each for each in kept if each >= 3):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _read_word(descriptor: int) -> bytes:
    """Up to a NUL; byte by byte, since what comes behind the last is for the program to read."""
    word = bytearray()
    while (byte := os.read(descriptor, 1)) not in (b"", b"\0"):
        word += byte
    return bytes(word)


def _run_shell(command: str) -> None:
    """Become the shell that runs the command."""
    try:
        for number in (signal.SIGPIPE, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        shell = os.environ.get("RSYNC_SHELL", "/bin/sh")
        os.execvp(shell, [shell, "-c", command])
    finally:
        os._exit(127)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
