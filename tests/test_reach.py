"""How the two sides meet: the remote shell's words, sources, proxy, socket options, passwords."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refsync.cli.arguments import Remote, plan
from refsync.cli.client import secluded_block
from refsync.cli.password import early_input, from_file, password
from refsync.cli.rsh import daemon_command, protect, remote_command, split_command
from refsync.options.combinations import settle_arguments
from refsync.options.model import Options
from refsync.options.server_args import seclude
from refsync.transport import proxy, sockopts, tcp
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError, RefsyncError


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab *?[]\\~!$'\"`\n\t;|&-", min_size=1, max_size=12))
def test_a_shell_gives_an_option_back(word: str) -> None:
    shown = protect("--x=" + word, path=False)
    done = subprocess.run(["/bin/sh", "-c", f"printf %s {shown}"], capture_output=True, check=True)
    assert done.stdout.decode() == "--x=" + word


def test_paths_keep_their_wildcards() -> None:
    assert protect("a b*[c]\\*\\d$", path=True) == "a\\ b*[c]\\*\\\\d\\$"
    assert protect("-q", path=True) == "./-q"
    assert protect("~x", path=True, tilde=True) == "\\~x"


def words(*, sender: bool = False, **fields: object) -> list[str]:
    options = Options(sender=sender, rsh="rsh 'a b'")
    for name, value in fields.items():
        setattr(options, name, value)
    return remote_command(
        Remote("h", "joe"), options, ["--server", "-re.x", "--y", "p q"], ["~f", "a b", "~d/f"]
    )


def test_the_remote_command() -> None:
    head = ["rsh", "a b", "-l", "joe", "h", "rsync"]
    assert words() == [*head, "--server", "-re.x", "--y", "p\\ q", ".", "\\~f", "a\\ b", "~d/f"]
    assert words(sender=True)[-3:] == ["~f", "a\\ b", "~d/f"]
    assert words(trust_sender=True)[-3] == "~f"
    assert words(relative=True)[-3:] == ["\\~f", "a\\ b", "\\~d/f"]
    assert words(old_args=1)[-5:] == ["p\\ q", ".", "~f", "a b", "~d/f"]
    assert words(old_args=2)[-5:] == ["p q", ".", "~f", "a b", "~d/f"]
    assert words(old_args=1, remote_options=["p q"])[-5] == "p q"
    assert words(secluded_args=True) == [*head, "--server", "-re.x", "--y", "p q"]


def test_a_daemon_over_the_shell_and_the_family() -> None:
    options = Options(rsh="/bin/ssh -l me", address_family=4)
    assert daemon_command(Remote("h", "joe", True), options) == [
        *("/bin/ssh", "-l", "me", "-4", "h", "rsync", "--server", "--daemon", ".")
    ]


def test_the_shell_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSYNC_RSH", "far -x")
    assert remote_command(Remote("h"), Options(), [], [])[:3] == ["far", "-x", "h"]
    with pytest.raises(RefsyncError, match="trailing"):
        split_command("ssh 'a")
    assert split_command("a 'it''s' \"\"") == ["a", "it's", ""]
    with pytest.raises(RefsyncError, match="empty command"):
        remote_command(Remote("h"), Options(rsh=" "), [], [])


def test_secluded_arguments() -> None:
    assert seclude(["--server", "--sender", "-sre.x", "--y", "z"]) == (
        ["--server", "--sender", "-sre.x"],
        ["--y", "z"],
    )
    assert secluded_block(["--y"], [b"", b"a b"]) == b"rsync\0--y\0.\0.\0a b\0\0"


@pytest.mark.parametrize(
    ("old", "secluded", "environ", "want"),
    [
        (None, None, {}, (None, False)),
        (None, None, {"RSYNC_OLD_ARGS": "2"}, (2, False)),
        (None, None, {"RSYNC_PROTECT_ARGS": "1"}, (None, True)),
        (None, None, {"RSYNC_PROTECT_ARGS": "0"}, (None, False)),
        (None, None, {"RSYNC_OLD_ARGS": "1", "RSYNC_PROTECT_ARGS": "1"}, (1, False)),
        (None, True, {"RSYNC_OLD_ARGS": "1"}, (None, True)),
        (0, None, {"RSYNC_OLD_ARGS": "1"}, (0, False)),
        (1, None, {"RSYNC_PROTECT_ARGS": "1"}, (1, False)),
    ],
)
def test_what_settles_arguments(
    old: int | None, secluded: bool | None, environ: dict[str, str], want: tuple[object, object]
) -> None:
    options = Options(old_args=old, secluded_args=secluded)
    settle_arguments(options, environ)
    assert (options.old_args, options.secluded_args) == want


def test_old_and_secluded_conflict() -> None:
    with pytest.raises(RefsyncError, match="conflicts"):
        settle_arguments(Options(old_args=1, secluded_args=True), {})


def test_several_sources() -> None:
    job = plan(["joe@h:a", ":b", "joe@h:c", "d"], list_only=False)
    assert (job.sources, job.dest, job.remote) == (["a", "b", "c"], "d", Remote("h", "joe"))
    assert plan(["h:a", ":b"], list_only=False).dest is None
    assert plan(["h::m/a", "::m/b", "."], list_only=False).sources == ["m/a", "m/b"]
    for wrong, text in (
        (["h:a", "b", "c"], "Unexpected local arg: b"),
        (["a", "h:b", "c"], "Unexpected remote arg: h:b"),
        (["h:a", "g:b", "c"], "same machine"),
        (["h:a", "h::b", "c"], "same hostspec format"),
        (["rsync://h:1/a", "rsync://h:2/b", "c"], "same port number"),
        (["h:a", "h:b"], "cannot both be remote"),
    ):
        with pytest.raises(RefsyncError, match=text):
            plan(wrong, list_only=False)


def test_what_a_proxy_is_asked() -> None:
    at = proxy.parse("joe:p@ss@[::1]:3128")
    assert at == proxy.Proxy("::1", 3128, "joe:p@ss")
    assert proxy.request(at, "fe80::1", 873) == (
        b"CONNECT [fe80::1]:873 HTTP/1.0\r\nProxy-Authorization: Basic am9lOnBAc3M=\r\n\r\n"
    )
    for wrong in ("host", "host:0", "host:x", ":80"):
        with pytest.raises(RefsyncError):
            proxy.parse(wrong)
    with pytest.raises(RefsyncError, match="too long"):
        proxy.request(proxy.Proxy("h", 1, "a:" + "b" * 2000), "x", 1)


def test_what_a_proxy_answers() -> None:
    cursor = Cursor(b"HTTP/1.1 200 yes\r\nVia: x\r\n\r\n@RSYNCD")
    assert proxy.decode_reply(cursor) == b"HTTP/1.1 200 yes"
    assert bytes(cursor.take(7)) == b"@RSYNCD"
    for short in (b"", b"HTTP/1.1 200", b"HTTP/1.1 200 x\r\nVia:"):
        with pytest.raises(NeedMoreData):
            proxy.decode_reply(Cursor(short))
    for bad in (b"HTTP/1.1 407 no\r\n", b"SSH-2.0\n", b"x" * 1024, b"HTTP/1.1 200\n" + b"a\n" * 200):
        with pytest.raises(ProtocolError):
            proxy.decode_reply(Cursor(bad))


def test_a_connection_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(200))
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n@RSYNCD: 32.0\n")

    thread = threading.Thread(target=serve)
    thread.start()
    monkeypatch.setenv("RSYNC_PROXY", f"127.0.0.1:{listener.getsockname()[1]}")
    with tcp.connect("far.example", 8730, family=4, options="SO_KEEPALIVE,SO_SNDBUF=65536") as connection:
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert connection.recv(100) == b"@RSYNCD: 32.0\n"
    thread.join()
    listener.close()
    assert heard == [b"CONNECT far.example:8730 HTTP/1.0\r\n\r\n"]


def test_socket_options() -> None:
    with socket.socket() as one:
        assert sockopts.apply(one, "TCP_NODELAY, SO_KEEPALIVE=1 IPTOS_LOWDELAY,") == []
        assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert one.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x10
        assert sockopts.apply(one, "SO_KEEPALIVE=x") == []
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        said = sockopts.apply(one, "SO_NONE,IPTOS_LOWDELAY=1,SO_SNDBUF=99999999999")
        assert said == [
            "Unknown socket option SO_NONE",
            "syntax error -- IPTOS_LOWDELAY does not take a value",
            "failed to set socket option SO_SNDBUF: out of range",
        ]
    assert sockopts.apply(one, None) == []


def test_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "p"
    file.write_bytes(b"\r\nsesame\nmore\n")
    file.chmod(0o600)
    assert password(str(file)) == b"sesame"
    file.chmod(0o604)
    with pytest.raises(RefsyncError, match="other-accessible"):
        from_file(str(file))
    empty = tmp_path / "e"
    empty.touch(0o600)
    with pytest.raises(RefsyncError, match="failed to read a password"):
        from_file(str(empty))
    with pytest.raises(RefsyncError, match="could not open"):
        from_file(str(tmp_path / "absent"))
    monkeypatch.setenv("RSYNC_PASSWORD", "known")
    assert password(None) == b"known"
    assert early_input(None) == b""
    assert early_input(str(empty)) == b""
