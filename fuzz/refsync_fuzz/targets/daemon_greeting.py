"""The daemon's lines of text: greeting, answers, requests.

Input: a byte that chooses the kind of line, then the bytes of the connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from refsync.wire import greeting
from refsync.wire.cursor import Cursor
from refsync.wire.errors import Exit, ProtocolError
from refsync.wire.greeting import Answer, Greeting, Request
from refsync.wire.limits import MAX_DAEMON_LINE, MAX_DAEMON_REQUEST
from refsync.wire.negotiation import DIGEST_NAMES

from ..choices import Choices
from ..oracle import Refused, Value, check_decoder, drip, expect, outcome, refuses, same
from ..target import Surface

SURFACE = Surface(
    priority=0,
    clauses=("GREET-1", "GREET-2", "GREET-3", "GREET-4", "GREET-5", "GREET-6", "GREET-7", "GREET-8"),
    code=("refsync.wire.greeting",),
    oracle="ECRTMS",
    dictionary={
        "tag": greeting.TAG,
        "greeting": greeting.encode_greeting(Greeting(32)),
        "digests": " ".join(DIGEST_NAMES).encode(),
        "ok": greeting.encode_answer(Answer("ok")),
        "exit": greeting.encode_answer(Answer("exit")),
        "auth": greeting.encode_answer(Answer("auth", b"c2FsdA")),
        "error": greeting.error_answer("Unknown module 'x'"),
        "list": b"#list\n",
        "early": greeting.EARLY_INPUT,
        "sub": b"31.14",
        "crlf": b"\r\n",
        "minus": b"-1",
    },
    max_length=MAX_DAEMON_LINE + 16,
)


def _greeting(cursor: Cursor, from_server: bool) -> Greeting:
    start = cursor.pos
    line = greeting.decode_line(cursor)
    try:
        return greeting.parse_greeting(line, from_server=from_server)
    except ProtocolError:
        cursor.pos = start
        raise


KINDS: tuple[Callable[[Cursor], object], ...] = (
    partial(_greeting, from_server=True),
    partial(_greeting, from_server=False),
    greeting.decode_answer,
    greeting.decode_request,
    greeting.decode_line,
)


def fuzz_one(data: bytes) -> None:
    """Oracle: a line within its limit or a refusal with exit 5; in any pieces the same lines.

    A greeting is refused if and only if it lacks what its version must have; sent
    again it reads the same. The version to speak is no higher than either side's
    and at most one lower than the lower. An answer or a request that can be sent
    again reads the same, and is explained in one line.
    """
    choices = Choices(data)
    choices_kind = choices.byte() % len(KINDS)
    decode = KINDS[choices_kind]
    stream = choices.rest()
    got = check_decoder(lambda: decode, stream)
    if isinstance(got, Refused):
        same(got.code, int(Exit.START_CLIENT), "exit code of a refusal")
    elif isinstance(got, Value):
        expect(got.consumed <= MAX_DAEMON_LINE, f"a line of {got.consumed} bytes")
        expect(stream[got.consumed - 1] == 0x0A, "a line that has no end")
        _value(got.value)
    if choices_kind < 2 and isinstance(got, (Value, Refused)) and b"\n" in stream[:MAX_DAEMON_LINE]:
        line = stream[: stream.index(b"\n")].replace(b"\r", b"")
        if b"\0" not in line and len(line) < MAX_DAEMON_REQUEST:
            same(isinstance(got, Value), _complete(line), f"whether {line!r} is a greeting")
    # a line cut off by the limit may be refused before its end is there, else pieces change nothing
    if len(stream) < MAX_DAEMON_REQUEST:
        same(drip(decode, stream, [7, 1, 40]), drip(decode, stream, []), "lines in pieces")


#: What a line of each kind of answer begins with.
_HEADS = {
    "ok": b"@RSYNCD: OK",
    "exit": b"@RSYNCD: EXIT",
    "auth": b"@RSYNCD: AUTHREQD ",
    "error": b"",
    "text": b"",
}

#: Number, perhaps a subprotocol, as C's scanf reads them; the rest is looked at apart.
GREETING = re.compile(rb"@RSYNCD:[ \t\v\f]*([-+]?[0-9]{1,9})(?:\.[ \t\v\f]*([-+]?[0-9]{1,9}))?")


def _complete(line: bytes) -> bool:
    """Whether a line has all that a greeting of its version must have."""
    found = GREETING.match(line)
    if found is None:
        return False
    version, sub = int(found[1]), found[2]
    if version >= 30 and (sub is None or int(sub) < 0):
        return False
    return version < 32 or b" " in line[9:]


def _value(value: object) -> None:
    refuses(lambda: greeting.encode_line(b"two\nlines"), "a line that is two")
    if isinstance(value, Greeting):
        greeting.explain_greeting(value)
        wire = greeting.encode_greeting(value) if _sendable(value) else None
        if wire is not None:
            same(outcome(KINDS[0], wire), Value(value, len(wire)), "the greeting sent again")
        for ours in (27, 30, 31, 32):
            for sub in (0, 1):
                spoken = greeting.version_to_speak(ours, sub, value)
                lower = min(ours, value.protocol)
                expect(lower - 1 <= spoken <= lower, f"{spoken} spoken of {ours} and {value.protocol}")
                expect(sub or value.sub or spoken == lower, "one less without a pre-release")
        expect("\n" not in greeting.explain_greeting(value), "an explanation of two lines")
    elif isinstance(value, Answer):
        wire = greeting.encode_answer(value)
        same(outcome(greeting.decode_answer, wire), Value(value, len(wire)), "the answer sent again")
        for kind in {"ok", "exit", "auth", "error", "text"} - {value.kind}:
            if greeting.parse_answer(_HEADS[kind] + value.text).kind != kind:
                refuses(
                    partial(greeting.encode_answer, Answer(kind, value.text)), f"{value.text!r} as {kind}"
                )
        greeting.explain_answer(value)
    elif isinstance(value, Request):
        wire = greeting.encode_request(value)
        same(outcome(greeting.decode_request, wire), Value(value, len(wire)), "the request sent again")
        expect(value.kind != "early" or 0 < value.length <= MAX_DAEMON_LINE, f"{value.length} of early input")
        if value.kind != "early":
            other = Request("list" if value.kind == "module" else "module", value.text)
            refuses(lambda: greeting.encode_request(other), f"{value.text!r} as {other.kind}")
        expect("\n" not in greeting.explain_request(value), "an explanation of two lines")
    elif isinstance(value, bytes):
        expect(not any(end in value for end in b"\r\n\0"), f"the line {value!r}")
        wire = greeting.encode_line(value)
        same(outcome(greeting.decode_line, wire), Value(value, len(wire)), "the line sent again")


def _sendable(value: Greeting) -> bool:
    """Digest names of a peer may be any bytes; only those that we could send are sent again."""
    names = value.digests or ()
    return value.digests != () and all(name.isascii() and name.isprintable() for name in names)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Greetings of every age, all answers and requests, lines at the limits."""
    greetings = (
        b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4", b"@RSYNCD: 31.0", b"@RSYNCD: 30", b"@RSYNCD: 29",
        b"@RSYNCD: 29.3 md4", b"@RSYNCD: 32.0", b"@RSYNCD: 31.14 md5", b"@RSYNCD:32.0 ", b"@RSYNCD: x",
        b"@RSYNCD: -3.-1 a", b"@RSYNCD: 99999999999.0 md5", b"SSH-2.0-x",
    )  # fmt: skip
    for number, line in enumerate(greetings):
        yield f"greeting.{number:02}", bytes((number & 1,)) + line + b"\n"
    answers = (b"@RSYNCD: OK", b"@RSYNCD: EXIT", b"@RSYNCD: AUTHREQD abc", b"@ERROR: no", b"Welcome\r", b"")
    for number, line in enumerate(answers):
        yield f"answer.{number}", b"\2" + line + b"\n"
    for number, line in enumerate(
        (
            b"",
            b"#list",
            b"mod",
            b"#early_input=5",
            b"#early_input=-5",
            b"#early_input=5121",
            b"#early_input=x",
            b"#x",
            b"a b",
        )
    ):
        yield f"request.{number}", b"\3" + line + b"\n"
    yield "limit", b"\4" + b"x" * (MAX_DAEMON_LINE - 2) + b"\n"
    yield "limit_past", b"\4" + b"x" * (MAX_DAEMON_LINE - 1) + b"\n"
    yield "request.limit", b"\3" + b"x" * (MAX_DAEMON_REQUEST - 2) + b"\n"
    yield "nul", b"\4ab\0c\n"
