"""The reply of an HTTP proxy.

Input: the bytes of the reply and of what follows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.transport import proxy
from refsync.wire.limits import MAX_PROXY_HEADERS, MAX_PROXY_LINE

from ..oracle import Refused, Value, check_decoder, expect
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("TCP-5",),
    code=("refsync.transport.proxy",),
    oracle="ECTM",
    dictionary={
        "status": b"HTTP/1.0 200 OK\r\n",
        "refused": b"HTTP/1.1 407 Proxy Authentication Required\r\n",
        "header": b"Via: 1.1 x\r\n",
        "end": b"\r\n\r\n",
    },
    max_length=2048,
)


def fuzz_one(data: bytes) -> None:
    """Oracle: a reply is taken exactly if its first line is a success; no more is taken than up to its end.

    Lines and their number are bounded, so a proxy that never ends is refused.
    """
    got = check_decoder(lambda: proxy.decode_reply, data)
    if isinstance(got, Value):
        taken = data[: got.consumed]
        expect(taken.endswith(b"\n"), "the reply ends with a line")
        lines = taken.split(b"\n")[:-1]
        expect(lines[-1] in (b"", b"\r"), "its last line is empty")
        expect(all(line not in (b"", b"\r") for line in lines[1:-1]), "no other is")
        expect(len(lines) <= MAX_PROXY_HEADERS, "the lines are counted")
        expect(all(len(line) <= MAX_PROXY_LINE for line in lines), "the lines are short")
        expect(lines[0].startswith(b"HTTP/"), "the first is HTTP's")
    elif isinstance(got, Refused):
        expect(got.clause == "TCP-5" and got.code == 10, f"refused by {got.clause}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Successes, refusals, things too long."""
    yield "plain", b"HTTP/1.0 200 Connection established\r\n\r\n@RSYNCD: 32.0\n"
    yield "headers", b"HTTP/1.1 200\r\nVia: x\r\nServer: y\r\n\r\n"
    yield "newlines", b"HTTP/1.1  204 No\n\n"
    yield "refused", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
    yield "not_http", b"220 mail.example ESMTP\r\n"
    yield "long", b"HTTP/1.1 200 " + b"x" * 1100
    yield "many", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 130
