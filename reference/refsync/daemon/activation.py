"""Sockets that somebody else has made for the daemon: systemd's, or its like.

``LISTEN_FDS`` counts the descriptors from 3 on that listen already, ``LISTEN_PID`` says
whom they are for. Clause DAEMON-21; ``sd_listen_fds(3)``. One client as standard input, the
older way (inetd), is upstream's ``socket.c:is_a_socket``.
"""

from __future__ import annotations

import os
import socket
import stat

from ..wire.errors import Exit, RefsyncError

#: The first of the descriptors.
FIRST = 3


def inherited() -> list[socket.socket]:
    """The listening sockets that are handed down to this process; none if there are none.

    ``RefsyncError`` (exit 10) if a descriptor is no listening socket. The variables are taken out of the
    environment.
    """
    count, owner = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if not (count.isdecimal() and owner == str(os.getpid())):
        return []
    found = []
    for descriptor in range(FIRST, FIRST + int(count)):
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                raise OSError
            listener = socket.socket(fileno=descriptor)
            if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listener.detach()
                raise OSError
        except OSError:
            raise RefsyncError(
                f"descriptor {descriptor} of LISTEN_FDS is no listening socket", Exit.SOCKET_IO
            ) from None
        os.set_inheritable(descriptor, False)
        found.append(listener)
    return found


def is_socket(descriptor: int) -> bool:
    """Whether a descriptor is a socket: then inetd, or its like, has accepted the client already."""
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False
