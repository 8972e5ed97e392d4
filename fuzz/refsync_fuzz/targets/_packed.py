"""What the targets of compressed token streams share: a model of the framing, and what a codec is held to.

Input: settings, sizes of pieces, then wire bytes; read a second time, a plan
of what to encode, and edits of the stream that comes of it. So mutations
reach both what no encoder makes and what is nearly right. The two highest bits of the
settings say which: both, the bytes alone, or the plan with edits.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from refsync.wire import compression
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.limits import MAX_INFLATED, MAX_LZ4_BLOCK

from ..choices import Choices, spread
from ..oracle import Violation, expect, same

Event = bytes | int | None

#: A stream is left alone once so much has come out of it.
ENOUGH = 400_000
_TEXT = b" ".join(b"%d" % (n * n % 997) for n in range(40_000))
_NOISE = random.Random(3).randbytes(140_000)
#: Most are short; the others are at the edges of what the codecs keep.
_SIZES = (700, 1, 5_000, 40, 32_768, 300, 65_535, 90, 65_536, 64, 70_000, 17, 131_072, 1_000)

DICTIONARY = {
    "end": b"\0",
    "block": b"\x20\0\0\0\0",
    "last_block": b"\x20\xff\xff\xff\x7f",
    "negative_block": b"\x20\xff\xff\xff\xff",
    "run": b"\x21\0\0\0\0\1\0",
    "run_past": b"\x21\xff\xff\xff\x7f\1\0",
    "near": b"\x80",
    "near_63": b"\xbf",
    "near_run": b"\xc0\1\0",
    "long_run": b"\xc0\xff\xff",
    "empty_run": b"\xc0\0\0",
    "empty_data": b"\x40\0",
    "data_5": b"\x40\5",
    "data_max": b"\x7f\xff",
    "flag_past": b"\x22",
}


class Model(Protocol):
    """A naive decompressor. ``ValueError``: its library refuses the data."""

    def feed(self, packed: bytes) -> bytes: ...

    def close(self) -> None:
        """A run of data ends."""

    def block(self, data: bytes) -> None: ...

    def end(self) -> None:
        """A file ends."""


@dataclass(slots=True)
class Codec:
    """One algorithm under test; ``model`` makes its naive decompressor."""

    name: str
    model: type[Model]


@lru_cache(512)
def block_of(index: int, salt: int) -> bytes:
    """What block ``index`` of the basis holds: text or noise, of a length that matters."""
    source = _NOISE if (index + salt) % 3 == 0 else _TEXT
    at = index * 131 % 4_000
    return source[at : at + _SIZES[(index + salt) % len(_SIZES)]]


def _add(events: list[Event], event: Event) -> int:
    """Adjacent literals are one; the number of bytes."""
    if not isinstance(event, bytes):
        events.append(event)
        return 0
    if events and isinstance(events[-1], bytes):
        events[-1] += event
    elif event:
        events.append(event)
    return len(event)


def _expected(model: Model, wire: bytes, salt: int) -> tuple[list[Event], str]:
    """The framing by another way: a loop over the whole stream."""
    events: list[Event] = []
    at = last = total = 0
    dirty = False
    try:
        while total <= ENOUGH:
            flag = wire[at]
            if flag >> 6 == 1:
                size = (flag % 64) * 256 + wire[at + 1]
                if len(wire) < at + 2 + size:
                    return events, "more"
                total += _add(events, model.feed(wire[at + 2 : at + 2 + size]))
                at += 2 + size
                dirty = True
                continue
            number, count = last + flag % 64, 0
            if flag < 64 and flag not in (0, 0x20, 0x21):
                return events, "refused"
            at += 1
            if 0 < flag < 64:
                number = int.from_bytes(wire[at : at + 4], "little", signed=True)
                at += 4
            if flag == 0x21 or flag >= 0xC0:
                count = wire[at] + 256 * wire[at + 1]
                at += 2
            if len(wire) < at:
                return events, "more"
            bad_run = (flag == 0x21 or flag >= 0xC0) and not count
            if flag and (number < 0 or number + count > 0x7FFFFFFF or bad_run):
                return events, "refused"
            if dirty:
                model.close()
            dirty = False
            if not flag:
                model.end()
                events.append(None)
                last = 0
                continue
            for index in range(number, number + count + 1):
                events.append(index)
                data = block_of(index, salt)
                model.block(data)
                total += 64 + len(data)
                if total > ENOUGH:
                    return events, "enough"
            last = number + count
        return events, "enough"
    except IndexError:
        return events, "more"
    except ValueError:
        return events, "refused"


def _decoded(codec: Codec, wire: bytes, pieces: list[int], salt: int, quirk: bool) -> tuple[list[Event], str]:
    """What our decoder gives of a stream that comes in pieces (oracles E, M)."""
    events: list[Event | bytearray] = []
    how = _decode(codec, wire, pieces, salt, quirk, events)
    return [bytes(event) if isinstance(event, bytearray) else event for event in events], how


def _decode(
    codec: Codec, wire: bytes, pieces: list[int], salt: int, quirk: bool, events: list[Event | bytearray]
) -> str:
    decoder = compression.decoder(codec.name, quirk=quirk)
    buffer = bytearray()
    cursor = Cursor(buffer)
    at = turn = total = 0
    most = max(MAX_INFLATED, MAX_LZ4_BLOCK)
    decode = decoder.decode
    while total <= ENOUGH:
        before = cursor.pos
        try:
            event = decode(cursor)
        except NeedMoreData:
            same(cursor.pos, before, "where the cursor stands")
            if at >= len(wire):
                return "more"
            size = pieces[min(turn, len(pieces) - 1)] if pieces else len(wire)
            turn += 1
            buffer += wire[at : at + size]
            at += size
            continue
        except ProtocolError as error:
            expect(error.clause.startswith("COMP-"), f"refused by {error.clause}")
            same(int(error.code), 2 if error.clause == "COMP-7" else 12, f"exit code of {error.clause}")
            return "refused"
        if not before <= cursor.pos <= len(buffer):  # the text costs more than the check
            raise Violation(f"the cursor went from {before} to {cursor.pos} of {len(buffer)}")
        if isinstance(event, bytes):
            if not event:
                continue
            if len(event) > most:
                raise Violation(f"{len(event)} bytes at once")
            if events and isinstance(events[-1], bytearray):
                events[-1] += event
            else:
                events.append(bytearray(event))
            total += len(event)
            continue
        if event is not None:
            data = block_of(event, salt)
            decoder.saw_block(data)
            total += 64 + len(data)
        events.append(event)
    return "enough"


def _check(codec: Codec, wire: bytes, pieces: list[int], salt: int, quirk: bool) -> tuple[list[Event], str]:
    """Oracles C and D of one stream; what came of it."""
    got, how = _decoded(codec, wire, [], salt, quirk)
    same(_decoded(codec, wire, spread(pieces, len(wire)), salt, quirk), (got, how), "in pieces")
    model: Model = codec.model()
    if quirk:
        model.quirk = True  # type: ignore[attr-defined]
    wanted, outcome = _expected(model, wire, salt)
    came = list(got), how
    if "enough" in (how, outcome):
        return came
    same(how, outcome, "how it ends")
    if how == "refused":  # what a library gives before it finds the fault differs
        while got and isinstance(got[-1], bytes):
            got.pop()
        while wanted and isinstance(wanted[-1], bytes):
            wanted.pop()
    same(got, wanted, "the tokens of the model")
    return came


def _encoded(codec: Codec, choices: Choices, salt: int, quirk: bool) -> tuple[bytes, list[Event]]:
    """A stream by a plan, and what it holds."""
    wish = choices.byte()
    name, level = compression.settle(codec.name, wish % 8 + 1 if wish < 255 else 0)
    if name is None:  # zlib's level 0 is no compression at all (COMP-10)
        expect(
            codec.name.startswith("zlib") and wish == 255 and level == 0, f"level {wish} is {level} of {name}"
        )
        level = 1
    encoder = compression.encoder(codec.name, level, quirk=quirk)
    encoder.begin(skip=False)
    wire, total = b"", 0
    events: list[Event] = []
    index = 0
    while choices and total < ENOUGH // 2:
        kind = choices.byte()
        if kind % 8 == 0:
            wire += encoder.end()
            encoder.begin(skip=bool(kind & 8))
            events.append(None)
        elif kind % 8 < 4:
            index = index + 1 if kind % 8 == 1 else choices.byte() if kind % 8 == 2 else choices.integer(4)
            index &= 0x7FFFFFFF
            data = block_of(index, salt)
            wire += encoder.match(index, data)
            events.append(index)
            total += 64 + len(data)
        else:
            at = choices.integer(2)
            source = _NOISE if kind % 8 == 5 else _TEXT
            run = source[at : at + choices.integer(2) % 20_000] if kind % 8 < 6 else choices.text()
            wire += encoder.literal(run)
            total += _add(events, run)
    wire += encoder.end()
    events.append(None)
    return wire, events


def _edited(wire: bytes, choices: Choices) -> bytes:
    """A stream with some bytes changed, taken out or put twice."""
    stream = bytearray(wire)
    for _ in range(1 + choices.byte() % 3):
        at = choices.integer(2) % max(1, len(stream))
        kind = choices.byte() % 4
        if kind == 0 and stream:
            stream[at] ^= 1 << choices.byte() % 8
        elif kind == 1:
            del stream[at : at + 1 + choices.byte() % 16]
        elif kind == 2:
            stream[at:at] = stream[at : at + choices.byte() % 32]
        else:
            stream[at:at] = choices.pick(tuple(DICTIONARY.values()))
    return bytes(stream)


def check(codec: Codec, data: bytes) -> None:
    """All oracles for one input."""
    choices = Choices(data)
    settings = choices.byte()
    salt, quirk = settings >> 1 & 7, bool(settings & 1) and codec.name == "zlib"
    pieces = [1 + choices.byte() for _ in range(choices.byte() % 4)]
    if settings >> 6 < 2:
        _check(codec, choices.rest(), pieces, salt, quirk)
    if settings >> 6 == 1:
        return
    edits = Choices(data[:9])
    wire, sent = _encoded(codec, Choices(data[9:]), salt, quirk)
    same(_check(codec, wire, pieces, salt, quirk), (sent, "more"), "encoded and decoded")
    if edits.byte() & 0x80:
        _check(codec, _edited(wire, edits), pieces, salt, quirk)


def seeds(codec: Codec) -> Iterator[tuple[str, bytes]]:
    """Streams of the encoder, a history in use, runs, a bomb, the edges of numbers; plans with edits."""
    for name, quirk in (("usual", False), ("old", True)):
        encoder = compression.encoder(codec.name, 6, quirk=quirk and codec.name == "zlib")
        encoder.begin(skip=False)
        wire = encoder.literal(_TEXT[:60]) + encoder.match(0, block_of(0, 0))
        wire += encoder.literal(block_of(0, 0)[:90]) + b"".join(
            encoder.match(n, block_of(n, 0)) for n in (1, 2, 3)
        )
        wire += (
            encoder.match(6, block_of(6, 0)) + encoder.literal(block_of(6, 0)[40_000:40_040]) + encoder.end()
        )
        encoder.begin(skip=False)
        wire += (
            encoder.match(300, block_of(300, 0)) + encoder.literal(b"again") + encoder.end() + encoder.end()
        )
        yield name, bytes((quirk, 2, 3, 40)) + wire
    bomb = compression.encoder(codec.name, 3, quirk=False)
    bomb.begin(skip=False)
    yield "bomb", b"\0\0" + (bomb.literal(bytes(300_000)) + bomb.end())[:1500]
    for name, word in DICTIONARY.items():
        yield f"token.{name}", b"\0\1\0" + word + b"\0"
    plan = b"\4\0\0\x90\1\1\1\2\7\6\5hello\3\xff\xff\xff\x7f\x08\5\0\0\x20\3\0\1\4\0\0\0\1"
    yield "plan.level_0", b"\0" * 9 + b"\xff" + plan
    for number, head in enumerate((b"\0" * 9, b"\x81\0\2\1\3\4\5\6\7", b"\x8e\1\4\3\1\2\3\4\5", b"\xff" * 9)):
        yield f"plan.{number}", head + b"\6" + plan
