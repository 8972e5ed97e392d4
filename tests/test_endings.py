"""How runs end that something stops: real processes, over each transport, in each direction."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from refsync import __version__
from refsync.cli.client import with_child
from refsync.engine.ending import closing_line
from refsync.files.interrupt import ENDING, Interrupted, install, uninterrupted
from refsync.session.link import Link, PeerClosed, PeerDeaf
from refsync.session.tasks import Tasks
from refsync.transport import tcp
from refsync.transport.child import Child, run_command
from refsync.transport.pump import Pump
from refsync.wire.errors import EXIT_TEXT, Exit, RefsyncError

REFSYNC = [sys.executable, "-m", "refsync"]
SIZE = 4 << 20
WAYS = ["local", "push", "pull", "daemon push", "daemon pull"]
#: Seconds after which a test has failed; nothing here takes so long.
PATIENCE = 20.0


def processes(session: int) -> list[int]:
    """What is alive in a session of processes."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue
            state, _, _, leader = stat.rpartition(")")[2].split()[:4]
            if int(leader) == session and state not in "ZX":
                found.append(int(name))
    return found


def until(holds: Callable[[], object], what: str) -> None:
    """Look again and again, with the processes having the processor meanwhile."""
    for _ in range(int(PATIENCE / 0.01)):
        if holds():
            return
        select.select([], [], [], 0.01)
    raise AssertionError(f"never: {what}")


class Run:
    """A slow transfer of one file onto an old one, that has begun to write."""

    def __init__(self, base: Path, way: str, *options: str) -> None:
        self.base, self.way, self.options = base, way, options
        self.src, self.dst = base / "src", base / "dst"
        self.daemon: subprocess.Popen[bytes] | None = None
        self.src.mkdir()
        self.dst.mkdir()
        self.data = os.urandom(SIZE)
        (self.src / "f").write_bytes(self.data)
        (self.dst / "f").write_bytes(b"old")
        self.shell = base / "shell"
        pid_file = base / "far.pid"
        self.shell.write_text(f'#!/bin/sh\nshift\necho $$ >{pid_file}\nexec "$@"\n')
        self.shell.chmod(0o755)
        if "daemon" in way:
            self._start_daemon()
        command = self.command("--bwlimit=1000", *options)
        self.process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
        until(self.writing, "the transfer moves")
        self.far = int(pid_file.read_text()) if way in ("push", "pull") else self._child()

    def command(self, *options: str) -> list[str]:
        server = self.base / "server"
        server.write_text(f'#!/bin/sh\nexec {" ".join(REFSYNC)} "$@"\n')
        server.chmod(0o755)
        source, dest = f"{self.src}/", f"{self.dst}/"
        far = ""
        words = [*REFSYNC, "-aW", *options]
        if "daemon" in self.way:
            far = f"rsync://127.0.0.1:{self.port}/m"
            source, dest = ("/src/", dest) if "pull" in self.way else (source, "/dst/")
        elif self.way != "local":
            far = "host:"
            words += ["-e", str(self.shell), f"--rsync-path={server}"]
        if "pull" in self.way:
            source = far + source
        else:
            dest = far + dest
        return [*words, source, dest]

    def _start_daemon(self) -> None:
        config = self.base / "rsyncd.conf"
        listener = tcp.listen("127.0.0.1", 0)[0]
        self.port = listener.getsockname()[1]
        listener.close()
        owner = "uid = 0\ngid = 0\n" if os.geteuid() == 0 else ""
        config.write_text(
            f"use chroot = no\nlog file = {self.base}/log\n{owner}[m]\npath = {self.base}\nread only = no\n"
        )
        words = [
            "--daemon",
            "--no-detach",
            f"--config={config}",
            "--address=127.0.0.1",
            f"--port={self.port}",
        ]
        self.daemon = subprocess.Popen([*REFSYNC, *words])
        log = self.base / "log"
        until(lambda: log.exists() and "listening" in log.read_text(), "the daemon listens")

    def _child(self) -> int:
        parent = (self.daemon or self.process).pid
        children = Path(f"/proc/{parent}/task/{parent}/children")
        until(lambda: children.read_text().split(), "there is a child")
        return int(children.read_text().split()[0])

    def temporary(self) -> list[str]:
        return [name for name in os.listdir(self.dst) if name.startswith(".f.")]

    def writing(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[1]
        return any((self.dst / name).stat().st_size for name in self.temporary())

    def ended(self) -> tuple[int, str]:
        """The client's exit code and words, once both ends are gone."""
        _, said = self.process.communicate(timeout=PATIENCE)
        until(lambda: not processes(self.process.pid), "both ends are gone")
        if self.daemon is not None:
            daemon = self.daemon.pid
            children = Path(f"/proc/{daemon}/task/{daemon}/children")
            until(lambda: not children.read_text().strip(), "the connection's process is gone")
        return self.process.returncode, said.decode()

    def completes(self) -> None:
        """A second run does what the first has left."""
        run = subprocess.run(self.command(*self.options), capture_output=True, timeout=PATIENCE)
        assert (run.returncode, run.stderr) == (0, b"")
        assert (self.dst / "f").read_bytes() == self.data
        assert os.listdir(self.dst) == ["f"]

    def close(self) -> None:
        for process in (self.process, self.daemon):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(way: str, *options: str) -> Run:
        runs.append(Run(tmp_path, way, *options))
        return runs[-1]

    yield begin
    for run in runs:
        run.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGTERM, 20, "received SIGINT, SIGTERM, or SIGHUP (code 20)"),
        (signal.SIGUSR1, 19, "received SIGUSR1 (code 19)"),
    ],
)
def test_a_signal_to_the_client_leaves_nothing_behind(
    start: Callable[..., Run], way: str, number: int, code: int, words: str
) -> None:
    run = start(way)
    run.process.send_signal(number)
    ended, said = run.ended()
    assert ended == code
    assert f"rsync error: {words} at " in said
    assert f"[{'generator' if 'pull' in way else 'sender'}=refsync " in said
    assert "Traceback" not in said
    until(lambda: not run.temporary(), "the temporary file is gone")
    assert (run.dst / "f").read_bytes() == b"old"
    run.completes()


