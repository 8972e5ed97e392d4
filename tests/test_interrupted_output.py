"""A signal that ends a run finds bytes under way: what the peer reads is whole frames all the same."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator

import pytest
from refsync.files.interrupt import ENDING, Interrupted, install
from refsync.session.bulk import Moved
from refsync.session.link import FRAME_LIMIT, HIGH_WATER, Link
from refsync.session.tasks import Tasks
from refsync.transport.pump import Pump
from refsync.wire import mux
from refsync.wire.cursor import Cursor


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    before = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGPIPE, signal.SIGXFSZ)}
    install()
    yield ours, theirs
    for number, handler in before.items():
        signal.signal(number, handler)
    ours.close()
    theirs.close()


def heard(theirs: socket.socket, ours: socket.socket) -> list[tuple[int, bytes]]:
    """The frames that have come, whole or an error."""
    ours.close()
    raw = b""
    while piece := theirs.recv(1 << 20):
        raw += piece
    cursor, found = Cursor(raw), []
    while cursor.remaining():
        code, length = mux.decode_header(cursor)
        found.append((code, bytes(cursor.take(length))))
    return found


async def talk(link: Link) -> None:
    link.start_frames_out()
    link.write(b"data")
    try:
        await link.flush()
        await link.more_input()
    except Interrupted as stop:
        link.message(mux.ERROR_EXIT, bytes([stop.code, 0, 0, 0]))
        raise


def test_what_has_gone_is_not_sent_again(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal comes between the kernel's taking the bytes and our noting that it did."""
    link, write = Link(), os.write

    def write_and_be_told_to_end(fd: int, data: bytes) -> int:
        count = write(fd, data)
        os.kill(os.getpid(), signal.SIGTERM)
        return count

    pump = Pump(link, ends[0].fileno(), ends[0].fileno())
    monkeypatch.setattr("refsync.transport.pump.os.write", write_and_be_told_to_end)
    with pytest.raises(Interrupted):
        pump.run(Tasks(link, talk(link)))
    monkeypatch.undo()
    pump.flush()
    assert heard(ends[1], ends[0]) == [(mux.DATA, b"data"), (mux.ERROR_EXIT, b"\x14\0\0\0")]


class Slow:
    """File data of which half a frame has gone when the signal comes."""

    def __init__(self) -> None:
        self.moved = self.error = 0
        self.frame = mux.encode(mux.DATA, b"file data")

    @property
    def at_boundary(self) -> bool:
        return self.moved in (0, len(self.frame))

    def run(self, fd_out: int, fd_in: int, milliseconds: int, *, finish: bool = False) -> int:
        if not finish:
            self.moved += os.write(fd_out, self.frame[:6])
            os.kill(os.getpid(), signal.SIGTERM)
        self.moved += os.write(fd_out, self.frame[self.moved :])
        return Moved.DONE


def test_a_frame_of_file_data_is_ended_before_the_last_words(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    link = Link()

    async def send() -> None:
        link.start_frames_out()
        link.begin_output(Slow())
        try:
            await link.moved()
        except Interrupted as stop:
            link.bulk_out = None
            link.message(mux.ERROR_EXIT, bytes([stop.code, 0, 0, 0]))
            raise

    pump = Pump(link, ends[0].fileno(), ends[0].fileno())
    with pytest.raises(Interrupted):
        pump.run(Tasks(link, send()))
    pump.flush()
    assert heard(ends[1], ends[0]) == [(mux.DATA, b"file data"), (mux.ERROR_EXIT, b"\x14\0\0\0")]


def test_nothing_is_said_within_a_frame_that_has_not_ended(ends: tuple[socket.socket, socket.socket]) -> None:
    link = Link()
    link.start_frames_out()
    pump = Pump(link, ends[0].fileno(), ends[0].fileno())
    link.torn = True
    link.message(mux.ERROR, b"words")
    pump.flush()
    assert heard(ends[1], ends[0]) == []


class Telling(bytearray):
    """Output whose growing brings the signal."""

    def __iadd__(self, more: object) -> Telling:  # type: ignore[override]
        assert isinstance(more, bytes | bytearray | memoryview)
        self.extend(more)
        os.kill(os.getpid(), signal.SIGTERM)
        return self


@pytest.mark.parametrize("size", [10, 3 * FRAME_LIMIT + 7])
def test_data_gets_into_frames_once(ends: tuple[socket.socket, socket.socket], size: int) -> None:
    link = Link()
    link.start_frames_out()
    link._out = Telling()
    data = os.urandom(size)
    with pytest.raises(Interrupted):
        link.write(data)
        link.output()
    assert size < HIGH_WATER
    Pump(link, ends[0].fileno(), ends[0].fileno()).flush()
    assert b"".join(payload for _, payload in heard(ends[1], ends[0])) == data
