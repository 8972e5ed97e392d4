"""Frames: header, every message code, data in between, as the link takes them apart.

Input: a byte with the number of pieces, their sizes, then framed bytes. Read a
second time the same bytes are choices of what to send.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.session.link import Link
from refsync.wire import mux
from refsync.wire.cursor import Cursor
from refsync.wire.errors import Exit, NeedMoreData, ProtocolError
from refsync.wire.integers import int32

from ..choices import Choices, spread
from ..oracle import Outcome, Refused, Value, check_decoder, drip, expect, refuses, same
from ..structure import Shape
from ..target import Surface

LIMIT = 4096 + 1024  # of a message's text: it must be shorter
#: Payload sizes that each code may have, apart from the table under test; None: text.
SIZES: dict[int, tuple[int, ...] | None] = {
    0: None, 1: None, 2: None, 3: None, 4: None, 22: (4,), 33: (4,), 42: (0,), 86: (0, 4),
    100: (4, 20), 101: None, 102: (4,),
}  # fmt: skip

SURFACE = Surface(
    priority=0,
    clauses=("MUX-1", "MUX-2", "MUX-3", "MUX-4", "MUX-5", "MUX-6"),
    code=("refsync.wire.mux", "refsync.session.link"),
    oracle="ECRMD",
    dictionary={
        **{f"header_{name.lower()}": mux.encode_header(code, (sizes or (3,))[0])
           for code, (name, sizes) in mux.MESSAGES.items()},
        "header_data_max": mux.encode_header(mux.DATA, mux.MAX_PAYLOAD),
        "header_text_limit": mux.encode_header(mux.INFO, LIMIT),
        "header_text_most": mux.encode_header(mux.INFO, LIMIT - 1),
        "header_unknown": mux.encode_header(60, 0),
    },
    max_length=8192,
    slow="a stream is received twice, sent once, and read by the codec",
    shape=Shape(lambda data: 1 + data[0] % 4 if data else 0, 3, 1),
)  # fmt: skip

Event = tuple[int, bytes]


def _model(stream: bytes) -> tuple[list[Event], bool]:
    """Whole messages and merged data of all the bytes, and whether they end in a refusal."""
    events: list[Event] = []
    at = 0
    while len(stream) - at >= 4:
        length, tag = int.from_bytes(stream[at : at + 3], "little"), stream[at + 3] - 7
        sizes = SIZES.get(tag, ())
        if sizes is None:
            bad = tag != 0 and length >= LIMIT
        else:
            bad = length not in sizes
        if bad:
            return events, True
        payload = stream[at + 4 : at + 4 + length]
        at += 4 + length
        if tag == 0:
            _add(events, 0, payload)
        elif len(payload) < length:
            break
        else:
            events.append((tag, payload))
    return events, False


def _add(events: list[Event], code: int, payload: bytes) -> None:
    """Adjacent data is one event: frame borders mean nothing to the reader."""
    if code == 0 and events and events[-1][0] == 0:
        events[-1] = (0, events[-1][1] + payload)
    elif code or payload:
        events.append((code, payload))


def _receive(stream: bytes, pieces: list[int]) -> tuple[list[Event], bool]:
    """What a link makes of the stream; data is taken from it before each message and after each piece."""
    events: list[Event] = []

    def take(cursor: Cursor) -> bytes:
        return cursor.take(cursor.remaining())

    def on_message(code: int, payload: bytes) -> None:
        _add(events, 0, link.poll(take))
        events.append((code, payload))

    link = Link(on_message)
    link.start_frames_in()
    at = turn = 0
    while at < len(stream):
        size = pieces[min(turn, len(pieces) - 1)] if pieces else len(stream)
        turn += 1
        try:
            link.feed(stream[at : at + size])
        except ProtocolError as error:
            same(error.code, int(Exit.STREAM_IO), "exit code of a refusal")
            _add(events, 0, link.poll(take))
            return events, True
        at += size
        _add(events, 0, link.poll(take))
        expect(link.available == 0, "bytes stay behind")
    same(link.bytes_in, len(stream), "bytes counted")
    return events, False


def fuzz_one(data: bytes) -> None:
    """Oracle: however it is cut, a link gives the messages and data of an independent model.

    It refuses what the model refuses, after the same events, with exit 12;
    never holds more than was fed; and what one link sends another receives.
    """
    choices = Choices(data)
    pieces = [1 + choices.byte() for _ in range(choices.byte() % 4)]
    stream = choices.rest()
    wanted = _model(stream)
    same(_receive(stream, []), wanted, "at once")
    same(_receive(stream, spread(pieces, len(stream))), wanted, "in pieces")
    refuses(lambda: mux.encode_header(mux.DATA, mux.MAX_PAYLOAD + 1), "a frame past the limit")
    first = check_decoder(lambda: mux.decode, stream)
    if isinstance(first, Value):
        _explained(first)
    values, end = drip(mux.decode, stream, spread(pieces, len(stream)))
    same(isinstance(end, Refused), wanted[1], "the codec's view of the end")
    merged: list[Event] = []
    for code, payload in values:
        _add(merged, code, payload)
    same([e for e in merged if e[0]], [e for e in wanted[0] if e[0]], "the codec's messages")
    _round_trip(Choices(data))


def _explained(first: Outcome) -> None:
    code, payload = first.value  # type: ignore[union-attr, misc]
    text = mux.explain(code, payload)
    expect(text.startswith(mux.MESSAGES[code][0]) and "\n" not in text, text)


def _data(events: list[Event]) -> bytes:
    return b"".join(payload for code, payload in events if code == 0)


def _round_trip(choices: Choices) -> None:
    sender = Link()
    sender.start_frames_out()
    sent: list[Event] = []
    while choices:
        code = choices.pick(tuple(SIZES))
        sizes = SIZES[code]
        payload = choices.text() if sizes is None else choices.take(choices.pick(sizes))
        if sizes is not None and len(payload) not in sizes:
            break
        _add(sent, code, payload)
        if code == mux.DATA:
            sender.write(payload * 300 if len(payload) == 255 else payload)
            if len(payload) == 255:
                _add(sent, 0, payload * 299)
        else:
            sender.message(code, payload)
    stream = bytes(sender.output())
    received, refused = _receive(stream, [])
    expect(not refused, "a link sent what another refuses")
    # a message may overtake data that is not framed yet (MUX-3)
    same([e for e in received if e[0]], [e for e in sent if e[0]], "messages sent")
    same(_data(received), _data(sent), "data sent")
    cursor = Cursor(stream)
    try:
        while True:
            _, size = mux.decode_header(cursor)
            cursor.take(size)
    except NeedMoreData:
        same(cursor.remaining(), 0, "bytes behind the last frame")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each message at its sizes, data cut by messages, limits, floods, codes that no peer may send."""
    ones = b"\1\0"
    for code, sizes in SIZES.items():
        for size in sizes if sizes is not None else (0, 5):
            name = mux.MESSAGES[code][0].lower()
            yield (
                f"{name}.{size}",
                ones + mux.encode(code, b"hello and good-bye 20"[:size]) + mux.encode(0, b"z"),
            )
    yield "interleaved", b"\3\0\2\7" + mux.encode(0, b"abc") + mux.encode(2, b"hi\n") + mux.encode(0, b"def")
    yield "noop_flood", b"\1\x1f" + mux.encode(mux.NOOP) * 40
    yield "text_most", b"\1\xff" + mux.encode_header(mux.INFO, LIMIT - 1) + b"i" * (LIMIT - 1)
    yield "text_limit", b"\1\xff" + mux.encode_header(mux.INFO, LIMIT)
    yield "data_max", ones + mux.encode_header(mux.DATA, mux.MAX_PAYLOAD) + b"d" * 20
    yield "io_timeout_short", ones + mux.encode_header(mux.IO_TIMEOUT, 3) + b"123"
    yield "no_send", ones + mux.encode(mux.NO_SEND, int32(7)) + mux.encode(mux.SUCCESS, int32(8))
    yield "redo_from_peer", ones + mux.encode(mux.REDO, int32(1))
    yield "below_base", ones + b"\0\0\0\6"
    yield "code_255", ones + b"\0\0\0\xff"