@pytest.mark.parametrize("way", WAYS)
def test_a_signal_to_the_server_ends_both_with_its_code(start: Callable[..., Run], way: str) -> None:
    run = start(way)
    os.kill(run.far, signal.SIGHUP)
    ended, said = run.ended()
    assert ended == 20
    assert "received SIGINT, SIGTERM, or SIGHUP (code 20)" in said
    assert run.temporary() == []
    assert (run.dst / "f").read_bytes() == b"old"


@pytest.mark.parametrize("way", ["pull", "daemon pull"])
def test_a_killed_sender_leaves_no_temporary_file(start: Callable[..., Run], way: str) -> None:
    run = start(way)
    os.kill(run.far, signal.SIGKILL)
    ended, said = run.ended()
    assert ended == 12
    assert "connection unexpectedly closed" in said
    assert run.temporary() == []
    assert (run.dst / "f").read_bytes() == b"old"
    run.completes()


@pytest.mark.parametrize("way", ["local", "push", "daemon push"])
def test_a_killed_client_leaves_no_temporary_file(start: Callable[..., Run], way: str) -> None:
    run = start(way)
    run.process.kill()
    run.ended()
    assert run.temporary() == []
    assert (run.dst / "f").read_bytes() == b"old"
    run.completes()


@pytest.mark.parametrize("way", ["push", "daemon push"])
def test_a_killed_receiver_ends_the_sender(start: Callable[..., Run], way: str) -> None:
    """What it was writing stays, for it could not tidy up; the old file is whole."""
    run = start(way)
    os.kill(run.far, signal.SIGKILL)
    ended, said = run.ended()
    assert ended in (10, 12)
    assert "rsync error: " in said
    assert (run.dst / "f").read_bytes() == b"old"


@pytest.mark.parametrize("way", WAYS)
def test_what_has_come_is_kept_if_that_was_asked_for(start: Callable[..., Run], way: str) -> None:
    run = start(way, "--partial-dir=.parts")
    run.process.send_signal(signal.SIGINT)
    assert run.ended()[0] == 20
    until(lambda: not run.temporary(), "the temporary file is gone")
    part = (run.dst / ".parts" / "f").read_bytes()
    assert part
    assert run.data.startswith(part)
    assert (run.dst / "f").read_bytes() == b"old"
    run.completes()


