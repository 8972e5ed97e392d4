"""Reaching a daemon through an HTTP proxy (``RSYNC_PROXY``).

Clause TCP-5; upstream ``socket.c:establish_proxy_connection``,
``open_socket_out``.
"""

from __future__ import annotations

import socket
from base64 import b64encode

from ..records import dataclass
from ..wire.cursor import Cursor
from ..wire.errors import Exit, NeedMoreData, ProtocolError, RefsyncError
from ..wire.limits import MAX_PROXY_HEADERS, MAX_PROXY_LINE


@dataclass(frozen=True, slots=True)
class Proxy:
    """``user:password@host:port``; ``credentials`` is what stands before the last at sign."""

    host: str
    port: int
    credentials: str = ""


def parse(text: str) -> Proxy:
    """The value of the variable; exit 10 if it names no port, as upstream has it."""
    credentials, _, place = text.rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or not host:
        raise RefsyncError("invalid proxy specification: should be HOST:PORT", Exit.SOCKET_IO)
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536):
        raise RefsyncError(f"invalid proxy port: {port}", Exit.SOCKET_IO)
    return Proxy(host.strip("[]"), int(port), credentials if ":" in credentials else "")


def request(proxy: Proxy, host: str, port: int) -> bytes:
    """TCP-5: what the proxy is asked."""
    where = f"[{host}]" if ":" in host else host
    line = f"CONNECT {where}:{port} HTTP/1.0\r\n".encode("utf-8", "surrogateescape")
    if proxy.credentials:
        secret = b64encode(proxy.credentials.encode("utf-8", "surrogateescape"))
        line += b"Proxy-Authorization: Basic " + secret + b"\r\n"
    if len(line) >= MAX_PROXY_LINE:
        raise RefsyncError("authentication information is too long", Exit.SOCKET_IO)
    return line + b"\r\n"


def decode_reply(cursor: Cursor) -> bytes:
    """TCP-5: the first line of a whole reply, which an empty line ends; exit 10 unless it is a success."""
    start = cursor.pos
    status: bytes | None = None
    for _ in range(MAX_PROXY_HEADERS):
        line = _line(cursor, start)
        if status is None:
            status = line
            version, _, rest = line.partition(b" ")
            digits = version.removeprefix(b"HTTP/")
            good = version.startswith(b"HTTP/") and not digits.strip(b"0123456789.")
            if not good or not rest.lstrip(b" ").startswith(b"2"):
                cursor.pos = start
                shown = line[:80].decode("utf-8", "backslashreplace")
                raise _refused(f"bad response from proxy -- {shown}", start)
        elif not line:
            return status
    cursor.pos = start
    raise _refused("the proxy's reply has too many lines", start)


def _line(cursor: Cursor, start: int) -> bytes:
    end = bytes(cursor.data[cursor.pos : cursor.pos + MAX_PROXY_LINE]).find(b"\n")
    if end < 0:
        longer = cursor.remaining() >= MAX_PROXY_LINE
        cursor.pos = start
        if longer:
            raise _refused("a line of the proxy's reply is too long", start)
        raise NeedMoreData
    line = bytes(cursor.take(end))
    cursor.take(1)
    return line.removesuffix(b"\r")


def _refused(text: str, offset: int) -> ProtocolError:
    return ProtocolError(text, clause="TCP-5", offset=offset, code=Exit.SOCKET_IO)


def establish(connection: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask, and read no further than the reply goes; exit 10 if the proxy will not."""
    try:
        connection.sendall(request(proxy, host, port))
        held = bytearray()
        while True:
            piece = connection.recv(1)
            if not piece:
                raise RefsyncError("failed to read from proxy: it has hung up", Exit.SOCKET_IO)
            held += piece
            if piece != b"\n" and len(held) % MAX_PROXY_LINE:
                continue
            try:
                decode_reply(Cursor(held))
                return
            except NeedMoreData:
                continue
    except OSError as error:
        reason = error.strerror or str(error)
        raise RefsyncError(f"failed to talk to the proxy: {reason}", Exit.SOCKET_IO) from None
