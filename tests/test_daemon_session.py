"""Both halves of the conversation with a daemon, against each other and against bytes, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refsync.session import daemon_client, daemon_server
from refsync.session.daemon_client import Answered, Call, module_arguments
from refsync.session.daemon_server import Admitted, Refused, Responder
from refsync.session.link import Link, PeerClosed
from refsync.session.tasks import Conversation, Tasks
from refsync.wire.errors import Exit, ProtocolError, RefsyncError

GREETING = b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n"


@dataclass
class Modules:
    """A host without a machine: module names and the password that each wants, if any."""

    modules: dict[bytes, bytes] = field(default_factory=lambda: {b"open": b"", b"shut": b"sesame"})
    message: bytes = b"hello\n\n"
    entered: list[bytes] = field(default_factory=list)
    opened: bytes = b""

    def motd(self) -> bytes:
        return self.message

    def listing(self) -> Iterable[tuple[bytes, bytes]]:
        return [(name, b"comment") for name in self.modules]

    def open(self, name: bytes) -> bool:
        if name not in self.modules:
            raise Refused(f"Unknown module '{name.decode('utf-8', 'replace')}'")
        self.opened = name
        return bool(self.modules[name])

    def challenge(self, length: int) -> bytes:
        return bytes(range(length))

    def authenticate(self, user: bytes, expected: Responder, response: bytes) -> bool:
        return user == b"ali" and response == expected(self.modules[self.opened])

    def enter(self, early_input: bytes) -> None:
        self.entered.append(self.opened)


@dataclass
class Caller:
    """A call and what was heard during it."""

    module: bytes
    protocol: int = 32
    digests: tuple[str, ...] = ("sha512", "md5")
    password: bytes = b"sesame"
    early: bytes = b""
    heard: list[bytes] = field(default_factory=list)
    asked_with: list[int] = field(default_factory=list)

    def call(self) -> Call:
        def arguments(protocol: int) -> list[bytes]:
            self.asked_with.append(protocol)
            return [b"--server", b"--sender", b".", self.module + b"/"]

        return Call(
            self.module,
            arguments,
            self.heard.append,
            lambda: self.password,
            user=b"ali",
            protocol=self.protocol,
            early_input=self.early,
            digests=self.digests,
        )


def converse(
    one: Link, first: Conversation, two: Link, second: Conversation, size: int = 7
) -> tuple[object, object]:
    """Run both, handing over a few bytes at a time; exceptions are results."""
    sides = [(one, Tasks(one, first)), (two, Tasks(two, second))]
    results: list[object] = [None, None]
    failed = [False, False]
    for _ in range(20_000):
        moved = False
        for number, (link, tasks) in enumerate(sides):
            if not failed[number] and not tasks.done:
                try:
                    tasks.step()
                except RefsyncError as error:
                    results[number], failed[number] = error, True
            piece = bytes(link.output()[:size])
            if piece:
                link.sent(len(piece))
                sides[1 - number][0].feed(piece)
                moved = True
            elif (tasks.done or failed[number]) and not sides[1 - number][0].closed:
                sides[1 - number][0].feed_eof()
                moved = True
        if not moved:
            break
    for number, (_, tasks) in enumerate(sides):
        if not failed[number]:
            assert tasks.done
            results[number] = tasks.results[0]
    return results[0], results[1]


def meet(caller: Caller, host: Modules, *, protocol: int = 32, size: int = 7) -> tuple[object, object]:
    client, server = Link(), Link()
    return converse(
        client,
        daemon_client.start(client, caller.call()),
        server,
        daemon_server.start(server, host, protocol=protocol),
        size,
    )


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize(("ours", "theirs"), [(32, 32), (32, 27), (27, 32), (30, 31), (29, 29)])
def test_a_client_is_admitted_whatever_the_versions_and_the_cuts(ours: int, theirs: int, size: int) -> None:
    host, caller = Modules(), Caller(b"open", protocol=ours)
    answered, admitted = meet(caller, host, protocol=theirs, size=size)
    version = min(ours, theirs)
    assert answered == Answered(version, theirs)
    assert admitted == Admitted(b"open", [b"--server", b"--sender", b".", b"open/"], version, ours)
    assert caller.heard == [b"hello", b""]
    assert caller.asked_with == [version]
    assert host.entered == [b"open"]


@pytest.mark.parametrize("digests", [("sha512",), ("sha256",), ("sha1",), ("md5",), ("md4",), ("x", "md4")])
def test_the_right_password_opens(digests: tuple[str, ...]) -> None:
    answered, admitted = meet(Caller(b"shut", digests=digests), Modules())
    assert isinstance(answered, Answered)
    assert isinstance(admitted, Admitted)
    assert admitted.user == b"ali"


def test_a_wrong_password_does_not() -> None:
    host = Modules()
    answered, refused = meet(Caller(b"shut", password=b"simsim"), host)
    assert isinstance(answered, RefsyncError)
    assert (answered.message, answered.code) == ("@ERROR: auth failed on module shut", Exit.START_CLIENT)
    assert isinstance(refused, Refused)
    assert host.entered == []


def test_no_digest_in_common() -> None:
    answered, refused = meet(Caller(b"shut", digests=("sha3",)), Modules())
    assert isinstance(answered, RefsyncError)
    assert isinstance(refused, Refused)
    assert "does not support one of our daemon-auth checksums: sha512 sha256 sha1 md5 md4" in answered.message
    assert refused.code == Exit.UNSUPPORTED


def test_the_list_ends_the_conversation() -> None:
    caller = Caller(b"")
    answered, admitted = meet(caller, Modules())
    assert answered == Answered(32, 32, listed=True)
    assert admitted is None
    assert caller.heard == [b"hello", b"", b"open           \tcomment", b"shut           \tcomment"]
    assert caller.asked_with == []


def test_early_input_comes_before_the_module() -> None:
    _, admitted = meet(Caller(b"open", early=b"some\nbytes\0"), Modules())
    assert isinstance(admitted, Admitted)
    assert admitted.early_input == b"some\nbytes\0"


def test_an_unknown_module_is_named() -> None:
    answered, _ = meet(Caller(b"nope"), Modules())
    assert isinstance(answered, RefsyncError)
    assert (answered.message, answered.code) == ("@ERROR: Unknown module 'nope'", Exit.START_CLIENT)


def serve_bytes(data: bytes, host: Modules | None = None) -> tuple[object, bytes]:
    """What the daemon's half makes of bytes after which nothing comes, and what it answers."""
    link = Link()
    tasks = Tasks(link, daemon_server.start(link, host or Modules(message=b"")))
    link.feed(data)
    link.feed_eof()
    out = b""
    try:
        for _ in range(1000):
            tasks.step()
            out += bytes(link.output())
            link.sent(len(link.output()))
            if tasks.done:
                return tasks.results[0], out
    except RefsyncError as error:
        return error, out + bytes(link.output())
    raise AssertionError("the conversation does not end")


