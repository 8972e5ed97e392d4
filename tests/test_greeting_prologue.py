"""The first bytes of a connection: version or line, however they are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from refsync.session.prologue import BINARY, TEXT, UNDECIDED, Prologue, decode_peer_greeting
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.greeting import Greeting
from refsync.wire.integers import int32

Result = tuple[str, int | None, bytes | None, int]


def run(pieces: list[bytes], prologue: Prologue | None = None) -> Result | str:
    prologue = prologue or Prologue()
    total = 0
    for piece in pieces:
        before = prologue.state
        try:
            used = prologue.feed(piece)
        except ProtocolError as error:
            return error.clause
        assert 0 <= used <= len(piece)
        assert used == len(piece) or prologue.state != UNDECIDED
        if before != UNDECIDED:
            assert (used, prologue.state) == (0, before)
        total += used
    return prologue.state, prologue.version, prologue.line, total


@pytest.mark.parametrize("version", [20, 27, 31, 32, 64, 255])
def test_a_binary_version_is_taken_alone(version: int) -> None:
    assert run([int32(version) + b"rest"]) == (BINARY, version, None, 4)


def test_a_line_is_taken_alone() -> None:
    assert run([b"@RSYNCD: 31.0\nmotd\n"]) == (TEXT, None, b"@RSYNCD: 31.0", 14)
    assert run([b"HTTP/1.0 400 Bad\r\n"]) == (TEXT, None, b"HTTP/1.0 400 Bad", 18)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
@example(b"\n\0\0\0", [1])
@example(b"@RSYNCD: 31.0\n", [1, 2, 3])
@example(b"\x20\0\0\0", [1, 2, 3])
@example(b"ab\0", [2])
def test_cuts_make_no_difference(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    assert run(pieces) == run([data]) == run([data[at : at + 1] for at in range(len(data))])


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_after_a_reset_nothing_is_left(first: bytes, second: bytes) -> None:
    used = Prologue()
    run([first], used)
    used.reset()
    used.reset()
    assert (used.state, used.version, used.line) == (UNDECIDED, None, None)
    assert run([second], used) == run([second])


def test_an_endless_line_is_refused_before_it_is_held() -> None:
    assert run([b"x" * 100_000]) == "GREET-5"
    assert run([b"x" * 1000] * 6) == "GREET-5"


def test_who_expected_a_greeting_says_what_came_instead() -> None:
    assert decode_peer_greeting(Cursor(b"@RSYNCD: 31.0\n"), from_server=True) == Greeting(31, 0, None)
    for data, words in ((int32(31), "binary version 31"), (b"SSH-2.0-x\n", 'sent "SSH-2.0-x"')):
        cursor = Cursor(data)
        with pytest.raises(ProtocolError, match=words) as caught:
            decode_peer_greeting(cursor, from_server=True)
        assert (cursor.pos, caught.value.offset) == (0, 0)
    with pytest.raises(ProtocolError, match="protocol startup error"):
        decode_peer_greeting(Cursor(b"GET / HTTP/1.1\r\n"), from_server=False)
    with pytest.raises(NeedMoreData):
        decode_peer_greeting(Cursor(b"@RSYNCD"), from_server=False)
