"""The link: framing, chunking and waiting."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.engine.report import RemoteReporter
from refsync.engine.session import Session
from refsync.options.model import Options
from refsync.session.link import FRAME_LIMIT, Link, PeerClosed
from refsync.session.setup import Agreement
from refsync.session.tasks import Tasks
from refsync.wire import mux
from refsync.wire.dialect import build
from refsync.wire.errors import ProtocolError
from refsync.wire.integers import int32, read_int32


def conversation(data: bytes, chunks: list[int]) -> tuple[list[int], list[tuple[int, bytes]]]:
    seen: list[tuple[int, bytes]] = []
    link = Link(lambda code, payload: seen.append((code, payload)))
    link.start_frames_in()

    async def three() -> list[int]:
        return [await link.read(read_int32) for _ in range(3)]

    tasks = Tasks(link, three())
    tasks.step()
    position = 0
    for size in [*chunks, len(data)]:
        link.feed(data[position : position + size])
        position += size
        tasks.step()
    assert tasks.done
    return tasks.results[0], seen


def test_values_may_be_split_over_frames_and_messages_may_stand_inside_them() -> None:
    body = int32(1) + int32(-2) + int32(3)
    data = (
        mux.encode(mux.DATA, body[:3])
        + mux.encode(mux.INFO, b"hi\n")
        + mux.encode(mux.DATA)
        + mux.encode(mux.DATA, body[3:])
    )
    expected = ([1, -2, 3], [(mux.INFO, b"hi\n")])
    assert conversation(data, []) == expected
    assert conversation(data, [1] * (len(data) - 1)) == expected
    source = random.Random(7)
    for _ in range(50):
        assert conversation(data, [source.randrange(1, 9) for _ in range(8)]) == expected


def test_large_writes_become_frames_of_bounded_size() -> None:
    link = Link()
    link.start_frames_out()
    link.write(b"x" * (3 * FRAME_LIMIT + 5))
    out = bytes(link.output())
    assert len(out) == 3 * FRAME_LIMIT + 5 + 4 * 4
    other = Link()
    other.start_frames_in()
    other.feed(out)
    assert other.available == 3 * FRAME_LIMIT + 5


def test_a_message_overtakes_data_that_is_not_in_a_frame_yet() -> None:
    link = Link()
    link.start_frames_out()
    link.write(b"ab")
    link.message(mux.INFO, b"!")
    link.write(b"c")
    assert bytes(link.output()) == mux.encode(mux.INFO, b"!") + mux.encode(mux.DATA, b"abc")


def test_a_closed_connection_ends_a_read() -> None:
    link = Link()
    tasks = Tasks(link, link.read(read_int32))
    tasks.step()
    link.feed(b"abc")
    link.feed_eof()
    with pytest.raises(PeerClosed, match=r"3 bytes received"):
        tasks.step()


def test_an_unknown_code_is_refused() -> None:
    link = Link()
    link.start_frames_in()
    with pytest.raises(ProtocolError):
        link.feed(b"\0\0\0\xff")


@pytest.mark.parametrize("protocol", [27, 29, 30, 32])
@pytest.mark.parametrize("framed", [False, True])
def test_a_sign_of_life_is_an_empty_frame_where_there_are_frames(protocol: int, framed: bool) -> None:
    link = Link()
    if framed:
        link.start_frames_out()
    agreement = Agreement(build(protocol, 0), protocol, 1, "md5", "md5", None)
    session = Session(link, Options(), agreement, RemoteReporter(link), "sender")
    assert link.keepalive == session.keepalive
    session.keepalive()
    assert bytes(link.output()) == (b"\0\0\0\7" if framed else b"")


@given(st.lists(st.integers(0, 3 * FRAME_LIMIT), max_size=6), st.booleans())
def test_frames_are_the_same_however_data_is_written(sizes: list[int], viewed: bool) -> None:
    """Frames are full but for the last; much data is not copied into what is pending first."""
    data = bytes(range(256)) * (1 + sum(sizes) // 256)
    link, at = Link(), 0
    link.start_frames_out()
    for size in sizes:
        piece = data[at : at + size]
        link.write(memoryview(piece) if viewed else piece)
        at += size
    wanted = b""
    for start in range(0, at, FRAME_LIMIT):
        wanted += mux.encode(mux.DATA, data[start : min(start + FRAME_LIMIT, at)])
    assert link.pending == at + 4 * (at // FRAME_LIMIT)
    assert bytes(link.output()) == wanted
    assert link.data_out == at
