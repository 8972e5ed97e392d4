"""The first bytes of a connection: a binary version, or a line of a daemon's text.

Input: a byte with the number of pieces, their sizes, then the bytes of the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from refsync.session import prologue
from refsync.session.prologue import BINARY, TEXT, UNDECIDED, Prologue
from refsync.wire import greeting
from refsync.wire.dialect import MAX_PROTOCOL, MIN_PROTOCOL
from refsync.wire.errors import Exit, ProtocolError
from refsync.wire.integers import int32
from refsync.wire.limits import MAX_DAEMON_LINE

from ..choices import Choices, spread
from ..oracle import Refused, Value, check_decoder, expect, same
from ..structure import Shape
from ..target import Surface

LINE_LIMIT = MAX_DAEMON_LINE - 2  # bytes before the newline

SURFACE = Surface(
    priority=0,
    clauses=("SETUP-2", "GREET-1", "GREET-5"),
    code=("refsync.session.prologue",),
    oracle="ECMDS",
    dictionary={
        "tag": greeting.TAG,
        "greeting": greeting.encode_greeting(greeting.Greeting(MAX_PROTOCOL)),
        "version_low": int32(MIN_PROTOCOL),
        "version_high": int32(MAX_PROTOCOL),
        "version_newline": int32(10),
        "no_shell": b"bash: rsync: command not found\n",
        "newline": b"\n",
        "crlf": b"\r\n",
        "nul": b"\0",
    },
    max_length=MAX_DAEMON_LINE + 64,
    slow="every prefix of three decoders is tried, and the feeder byte by byte",
    shape=Shape(lambda data: 1 + data[0] % 5 if data else 0),
)

State = tuple[str, int | None, bytes | None, int]


def _model(data: bytes) -> State | None:
    """(state, version, line, bytes used); None for refusal. Looks at all the bytes at once."""
    line, newline, _ = data.partition(b"\n")
    if len(data) >= 4 and data[1:4] == b"\0\0\0" and data[0] != 10:
        return BINARY, data[0], None, 4
    if not newline and len(data) < 4 and not any(data[1:]):
        return UNDECIDED, None, None, len(data)
    if b"\0" in line[:LINE_LIMIT] or len(line) > LINE_LIMIT:
        return None
    if newline:
        return TEXT, None, line.replace(b"\r", b""), len(line) + 1
    return UNDECIDED, None, None, len(data)


def _run(feeder: Prologue, data: bytes, pieces: list[int]) -> State | None:
    """Feed piece by piece; what the feeder does not take is offered no more."""
    at = used = turn = 0
    while True:
        size = pieces[min(turn, len(pieces) - 1)] if pieces else len(data)
        piece = data[at : at + size]
        before = feeder.state
        try:
            taken = feeder.feed(piece)
        except ProtocolError as error:
            same(error.code, int(Exit.START_CLIENT), "exit code of a refusal")
            expect(feeder.state == UNDECIDED, "a refusal decides nothing")
            expect(len(feeder._held) <= MAX_DAEMON_LINE, f"{len(feeder._held)} bytes are held")
            return None
        expect(0 <= taken <= len(piece), f"took {taken} of {len(piece)} bytes")
        expect(before == UNDECIDED or (feeder.state == before and not taken), "a decision was changed")
        expect(feeder.state != UNDECIDED or taken == len(piece), "undecided, yet bytes were left")
        used += taken
        at += len(piece)
        turn += 1
        if at >= len(data):
            return feeder.state, feeder.version, feeder.line, used


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces, the same decision as a model that sees all bytes at once.

    It takes no byte that follows the prologue, never decides twice, and
    after a reset (or two) decides the same again. The decoder under it keeps
    the contract of decoders.
    """
    choices = Choices(data)
    pieces = [1 + choices.byte() for _ in range(choices.byte() % 5)]
    stream = choices.rest()
    wanted = _model(stream)
    feeder = Prologue()
    same(_run(feeder, stream, []), wanted, "fed at once")
    feeder.reset()
    feeder.reset()
    same(
        _run(feeder, stream, spread(pieces, 3 * len(stream))),
        wanted,
        "fed in pieces after a reset",
    )
    got = check_decoder(lambda: prologue.decode_prologue, stream)
    if wanted is None:
        expect(isinstance(got, Refused), f"decode_prologue: {got}")
    elif wanted[0] != UNDECIDED:
        same(got, Value(wanted[2] if wanted[1] is None else wanted[1], wanted[3]), "decode_prologue")
    for from_server in (True, False):
        decode = partial(prologue.decode_peer_greeting, from_server=from_server)
        check_decoder(partial(partial, decode), stream)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Versions, greetings of all ages, what a shell says, lines at the limit."""
    one_by_one, at_once = b"\1\0", b"\0"
    for version in (0, 10, 19, 20, MIN_PROTOCOL, MAX_PROTOCOL, 40, 255):
        yield f"version.{version}", one_by_one + int32(version) + b"\x81\xf7\3"
    yield "greeting.32", one_by_one + greeting.encode_greeting(greeting.Greeting(32)) + b"module\n"
    yield "greeting.31", at_once + b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\r\n"
    yield "greeting.29", at_once + b"@RSYNCD: 29\n#list\n"
    yield "greeting.32_bare", at_once + b"@RSYNCD: 32.0\n"
    yield "shell", b"\2\3\4" + b"bash: rsync: command not found\n"
    yield "motd", at_once + b"Welcome\n@RSYNCD: 32.0 md5\n"
    yield "nul", at_once + b"@RSYNCD:\x00 31.0\n"
    yield "big_endian", at_once + b"\0\0\0\x1f"
    yield "limit", at_once + b"x" * LINE_LIMIT + b"\n"
    yield "flood", at_once + b"x" * (LINE_LIMIT + 60)
    yield "limit_1", at_once + b"x" * (LINE_LIMIT + 1) + b"\n"
