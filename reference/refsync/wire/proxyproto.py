"""The header with which a proxy tells whom it speaks for: PROXY protocol, versions 1 and 2.

::

    version 1   PROXY TCP4|TCP6|UNKNOWN source destination port port CR LF     up to 107 bytes
    version 2   12 bytes of signature, version and command, family, length (2), addresses

The header says an address, or nothing (a health check of the proxy's own, a family that is no
TCP): then the connection counts as the proxy's. Clause TCP-6; upstream
``clientname.c:read_proxy_protocol_header``.
"""

from __future__ import annotations

import ipaddress
import struct

from .cursor import Cursor
from .errors import Exit, NeedMoreData, ProtocolError

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
#: The longest header of version 1 with its end, and addresses of version 2, as upstream has room for.
MAX_LINE = 107
MAX_ADDRESSES = 216
_FIXED = struct.Struct("!BBH")
_PROXY, _LOCAL = 0x21, 0x20
_TCP4, _TCP6 = 0x11, 0x21


def decode(cursor: Cursor) -> str | None:
    """The client's address, None if the header names none; the cursor is behind the header."""
    start = cursor.pos
    begin = bytes(cursor.data[start : start + len(SIGNATURE)])
    if begin == SIGNATURE:
        return _version_2(cursor)
    if len(begin) < len(SIGNATURE) and (SIGNATURE.startswith(begin) or b"PROXY".startswith(begin[:5])):
        raise NeedMoreData
    if begin[:5] != b"PROXY":
        raise _wrong("no PROXY header", start)
    window = bytes(cursor.data[start : start + MAX_LINE])
    end = window.find(b"\n")
    if end < 0:
        if len(window) >= MAX_LINE:
            raise _wrong("a PROXY line that does not end", start)
        raise NeedMoreData
    address = _version_1(window[: end + 1], start)
    cursor.pos = start + end + 1
    return address


def encode(source: str, destination: str, ports: tuple[int, int], *, version: int = 1) -> bytes:
    """The header of a TCP connection; version 2 where that is asked for."""
    ours, theirs = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if version == 1:
        return f"PROXY TCP{ours.version} {ours} {theirs} {ports[0]} {ports[1]}\r\n".encode()
    addresses = ours.packed + theirs.packed + struct.pack("!HH", *ports)
    family = _TCP4 if ours.version == 4 else _TCP6
    return SIGNATURE + _FIXED.pack(_PROXY, family, len(addresses)) + addresses


def _version_1(line: bytes, start: int) -> str | None:
    if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
        raise _wrong("a PROXY line without its end", start)
    words = line[:-2].decode("latin-1").split(" ")
    if len(words) > 1 and words[1].startswith("UNKNOWN"):
        return None
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise _wrong("a PROXY line that is none", start)
    for port in words[4:]:
        if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
            raise _wrong("a PROXY line with a wrong port", start)
    try:
        source, destination = ipaddress.ip_address(words[2]), ipaddress.ip_address(words[3])
    except ValueError:
        raise _wrong("a PROXY line with a wrong address", start) from None
    if not source.version == destination.version == (4 if words[1] == "TCP4" else 6):
        raise _wrong("a PROXY line with addresses of another kind", start)
    return str(source)


def _version_2(cursor: Cursor) -> str | None:
    start = cursor.pos
    head = bytes(cursor.data[start + len(SIGNATURE) : start + len(SIGNATURE) + _FIXED.size])
    if len(head) < _FIXED.size:
        raise NeedMoreData
    command, family, length = _FIXED.unpack(head)
    if command not in (_PROXY, _LOCAL) or length > MAX_ADDRESSES:
        raise _wrong("a PROXY header that is none", start)
    at = start + len(SIGNATURE) + _FIXED.size
    addresses = bytes(cursor.data[at : at + length])
    if len(addresses) < length:
        raise NeedMoreData
    address = None
    if command == _PROXY and family in (_TCP4, _TCP6):
        size = 4 if family == _TCP4 else 16
        if length != 2 * size + 4:
            raise _wrong("a PROXY header with addresses of another length", start)
        address = str(ipaddress.ip_address(addresses[:size]))
    cursor.pos = at + length
    return address


def _wrong(text: str, offset: int) -> ProtocolError:
    return ProtocolError(text, clause="TCP-6", offset=offset, code=Exit.START_CLIENT)
