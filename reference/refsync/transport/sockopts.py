"""Socket options by name, as ``--sockopts`` has them.

Clause TCP-4; upstream ``socket.c:set_socket_options``.
"""

from __future__ import annotations

import re
import socket

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


def apply(connection: socket.socket, text: str | None) -> list[str]:
    """Set each ``NAME[=NUMBER]`` of ``text``; the complaints, of which none is a reason to end.

    A number is 1 where none is given, and 0 where it is not a number, as upstream reads it.
    """
    complaints = []
    for word in re.split(r"[ \t,]+", (text or "").strip(" \t,")):
        name, equals, number = word.partition("=")
        if not word:
            continue
        known = _KNOWN.get(name)
        if known is None:
            complaints.append(f"Unknown socket option {name}")
            continue
        level, option, fixed = known
        if fixed is not None and equals:
            complaints.append(f"syntax error -- {name} does not take a value")
        found = re.match(r"\s*[+-]?\d+", number)
        value = fixed if fixed is not None else int(found[0]) if found else int(not equals)
        try:
            connection.setsockopt(level, option, value)
        except (OSError, OverflowError, TypeError) as error:  # the latter two of a number that is no int
            reason = f"{error.strerror} ({error.errno})" if isinstance(error, OSError) else "out of range"
            complaints.append(f"failed to set socket option {name}: {reason}")
    return complaints
