"""Names of users and groups from a module's ``name converter``.

A line ``uid NUMBER`` or ``gid NUMBER`` asks for a name, ``usr NAME`` or ``grp NAME`` for a
number; a line answers, an empty one that there is none. An empty answer is
never taken for the number 0, and no name goes to the program that would be more than
one line. Clause DAEMON-17; upstream ``clientserver.c:namecvt_call``, ``uidlist.c``.
"""

from __future__ import annotations

import os
import select

from ..wire.errors import Exit, RefsyncError
from .programs import Program

#: Seconds that an answer may take: the client waits with us.
PATIENCE = 60
#: Longest line either way (upstream's buffer less its end).
MAX_LINE = 1023


class Converter:
    """Asks the program; ``RefsyncError`` (exit 10) if it does not answer."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._input = bytearray()
        self._poll = select.poll()
        self._poll.register(program.output, select.POLLIN)

    def user_name(self, uid: int) -> bytes | None:
        return self._ask(b"uid %d" % uid) or None

    def group_name(self, gid: int) -> bytes | None:
        return self._ask(b"gid %d" % gid) or None

    def user_id(self, name: bytes) -> int | None:
        return _number(self._named(b"usr", name))

    def group_id(self, name: bytes) -> int | None:
        return _number(self._named(b"grp", name))

    def _named(self, what: bytes, name: bytes) -> bytes:
        if b"\n" in name or b"\r" in name or b"\0" in name:
            return b""  # it would be taken for a question of its own
        return self._ask(what + b" " + name)

    def _ask(self, question: bytes) -> bytes:
        if len(question) >= MAX_LINE:
            raise RefsyncError("namecvt_call() request was too large.", Exit.UNSUPPORTED)
        try:
            self._program.ask(question + b"\n")
            while b"\n" not in self._input and len(self._input) < MAX_LINE:
                if not self._poll.poll(PATIENCE * 1000):
                    raise RefsyncError("the name converter does not answer", Exit.SOCKET_IO)
                piece = os.read(self._program.output, 4096)
                if not piece:
                    raise RefsyncError("Connection to name-converter failed.", Exit.SOCKET_IO)
                self._input += piece
        except OSError:
            raise RefsyncError("Connection to name-converter failed.", Exit.SOCKET_IO) from None
        line, newline, rest = bytes(self._input).partition(b"\n")
        if not newline:
            raise RefsyncError("the name converter answers with more than a line", Exit.SOCKET_IO)
        self._input = bytearray(rest)
        return line.replace(b"\r", b"")


def _number(answer: bytes) -> int | None:
    digits = answer.strip()
    return int(digits) if digits.isdigit() and len(digits) <= 10 and int(digits) < 1 << 32 else None
