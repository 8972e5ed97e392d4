"""The daemon's lines of text: every form both ways, limits, and how they fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.wire import greeting
from refsync.wire.cursor import Cursor
from refsync.wire.errors import Exit, NeedMoreData, ProtocolError
from refsync.wire.greeting import Answer, Greeting, Request
from refsync.wire.limits import MAX_DAEMON_ARGS, MAX_DAEMON_LINE, MAX_DAEMON_REQUEST

TEXT = st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\0\r\n"))


def test_the_greeting_of_rsync_3_4_1_reads_as_it_was_captured() -> None:
    line = b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4"
    parsed = greeting.parse_greeting(line, from_server=True)
    assert parsed == Greeting(32, 0, ("sha512", "sha256", "sha1", "md5", "md4"))
    assert greeting.encode_greeting(parsed) == line + b"\n"
    assert "protocol 32" in greeting.explain_greeting(parsed)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"@RSYNCD: 29", Greeting(29, 0, None)),
        (b"@RSYNCD: 31.0", Greeting(31, 0, None)),
        (b"@RSYNCD: 31.14", Greeting(31, 14, None)),
        (b"@RSYNCD: 31.0 md5  md4 ", Greeting(31, 0, ("md5", "md4"))),
        (b"@RSYNCD:30.0", Greeting(30, 0, None)),
        (b"@RSYNCD: 32.0 ", Greeting(32, 0, ())),
    ],
)
def test_older_forms_are_understood(line: bytes, expected: Greeting) -> None:
    assert greeting.parse_greeting(line, from_server=False) == expected


@pytest.mark.parametrize(
    ("line", "clause", "server_says", "client_says"),
    [
        (b"hello", "GREET-1", 'server sent "hello" rather than greeting', "protocol startup error"),
        (b"@RSYNCD: x", "GREET-1", 'server sent "@RSYNCD: x" rather than greeting', "protocol startup error"),
        (
            b"@RSYNCD: 30",
            "GREET-2",
            "the server omitted the subprotocol value: @RSYNCD: 30",
            "your client omitted the subprotocol value: @RSYNCD: 30",
        ),
        (
            b"@RSYNCD: 32.0",
            "GREET-3",
            "the server omitted the digest name list: @RSYNCD: 32.0",
            "your client omitted the digest name list: @RSYNCD: 32.0",
        ),
    ],
)
def test_a_wrong_greeting_is_refused_with_the_reason(
    line: bytes, clause: str, server_says: str, client_says: str
) -> None:
    for from_server, message in ((True, server_says), (False, client_says)):
        with pytest.raises(ProtocolError) as caught:
            greeting.parse_greeting(line, from_server=from_server)
        assert (caught.value.clause, caught.value.message) == (clause, message)
        assert caught.value.code == Exit.START_CLIENT


@pytest.mark.parametrize(
    ("ours", "our_sub", "theirs", "their_sub", "expected"),
    [
        (32, 0, 32, 0, 32),
        (32, 0, 31, 0, 31),
        (30, 0, 32, 0, 30),
        (32, 0, 31, 5, 30),
        (31, 0, 31, 5, 30),
        (31, 5, 31, 5, 31),
        (31, 5, 31, 0, 30),
        (31, 5, 32, 0, 30),
    ],
)
def test_a_pre_release_meets_the_version_before_it(
    ours: int, our_sub: int, theirs: int, their_sub: int, expected: int
) -> None:
    assert greeting.version_to_speak(ours, our_sub, Greeting(theirs, their_sub)) == expected


@given(TEXT, st.binary(max_size=20))
def test_a_line_comes_back_whatever_follows_it(text: bytes, rest: bytes) -> None:
    cursor = Cursor(greeting.encode_line(text) + rest)
    assert greeting.decode_line(cursor) == text
    assert cursor.data[cursor.pos :] == rest


@given(st.binary(max_size=80))
def test_a_line_is_the_same_byte_by_byte(data: bytes) -> None:
    def outcome(cut: int) -> object:
        cursor = Cursor(data[:cut])
        try:
            return greeting.decode_line(cursor), cursor.pos
        except NeedMoreData:
            assert cursor.pos == 0
            return None
        except ProtocolError as error:
            assert cursor.pos == 0
            return error.clause, error.offset

    outcomes = [outcome(cut) for cut in range(len(data) + 1)]
    known = [each for each in outcomes if each is not None]
    assert all(each == known[0] for each in known)
    assert outcomes[len(outcomes) - len(known) :] == known


def test_carriage_returns_are_dropped_and_a_nul_is_refused() -> None:
    assert greeting.decode_line(Cursor(b"a\rb\r\n")) == b"ab"
    with pytest.raises(ProtocolError) as caught:
        greeting.decode_line(Cursor(b"ab\0c\n"))
    assert (caught.value.clause, caught.value.offset) == ("GREET-5", 2)
    assert greeting.decode_line(Cursor(b"ab\n\0")) == b"ab"


@pytest.mark.parametrize("limit", [MAX_DAEMON_REQUEST, MAX_DAEMON_LINE])
def test_the_longest_line_is_what_fits_upstreams_buffer(limit: int) -> None:
    longest = b"x" * (limit - 2)
    assert greeting.decode_line(Cursor(longest + b"\n"), limit) == longest
    with pytest.raises(NeedMoreData):
        greeting.decode_line(Cursor(longest), limit)
    with pytest.raises(ProtocolError) as caught:
        greeting.decode_line(Cursor(longest + b"x"), limit)
    assert caught.value.clause == "GREET-5"


ANSWERS = [
    Answer("ok"),
    Answer("exit"),
    Answer("auth", b"c2Vzc2lvbg"),
    Answer("error", b"@ERROR: no"),
    Answer("text"),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_come_back(answer: Answer) -> None:
    assert greeting.decode_answer(Cursor(greeting.encode_answer(answer))) == answer
    assert isinstance(greeting.explain_answer(answer), str)


def test_text_can_not_pass_for_an_answer() -> None:
    with pytest.raises(ValueError, match="does not say"):
        greeting.encode_answer(Answer("text", b"@RSYNCD: OK"))
    assert greeting.parse_answer(b"@RSYNCD: OK ") == Answer("text", b"@RSYNCD: OK ")
    assert greeting.error_answer("a\nb\0") == b"@ERROR: a b?\n"
    assert greeting.list_line(b"mod", b"a comment") == b"mod            \ta comment\n"


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b"", Request("list")),
        (b"#list", Request("list")),
        (b"#what", Request("unknown", b"#what")),
        (b"module", Request("module", b"module")),
        (b"#early_input=17", Request("early", length=17)),
        (b"#early_input=5120", Request("early", length=5120)),
    ],
)
def test_requests_come_back(line: bytes, request_: Request) -> None:
    assert greeting.decode_request(Cursor(line + b"\n")) == request_
    if line != b"#list":
        assert greeting.encode_request(request_) == line + b"\n"
    assert isinstance(greeting.explain_request(request_), str)


@pytest.mark.parametrize(
    "line", [b"#early_input=0", b"#early_input=-1", b"#early_input=5121", b"#early_input="]
)
def test_a_length_of_early_input_that_can_not_be_is_refused(line: bytes) -> None:
    cursor = Cursor(b"??" + line + b"\n", 2)
    with pytest.raises(ProtocolError, match="invalid early_input length") as caught:
        greeting.decode_request(cursor)
    assert (cursor.pos, caught.value.offset, caught.value.clause) == (2, 2, "GREET-7")


def read_all(data: bytes, nulls: bool) -> list[bytes]:
    reader, cursor = greeting.ArgumentReader(nulls=nulls), Cursor(data)
    found = []
    while argument := reader.decode(cursor):
        found.append(argument)
    assert cursor.pos == len(data)
    return found


@given(st.lists(TEXT.filter(bool), max_size=8), st.booleans())
def test_arguments_come_back(arguments: list[bytes], nulls: bool) -> None:
    assert read_all(greeting.encode_arguments(arguments, nulls=nulls), nulls) == arguments


def test_newlines_in_arguments_travel_only_where_nul_ends_them() -> None:
    assert read_all(greeting.encode_arguments([b"a\nb"], nulls=True), True) == [b"a\nb"]
    for bad in (b"", b"a\nb", b"a\rb", b"a\0b"):
        with pytest.raises(ValueError, match="can't be sent"):
            greeting.encode_arguments([bad], nulls=False)
    with pytest.raises(ValueError, match="can't be sent"):
        greeting.encode_arguments([b"a\0b"], nulls=True)
    assert "'a b'" in greeting.explain_arguments([b"a b"])


def test_arguments_meet_their_limits() -> None:
    longest = b"x" * (MAX_DAEMON_LINE - 1)
    assert greeting.ArgumentReader(nulls=True).decode(Cursor(longest + b"\0")) == longest
    with pytest.raises(ProtocolError, match="an argument of more than") as caught:
        greeting.ArgumentReader(nulls=True).decode(Cursor(longest + b"x\0"))
    assert caught.value.clause == "GREET-9"
    with pytest.raises(ProtocolError, match="more than 16000 arguments"):
        read_all(b"x\0" * (MAX_DAEMON_ARGS + 1) + b"\0", True)
    assert len(read_all(b"x\0" * MAX_DAEMON_ARGS + b"\0", True)) == MAX_DAEMON_ARGS
    with pytest.raises(ProtocolError, match="arguments of more than"):
        read_all((b"x" * 5000 + b"\0") * 900 + b"\0", True)
