"""One end of a connection, without the connection.

A ``Link`` holds bytes received and not yet read, and bytes written and not yet taken. It takes frames
apart and puts them together once multiplexing is on. Conversations are coroutines that wait in exactly
two places: ``read`` (for more input) and ``drain`` (for output to be taken), so any number of them share
a link without a deadlock: a driver goes on feeding while output cannot leave, as long as it is ``hungry``.

Clauses MUX-1 to MUX-12, END-8; upstream ``io.c:perform_io``, ``read_a_msg``.
"""

from __future__ import annotations

from collections.abc import Callable

from ..critical import uninterrupted
from ..typed import TypeVar
from ..wire import mux
from ..wire.cursor import Cursor
from ..wire.errors import NeedMoreData, ProtocolError
from ..wire.errors import PeerClosed as PeerClosed
from ..wire.errors import PeerDeaf as PeerDeaf
from ..wire.errors import PeerReset as PeerReset
from .bulk import BulkInput, BulkOutput, Moved
from .waits import WANT_ANY, WANT_INPUT, WANT_ROOM, WANT_TURN, wait

T = TypeVar("T")

#: A frame of file data holds at most this much; other implementations have small buffers.
FRAME_LIMIT = 32 * 1024
#: ``drain`` waits while more than this is unsent.
HIGH_WATER = 256 * 1024
#: Input is left with the system while so much waits to be read by conversations that wait for something else.
MAX_BUFFERED = 8 * 1024 * 1024
#: After work on so many bytes others get their turn: signs of life and interrupts don't wait for a file.
TURN = 16 * 1024 * 1024
#: Buffers are compacted once this many bytes were read from their front.
COMPACT = 64 * 1024

MessageHandler = Callable[[int, bytes], None]
Recorder = Callable[[bytes | bytearray | memoryview], None]


