"""A link's two ends as a session uses them: raw and framed by turns, with messages in between.

Input: a byte of switches, one for where the connection ends, one for the sizes of its pieces, then
the plan: segments of data and messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from refsync.session.link import HIGH_WATER, Link, PeerClosed
from refsync.session.tasks import Tasks
from refsync.wire import mux
from refsync.wire.cursor import Cursor
from refsync.wire.errors import Exit, NeedMoreData, ProtocolError, RefsyncError

from ..choices import Choices
from ..oracle import Violation, expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("MUX-3", "MUX-7", "FROM-2", "FROM-3", "BATCH-1"),
    code=("refsync.session.link", "refsync.session.tasks"),
    oracle="CRMDS",
    dictionary={"frames": b"\1\3", "raw": b"\0\3", "large": b"\0\xff", "message": b"\2\5", "away": b"\4\2"},
    max_length=400,
    slow="two conversations that wait for each other, a few bytes at a time",
)

DATA, FLUSH, MESSAGE, TURN, AWAY, MORE = range(6)
#: What a length byte of 255 stands for: more than a link queues without waiting.
LARGE = HIGH_WATER + 5000


@dataclass(slots=True)
class Segment:
    """Bytes of one form: ``steps`` are a kind and its bytes."""

    framed: bool
    steps: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        return b"".join(text for kind, text in self.steps if kind == DATA)


def _plan(choices: Choices) -> list[Segment]:
    """Segments by turns raw and in frames; each ends in data, for only that tells its reader of its end."""
    plan: list[Segment] = []
    large = 0
    while choices and len(plan) < 6:
        segment = Segment(bool(choices.byte() & 1))
        for _ in range(choices.byte() % 8):
            kind = choices.byte() % 6
            size = choices.byte() if kind in (DATA, MESSAGE) else 0
            text = choices.take(size)
            if kind == DATA and size == 255 and not large:
                large, text = 1, (text or b"-").ljust(LARGE, b".")
            if kind != MESSAGE or segment.framed:
                segment.steps.append((kind, text))
        segment.steps.append((DATA, b"end"))
        if plan and plan[-1].framed == segment.framed:
            plan[-1].steps += segment.steps
        else:
            plan.append(segment)
    return plan or [Segment(False, [(DATA, b"end")])]


async def _send(link: Link, plan: list[Segment]) -> None:
    begun = False
    for at, segment in enumerate(plan):
        if segment.framed:
            if begun:
                link.resume_frames_out()
            else:
                link.start_frames_out()
            begun = True
        elif begun:
            link.pause_frames_out()
            link.message(mux.INFO, b"waits for frames %d" % at)
        for kind, text in segment.steps:
            if kind == DATA:
                link.write(text)
                await link.drain()
                expect(link.pending <= HIGH_WATER + LARGE, "more is unsent than was let in")
            elif kind == MESSAGE:
                link.message(mux.INFO, text)
            elif kind == FLUSH:
                await link.flush()
                same(link.pending, 0, "unsent after a flush")
            elif kind == TURN:
                await link.turn()
    if begun and not plan[-1].framed:
        link.resume_frames_out()
    await link.flush()


@dataclass(slots=True)
class Got:
    """What the receiver has read, in order, and what was recorded of it."""

    data: bytearray = field(default_factory=bytearray)
    recorded: bytearray = field(default_factory=bytearray)
    record_from: int = -1
    ahead: int = 0  # bytes that were taken before a step asked for them


async def _receive(link: Link, plan: list[Segment], got: Got, switches: int) -> None:
    before = False
    for at, segment in enumerate(plan):
        last = at == len(plan) - 1
        if segment.framed:
            link.start_frames_in(stepwise=not last)
            if last and switches & 2:
                got.record_from = len(got.data)
                link.record_input(got.recorded.extend)
        elif before:
            link.stop_frames_in()
        before = before or segment.framed
        same(link.framed_in, segment.framed, "frames")
        if switches & 0x10:  # looked at where it lies, then passed over
            size = len(segment.data)
            await link.read(partial(_there, size))
            cursor = link.waiting
            got.data += cursor.data[cursor.pos : cursor.pos + size]
            link.passed(size)
            continue
        if switches & 8:  # over the borders of frames
            got.data += await link.read(partial(_take, len(segment.data)))
            continue
        for kind, text in segment.steps:
            if kind == DATA:
                await _read(link, len(text), got)
            elif kind == MORE:
                same(link.data_in, len(got.data), "bytes read")
                await link.turn()
            elif kind == AWAY and last and not link.recorded:
                _away(link, got, len(segment.data) - (len(got.data) - _start(plan)))
    if before and not plan[-1].framed:
        link.start_frames_in()
        while True:  # the messages that have waited, up to the end of the connection
            await link.more_input()


async def _read(link: Link, size: int, got: Got) -> None:
    """In halves, without what was taken before."""
    known = min(size, got.ahead)
    got.ahead -= known
    size -= known
    for part in (size // 2, size - size // 2) if size > 1 else (size,):
        got.data += await link.read(partial(_take, part))


def _take(size: int, cursor: Cursor) -> bytes:
    return cursor.take(size)


def _there(size: int, cursor: Cursor) -> None:
    if cursor.remaining() < size:
        raise NeedMoreData


def _start(plan: list[Segment]) -> int:
    return sum(len(segment.data) for segment in plan[:-1])


def _away(link: Link, got: Got, still: int) -> None:
    """Hand the input to someone else, who takes a few bytes and gives the rest back."""
    waiting = link.available
    raw, left = link.detach_input()
    expect(left >= waiting and link.available == 0, f"{waiting} bytes waited, {left} are handed over")
    link.attach_input(b"", raw, left, 0)
    same(link.available, waiting, "bytes that wait, given back untouched")
    raw, left = link.detach_input()
    framed = link.framed_in
    used = min(3, left if framed else len(raw), len(raw), still)
    got.data += raw[:used]
    got.ahead += used
    taken = int(left > used and len(raw) > used)  # a byte of payload that was out of its frame already
    payload, rest = raw[used : used + taken], raw[used + taken :]
    link.attach_input(payload, rest, max(0, left - used - taken), used)
    same(link.available, max(0, waiting - used), "bytes that wait, given back in part")


def fuzz_one(data: bytes) -> None:
    """Oracle: data and messages arrive whole and in their order, however sent, taken and handed about.

    What ends a connection early is told to whoever waits, and all read until then is a
    prefix of what was sent. Recorders get what the conversation sent and read. An error that
    a driver throws ends every conversation. Nobody runs who waits for what has not come.
    """
    choices = Choices(data)
    switches, ends, sizes = choices.byte(), choices.byte(), choices.byte()
    plan = _plan(choices)
    sender, receiver = Link(), Link()
    written = bytearray()
    sender.record_output(written.extend)
    heard: list[bytes] = []

    def hear(code: int, payload: bytes) -> None:
        same(code, mux.INFO, "the code of a message")
        heard.append(payload)

    got = Got()
    if not switches & 1:
        receiver.on_message = hear
    tasks = [
        Tasks(sender, _send(sender, plan)),
        Tasks(receiver, _receive(receiver, plan, got, switches)),
    ]
    limit = ends * 7 if switches & 4 else -1
    how = _drive(tasks, limit, [1 + sizes % 16, 1 + sizes // 16, 1 << 16])
    receiver.on_message = hear
    wanted = b"".join(segment.data for segment in plan)
    expect(wanted.startswith(got.data), "other data than was sent")
    expect(written == wanted[: len(written)], "recorded other data than was sent")
    sent = _messages(plan)
    same(heard, sent[: len(heard)], "messages")
    if how == "done" or (how == "gone" and limit < 0):
        same(bytes(got.data), wanted, "all data")
        same(heard, sent, "all messages")
        same(receiver.data_in, len(wanted), "bytes read")
        if got.record_from >= 0:
            same(bytes(got.recorded), wanted[got.record_from :], "recorded as it was read")
    _thrown(plan)
    _stopped(ends % 8, sizes % 8)


def _messages(plan: list[Segment]) -> list[bytes]:
    sent: list[bytes] = []
    begun = False
    for at, segment in enumerate(plan):
        if begun and not segment.framed:
            sent.append(b"waits for frames %d" % at)
        begun = begun or segment.framed
        sent += [text for kind, text in segment.steps if kind == MESSAGE]
    return sent


def _drive(tasks: list[Tasks], limit: int, sizes: list[int]) -> str:
    """Carry bytes from the first to the second until both are done, or ``limit`` bytes have passed."""
    passed = turn = 0
    sender, receiver = tasks[0].link, tasks[1].link
    room = fed = True
    for _ in range(4 * LARGE):
        tasks[0].step(got_input=False, got_room=room)
        try:
            tasks[1].step(got_input=fed, got_room=False)
        except PeerClosed:
            expect(receiver.closed, "the end of a connection that goes on")
            return "gone"
        if tasks[0].done and tasks[1].done:
            return "done"
        out = sender.output()
        size = min(len(out), sizes[min(turn, len(sizes) - 1)])
        if limit >= 0:
            size = min(size, limit - passed)
        room = fed = size > 0
        if size:
            receiver.feed(bytes(out[:size]))
            sender.sent(size)
            passed += size
            turn += 1
        elif not (tasks[0].runnable or tasks[1].runnable) and (tasks[0].done or passed == limit):
            if receiver.closed:
                raise Violation("waits for a peer that has gone")
            receiver.feed_eof()
            fed = True
    raise Violation("the conversations do not end")


def _thrown(plan: list[Segment]) -> None:
    """A signal, as it were: the first conversation may clean up, then all are closed."""
    link = Link()
    log: list[str] = []

    async def waiter(name: str) -> None:
        try:
            await (link.moved() if name == "first" else link.more_input())
            await link.turn()
            await link.more_input()
        finally:
            log.append(name)

    tasks = Tasks(link, waiter("first"), waiter("second"))
    tasks.step()
    tasks.step(got_input=False, got_room=False)  # neither has got what it waits for
    same(tasks.runnable, False, "none gave a turn")
    if len(plan) % 2:
        tasks.step()
        same(tasks.runnable, True, "both gave others a turn")
    error = RefsyncError("interrupted", Exit.SIGNAL)
    try:
        tasks.throw(error)
    except RefsyncError as escaped:
        expect(escaped is error, "another error")
    else:
        raise Violation("a thrown error did not escape")
    same((tasks.done, log), (True, ["first", "second"]), "conversations ended")
    try:
        tasks.throw(error)
    except RefsyncError as escaped:
        expect(escaped is error, "another error where nobody is left")
    else:
        raise Violation("an error was lost since nobody is left")


def _stopped(size: int, there: int) -> None:
    """Frames stop between two of them, not inside one (FROM-3)."""
    link = Link()
    link.feed(mux.encode_header(mux.DATA, size) + bytes(size)[:there])
    link.start_frames_in()
    try:
        link.stop_frames_in()
    except ProtocolError as error:
        expect(there < size and error.clause == "FROM-3", f"refused with {there} of {size} bytes")
    else:
        expect(there >= size, f"not refused with {there} of {size} bytes")


def seeds() -> Iterator[tuple[str, bytes]]:
    """One form, both by turns, much data, messages that wait, ends in the middle, bytes handed away."""
    raw, framed = b"\0\2\0\5hello\0\1!", b"\1\5\0\4data\2\3hi!\4\0\4more\4"
    large = b"\1\3\0\xff" + b"l" * 255 + b"\1\2\1m"
    plans = {
        "raw": raw,
        "framed": framed,
        "by_turns": raw + framed + raw + framed,
        "ends_raw": framed + raw,
        "large": large,
        "large_raw": b"\0" + large[1:],
        "away": b"\1\7\0\6abcdef\4\0\2gh\4\3\5\4",
        "away_raw": b"\0\6\0\6abcdef\4\0\2gh\4\3\5",
        "frames": b"\1\4\0\2ab\1\0\2cd\1\0\1\0\1.\1\1\0\1x",
        "empty": b"",
    }
    for name, plan in plans.items():
        for switches in (0, 3, 8, 0x10):
            yield f"{name}.{switches}", bytes((switches, 0, 0xF7)) + plan
        yield f"{name}.ended", bytes((4, 2, 0x11)) + plan
