"""The arguments that a client sends to a daemon.

Input: a byte of switches, then the bytes of the connection.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import greeting
from refsync.wire.greeting import ArgumentReader
from refsync.wire.limits import MAX_DAEMON_LINE

from ..choices import Choices
from ..oracle import MORE, Outcome, Refused, check_decoder, constants, drip, expect, refuses, same
from ..target import Surface

SURFACE = Surface(
    priority=0,
    clauses=("GREET-9",),
    code=("refsync.wire.greeting",),
    oracle="ECRTMD",
    dictionary={
        "server": b"--server\0",
        "sender": b"--sender\0",
        "options": b"-logDtpre.iLsfxCIvu\0",
        "dot": b".\0module/\0\0",
        "dot_old": b".\nmodule/\n\n",
        "secluded": b"-s\0",
        "parent": b"module/../../etc\0",
        "end": b"\0\0",
    },
    max_length=MAX_DAEMON_LINE + 64,
    slow="every prefix is tried, in both forms",
)


def _model(stream: bytes, nulls: bool) -> tuple[list[bytes], Outcome]:
    """Split at the ends; an argument longer than a buffer holds is refused."""
    arguments: list[bytes] = []
    at = 0
    text = stream if nulls else stream.replace(b"\r", b"\n")
    end = b"\0" if nulls else b"\n"
    while True:
        piece, found, _ = text[at:].partition(end)
        if len(piece) >= MAX_DAEMON_LINE:
            return arguments, Refused("GREET-9", 2, at)
        if not found:
            return arguments, MORE
        arguments.append(piece if nulls else piece.split(b"\0")[0])
        at += len(piece) + 1


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces the arguments of an independent model; none is longer than its limit.

    What can be sent again reads the same, and ends where it should; all of them
    together meet their limits, which are tried with small ones.
    """
    choices = Choices(data)
    switches = choices.byte()
    nulls = switches & 1 == 0
    stream = choices.rest()
    wanted = _model(stream, nulls)
    check_decoder(lambda: ArgumentReader(nulls=nulls).decode, stream)
    same(drip(ArgumentReader(nulls=nulls).decode, stream, []), wanted, "at once")
    pieces = [1 + switches // 2, 3] if len(stream) < 1000 else [500]
    same(drip(ArgumentReader(nulls=nulls).decode, stream, pieces), wanted, "in pieces")
    arguments = [argument for argument in wanted[0] if argument]
    expect(all(len(argument) < MAX_DAEMON_LINE for argument in arguments), "an argument past the limit")
    wire = greeting.encode_arguments(arguments, nulls=nulls)
    same(drip(ArgumentReader(nulls=nulls).decode, wire, []), ([*arguments, b""], MORE), "sent again")
    refuses(lambda: greeting.encode_arguments([*arguments, b""], nulls=nulls), "an empty argument")
    refuses(lambda: greeting.encode_arguments([b"a\0b"], nulls=nulls), "an argument with a NUL")
    if not nulls:
        refuses(
            lambda: greeting.encode_arguments([b"a\rb"], nulls=False), "an argument that a reader would part"
        )
    if switches & 2:
        with constants(greeting, MAX_DAEMON_ARGS=3, MAX_DAEMON_ARG_BYTES=64):
            few = drip(ArgumentReader(nulls=nulls).decode, wire, [])
        fit = [one for at, one in enumerate(arguments) if at < 3 and sum(map(len, arguments[: at + 1])) <= 64]
        whole = len(fit) == len(arguments)
        same(few[0], [*fit, b""] if whole else fit, "arguments within small limits")
        same(few[1] == MORE, whole, "whether small limits refuse")
    expect(greeting.explain_arguments(arguments).isascii(), "an explanation that a terminal may not show")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Arguments in both forms, without an end, at the limit."""
    arguments = [b"--server", b"--sender", b"-vlogDtpre.iLsfxCIvu", b".", b"module/dir"]
    yield "nulls", b"\0" + greeting.encode_arguments(arguments, nulls=True)
    yield "lines", b"\1" + greeting.encode_arguments(arguments, nulls=False)
    yield "crlf", b"\1--server\r\n.\r\nmod/\r\n\r\n"
    yield "lines_nul", b"\1--ser\0ver\n\n"
    yield "many", b"\2" + b"a\0" * 4 + b"\0"
    yield "large", b"\3" + b"a" * 40 + b"\n" + b"b" * 25 + b"\n\n"
    yield "small", b"\2" + b"a\0" * 3 + b"\0"
    yield "unfinished", b"\0--server\0."
    yield "bytes", b"\0\xff\xfe\n\r\0\0"
    yield "limit", b"\0" + b"x" * (MAX_DAEMON_LINE - 1) + b"\0\0"
    yield "limit_past", b"\0" + b"x" * MAX_DAEMON_LINE + b"\0\0"
