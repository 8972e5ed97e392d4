"""What comes before the first word: proxies, inherited sockets, the daemon's command line."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from refsync.daemon import activation, check
from refsync.daemon.config import Section, load
from refsync.daemon.entrance import Start, through_proxy
from refsync.options.daemon_args import is_daemon, parse_daemon
from refsync.wire import proxyproto
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError, RefsyncError


def said(data: bytes) -> tuple[str | None, bytes]:
    cursor = Cursor(data)
    return proxyproto.decode(cursor), data[cursor.pos :]


V2 = proxyproto.SIGNATURE


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"PROXY TCP4 192.0.2.1 10.0.0.1 1024 873\r\n", "192.0.2.1"),
        (b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
        (proxyproto.encode("192.0.2.1", "10.0.0.1", (1, 2), version=2), "192.0.2.1"),
        (proxyproto.encode("2001:db8::1", "::1", (1, 2), version=2), "2001:db8::1"),
        (proxyproto.encode("192.0.2.1", "10.0.0.1", (1, 2)), "192.0.2.1"),
        (V2 + b"\x20\x00\x00\x00", None),
        (V2 + b"\x21\x00\x00\x03abc", None),
        (V2 + b"\x21\x31\x00\xd8" + bytes(216), None),
    ],
)
def test_a_proxy_says_whom_it_speaks_for(header: bytes, address: str | None) -> None:
    assert said(header + b"@RSYNCD") == (address, b"@RSYNCD")
    for end in range(len(header)):
        with pytest.raises(NeedMoreData):
            said(header[:end])


@pytest.mark.parametrize(
    "header",
    [
        b"@RSYNCD: 32.0 md5\n",
        b"PROXY TCP4 192.0.2.1 10.0.0.1 1024 873\n",
        b"PROXY TCP4 192.0.2.1 10.0.0.1 1024\r\n",
        b"PROXY TCP4 192.0.2.1 10.0.0.1 0 873\r\n",
        b"PROXY TCP4 192.0.2.1 10.0.0.1 +1 873\r\n",
        b"PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
        b"PROXY TCP5 192.0.2.1 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 192.0.2 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 " + b"1" * 200,
        b"PROXIED FROM A\r\n",
        V2 + b"\x11\x11\x00\x0c" + bytes(12),
        V2 + b"\x22\x11\x00\x0c" + bytes(12),
        V2 + b"\x21\x11\x00\x0d" + bytes(13),
        V2 + b"\x21\x11\xff\xff" + bytes(100),
    ],
)
def test_what_is_no_header_is_refused(header: bytes) -> None:
    with pytest.raises(ProtocolError):
        said(header)


def through(header: bytes, hosts: str) -> tuple[str, bytes]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(header)
        ours.shutdown(socket.SHUT_WR)
        return through_proxy(theirs, "198.51.100.7", Section("global", {"proxyprotocolhosts": hosts}))


def test_only_those_who_are_named_speak_for_others() -> None:
    header = proxyproto.encode("192.0.2.1", "10.0.0.1", (1, 2)) + b"rest"
    assert through(header, "198.51.100.0/24") == ("192.0.2.1", b"rest")
    assert through(V2 + b"\x20\0\0\0", "*") == ("198.51.100.7", b"")
    for hosts in ("", "198.51.100.8", "no-such-host.invalid"):
        with pytest.raises(RefsyncError, match="is not one of the proxy protocol hosts"):
            through(header, hosts)
    with pytest.raises(RefsyncError, match="has gone"):
        through(b"PROXY TCP4 1", "*")
    with pytest.raises(RefsyncError, match="no PROXY header"):
        through(b"GET / HTTP/1.1\r\n", "*")


def test_inherited_sockets_are_for_the_process_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    assert activation.inherited() == []
    assert "LISTEN_FDS" not in os.environ


SCRIPT = """
import os, socket, sys
from refsync.daemon import activation
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
try:
    print([listener.getsockname()[1] for listener in activation.inherited()])
except Exception as error:
    print(repr(str(error)))
