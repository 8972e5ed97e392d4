"""The conversation with a daemon in lines of text, from greeting to arguments, either side.

Input: bytes for the side, what it is set up with, and pieces; then what the peer sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from refsync.session import auth, daemon_client, daemon_server
from refsync.session.daemon_client import Answered, Call
from refsync.session.daemon_server import Admitted, Refused, Responder
from refsync.session.link import Link, PeerClosed
from refsync.session.tasks import Tasks
from refsync.wire import greeting
from refsync.wire.dialect import MIN_PROTOCOL
from refsync.wire.errors import EXIT_TEXT, RefsyncError
from refsync.wire.greeting import Answer, Greeting
from refsync.wire.limits import MAX_DAEMON_LINE
from refsync.wire.negotiation import DIGEST_NAMES

from ..choices import Choices, spread
from ..oracle import Violation, expect, same
from ..structure import Shape, fixed
from ..target import Played, Surface

PASSWORD = b"correct horse"
CHALLENGE = bytes(range(64))
PROTOCOLS = (32, 31, 30, 29, 27)

SURFACE = Surface(
    priority=0,
    clauses=("GREET-1", "GREET-4", "GREET-6", "GREET-7", "GREET-8", "GREET-9", "AUTH-1", "AUTH-3", "AUTH-4"),
    code=("refsync.session.daemon_client", "refsync.session.daemon_server"),
    oracle="ECMS",
    dictionary={
        **{f"greeting_{protocol}": greeting.encode_greeting(Greeting(protocol)) for protocol in PROTOCOLS},
        "ok": greeting.encode_answer(Answer("ok")),
        "exit": greeting.encode_answer(Answer("exit")),
        "auth": greeting.encode_answer(Answer("auth", b"AAECAw")),
        "error": greeting.error_answer("no"),
        "early": b"#early_input=3\nabc",
        "list": b"#list\n",
        "module": b"open\n",
        "guarded": b"guarded\n",
        "arguments": b"--server\0--sender\0-r\0.\0open/\0\0",
    },
    slow="two conversations for each input, one of them in pieces",
    max_length=6000,
    shape=Shape(fixed(4)),
)

#: How it ended: what the half returned, the exit code of a refusal, or "gone" if the peer went first.
Ended = Admitted | Answered | int | str | None


class _Machine:
    """A host of two modules: ``open`` is free, ``guarded`` wants a password. Notes what it let in."""

    def __init__(self) -> None:
        self.entered = False
        self.opened = b""
        self.proved = False

    def motd(self) -> bytes:
        """Two lines."""
        return b"Welcome\n\n"

    def listing(self) -> Iterable[tuple[bytes, bytes]]:
        """Both."""
        return [(b"open", b"for all"), (b"guarded", b"")]

    def open(self, name: bytes) -> bool:
        """``Refused`` for any other name."""
        if name not in (b"open", b"guarded"):
            raise Refused(f"Unknown module '{name.decode('latin-1')}'")
        self.opened = name
        return name == b"guarded"

    def challenge(self, length: int) -> bytes:
        """The same each time: a fuzzer must be able to answer it."""
        return CHALLENGE[:length]

    def authenticate(self, user: bytes, expected: Responder, response: bytes) -> bool:
        """Any user with the password."""
        self.proved = expected(PASSWORD) == response
        return self.proved

    def enter(self, early_input: bytes) -> None:
        """After the proof."""
        self.entered = True


def _drive(link: Link, tasks: Tasks, stream: bytes, pieces: list[int]) -> tuple[Ended, bytes]:
    sent = bytearray()
    at = turn = 0
    try:
        while True:
            tasks.step()
            sent += link.output()
            link.sent(len(link.output()))
            if tasks.done:
                result: Ended = tasks.results[0]
                return result, bytes(sent)
            if at < len(stream):
                size = pieces[min(turn, len(pieces) - 1)] if pieces else len(stream)
                turn += 1
                link.feed(stream[at : at + size])
                at += size
            elif link.pending or tasks.runnable:
                continue
            elif link.closed:
                raise Violation("waits for a peer that has gone")
            else:
                link.feed_eof()
    except PeerClosed:
        return "gone", bytes(sent)
    except RefsyncError as error:
        expect(error.code in EXIT_TEXT and error.message, f"refused with {error.code}: {error.message!r}")
        return error.code, bytes(sent) + bytes(link.output())
    finally:
        tasks.close()


def _serve(protocol: int, stream: bytes, pieces: list[int]) -> tuple[Ended, bytes, _Machine]:
    link, machine = Link(), _Machine()
    result, sent = _drive(
        link, Tasks(link, daemon_server.start(link, machine, protocol=protocol)), stream, pieces
    )
    return result, sent, machine


def _call(
    protocol: int, module: bytes, early: bytes, stream: bytes, pieces: list[int]
) -> tuple[Ended, bytes]:
    link = Link()
    lines: list[bytes] = []
    call = Call(
        module,
        lambda version: [b"--server", b"-r", b".", module + b"/"],
        lines.append,
        lambda: PASSWORD,
        b"user",
        protocol,
        early,
    )
    ended = _drive(link, Tasks(link, daemon_client.start(link, call)), stream, pieces)
    expect(sum(map(len, lines)) <= len(stream), "more text than came")
    expect(
        not any(end in line for line in lines for end in (b"\n", b"\r", b"\0")), "a line with an end in it"
    )
    return ended


def fuzz_one(data: bytes) -> None:
    """Oracle: a result, a refusal with an exit code, or a missing peer; in any pieces the same.

    The same bytes are sent, too. Nobody enters the guarded module without
    the right response, or any module that was not asked for; every
    refusal is told to the peer. A client never sends its password, nor a
    response that wasn't asked for. The two halves understand each other.
    """
    choices = Choices(data)
    side = choices.byte()
    protocol = choices.pick(PROTOCOLS)
    module = choices.pick((b"open", b"guarded", b"", b"two\nlines"))
    early = b"early" if side & 4 else b""
    if side & 0x10:
        early = bytes(MAX_DAEMON_LINE + (side >> 5))
    pieces = [1 + choices.byte(), 3]
    stream = choices.rest()
    pieces = spread(pieces, len(stream))
    if side & 1:
        result, sent, machine = _serve(protocol, stream, [])
        slow = _serve(protocol, stream, pieces)
        same((slow[0], slow[1]), (result, sent), "in pieces")
        _let_in(result, sent, machine, stream)
    else:
        ended, said = _call(protocol, module, early, stream, [])
        same(_call(protocol, module, early, stream, pieces), (ended, said), "in pieces")
        expect(PASSWORD not in said, "the password was sent")
        expect(b"user " not in said or b"@RSYNCD: AUTHREQD " in stream, "a response that nobody asked for")
        if isinstance(ended, Answered):
            expect(MIN_PROTOCOL - 1 <= ended.protocol <= protocol, f"protocol {ended.protocol} of {protocol}")
    _paths(module or b"m", stream.split(b"\n")[:6], old_args=bool(side & 8))
    if side & 2 and len(early) <= MAX_DAEMON_LINE and b"\n" not in module:
        _both(protocol, choices.pick(PROTOCOLS), module, early)


def _paths(module: bytes, paths: list[bytes], *, old_args: bool) -> None:
    """A daemon that splits at the module's name takes each argument for one path, and none for an option."""
    made = daemon_client.module_arguments(module, paths, old_args=old_args)
    for path, argument in zip(paths, made, strict=True):
        expect(not argument.startswith(b"-"), f"the option {argument!r} of a path")
        expect(old_args or b" " + module + b"/" not in argument, f"two paths in {argument!r}")
        if path == module:
            same(argument, module + b"/", "the module alone")
            continue
        plain = argument if old_args else argument.replace(b"[ ]" + module + b"/", b" " + module + b"/")
        wanted = path if old_args else path.replace(b"[ ]" + module + b"/", b" " + module + b"/")
        same(plain, b"./" + wanted if path.startswith(b"-") else wanted, "the path that a daemon sees")


