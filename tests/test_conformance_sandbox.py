"""Processes end, are timed and leave nothing; what the suite plays is played."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from refsync_conformance.ports import PORTS, listening
from refsync_conformance.sandbox import Running, Sandbox, group_members, settle
from refsync_conformance.scripted import Hear, Say, ScriptedDaemon, converse
from refsync_conformance.transports import Local, Pipe, daemon_config


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path / "cell")


def shell(text: str) -> list[bytes]:
    return [b"/bin/sh", b"-c", text.encode()]


def test_a_run_is_reported(sandbox: Sandbox) -> None:
    with sandbox:
        done = sandbox.run(shell("cat; echo oops >&2; exit 23"), timeout=10, stdin=b"\xff\n")
        assert (done.code, done.stdout, done.stderr, done.leftovers) == (23, b"\xff\n", b"oops\n", 0)
        assert sandbox.runs[0].code == 23
    assert not sandbox.root.exists()


def test_the_environment_is_the_suites_own(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSYNC_RSH", "surprise")
    with sandbox:
        done = sandbox.run(shell("env; umask; pwd"), timeout=10)
        assert b"RSYNC_RSH" not in done.stdout
        assert b"0022" in done.stdout
        assert done.stdout.rstrip().endswith(b"/cell/area")


def test_what_takes_too_long_is_killed_with_its_children(sandbox: Sandbox) -> None:
    with sandbox:
        began = time.monotonic()
        done = sandbox.run(shell("sleep 60 & sleep 60"), timeout=0.3)
        assert done.code is None
        assert time.monotonic() - began < 10


def test_a_child_left_behind_is_found_and_ended(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refsync_conformance.sandbox.GRACE", 0.1)
    with sandbox:
        running = Running(
            shell("sleep 60 & exit 0"), env=sandbox.environment, cwd=b"/", stem=sandbox.root / "log/own"
        )
        done = running.wait(10)
        assert (done.code, done.leftovers) == (0, 1)
        deadline = time.monotonic() + 5
        while group_members(running.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert group_members(running.pid) == []


def test_leaving_the_sandbox_ends_what_runs(sandbox: Sandbox) -> None:
    with sandbox:
        running = sandbox.start(shell("trap '' TERM; sleep 60"))
        assert running.poll() is None
    assert running.poll() is not None
    assert group_members(running.pid) == []


@pytest.mark.parametrize("held", [0, 200])
def test_what_a_process_holds_is_told_from_what_the_suite_does(sandbox: Sandbox, held: int) -> None:
    """The ballast is the suite's own: it is no part of what the process is said to have held."""
    ballast = b"x" * (160 << 20)
    program = f"import sys; kept = b'x' * ({held} << 20); sys.exit(7)"
    with sandbox:
        argv = [os.fsencode(sys.executable), b"-I", b"-S", b"-c", program.encode()]
        done = sandbox.run(argv, timeout=30, weighed=True)
    assert (done.code, done.argv) == (7, tuple(argv))
    assert held <= done.peak_mib < held + 60
    assert len(ballast) > 0


def test_a_weighed_process_ends_by_the_signal_that_ended_it(sandbox: Sandbox) -> None:
    with sandbox:
        assert sandbox.run(shell("kill -SEGV $$"), timeout=10, weighed=True).code == -11
        assert sandbox.run(shell("sleep 60"), timeout=0.3, weighed=True).code is None


def test_output_without_end_is_cut(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refsync_conformance.sandbox.OUTPUT_LIMIT", 1000)
    with sandbox:
        assert len(sandbox.run(shell("head -c 5000 /dev/zero"), timeout=10).stdout) == 1000


def test_kept_sandboxes_stay(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "cell", keep=True) as kept:
        (kept.area / "f").write_text("x")
    assert (tmp_path / "cell/area/f").exists()


def test_ports_are_given_out_once() -> None:
    ports = [PORTS.take() for _ in range(20)]
    try:
        assert len(set(ports)) == 20
    finally:
        for port in ports:
            PORTS.give_back(port)


def test_listening_is_seen_without_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listening(port)
    assert not listening(port)


def test_the_remote_shell_drops_the_host_and_parses_the_rest(sandbox: Sandbox) -> None:
    with sandbox:
        pipe = Pipe(sandbox, b"/peer")
        flag, script, path = pipe.options()
        assert (flag, path) == (b"-e", b"--rsync-path=/peer")
        done = sandbox.run([script, b"host", b"printf", b"%s-", b"a\\ b", b"'c d'"], timeout=10)
        assert done.stdout == b"a b-c d-"
        assert pipe.remote(b"/x") == b"peer:/x"
        assert Local().remote(b"/x") == b"/x"


def test_a_daemons_configuration_names_the_area(tmp_path: Path) -> None:
    text = daemon_config(tmp_path / "area", "read only = yes\n", "max connections = 3\n")
    lines = text.splitlines()
    assert lines.index("max connections = 3") < lines.index("[mod]") < lines.index("read only = yes")
    assert f"path = {tmp_path}/area" in lines


def test_a_scripted_daemon_plays_to_each_visitor() -> None:
    with ScriptedDaemon([Say(b"hello\n"), Hear(), Say(b"bye\n")]) as far:
        for _ in range(2):
            assert converse(far.port, [Hear(), Say(b"it is me\n")]) == b"hello\nbye\n"
        assert far.heard == [b"it is me\n"] * 2


def test_a_program_that_is_still_open_for_writing_is_waited_for(tmp_path: Path) -> None:
    """As a process in the making would hold it; where the file system has no leases nothing is waited for."""
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\nexit 7\n")
    path.chmod(0o755)
    writer = path.open("ab")
    closing = threading.Timer(0.05, writer.close)
    closing.start()
    settle(path)
    if not writer.closed:
        closing.join()
    assert subprocess.run([path], check=False).returncode == 7
