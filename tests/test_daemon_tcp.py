"""Connecting and listening on loopback, the errors of both, and who a module runs as."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from refsync.daemon import privileges
from refsync.session.daemon_server import Refused
from refsync.transport import tcp
from refsync.wire.errors import Exit, RefsyncError


@pytest.fixture(autouse=True)
def no_detours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RSYNC_CONNECT_PROG", raising=False)
    monkeypatch.delenv("RSYNC_PROXY", raising=False)


def test_a_connection_carries_bytes() -> None:
    (listener,) = tcp.listen("127.0.0.1", 0)
    with listener, tcp.connect("127.0.0.1", listener.getsockname()[1], address="127.0.0.1") as ours:
        theirs, where = listener.accept()
        with theirs:
            assert where == ours.getsockname()
            ours.sendall(b"x")
            tcp.finish(ours)
            assert theirs.recv(10) + theirs.recv(10) == b"x"
            assert ours.gettimeout() is None


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(RefsyncError) as caught:
            tcp.connect("127.0.0.1", port)
    assert caught.value.code == Exit.SOCKET_IO
    assert caught.value.message == "failed to connect to 127.0.0.1 (127.0.0.1): Connection refused (111)"


def test_no_such_host() -> None:
    for host in ("host.refsync.invalid", "a" * 100, ""):
        with pytest.raises(RefsyncError, match=f"getaddrinfo: {host} 873: |failed to connect") as caught:
            tcp.connect(host, 873, timeout=5)
        assert caught.value.code == Exit.SOCKET_IO


def test_nobody_answers_in_time() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    where = listener.getsockname()
    fillers = []
    try:
        for _ in range(3):  # one connection more than the backlog takes is left without an answer
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(where)
            fillers.append(filler)
        with pytest.raises(RefsyncError) as caught:
            tcp.connect(*where, timeout=1)
    finally:
        for each in (listener, *fillers):
            each.close()
    assert (caught.value.code, caught.value.message) == (Exit.CON_TIMEOUT, "")


def test_a_local_address_that_is_not_ours() -> None:
    with pytest.raises(RefsyncError, match=r"bind to 192\.0\.2\.1 failed") as caught:
        tcp.connect("127.0.0.1", 9, address="192.0.2.1")
    assert caught.value.code == Exit.SOCKET_IO


def test_listening_on_every_address() -> None:
    listeners = tcp.listen(None, 0)
    try:
        assert len({listener.getsockname()[1] for listener in listeners}) == 1
        assert {listener.family for listener in listeners} >= {socket.AF_INET}
    finally:
        for listener in listeners:
            listener.close()


def test_nothing_to_listen_on() -> None:
    (listener,) = tcp.listen("127.0.0.1", 0)
    with listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            RefsyncError, match=f"unable to bind any inbound sockets on port {port}"
        ) as caught:
            tcp.listen("127.0.0.1", port)
    assert caught.value.code == Exit.SOCKET_IO
    with pytest.raises(RefsyncError, match=r"getaddrinfo: bind address host\.refsync\.invalid: "):
        tcp.listen("host.refsync.invalid", 0)


def test_a_command_in_place_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSYNC_CONNECT_PROG", "echo 100%% of %H; cat")
    with tcp.connect("a;b", 873) as link:
        link.sendall(b"back")
        tcp.finish(link)
        heard = b""
        while piece := link.recv(100):
            heard += piece
    assert heard == b"100% of a;b\nback"


def test_a_proxy_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSYNC_PROXY", "127.0.0.1:1")
    with pytest.raises(RefsyncError, match="failed to connect to 127"):
        tcp.connect("127.0.0.1", 873)


def in_child(action: str, tmp_path: Path) -> str:
    """What a forked process says that it is after an action of ``privileges``."""
    said = tmp_path / "said"
    pid = os.fork()
    if not pid:
        try:
            log: list[str] = []
            try:
                fd = os.open(said, os.O_WRONLY | os.O_CREAT, 0o600)
                who = privileges.identity("12345", "23456, 34567", log.append)
                if action == "become":
                    privileges.become(who, log.append)
                else:
                    privileges.change_root(str(tmp_path), log.append)
                text = f"{os.getuid()} {os.getgid()} {sorted(os.getgroups())} {os.path.exists('/said')}"
            except Refused as error:
                text = f"{error.message}: {log[-1]}"
            os.write(fd, text.encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return said.read_text()


def test_becoming_another(tmp_path: Path) -> None:
    said = in_child("become", tmp_path)
    if os.getuid() == 0:
        assert said == "12345 23456 [23456, 34567] False"
    else:
        assert said.startswith("setgid failed: setgid failed: Operation not permitted")


def test_changing_the_root(tmp_path: Path) -> None:
    said = in_child("chroot", tmp_path)
    if os.getuid() == 0:
        assert said.endswith("True")
    else:
        assert said.startswith(f'chroot failed: chroot("{tmp_path}") failed: Operation not permitted')


def test_root_serves_as_nobody_unless_told_otherwise() -> None:
    log: list[str] = []
    who = privileges.identity("", "", log.append)
    if os.getuid() == 0:
        assert who.uid not in (None, 0)
        assert len(who.gids) == 1
        assert who.gids != [0]
    else:
        assert who == privileges.Identity()
    assert privileges.identity("0", "0", log.append) == privileges.Identity(0, [0])
    assert privileges.identity("root", "*", log.append).gids[0] == 0
    for uid, gid, words in (
        ("no-such-user", "", "invalid uid no-such-user"),
        ("0", "no-grp", "invalid gid no-grp"),
    ):
        with pytest.raises(Refused, match=words):
            privileges.identity(uid, gid, log.append)
    assert log == ["Invalid uid no-such-user", "Invalid gid no-grp"]