def _let_in(result: Ended, sent: bytes, machine: _Machine, stream: bytes) -> None:
    expect(not machine.entered or machine.opened in (b"open", b"guarded"), "entered nothing")
    expect(not machine.entered or machine.opened == b"open" or machine.proved, "entered without a proof")
    expect(machine.opened == b"" or machine.opened in stream, "a module that was not asked for")
    if isinstance(result, int):
        told = b"\n@ERROR" in sent
        expect(told or b"@RSYNCD: OK\n" in sent, f"refused with {result}, and the peer was not told")
    if isinstance(result, Admitted):
        expect(machine.entered and result.module == machine.opened, "admitted, but not to the module")
        expect(len(result.early_input) <= MAX_DAEMON_LINE, "early input past its limit")
        expect(sum(map(len, result.arguments)) < len(stream), "more arguments than came")


def _both(client: int, server: int, module: bytes, early: bytes) -> None:
    """Each half hears what the other says until nothing changes."""
    to_client = to_server = b""
    for _ in range(8):
        answered, said = _call(client, module, early, to_client, [])
        admitted, replied, _ = _serve(server, to_server, [])
        if (said, replied) == (to_server, to_client):
            break
        to_server, to_client = said, replied
    expect(isinstance(answered, Answered), f"the client ended with {answered}")
    if not module:
        same(admitted, None, "a list was asked for")
        return
    expect(isinstance(admitted, Admitted), f"the server ended with {admitted}")
    if isinstance(admitted, Admitted) and isinstance(answered, Answered):
        same(admitted.protocol, answered.protocol, "the version to speak")
        same(admitted.arguments, [b"--server", b"-r", b".", module + b"/"], "the arguments")
        same(admitted.early_input, early, "the early input")