class Link:
    """Buffers, framing and message dispatch for one end of a connection.

    ``on_message(code, payload)`` is called for each message as soon as its frame is complete, while the link
    is being read or fed; until a handler is set, messages wait for it.
    """

    def __init__(self, on_message: MessageHandler | None = None) -> None:
        self._on_message = on_message
        self._unheard: list[tuple[int, bytes]] = []
        self.bytes_in = 0
        self.bytes_out = 0
        self.data_out = 0  # bytes of the conversation alone, without frames and messages
        self._data_read = 0  # the same that were read, up to the last compaction
        self.closed = False  # the peer will send no more
        self._reset = self._starved = False
        #: what a driver calls when nothing has been sent for a while (MUX-10)
        self.keepalive: Callable[[], None] | None = None
        #: seconds without a byte after which a driver gives up, if the peer has set one (MUX-12)
        self.idle_limit = 0
        #: True where the driver can run what ``bulk_out`` and ``bulk_in`` hold
        self.carries_bulk = False
        self.bulk_out: BulkOutput | None = None
        self.bulk_in: BulkInput | None = None
        self.torn = False  # a frame of ``bulk_out`` has ended too early: nothing can be said any more
        self.bulk_outcome = Moved.MORE  # why the driver has taken ``bulk_in`` away
        self._cursor = Cursor(bytearray())
        self._out = bytearray()
        self._data = bytearray()  # payload waiting for its frame header
        self._framed_in = False
        self._framed_out = False
        self._raw = bytearray()  # framed input that is not yet a whole frame
        self._frame_left = 0  # bytes of the current DATA frame still to come
        self._record_in: Recorder | None = None
        self._record_out: Recorder | None = None
        self._stepwise = False  # a frame is not looked at before it is wanted
        self._held: list[tuple[int, bytes]] | None = None  # messages, while frames out are interrupted
        self._worked = 0  # bytes since the last turn of others

    # -- the driver's side ------------------------------------------------

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes from the peer."""
        self.bytes_in += len(data)
        if not self._framed_in:
            self._cursor.data += data  # type: ignore[operator]
        elif self._raw or self._stepwise:
            self._raw += data
            self._split()
        else:
            self._split(data)  # most of it goes to the reader at once

    @property
    def hungry(self) -> bool:
        """Whether to feed it: a conversation waits for that, or not much waits for the conversations."""
        return self._starved or self._cursor.remaining() + len(self._raw) < MAX_BUFFERED

    def feed_eof(self, *, reset: bool = False) -> None:
        """The peer has closed its end, or its system has cut the connection."""
        self.closed, self._reset = True, reset

    def output(self) -> bytearray:
        """Everything that is to be sent, as one buffer; ``sent`` says how much of it went."""
        self._frame_pending()
        return self._out

    def sent(self, count: int) -> None:
        """The driver has sent the first ``count`` bytes of ``output``."""
        del self._out[:count]
        self.bytes_out += count

    @property
    def pending(self) -> int:
        """Bytes not yet taken by the driver."""
        return len(self._out) + len(self._data)

    # -- the conversation's side ------------------------------------------

    async def read(self, decode: Callable[[Cursor], T]) -> T:
        """The next value; waits until it is all there, ``PeerClosed`` if it never will be."""
        cursor = self._cursor
        while True:
            try:
                value = decode(cursor)
            except NeedMoreData:
                if self._stepwise and self._split(more=True):
                    continue
                self._compact()
                await self.more_input()
            else:
                if cursor.pos > COMPACT:
                    self._compact()
                return value

    def poll(self, decode: Callable[[Cursor], T]) -> T:
        """As ``read``, without waiting: ``NeedMoreData`` if it is not all there."""
        return decode(self._cursor)

    async def more_input(self) -> None:
        """Wait until something has been received since the last look."""
        if self.closed:
            raise (PeerReset() if self._reset else PeerClosed(self.bytes_in)) from None
        self._starved = True
        await wait(WANT_INPUT)
        self._starved = False

    def begin_output(self, bulk: BulkOutput) -> None:
        """All that was written goes out, then ``bulk`` sends in our place until the driver takes it away."""
        self._frame_pending()
        self.bulk_out = bulk

    def detach_input(self) -> tuple[bytes, int]:
        """What was received and not read, for a ``bulk_in`` to begin with, and what is left of its frame.

        Payload that was taken out of frames already counts as one with the frame that it came from last.
        """
        self._compact()
        payload = bytes(self._cursor.data)
        self._cursor.data.clear()  # type: ignore[union-attr]
        raw, left = payload + self._raw, len(payload) + self._frame_left
        self._raw.clear()
        self._frame_left = 0
        return raw, left

    def attach_input(self, payload: bytes, raw: bytes, frame_left: int, used: int) -> None:
        """Take back payload and raw bytes that a ``bulk_in`` did not use; ``used`` counts what it did."""
        self._compact()
        self._data_read += used
        self._cursor.data += payload  # type: ignore[operator]
        if not self._framed_in:
            self._cursor.data += raw
            return
        self._frame_left = frame_left
        self._raw += raw
        self._split()

    async def moved(self) -> None:
        """Wait until a driver has run what is in ``bulk_out`` or ``bulk_in``."""
        await wait(WANT_ANY)

    async def turn(self) -> None:
        """Let the driver send and receive, and the other conversations run, then go on."""
        await wait(WANT_TURN)

    async def worked(self, count: int) -> None:
        """So many bytes of a file are done with: ``turn`` now and then, though few may have come or gone."""
        self._worked += count
        if self._worked >= TURN:
            self._worked = 0
            await wait(WANT_TURN)

    @property
    def waiting(self) -> Cursor:
        """What was received and not yet read, for one who can use it at once; what is used is passed over."""
        return self._cursor

    def passed(self, count: int) -> None:
        """So many bytes of ``waiting`` have been used."""
        self._cursor.pos += count
        if self._cursor.pos > COMPACT:
            self._compact()

    @property
    def available(self) -> int:
        """Bytes received and not yet read."""
        return self._cursor.remaining()

    @property
    def data_in(self) -> int:
        """Bytes that conversations have read, without frames and messages."""
        return self._data_read + self._cursor.pos

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue bytes of the conversation; never waits."""
        self.data_out += len(data)
        if self._record_out is not None:
            self._record_out(data)
        if not self._framed_out:
            self._out += data
        elif len(self._data) + len(data) < FRAME_LIMIT:
            self._data += data
        else:
            self._frame_full(data)

    def message(self, code: int, payload: bytes = b"") -> None:
        """Queue a message; it overtakes data that is not in a frame yet, as upstream's do (MUX-3)."""
        if self._held is not None:
            self._held.append((code, payload))
        else:
            self._out += mux.encode(code, payload)

    async def drain(self) -> None:
        """Wait while a lot is unsent."""
        while len(self._out) > HIGH_WATER:
            await wait(WANT_ROOM)

    async def flush(self) -> None:
        """Wait until all is sent."""
        self._frame_pending()
        while self._out:
            await wait(WANT_ROOM)

    @property
    def on_message(self) -> MessageHandler | None:
        """What is called for each message."""
        return self._on_message

    @on_message.setter
    def on_message(self, handler: MessageHandler) -> None:
        self._on_message = handler
        unheard, self._unheard = self._unheard, []
        for code, payload in unheard:
            handler(code, payload)

    # -- framing ----------------------------------------------------------

    @property
    def framed_in(self) -> bool:
        """True once all input is in frames."""
        return self._framed_in

    @property
    def framed_out(self) -> bool:
        """True once messages can be sent."""
        return self._framed_out

    def restart_counts(self) -> None:
        """END-4: what went before, greetings and setup, is not part of the totals."""
        self.bytes_in = self.available
        self.bytes_out = -self.pending

    def start_frames_out(self) -> None:
        """MUX-7: all that is written from here on goes out in frames."""
        self._framed_out = True

    def pause_frames_out(self) -> None:
        """FROM-2: what is written goes out raw until ``resume_frames_out``; messages wait."""
        self._frame_pending()
        self._framed_out, self._held = False, []

    def resume_frames_out(self) -> None:
        """Back to frames, with the messages that have waited."""
        self._framed_out = True
        held, self._held = self._held, None
        for code, payload in held or ():
            self.message(code, payload)

    def start_frames_in(self, *, stepwise: bool = False) -> None:
        """MUX-7: all that comes from here on is framed, what was already received included.

        ``stepwise``: frames will stop somewhere (FROM-3), so none is taken apart before it is wanted.
        """
        cursor = self._cursor
        self._framed_in, self._stepwise = True, stepwise
        self._raw = bytearray(cursor.data[cursor.pos :])
        cursor.data = bytearray()
        self._data_read += cursor.pos
        cursor.pos = 0
        self._split()

    def stop_frames_in(self) -> None:
        """The rest of the input is raw again; only legal between two frames."""
        self._framed_in = self._stepwise = False
        if self._frame_left:
            raise ProtocolError("a frame goes on where the frames should stop", clause="FROM-3")
        self._cursor.data += self._raw  # type: ignore[operator]
        self._raw.clear()

    def record_input(self, record: Recorder) -> None:
        """BATCH-1: give it every payload byte that has not been read yet, and all that will come."""
        self._record_in = record
        record(bytes(self._cursor.data[self._cursor.pos :]))

    @property
    def recorded(self) -> bool:
        """Whether what passes goes elsewhere too."""
        return self._record_in is not None or self._record_out is not None

    def record_output(self, record: Recorder) -> None:
        """BATCH-1: give it every byte that the conversation writes from here on."""
        self._record_out = record

    def _split(self, fresh: bytes | bytearray | memoryview | None = None, *, more: bool = False) -> bool:
        """Move the payload of DATA frames to the reader and hand out whole messages.

        ``fresh``: raw input besides, while there is no other. ``more``: at least one frame, if they are
        taken one at a time. True if the reader got anything.
        """
        raw = self._raw if fresh is None else fresh
        before = len(self._cursor.data)
        cursor = Cursor(raw)
        try:
            while True:
                if self._frame_left:
                    count = min(self._frame_left, cursor.remaining())
                    if not count:
                        break
                    with memoryview(raw) as view:
                        piece = view[cursor.pos : cursor.pos + count]
                        if self._record_in is not None:
                            self._record_in(piece)
                        self._cursor.data += piece  # type: ignore[operator]
                        piece.release()
                    cursor.pos += count
                    self._frame_left -= count
                    continue
                if self._stepwise and self._cursor.remaining() and not more:
                    break
                start = cursor.pos
                try:
                    code, length = mux.decode_header(cursor)
                    if code == mux.DATA:
                        self._frame_left = length
                        more = False
                        continue
                    payload = cursor.take(length)
                except NeedMoreData:
                    cursor.pos = start
                    break
                if self._on_message is None:
                    self._unheard.append((code, payload))
                else:
                    self._on_message(code, payload)
        finally:  # a handler may raise: its message is consumed all the same
            if fresh is not None:
                with memoryview(fresh) as view:
                    self._raw += view[cursor.pos :]
            elif cursor.pos:
                del self._raw[: cursor.pos]
        return len(self._cursor.data) > before

    @uninterrupted
    def _frame_full(self, data: bytes | bytearray | memoryview) -> None:
        """Queue the whole frames of what is pending and of ``data``, which is copied once."""
        header, at = mux.encode_header(mux.DATA, FRAME_LIMIT), -len(self._data) % FRAME_LIMIT
        with memoryview(data) as view:
            if at:  # to fill the one that is begun
                self._out += header + self._data + view[:at]
            while len(view) - at >= FRAME_LIMIT:
                self._out += header
                self._out += view[at : at + FRAME_LIMIT]
                at += FRAME_LIMIT
            self._data[:] = view[at:]

    @uninterrupted
    def _frame_pending(self) -> None:
        if self._data:
            self._out += mux.encode_header(mux.DATA, len(self._data))
            self._out += self._data
            self._data.clear()

    def _compact(self) -> None:
        cursor = self._cursor
        if cursor.pos:
            del cursor.data[: cursor.pos]  # type: ignore[union-attr]
            self._data_read += cursor.pos
            cursor.pos = 0
