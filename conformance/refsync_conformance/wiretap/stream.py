"""One direction of a conversation: bytes as they come, frames taken apart, values noted with their place.

The same shape as ``refsync.session.link``, whose reader this mirrors; but it only
listens, keeps every offset, and goes on where a session would give up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator
from dataclasses import dataclass
from operator import itemgetter
from types import coroutine
from typing import TypeVar

from refsync.wire import mux
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was said.

    ``offset`` is that of its first byte in the direction's raw bytes, ``data``
    are its bytes without frame headers. ``kind`` is ``value``, ``frame``,
    ``message``, ``wrong`` (breaks ``clause``) or ``unknown``.
    """

    way: str
    offset: int
    data: bytes
    kind: str
    clause: str
    name: str
    text: str


@coroutine
def pause() -> Generator[None, None, None]:
    """Wait until either direction has brought something new."""
    yield


class Stream:
    """``emit`` gets each record. ``moved`` counts what was read, so that a driver sees progress."""

    def __init__(self, way: str, emit: Callable[[Record], None]) -> None:
        self.way = way
        self.moved = 0
        self._emit = emit
        self._cursor = Cursor(bytearray())
        self._base = 0  # where the cursor's first byte is among all payload bytes
        self._shifts = [(0, 0)]  # from which payload offset on, how far behind the raw bytes it is
        self._raw_offset = 0
        self._payload_end = 0
        self._framed = False
        self._raw = bytearray()
        self._left = 0
        self._error: ProtocolError | None = None  # a frame that is none: nothing behind it can be read

    def feed(self, data: bytes) -> None:
        """Take what has passed."""
        if self._framed:
            self._raw += data
            if not self._error:
                self._split()
        else:
            self._payload(data)

    def start_frames(self) -> None:
        """All from here on is in frames, what was not read yet included."""
        rest = bytes(self._cursor.data[self._cursor.pos :])
        del self._cursor.data[self._cursor.pos :]  # type: ignore[union-attr]
        self._raw_offset -= len(rest)
        self._payload_end -= len(rest)
        self._framed = True
        self._left = 0
        self._raw = bytearray(rest)
        self._split()

    def stop_frames(self) -> None:
        """What follows the frames that were begun is raw again."""
        self._framed = False
        rest, self._raw = bytes(self._raw), bytearray()
        self._payload(rest)

    async def read(
        self,
        name: str,
        clause: str,
        decode: Callable[[Cursor], T],
        explain: Callable[[T], str] = str,
    ) -> T:
        """The next value, noted; a wrong one is noted as such and its ``ProtocolError`` raised."""
        cursor = self._cursor
        while True:
            start = cursor.pos
            try:
                value = decode(cursor)
            except NeedMoreData:
                cursor.pos = start
                if self._error:
                    raise self._error from None
                await pause()
            except ProtocolError as error:
                cursor.pos = start
                self._note(
                    start, min(len(cursor.data), start + 16), "wrong", error.clause, name, error.message
                )
                raise
            else:
                self.moved += 1
                self._note(start, cursor.pos, "value", clause, name, explain(value))
                self._compact()
                return value

    def rest_is_unknown(self, why: str) -> None:
        """Note whatever is there and can't be read any more."""
        cursor = self._cursor
        if cursor.remaining():
            start, cursor.pos = cursor.pos, len(cursor.data)
            self.moved += 1
            self._note(start, cursor.pos, "unknown", "", "not understood", why)
            self._compact()
        if self._raw:
            self.moved += 1
            raw, self._raw = bytes(self._raw), bytearray()
            self._emit(Record(self.way, self._raw_offset, raw, "unknown", "", "not understood", why))
            self._raw_offset += len(raw)

    # -- places -----------------------------------------------------------

    def _note(self, start: int, end: int, kind: str, clause: str, name: str, text: str) -> None:
        place = self._base + start
        shift = self._shifts[bisect_right(self._shifts, place, key=itemgetter(0)) - 1][1]
        data = bytes(self._cursor.data[start:end])
        self._emit(Record(self.way, place + shift, data, kind, clause, name, text))

    def _payload(self, data: bytes) -> None:
        if not data:
            return
        shift = self._raw_offset - self._payload_end
        if shift != self._shifts[-1][1]:
            self._shifts.append((self._payload_end, shift))
        self._cursor.data += data  # type: ignore[operator]
        self._payload_end += len(data)
        self._raw_offset += len(data)

    def _compact(self) -> None:
        cursor = self._cursor
        if cursor.pos < 1 << 16 and cursor.remaining():
            return
        del cursor.data[: cursor.pos]  # type: ignore[union-attr]
        self._base += cursor.pos
        cursor.pos = 0
        del self._shifts[: bisect_right(self._shifts, self._base, key=itemgetter(0)) - 1]

    # -- frames -----------------------------------------------------------

    def _split(self) -> None:
        while self._raw:
            if self._left:
                data = bytes(self._raw[: self._left])
                self._left -= len(data)
                del self._raw[: len(data)]
                self._payload(data)
                continue
            offset = self._raw_offset
            cursor = Cursor(self._raw)
            try:
                code, length = mux.decode_header(cursor)
                payload = b"" if code == mux.DATA else cursor.take(length)
            except NeedMoreData:
                return
            except ProtocolError as error:
                head = bytes(self._raw[:4])
                del self._raw[:4]
                self._raw_offset += 4
                self._error = error
                self._emit(Record(self.way, offset, head, "wrong", error.clause, "frame", error.message))
                return
            head = bytes(self._raw[: cursor.pos])
            del self._raw[: cursor.pos]
            self._raw_offset += cursor.pos
            self.moved += 1
            if code == mux.DATA:
                self._left = length
                self._emit(Record(self.way, offset, head, "frame", "MUX-1", "frame", f"DATA, {length} bytes"))
            else:
                text = mux.explain(code, payload)
                self._emit(Record(self.way, offset, head, "message", "MUX-8", "message", text))
