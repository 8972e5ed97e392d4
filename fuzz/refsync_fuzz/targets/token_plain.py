"""The plain token stream of a file.

Input: a byte with the number of pieces, their sizes, then wire bytes; read a
second time, choices of what to encode.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import tokens
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.integers import int32
from refsync.wire.limits import MAX_LITERAL

from ..choices import Choices, spread
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("TOK-1", "TOK-2", "TOK-3", "TOK-4"),
    code=("refsync.wire.tokens",),
    oracle="ECRMD",
    dictionary={
        "end": int32(0),
        "first_block": int32(-1),
        "last_block": int32(-(1 << 31)),
        "literal_max": int32(MAX_LITERAL),
        "literal_past": int32(MAX_LITERAL + 1),
        "literal_4": int32(4) + b"data",
    },
    max_length=2048,
)

Event = bytes | int | None


def _add(events: list[Event], event: Event) -> None:
    """How a run is handed on in parts means nothing: adjacent literals are one."""
    if isinstance(event, bytes) and events and isinstance(events[-1], bytes):
        events[-1] += event
    else:
        events.append(event)


def _model(stream: bytes) -> tuple[list[Event], str]:
    events: list[Event] = []
    at = 0
    while len(stream) - at >= 4:
        token = int.from_bytes(stream[at : at + 4], "little", signed=True)
        if token > 64 * 1024 * 1024:
            return events, "refused"
        at += 4
        if token > 0:
            if stream[at : at + token]:
                _add(events, stream[at : at + token])
            at += token
        else:
            events.append(-1 - token if token else None)
    return events, "more"


def _decode(stream: bytes, pieces: list[int]) -> tuple[list[Event], str]:
    events: list[Event] = []
    decoder = tokens.PlainDecoder()
    buffer = bytearray()
    cursor = Cursor(buffer)
    at = turn = 0
    while True:
        before = cursor.pos
        try:
            event = decoder.decode(cursor)
        except NeedMoreData:
            if at >= len(stream):
                return events, "more"
            size = pieces[min(turn, len(pieces) - 1)] if pieces else len(stream)
            turn += 1
            buffer += stream[at : at + size]
            at += size
        except ProtocolError as error:
            same((error.clause, error.code), ("TOK-2", 2), "a refusal")
            return events, "refused"
        else:
            expect(before < cursor.pos <= len(buffer), "no progress")
            expect(event != b"", "an empty literal")
            _add(events, event)


def fuzz_one(data: bytes) -> None:
    """Oracle: in any pieces, the literals, blocks and ends of an independent model.

    No literal is longer than what was fed; runs past the limit are refused;
    what was encoded decodes to itself, file after file.
    """
    choices = Choices(data)
    pieces = [1 + choices.byte() for _ in range(choices.byte() % 4)]
    stream = choices.rest()
    wanted = _model(stream)
    same(_decode(stream, []), wanted, "at once")
    same(_decode(stream, spread(pieces, len(stream))), wanted, "in pieces")
    encoder = tokens.PlainEncoder()
    choices = Choices(data)
    sent: list[Event] = []
    wire = b""
    while choices:
        kind = choices.byte() % 4
        if kind == 0:
            wire += encoder.end()
            sent.append(None)
        elif kind == 1:
            index = choices.integer(4) & 0x7FFFFFFF
            wire += encoder.match(index, b"")
            sent.append(index)
        else:
            run = choices.text() * (1 if kind == 2 else 300)
            wire += encoder.literal(run)
            if run:
                _add(sent, run)
    same(_decode(wire, []), (sent, "more"), "encoded and decoded")


def seeds() -> Iterator[tuple[str, bytes]]:
    """A whole file, blocks at the edges, runs at the limit."""
    encoder = tokens.PlainEncoder()
    usual = encoder.literal(b"hello ") + encoder.match(0, b"") + encoder.match(7, b"") + encoder.literal(b"!")
    yield "file", b"\0" + usual + encoder.end()
    yield "dripped", b"\2\0\4" + usual + encoder.end() + usual
    yield "empty", b"\0" + encoder.end() * 3
    yield "edges", b"\1\3" + int32(-(1 << 31)) + int32(-1) + encoder.end()
    yield "longest", b"\0" + int32(MAX_LITERAL) + b"x" * 16
    yield "too_long", b"\0" + int32(5) + b"12345" + int32(MAX_LITERAL + 1)
    yield "mixed", bytes((1, 5, 0, 0, 0, 3, 200)) + b"q" * 200 + b"\0\2\3abc"