@pytest.mark.parametrize("way", ["local", "push", "pull"])
def test_a_part_takes_the_name_and_an_old_time(start: Callable[..., Run], way: str) -> None:
    run = start(way, "--partial")
    run.process.send_signal(signal.SIGTERM)
    assert run.ended()[0] == 20
    until(lambda: os.listdir(run.dst) == ["f"], "only the part is left")
    part = (run.dst / "f").read_bytes()
    assert part
    assert run.data.startswith(part)
    assert (run.dst / "f").stat().st_mtime == 0
    run.completes()


# -- the parts


def child(program: str) -> Child:
    return run_command([sys.executable, "-c", program])


def failing(error: RefsyncError) -> Callable[[], int]:
    def talk() -> int:
        raise error

    return talk


def test_an_error_here_is_not_outdone_by_what_the_other_end_makes_of_it() -> None:
    waits = child("import sys; sys.stdin.read(); sys.exit(12)")
    with pytest.raises(RefsyncError) as caught:
        with_child(waits, failing(RefsyncError("no such place", Exit.FILE_SELECT)))
    assert caught.value.code == Exit.FILE_SELECT


def test_a_broken_connection_takes_the_reason_that_the_child_gives() -> None:
    gone = child("import sys; sys.exit(127)")
    assert os.read(gone.fd_in, 1) == b""
    with pytest.raises(RefsyncError) as caught:
        with_child(gone, failing(PeerClosed(0)))
    assert caught.value.code == Exit.COMMAND_NOT_FOUND


@pytest.mark.parametrize(("ours", "theirs", "code"), [(0, 23, 23), (23, 0, 23), (24, 23, 24), (0, 0, 0)])
def test_the_greater_code_of_two_good_ends_counts(ours: int, theirs: int, code: int) -> None:
    assert with_child(child(f"import sys; sys.exit({theirs})"), lambda: ours) == code


def test_a_child_that_a_signal_killed_after_a_good_end_counts_as_16() -> None:
    killed = child("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert with_child(killed, lambda: 0) == Exit.TERMINATED


def test_a_child_that_does_not_end_by_itself_is_made_to() -> None:
    deaf = child("import signal; print('up', flush=True); signal.pause()")
    assert os.read(deaf.fd_in, 2) == b"up"
    deaf.end()
    with pytest.raises(ChildProcessError):
        os.waitpid(deaf.pid, 0)


def test_a_peer_that_is_gone_in_both_directions_ends_a_sender_that_waits_for_room() -> None:
    """It must not spin: neither direction will ever have anything to say."""
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    for fd in (their_in, their_out):
        os.close(fd)
    link = Link()

    async def talk() -> None:
        while True:
            link.write(bytes(1 << 20))
            await link.drain()

    try:
        with pytest.raises(PeerDeaf):
            Pump(link, our_in, our_out).run(Tasks(link, talk()))
    finally:
        os.close(our_in)
        os.close(our_out)


def test_the_last_line_says_what_where_and_who() -> None:
    line = closing_line(Exit.VANISHED, "sender", "main.py(7)")
    text = "some files vanished before they could be transferred"
    assert line == f"rsync warning: {text} (code 24) at main.py(7) [sender=refsync {__version__}]\n"
    assert closing_line(255, "sender", "x.py(1)").startswith("rsync error: unexplained error (code 255) at ")
    assert set(EXIT_TEXT) == set(Exit) - {Exit.OK}


def test_a_signal_waits_for_what_must_be_whole() -> None:
    made: list[str] = []

    @uninterrupted
    def make() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        made.append("noted")

    before = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGPIPE, signal.SIGXFSZ)}
    try:
        install()
        with pytest.raises(Interrupted) as caught:
            make()
        assert (made, caught.value.code) == (["noted"], Exit.SIGNAL1)
        os.kill(os.getpid(), signal.SIGTERM)  # the first one counts, and does so once
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--no-such", "on remote machine: --no-such: unknown option"),
        ("--block-size=x", "--block-size=x is invalid"),
    ],
)
def test_a_server_with_wrong_arguments_says_so(argument: str, said: str) -> None:
    """Its client has heard nothing of it: a server that has begun leaves the telling to its client."""
    words = [*REFSYNC, "--server", argument, ".", "dst"]
    done = subprocess.run(words, input="", capture_output=True, text=True, timeout=PATIENCE, check=False)
    first, last = done.stderr.splitlines()
    assert (done.returncode, done.stdout, first) == (1, "", f"rsync: {said}")
    assert last.endswith(f"[server=refsync {__version__}]")