def played(data: bytes) -> Played | None:
    """What a daemon says to a real client."""
    choices = Choices(data)
    side = choices.byte()
    protocol, module = choices.pick(PROTOCOLS), choices.byte() % 4
    if side & 1 or module > 1:
        return None
    return Played("daemon", choices.rest()[1:], ("-r",), False, protocol)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Both sides at each version, with and without a password; lists, refusals, pre-releases."""
    for number, protocol in enumerate(PROTOCOLS):
        hello = greeting.encode_greeting(Greeting(protocol))
        nulls = protocol >= greeting.NULLS_SINCE
        arguments = greeting.encode_arguments([b"--server", b".", b"open/"], nulls=nulls)
        digest = auth.choose_digest(DIGEST_NAMES, DIGEST_NAMES, protocol) or "md5"
        proof = auth.respond(digest, PASSWORD, auth.encode(CHALLENGE[: auth.DIGEST_LENGTHS[digest]]))
        server, client = bytes((1, number, 0, 0)), bytes((0, number, 1, 0))
        yield f"server.{protocol}.open", server + hello + b"open\n" + arguments
        yield f"server.{protocol}.guarded", server + hello + b"guarded\nuser " + proof + b"\n" + arguments
        yield f"client.{protocol}.ok", client + hello + b"Welcome\n" + b"@RSYNCD: OK\n"
        yield f"client.{protocol}.auth", client + hello + b"@RSYNCD: AUTHREQD AAECAw\n@RSYNCD: OK\n"
        for kind in range(3):
            yield f"both.{protocol}.{kind}", bytes((6, number, kind, 0))
    head = b"\1\0\0\0" + greeting.encode_greeting(Greeting(32))
    yield "server.list", head + b"\n"
    yield "server.list_command", head + b"#list\n"
    yield "server.early", head + b"#early_input=5\nearlyopen\n\0"
    yield "server.early_long", head + b"#early_input=99999\n"
    yield "server.unknown", head + b"nothing\n"
    yield "server.command", head + b"#shutdown\n"
    yield "server.wrong_proof", head + b"guarded\nuser AAAA\n"
    yield "server.no_digest", b"\1\0\0\0@RSYNCD: 32.0 crc32\nguarded\n"
    yield "server.bare_29", b"\1\0\0\0@RSYNCD: 29\nguarded\nuser x\n"
    yield "server.pre_release", b"\1\0\0\0@RSYNCD: 32.14 md5\nopen\n\0"
    yield "server.binary", b"\1\0\0\0\x20\0\0\0"
    yield "client.paths", b"\0\0\0\0open\nopen/a\n-x\nopen/a open/b\nopen/a[ ]open/c\n"
    yield "client.paths_old", b"\x08\0\0\0open\nopen/a open/b\n-x\n"
    for number in (0, 1):
        yield (
            f"client.early.{number}",
            bytes((0x14 | number << 5, 0, 0, 0)) + greeting.encode_greeting(Greeting(31)),
        )
    yield "client.module_of_two_lines", b"\0\0\3\0" + greeting.encode_greeting(Greeting(31))
    yield "client.no_digest", b"\0\0\1\0@RSYNCD: 32.0 crc32\n@RSYNCD: AUTHREQD AAECAw\n"
    yield "client.error", b"\0\0\0\0" + greeting.encode_greeting(Greeting(31)) + b"@ERROR: no\n"
    yield "client.exit", b"\0\0\2\0" + greeting.encode_greeting(Greeting(31)) + b"open  \tx\n@RSYNCD: EXIT\n"
    yield "client.binary", b"\0\0\0\0\x1f\0\0\0"
    yield "client.old", b"\0\0\0\0@RSYNCD: 19\n"