"""


@pytest.mark.parametrize("listens", [True, False])
def test_inherited_sockets_listen(listens: bool) -> None:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        if listens:
            made.listen()
        port = made.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(made.fileno())],
            pass_fds=[made.fileno()],
            stdout=subprocess.PIPE,
            check=True,
        )
    found = ast.literal_eval(done.stdout.decode())
    assert found == ([port] if listens else "descriptor 3 of LISTEN_FDS is no listening socket")


def test_a_daemon_has_options_of_its_own() -> None:
    assert is_daemon(["-v", "--daemon"]) and is_daemon(["--config=x"]) and is_daemon(["--no-detach"])
    assert not is_daemon(["-av", "--", "--daemon"])
    options, rest = parse_daemon(
        [
            "--server",
            "--daemon",
            "-M",
            "port=9",
            "-Mlist=no",
            "--dparam=pid file=/x",
            "-v",
            "--log-file=/y",
            ".",
        ]
    )
    assert options.dparams == ["port=9", "list=no", "pid file=/x"]
    assert (options.log_file, rest) == ("/y", ["."])
    assert parse_daemon(["--daemon", "-h"])[0].help
    assert Start.of(options).overrides == [("port", "9"), ("list", "no"), ("pid file", "/x")]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--daemon", "-a"], r"--archive: unknown option \(in daemon mode\)"),
        (["--config=/x"], "without --daemon"),
        (["--daemon", "--frob"], "--frob: unknown option"),
    ],
)
def test_other_options_are_not_for_daemons(words: list[str], reason: str) -> None:
    with pytest.raises(RefsyncError, match=reason):
        parse_daemon(words)


@pytest.mark.parametrize(
    ("word", "reason"), [("port", "missing an '='"), ("frob=1", 'Unknown parameter "frob"')]
)
def test_parameters_on_the_command_line(word: str, reason: str) -> None:
    options, _ = parse_daemon(["--daemon", f"--dparam={word}"])
    with pytest.raises(RefsyncError, match=reason):
        Start.of(options)


MISTAKEN = """\
port = 70000
socket options = SO_FROB
daemon uid = no-such-user
proxy protocol = yes
frobnicate = 1
address = host.refsync.invalid
pid file = /no/such/directory/pid
listen backlog = few
[one]
path = relative
uid = no-such-user
gid = *, no-such-group
incoming chmod = u+q
refuse options = nonsense delete
hosts allow = 10.0.0.0/40 localhost
hosts deny = 10.0.0
syslog facility = local9
timeout = soon
charset = no-such-charset
[two]
auth users = ann:readonly
path = /no/such/directory
filter = frob x
read only = perhaps
nonsense
[three]
path = /
auth users = @no-such-group
secrets file = /no/such/secrets
hosts deny = @friends
hosts allow = host.refsync.invalid
"""


def test_each_mistake_is_found_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rsyncd.conf"
    path.write_text(MISTAKEN)
    found = check.mistakes(Start(str(path)))
    lines = [each for each in MISTAKEN.splitlines() if not each.startswith("[")]
    wrong = {number for number, line in enumerate(MISTAKEN.splitlines(), 1) if line in lines}
    named = {int(each.partition(", line ")[2].split(":")[0].rstrip(")")) for each in found}
    # a path of the machine's root is as good as any
    assert named == wrong - {MISTAKEN.splitlines().index("path = /") + 1}, found
    assert f"{path}, line 10: module one: the path relative does not start with a slash" in found
    assert check.check(Start(str(path))) == 1


def test_a_configuration_without_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rsyncd.conf"
    path.write_text(
        f"[m]\npath = {tmp_path}\nhosts allow = 10.0.0.0/8 ::1/128 localhost *.example\nuse chroot = no\n"
    )
    assert check.mistakes(Start(str(path))) == []
    assert check.check(Start(str(path))) == 0
    assert capsys.readouterr().out == f"{path}: no mistakes\n"
    assert check.mistakes(Start(str(tmp_path / "none")))[0].startswith("unable to open config file")
    assert load(str(path)).modules[0].place() == f"{path}, line 1"
