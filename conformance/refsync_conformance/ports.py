"""Loopback ports for the daemons of cells, and whether somebody listens on one."""

from __future__ import annotations

import random
import socket
import struct
import threading
from contextlib import suppress

_DIAGNOSTICS = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST and NLM_F_DUMP
_LISTENING = 1 << 10  # TCP_LISTEN, as a set of states
_HEADER = struct.Struct("=IHHII")


class NoPortError(Exception):
    """There is no free port; a fault of the machine."""


class Ports:
    """Loopback ports, none given out twice by this process at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: set[int] = set()

    def take(self) -> int:
        """A port that nobody uses just now. Raises ``NoPortError``."""
        with self._lock:
            for _ in range(200):
                # Below the range from which Linux picks ports for outgoing connections.
                port = random.randrange(20_000, 32_000)
                if port in self._used:
                    continue
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        probe.bind(("127.0.0.1", port))
                    except OSError:
                        continue
                self._used.add(port)
                return port
        raise NoPortError("no free port on 127.0.0.1")

    def give_back(self, port: int) -> None:
        with self._lock:
            self._used.discard(port)


PORTS = Ports()


def listening(port: int) -> bool:
    """Whether something listens on a loopback port, asked from the kernel: a connection would be an event.

    The kernel's table as text grows with each connection that has ended, for a minute; asked by netlink it
    looks at listeners only. Where that is not to be had (a sandboxed kernel) the text is read.
    """
    with suppress(OSError):
        return _asked(port)
    return _read(port)


def _asked(port: int) -> bool:
    """By netlink; see sock_diag(7). Raises ``OSError`` if it isn't answered."""
    identity = struct.pack("!HH", port, 0) + bytes(32) + struct.pack("=I8s", 0, b"\xff" * 8)
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _LISTENING) + identity
    header = _HEADER.pack(_HEADER.size + len(request), _BY_FAMILY, _REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _DIAGNOSTICS) as kernel:
        kernel.settimeout(1.0)
        kernel.sendall(header + request)
        answer = kernel.recv(1 << 16)
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind == 2:  # NLMSG_ERROR
        raise OSError("sockets can't be asked for")
    return bool(kind == _BY_FAMILY)  # else it is the end of an empty list


def _read(port: int) -> bool:
    wanted = f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as stream:
        for line in stream:
            fields = line.split()
            if len(fields) > 3 and fields[3] == "0A" and fields[1].endswith(wanted):
                return True
    return False
