"""Small guards of the daemon: the time that a client has, the pid file, the log."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import pytest
from refsync.daemon import connection
from refsync.daemon.access import Client
from refsync.daemon.config import load
from refsync.daemon.entrance import Start
from refsync.daemon.pidfile import PidFile
from refsync.files.log import Log
from refsync.wire.errors import Exit, RefsyncError


def test_who_only_connects_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 1)
    (tmp_path / "c").write_text(f"[m]\npath={tmp_path}\n")
    ours, theirs = socket.socketpair()
    before = signal.getsignal(signal.SIGALRM)
    try:
        log = Log(str(tmp_path / "log"))
        code = connection.Connection(
            Start(""), load(str(tmp_path / "c")), Client("::1"), log, theirs.fileno(), theirs.fileno()
        ).run()
    finally:
        signal.signal(signal.SIGALRM, before)
        ours.close()
        theirs.close()
    assert code == Exit.TIMEOUT
    assert "the client took more than 1 seconds" in (tmp_path / "log").read_text()


def test_the_pid_file_replaces_a_symlink_and_not_what_it_names(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "pid"
    victim.write_text("precious")
    path.symlink_to(victim)
    with PidFile(str(path)):
        assert path.read_text() == f"{os.getpid()}\n"
        assert not path.is_symlink()
    assert victim.read_text() == "precious"
    assert not path.exists()
    with (
        pytest.raises(RefsyncError, match="failed to open pid file") as caught,
        PidFile(str(tmp_path / "no/pid")),
    ):
        raise AssertionError("a pid file in a directory that is not there")
    assert caught.value.code == Exit.FILE_IO


def test_a_log_line_can_not_be_forged(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(str(path))
    log("one\x1b[2J\ttwo\r")
    log.release()
    log("three\nfour")
    stamp = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[" + str(os.getpid()) + r"\] "
    lines = path.read_text().splitlines()
    assert [re.sub(stamp, "", line) for line in lines] == ["one\\#033[2J\ttwo\\#015", "three", "four"]
    assert all(re.match(stamp, line) for line in lines)


def test_a_log_that_can_not_be_opened_is_the_systems(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "no" / "log"), "refsync-test", "local3")
    assert log.path == ""
    log("nobody has to hear this")
