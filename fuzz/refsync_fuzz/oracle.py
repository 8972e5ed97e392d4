"""The checks that targets share. Each raises ``Violation`` with what it expected.

They don't use ``assert``, which ``python -O`` removes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

from refsync.wire.cursor import Cursor
from refsync.wire.errors import EXIT_TEXT, NeedMoreData, ProtocolError, RefsyncError

T = TypeVar("T")

#: Inputs up to this long have all their prefixes tried, longer ones this many.
PREFIXES = 32


class Violation(AssertionError):
    """The code broke its oracle."""


def expect(condition: object, message: str) -> None:
    """Raise unless the condition holds."""
    if not condition:
        raise Violation(message)


def same(got: object, wanted: object, what: str) -> None:
    """Raise unless the two are equal and of one type."""
    if got != wanted or type(got) is not type(wanted):
        raise Violation(f"{what}: got {got!r}, expected {wanted!r}")


@contextmanager
def constants(module: ModuleType, **values: int) -> Iterator[None]:
    """A module with other constants, as limits that a short input can meet."""
    kept = {name: getattr(module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in kept.items():
            setattr(module, name, value)


def refuses(encode: Callable[[], object], what: str) -> None:
    """An encoder says ``ValueError`` to what its decoder would not give back (oracle R)."""
    try:
        made = encode()
    except ValueError:
        return
    raise Violation(f"{what}: not refused but {made!r:.200}")


def asked(ask: Callable[[], T]) -> T | None:
    """What a reader of the user's words makes of them; None if it refuses them as it should, and says why."""
    try:
        return ask()
    except RefsyncError as error:
        same(error.code, 1, "exit code")
        expect(error.message, "a reason")
        return None


@dataclass(frozen=True, slots=True)
class Value:
    """The decoder returned ``value`` after ``consumed`` bytes."""

    value: object
    consumed: int


@dataclass(frozen=True, slots=True)
class More:
    """The decoder wants more bytes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The decoder raised ``ProtocolError``; ``offset`` counts from the start of the value."""

    clause: str
    code: int
    offset: int


Outcome = Value | More | Refused
MORE = More()


def outcome(
    decode: Callable[[Cursor], object], data: bytes | bytearray | memoryview, pos: int = 0
) -> Outcome:
    """Decode once and hold the decoder to its contract (oracle E).

    ``NeedMoreData`` leaves the cursor where it was; a value never ends past the
    bytes given; a ``ProtocolError`` names a clause, a place in the buffer and
    an exit code that exists.
    """
    cursor = Cursor(data, pos)
    try:
        value = decode(cursor)
    except NeedMoreData:
        expect(cursor.pos == pos, f"NeedMoreData moved the cursor from {pos} to {cursor.pos}")
        return MORE
    except ProtocolError as error:
        expect("-" in error.clause, f"no clause in {error!r}")
        expect(error.code in EXIT_TEXT, f"exit code {error.code}")
        expect(
            error.offset == -1 or pos <= error.offset <= len(data),
            f"offset {error.offset} of {pos}..{len(data)}",
        )
        return Refused(error.clause, error.code, error.offset - pos if error.offset >= 0 else -1)
    expect(pos <= cursor.pos <= len(data), f"the cursor went from {pos} to {cursor.pos} of {len(data)}")
    return Value(value, cursor.pos - pos)


def cuts(length: int, limit: int = PREFIXES) -> Sequence[int]:
    """Lengths of strict prefixes to try: all, or ``limit`` spread ones with both ends."""
    if length <= limit:
        return range(length)
    half = limit // 2
    step = max(1, (length - limit) // half)
    return sorted({*range(half), *range(half, length, step), length - 1})


def check_decoder(make: Callable[[], Callable[[Cursor], object]], data: bytes) -> Outcome:
    """Oracles E and T, and that it matters nothing where in which kind of buffer the bytes lie.

    ``make`` gives a fresh decoder for each try, so that one with state starts equal.
    """
    first = outcome(make(), data)
    same(outcome(make(), bytearray(b"\xa5\xff" + data), 2), first, "a bytearray, two bytes on")
    if isinstance(first, Value):
        whole = data[: first.consumed]
        same(outcome(make(), whole), first, "without the bytes behind the value")
        for cut in cuts(first.consumed):
            same(outcome(make(), whole[:cut]), MORE, f"the first {cut} of {first.consumed} bytes")
    elif isinstance(first, Refused):
        for cut in cuts(len(data), 8):
            early = outcome(make(), data[:cut])
            if early not in (MORE, first):  # the text costs more than the check
                raise Violation(f"the first {cut} bytes: {early}, all: {first}")
    else:
        for cut in cuts(len(data), 8):
            same(outcome(make(), data[:cut]), MORE, f"the first {cut} bytes of an unfinished value")
    return first


def drip(decode: Callable[[Cursor], T], data: bytes, pieces: Sequence[int]) -> tuple[list[T], Outcome]:
    """All values from one decoder that is fed piece by piece, and how it ended (oracle C).

    ``pieces`` are sizes, used in turn; the last serves for the rest. The
    consumed count of the final outcome is from the start of the data.
    """
    buffer = bytearray()
    cursor = Cursor(buffer)
    values: list[T] = []
    at = 0
    turn = 0
    while True:
        before = cursor.pos
        try:
            values.append(decode(cursor))
        except NeedMoreData:
            expect(cursor.pos == before, "NeedMoreData moved the cursor")
            if at >= len(data):
                return values, MORE
            size = max(1, pieces[min(turn, len(pieces) - 1)]) if pieces else len(data)
            turn += 1
            buffer += data[at : at + size]
            at += size
        except ProtocolError as error:
            return values, Refused(error.clause, error.code, error.offset)
        else:
            expect(before < cursor.pos <= len(buffer), f"a value of {cursor.pos - before} bytes")
