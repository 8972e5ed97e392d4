"""What a remote shell says: passed on as it comes, kept for the report, and nobody waited for."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from refsync.cli.client import advice
from refsync.options.model import Options
from refsync.session.link import Link
from refsync.session.tasks import Tasks
from refsync.transport import childerr
from refsync.transport.child import run_command
from refsync.transport.childerr import KEPT, ChildErrors, open_pair
from refsync.transport.pump import Pump

REFSYNC = [sys.executable, "-m", "refsync"]


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A remote shell that says something before and after, and a program that is asked for."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "f").write_bytes(b"content")
    server = tmp_path / "server"
    server.write_text(f'#!/bin/sh\nexec {" ".join(REFSYNC)} "$@"\n')
    server.chmod(0o755)
    script = tmp_path / "shell"
    script.write_text('#!/bin/sh\nshift\nprintf "a prompt: " >&2\n"$@"\ncode=$?\necho bye >&2\nexit $code\n')
    script.chmod(0o755)
    return script


def sync(shell: Path, *options: str, program: str = "") -> subprocess.CompletedProcess[bytes]:
    base = shell.parent
    words = ["-a", "-e", str(shell), f"--rsync-path={program or base / 'server'}", *options]
    places = [f"{base}/src/", f"host:{base}/dst/"]
    return subprocess.run([*REFSYNC, *words, *places], capture_output=True, timeout=60)


def test_its_words_reach_standard_error_as_they_are(shell: Path) -> None:
    run = sync(shell)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"a prompt: bye\n")
    assert (shell.parent / "dst" / "f").read_bytes() == b"content"


def test_a_missing_program_is_told_with_what_to_do_and_logged(shell: Path) -> None:
    log = shell.parent / "log"
    run = sync(shell, f"--log-file={log}", program="/nowhere/rsync")
    assert run.returncode == 127
    lines = run.stderr.decode().splitlines()
    assert "/nowhere/rsync" in lines[0]
    assert lines[1] == "bye"
    assert lines[2] == "rsync: connection unexpectedly closed (0 bytes received so far) [sender]"
    assert lines[3].endswith("install rsync there, or say where it is with --rsync-path")
    assert lines[4].startswith("rsync error: remote command not found (code 127) at ")
    logged = log.read_text()
    assert "bye" in logged
    assert "remote command not found (code 127)" in logged


def test_a_shell_that_is_not_there_is_told(tmp_path: Path) -> None:
    words = [*REFSYNC, "-a", "-e", "/nowhere/ssh", f"{tmp_path}/", "host:x/"]
    run = subprocess.run(words, capture_output=True, timeout=60)
    assert run.returncode == 14
    assert b"Failed to exec /nowhere/ssh: No such file or directory (2)" in run.stderr


def test_advice_is_given_where_the_code_says_something() -> None:
    options = Options(rsh="ssh -p 7", rsync_path="rsync")
    assert "no program" in advice(127, options)
    assert "permissions" in advice(126, options)
    assert '"ssh -p 7" could not' in advice(255, options)
    assert advice(12, options) == ""


def test_what_is_kept_is_the_end() -> None:
    ours, theirs = socket.socketpair()
    heard = bytearray()
    errors = ChildErrors(ours.detach(), heard.extend)
    with theirs:
        for number in range(40):
            theirs.sendall(b"%d" % (number % 10) * 8192)
            errors.hear()
    errors.hear()
    assert len(heard) == 40 * 8192
    assert errors.tail == bytes(heard[-KEPT:])
    assert errors.fd == -1


def test_who_keeps_it_open_is_not_waited_for() -> None:
    """The helper has our child's standard error, and lives on."""
    child = run_command(["/bin/sh", "-c", "sleep 60 </dev/null >/dev/null & echo $! >&2"])
    heard = bytearray()
    assert child.errors is not None
    child.errors.forward = heard.extend
    child.close()
    assert child.wait() == 0
    assert child.errors.fd == -1
    os.kill(int(heard), signal.SIGKILL)


def test_more_than_a_buffer_holds_does_not_stop_a_child_that_is_waited_for() -> None:
    child = run_command([sys.executable, "-c", "import os; os.write(2, b'x' * 3_000_000)"])
    heard = bytearray()
    assert child.errors is not None
    child.errors.forward = heard.extend
    assert child.wait() == 0
    assert len(heard) == 3_000_000
    child.close()


def test_a_driver_hears_it_while_it_waits_for_the_peer() -> None:
    """The child answers only after all that it had to say was taken."""
    program = "import os; os.write(2, b'x' * 2_000_000); os.write(1, b'!')"
    child = run_command([sys.executable, "-c", program])
    heard = bytearray()
    assert child.errors is not None
    child.errors.forward = heard.extend
    link = Link()

    async def talk() -> bytes:
        return await link.read(lambda cursor: cursor.take(1))

    tasks = Tasks(link, talk())
    Pump(link, child.fd_in, child.fd_out, errors=child.errors).run(tasks)
    assert tasks.results == [b"!"]
    assert len(heard) == 2_000_000
    child.end()


def test_without_a_socket_pair_a_pipe_serves_and_without_one_a_warning(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(childerr.socket, "socketpair", refuse)
    pair = open_pair()
    assert pair is not None
    os.write(pair[1], b"x")
    assert os.read(pair[0], 1) == b"x"
    for fd in pair:
        os.close(fd)
    monkeypatch.setattr(childerr.os, "pipe", refuse)
    assert open_pair() is None
    assert "go past refsync" in capfd.readouterr().err


def test_pipes_hold_more_than_they_come_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that file data passes in few steps; an old system's stay as they are."""
    near, far = os.pipe()
    came_with = fcntl.fcntl(far, fcntl.F_GETPIPE_SZ)
    os.close(near)
    os.close(far)
    child = run_command(["true"])
    for fd in (child.fd_in, child.fd_out):
        assert fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) > came_with
    child.end()
    monkeypatch.delattr(fcntl, "F_SETPIPE_SZ")
    child = run_command(["true"])
    assert fcntl.fcntl(child.fd_in, fcntl.F_GETPIPE_SZ) == came_with
    child.end()