@pytest.mark.parametrize(
    ("data", "kind", "answer"),
    [
        (b"", PeerClosed, b""),
        (b"@RSYNCD: 31.0\n", PeerClosed, b""),
        (b"@RSYNCD: 31.0\nopen\n--server\0", PeerClosed, b"@RSYNCD: OK\n"),
        (b"GET / HTTP/1.0\r\n\r\n", ProtocolError, b"@ERROR: protocol startup error\n"),
        (b"\x1f\0\0\0", ProtocolError, b"@ERROR: protocol startup error\n"),
        (
            b"@RSYNCD: 31\n",
            ProtocolError,
            b"@ERROR: your client omitted the subprotocol value: @RSYNCD: 31\n",
        ),
        (
            b"@RSYNCD: 32.0\n",
            ProtocolError,
            b"@ERROR: your client omitted the digest name list: @RSYNCD: 32.0\n",
        ),
        (b"@RSYNCD: 26.0\n", ProtocolError, b"@ERROR: the client speaks protocol 26; 27 is the oldest"),
        (b"@RSYNCD: 9\n", ProtocolError, b"@ERROR: protocol version mismatch"),
        (b"@RSYNCD: 41.0 md5\n", ProtocolError, b"@ERROR: protocol version mismatch"),
        (b"@RSYNCD: 31.0\n#what\n", Refused, b"@ERROR: Unknown command '#what'\n"),
        (b"@RSYNCD: 31.0\n#early_input=9999999\n", ProtocolError, b"@ERROR: invalid early_input length\n"),
        (b"@RSYNCD: 31.0\n" + b"x" * 1100, ProtocolError, b"@ERROR: a line of more than 1022 bytes\n"),
        (b"@RSYNCD: 31.0\nshut\nali\n", Refused, b"@ERROR: auth failed on module shut\n"),
        (b"@RSYNCD: 31.0\nopen\n" + b"x" * 6000, ProtocolError, b"@RSYNCD: OK\n"),
    ],
)
def test_a_client_that_gets_it_wrong_is_told(data: bytes, kind: type, answer: bytes) -> None:
    result, out = serve_bytes(data)
    assert type(result) is kind
    assert out.startswith(GREETING)
    rest = out[len(GREETING) :]
    if b"AUTHREQD" in rest:
        rest = rest[rest.index(b"\n") + 1 :]
    assert rest.startswith(answer)
    assert bool(answer) == bool(rest)


