"""The header with which a proxy says whom it speaks for, in both versions.

Input: the bytes of the header and of what follows it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import cast

from refsync.daemon import entrance
from refsync.daemon.config import Section
from refsync.wire import proxyproto
from refsync.wire.cursor import Cursor
from refsync.wire.errors import RefsyncError

from ..oracle import Refused, Value, check_decoder, expect, same
from ..target import Surface

V2 = proxyproto.SIGNATURE

SURFACE = Surface(
    priority=0,
    clauses=("TCP-6",),
    code=("refsync.wire.proxyproto",),
    oracle="ECTRM",
    dictionary={
        "line": b"PROXY TCP4 192.0.2.1 10.0.0.1 1024 873\r\n",
        "six": b"TCP6 2001:db8::1 ::1 ",
        "unknown": b"PROXY UNKNOWN\r\n",
        "signature": V2,
        "proxy": b"\x21\x11\x00\x0c",
        "local": b"\x20\x00\x00\x00",
    },
    max_length=320,
)


class _Connection:
    """Gives what a proxy sends, in pieces."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size

    def recv(self, most: int) -> bytes:
        piece, self._data = self._data[: self._size], self._data[self._size :]
        return piece


class _Main:
    """The part of a configuration that counts: all may speak for others."""

    @staticmethod
    def text(name: str) -> str:
        return "*"


def _entrance(data: bytes, size: int) -> object:
    """The address and what is left of what was read, by a daemon that reads pieces, or its exit code."""
    try:
        return entrance.through_proxy(_Connection(data, size), "10.9.8.7", cast(Section, _Main))  # type: ignore[arg-type]
    except RefsyncError as error:
        expect(error.message, "a reason")
        return error.code


def fuzz_one(data: bytes) -> None:
    """Oracle: what is taken is bounded, an address is one, and a header made anew from it says the same.

    Cut anywhere it is the same header, and a daemon that reads it in pieces comes to the same address and
    loses nothing of what follows.
    """
    got = check_decoder(lambda: proxyproto.decode, data)
    for size in (len(data) or 1, 1 + len(data) % 7):
        found = _entrance(data, size)
        if isinstance(got, Value):
            assert isinstance(found, tuple)
            same(found[0], got.value or "10.9.8.7", "the address that the daemon takes")
            expect(data[got.consumed :].startswith(found[1]), "what follows the header")
        else:
            same(found, 5, "the exit code of a daemon")
    if isinstance(got, Refused):
        expect(got.clause == "TCP-6" and got.code == 5, f"refused by {got.clause}")
    if not isinstance(got, Value):
        return
    version = 2 if data.startswith(V2) else 1
    expect(
        got.consumed <= (proxyproto.MAX_LINE if version == 1 else 16 + proxyproto.MAX_ADDRESSES), "bounded"
    )
    if got.value is None:
        return
    address = ipaddress.ip_address(str(got.value))
    other = "::1" if address.version == 6 else "127.0.0.1"
    for made in (1, 2):
        header = proxyproto.encode(str(address), other, (1, 65535), version=made)
        same(proxyproto.decode(Cursor(header)), got.value, f"version {made} of it")


def seeds() -> Iterator[tuple[str, bytes]]:
    """What proxies send, and what they must not."""
    for version in (1, 2):
        yield (
            f"four.{version}",
            proxyproto.encode("192.0.2.1", "10.0.0.1", (4, 873), version=version) + b"@RSYNCD",
        )
        yield f"six.{version}", proxyproto.encode("2001:db8::1", "::1", (4, 873), version=version)
    yield "unknown", b"PROXY UNKNOWN ffff:f...f:ffff 1 2\r\n"
    yield "local", V2 + b"\x20\x00\x00\x00rest"
    yield "unix", V2 + b"\x21\x31\x00\xd8" + bytes(216)
    yield "no_end", b"PROXY TCP4 " + b"1" * 120
    yield "no_return", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"
    yield "return_inside", b"PROXY TCP4 1.2.3.4 1.2.3.4\r 1 2\r\n"
    yield "words", b"PROXY TCP4 1.2.3.4 1\r\n"
    yield "family", b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"
    yield "no_address", b"PROXY TCP4 1.2.3.4 here 1 2\r\n"
    yield "wrong_kind", b"PROXY TCP4 ::1 ::1 1 2\r\n"
    yield "wrong_port", b"PROXY TCP4 1.2.3.4 1.2.3.4 0 2\r\n"
    yield "long_length", V2 + b"\x21\x11\xff\xff" + bytes(40)
    yield "short_addresses", V2 + b"\x21\x21\x00\x0c" + bytes(12)
    yield "greeting", b"@RSYNCD: 32.0 md5\n"
