"""Socket options by name, as ``--sockopts`` has them.

Clause TCP-4; upstream ``socket.c:set_socket_options``.
"""

from __future__ import annotations

import re
import socket

from ..wire.errors import Exit, RefsyncError

#: Name: (level, option, value); None: the user's own number, 1 if he gives none.
_KNOWN: dict[str, tuple[int, int, int | None]] = {
    "SO_KEEPALIVE": (socket.SOL_SOCKET, socket.SO_KEEPALIVE, None),
    "SO_REUSEADDR": (socket.SOL_SOCKET, socket.SO_REUSEADDR, None),
    "SO_BROADCAST": (socket.SOL_SOCKET, socket.SO_BROADCAST, None),
    "TCP_NODELAY": (socket.IPPROTO_TCP, socket.TCP_NODELAY, None),
    "IPTOS_LOWDELAY": (socket.IPPROTO_IP, socket.IP_TOS, 0x10),
    "IPTOS_THROUGHPUT": (socket.IPPROTO_IP, socket.IP_TOS, 0x08),
    "SO_SNDBUF": (socket.SOL_SOCKET, socket.SO_SNDBUF, None),
    "SO_RCVBUF": (socket.SOL_SOCKET, socket.SO_RCVBUF, None),
    "SO_SNDLOWAT": (socket.SOL_SOCKET, socket.SO_SNDLOWAT, None),
    "SO_RCVLOWAT": (socket.SOL_SOCKET, socket.SO_RCVLOWAT, None),
    "SO_SNDTIMEO": (socket.SOL_SOCKET, socket.SO_SNDTIMEO, None),
    "SO_RCVTIMEO": (socket.SOL_SOCKET, socket.SO_RCVTIMEO, None),
}


def parse(text: str) -> list[tuple[str, int, int, int]]:
    """(name, level, option, value) of each ``NAME[=NUMBER]``; exit 1 if one is unknown."""
    chosen = []
    for word in re.split(r"[ \t,]+", text.strip(" \t,")):
        name, equals, number = word.partition("=")
        known = _KNOWN.get(name)
        if known is None:
            raise RefsyncError(f"Unknown socket option {name}", Exit.SYNTAX)
        level, option, fixed = known
        if fixed is not None and equals:
            raise RefsyncError(f"syntax error -- {name} does not take a value", Exit.SYNTAX)
        if equals and not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise RefsyncError(f"invalid value of the socket option {name}: {number}", Exit.SYNTAX)
        chosen.append((name, level, option, fixed if fixed is not None else int(number) if equals else 1))
    return chosen


def apply(connection: socket.socket, text: str | None) -> list[str]:
    """Set them; the complaints about those that the system refuses, which are no reason to end."""
    failures = []
    for name, level, option, value in parse(text) if text else []:
        try:
            connection.setsockopt(level, option, value)
        except OSError as error:
            failures.append(f"failed to set socket option {name}: {error.strerror} ({error.errno})")
    return failures