def test_old_clients_end_their_arguments_in_newlines() -> None:
    result, _ = serve_bytes(b"@RSYNCD: 28\nopen\n--server\n.\nopen/a b\n\n")
    assert result == Admitted(b"open", [b"--server", b".", b"open/a b"], 28, 28)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"@RSYNCD: 31.0\n", b"@RSYNCD: 31.0\nshut\n", b"@RSYNCD: 28\nopen\n"]),
)
@settings(max_examples=200)
def test_any_bytes_from_a_client_end_in_order(data: bytes, before: bytes) -> None:
    result, out = serve_bytes(before + data)
    assert result is None or isinstance(result, Admitted | RefsyncError)
    assert out.startswith(GREETING)


def call_bytes(data: bytes, caller: Caller | None = None) -> tuple[object, bytes]:
    """What the client's half makes of a daemon that says this and hangs up."""
    link = Link()
    tasks = Tasks(link, daemon_client.start(link, (caller or Caller(b"open")).call()))
    link.feed(data)
    link.feed_eof()
    try:
        tasks.step()
    except RefsyncError as error:
        return error, bytes(link.output())
    assert tasks.done
    return tasks.results[0], bytes(link.output())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "did not see server greeting"),
        (b"@RSYNCD: 31", "did not see server greeting"),
        (b"SSH-2.0-x\r\n", 'server sent "SSH-2.0-x" rather than greeting'),
        (b"\x1f\0\0\0", "did not see server greeting but binary version 31: this is no daemon"),
        (b"@RSYNCD: 31.0\nmotd\n", "didn't get server startup line"),
        (b"@RSYNCD: 31.0\n@ERROR: max connections (1) reached\n", "@ERROR: max connections (1) reached"),
        (b"@RSYNCD: 32.0\n", "the server omitted the digest name list: @RSYNCD: 32.0"),
    ],
)
def test_a_daemon_that_gets_it_wrong_is_a_failed_start(data: bytes, message: str) -> None:
    error, _ = call_bytes(data)
    assert isinstance(error, RefsyncError)
    assert (error.message, error.code) == (message, Exit.START_CLIENT)


@pytest.mark.parametrize(
    ("line", "code"), [(b"@RSYNCD: 19\n", 2), (b"@RSYNCD: 26\n", 2), (b"@RSYNCD: 41.0 x\n", 2)]
)
def test_a_version_that_nobody_speaks_is_a_protocol_error(line: bytes, code: int) -> None:
    error, _ = call_bytes(line)
    assert isinstance(error, ProtocolError)
    assert (error.clause, error.code) == ("SETUP-2", code)


def test_what_the_client_says_is_what_upstreams_says() -> None:
    answered, out = call_bytes(GREETING + b"@RSYNCD: OK\n")
    assert answered == Answered(32, 32)
    assert out == b"@RSYNCD: 32.0 sha512 md5\nopen\n--server\0--sender\0.\0open/\0\0"
    caller = Caller(b"open", protocol=29)
    _, out = call_bytes(GREETING + b"@RSYNCD: OK\n", caller)
    assert out == b"@RSYNCD: 29.0 sha512 md5\nopen\n--server\n--sender\n.\nopen/\n\n"


def argument(value: bytes) -> Callable[[int], list[bytes]]:
    return lambda protocol: [value]


def test_what_can_not_be_said_is_refused_before_it_is_sent() -> None:
    link = Link()
    call = Call(b"open", argument(b"a\nb"), print, lambda: b"", protocol=29)
    tasks = Tasks(link, daemon_client.start(link, call))
    link.feed(GREETING + b"@RSYNCD: OK\n")
    with pytest.raises(RefsyncError, match="can't be sent to a daemon") as caught:
        tasks.step()
    assert caught.value.code == Exit.SYNTAX
    error, out = call_bytes(GREETING, Caller(b"#list"))
    assert isinstance(error, RefsyncError)
    assert "can't be a module's name" in error.message
    assert b"#list" not in out


@given(st.binary(max_size=200))
def test_any_bytes_from_a_daemon_end_in_order(data: bytes) -> None:
    result, _ = call_bytes(GREETING + data)
    assert isinstance(result, Answered | RefsyncError)


def test_paths_are_sent_so_that_a_daemon_takes_each_for_one() -> None:
    paths = [b"mod", b"mod/", b"mod/a mod/b", b"-x", b"mod/c mod"]
    assert module_arguments(b"mod", paths) == [b"mod/", b"mod/", b"mod/a[ ]mod/b", b"./-x", b"mod/c mod"]
    assert module_arguments(b"mod", paths[2:3], old_args=True) == [b"mod/a mod/b"]
