"""The daemon as a process, on loopback: transfers, refusals, hang-ups, endings."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from refsync.wire.errors import Exit

ROOT = os.getuid() == 0
REFSYNC = [sys.executable, "-m", "refsync"]
GREETING = b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n"
START_LIMIT = 20.0
#: A root daemon would serve as nobody, who can't see what a test makes.
AS_WE_ARE = "uid = 0\ngid = 0\n" if ROOT else ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Daemon:
    """A daemon with its files in ``place``; ``text`` is the configuration after the globals."""

    def __init__(self, place: Path, text: str, *arguments: str) -> None:
        self.log = place / "daemon.log"
        self.pid_file = place / "daemon.pid"
        self.config = place / "rsyncd.conf"
        head = f"log file = {self.log}\npid file = {self.pid_file}\nreverse lookup = no\nuse chroot = no\n"
        self.config.write_text(f"{head}{AS_WE_ARE}{text}")
        for _ in range(5):
            self.port = free_port()
            self.process = subprocess.Popen(
                [
                    *(*REFSYNC, "--daemon", "--no-detach", "--address=127.0.0.1"),
                    *(f"--port={self.port}", f"--config={self.config}", *arguments),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            if self._listens():
                return
        raise AssertionError(self.stop())

    def _listens(self) -> bool:
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            if self.pid_file.exists() and "starting" in self.said():
                return True
            select.select([], [], [], 0.02)
        return False

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def has_said(self, words: str, times: int) -> bool:
        """Whether the log gets ``words`` so often: a client may be gone before they are written."""
        end = time.monotonic() + START_LIMIT
        while (found := self.said().count(words)) < times and time.monotonic() < end:
            select.select([], [], [], 0.02)
        return found == times

    def url(self, path: str) -> str:
        return f"rsync://127.0.0.1:{self.port}/{path}"

    def speak(self, data: bytes) -> bytes:
        """Send bytes, say that this is all, and return all that comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as link:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := link.recv(65536):
                answer += piece
            return answer

    def stop(self, how: int = signal.SIGTERM) -> str:
        if self.process.poll() is None:
            self.process.send_signal(how)
        output, _ = self.process.communicate(timeout=30)
        return str(output.decode())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_text("content\n")
    (tree / "top").write_text("top\n")
    (tree / "secret.key").write_text("key\n")
    return tmp_path


@pytest.fixture
def daemon(place: Path) -> Iterator[Daemon]:
    (place / "motd").write_text("Be welcome\n")
    (place / "secrets").write_text("ann:pass word\n")
    (place / "secrets").chmod(0o600)
    tree = place / "tree"
    running = Daemon(
        place,
        f"motd file = {place / 'motd'}\n"
        f"[ro]\npath={tree}\ncomment=to read\nexclude=*.key\n"
        f"[rw]\npath={tree}\nread only = no\n"
        f"[wo]\npath={tree}\nread only = no\nwrite only = yes\nlist = no\n"
        f"[auth]\npath={tree}\nauth users = ann:rw\nsecrets file = {place / 'secrets'}\n"
        f"[one]\npath={tree}\nmax connections = 1\nlock file = {place / 'lock'}\n"
        f"[deny]\npath={tree}\nhosts deny = *\n[denyhid]\npath={tree}\nhosts deny = *\nlist = no\n"
        f"[gone]\npath={place / 'gone'}\n[nopath]\n",
    )
    yield running
    running.stop()


def refsync(*arguments: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [*REFSYNC, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("protocol", ["27", "29", "30", "31", "32"])
def test_pull_and_push(daemon: Daemon, place: Path, protocol: str) -> None:
    code, said = refsync("-a", f"--protocol={protocol}", daemon.url("ro/"), f"{place}/got/")
    assert (code, said) == (0, "Be welcome\n\n")
    assert (place / "got/sub/file").read_text() == "content\n"
    assert not (place / "got/secret.key").exists()
    (place / "got/link").symlink_to("../top")
    code, said = refsync("-a", "--no-motd", f"--protocol={protocol}", f"{place}/got/", daemon.url("rw/new/"))
    assert (code, said) == (0, "")
    assert (place / "tree/new/sub/file").read_text() == "content\n"
    assert os.readlink(place / "tree/new/link") == "/rsyncd-munged/../top"
    code, _ = refsync("-a", "--no-motd", f"--protocol={protocol}", daemon.url("rw/new/"), f"{place}/back/")
    assert code == 0
    assert os.readlink(place / "back/link") == "../top"
    assert daemon.has_said("total size", 3)


def test_the_list_shows_what_may_be_listed(daemon: Daemon) -> None:
    code, said = refsync(daemon.url(""))
    assert code == 0
    lines = said.splitlines()
    assert lines[:2] == ["Be welcome", ""]
    assert lines[2] == "ro             \tto read"
    assert [line.split("\t")[0].strip() for line in lines[2:]] == [
        "ro",
        "rw",
        "auth",
        "one",
        "deny",
        "gone",
        "nopath",
    ]


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("nope", "@ERROR: Unknown module 'nope'"),
        ("denyhid", "@ERROR: Unknown module 'denyhid'"),
        ("deny", "@ERROR: access denied to deny from UNDETERMINED (127.0.0.1)"),
        ("gone", "@ERROR: chdir failed"),
        ("nopath", "@ERROR: no path setting."),
    ],
)
def test_modules_that_are_not_served(daemon: Daemon, module: str, words: str) -> None:
    code, said = refsync(daemon.url(f"{module}/"))
    assert code == Exit.START_CLIENT
    assert words in said.splitlines()


def test_what_may_only_be_read_or_written(daemon: Daemon, place: Path) -> None:
    code, said = refsync("-a", f"{place}/tree/top", daemon.url("ro/new"))
    assert code == Exit.SYNTAX
    assert "ERROR: module is read only" in said
    assert not (place / "tree/new").exists()
    code, said = refsync("-a", daemon.url("wo/"), f"{place}/got/")
    assert code == Exit.SYNTAX
    assert "ERROR: module is write only" in said


def test_passwords(daemon: Daemon, place: Path) -> None:
    url = daemon.url("auth/top").replace("rsync://", "rsync://ann@")
    code, _ = refsync("-a", url, f"{place}/got/", RSYNC_PASSWORD="pass word")
    assert code == 0
    assert (place / "got/top").read_text() == "top\n"
    code, said = refsync("-a", url, f"{place}/got/", RSYNC_PASSWORD="password")
    assert code == Exit.START_CLIENT
    assert "@ERROR: auth failed on module auth" in said
    assert "for ann: password mismatch" in daemon.said()
    code, _ = refsync("-a", f"{place}/tree/top", url.replace("top", "written"), RSYNC_PASSWORD="pass word")
    assert code == 0  # :rw outweighs "read only"
    assert (place / "tree/written").read_text() == "top\n"


def test_places_are_counted(daemon: Daemon) -> None:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=30) as holder:
        holder.sendall(GREETING + b"one\n")
        heard = b""
        while b"OK\n" not in heard:
            heard += holder.recv(1000)
        answer = daemon.speak(GREETING + b"one\n")
        assert b"@ERROR: max connections (1) reached -- try again later\n" in answer
    end = time.monotonic() + 10
    while b"OK\n" not in daemon.speak(GREETING + b"one\n"):  # the place is free once the process has ended
        assert time.monotonic() < end


def test_hidden_files_are_not_there(daemon: Daemon, place: Path) -> None:
    code, said = refsync("-a", daemon.url("ro/secret.key"), f"{place}/got/")
    assert code == Exit.PARTIAL
    assert 'link_stat "secret.key" (in ro) failed: No such file or directory (2)' in said
    code, said = refsync("-a", daemon.url("ro/sub/none"), f"{place}/got/")
    assert 'link_stat "/sub/none" (in ro) failed: No such file or directory (2)' in said
    assert str(place / "tree") not in said


@pytest.mark.parametrize(
    "option", ["--log-file=/x", "--config=/x", "--exclude-from=/etc/passwd", "--daemon", "-vF"]
)
def test_options_that_reach_past_the_module_are_refused_in_frames(daemon: Daemon, option: str) -> None:
    arguments = [b"--server", b"--sender", b"-re.LsfxCIvu", option.encode(), b".", b"ro/", b""]
    answer = daemon.speak(GREETING + b"ro\n" + b"".join(each + b"\0" for each in arguments) + b"\x05md5 x")
    name = option.partition("=")[0] if option.startswith("--") else "-F"
    assert b"@RSYNCD: OK\n" in answer
    assert f"The server is configured to refuse {name}\n".encode() in answer
    assert answer.endswith(b"\x04\0\0\x5d\x04\0\0\0")  # MSG_ERROR_EXIT with code 4
    assert b"root:" not in answer


def test_a_client_cannot_lift_the_limit_on_memory(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon is the sender, which holds the sums of the client's blocks."""
    (place / "tree/big").write_bytes(bytes(600_000))
    (place / "mine").write_bytes(bytes(599_000))
    with monkeypatch.context() as limited:
        limited.setenv("RSYNC_MAX_ALLOC", "1M")
        daemon = Daemon(place, f"[m]\npath={place / 'tree'}\n")
    try:
        words = ("-t", "--no-whole-file", "--block-size=10", "--max-alloc=0", daemon.url("m/big"))
        code, said = refsync(*words, str(place / "mine"))
        assert code == Exit.MALLOC, said
        assert "exceeded --max-alloc=1048576 setting" in said
    finally:
        daemon.stop()


def test_what_does_not_speak_the_protocol_is_sent_away(daemon: Daemon) -> None:
    assert daemon.speak(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"\n@ERROR: protocol startup error\n")
    assert daemon.speak(b"").startswith(GREETING)
    assert daemon.speak(GREETING + b"ro\nx\0\0" + bytes(range(256))).startswith(GREETING)
    assert "Traceback" not in daemon.said()
    assert daemon.speak(GREETING + b"\n").endswith(b"@RSYNCD: EXIT\n")


def test_many_at_once_and_nobody_left_behind(daemon: Daemon) -> None:
    links = [socket.create_connection(("127.0.0.1", daemon.port), timeout=30) for _ in range(20)]
    for link in links:
        link.sendall(GREETING + b"#list\n")
    for link in links:
        heard = b""
        while piece := link.recv(4096):
            heard += piece
        assert heard.endswith(b"@RSYNCD: EXIT\n")
        link.close()
    end = time.monotonic() + 10
    children = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")
    while children.read_text().strip():
        assert time.monotonic() < end


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_pid_file(daemon: Daemon, how: int) -> None:
    assert int(daemon.pid_file.read_text()) == daemon.process.pid
    daemon.stop(how)
    assert daemon.process.returncode == (Exit.OK if how == signal.SIGTERM else Exit.SIGNAL)
    assert not daemon.pid_file.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", daemon.port), timeout=5)


def test_a_second_daemon_does_not_take_the_pid_file(daemon: Daemon) -> None:
    code, said = refsync(
        "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={free_port()}", f"--config={daemon.config}"
    )
    assert code == Exit.FILE_IO
    assert f"failed to lock pid file {daemon.pid_file}" in said
    assert int(daemon.pid_file.read_text()) == daemon.process.pid


def test_a_taken_port_is_an_error(daemon: Daemon) -> None:
    code, said = refsync(
        "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={daemon.port}", f"--config={daemon.config}"
    )
    assert code == Exit.SOCKET_IO
    assert f"unable to bind any inbound sockets on port {daemon.port}" in said


def test_the_configuration_is_read_for_each_client(daemon: Daemon) -> None:
    text = daemon.config.read_text()
    daemon.config.write_text(text + "[later]\npath=/\n")
    assert b"later          \t\n" in daemon.speak(GREETING + b"\n")
    daemon.config.write_text(text + "[later]\npath=/\n[later\n")
    assert daemon.speak(GREETING + b"\n").startswith(b"@ERROR: the daemon's configuration is wrong")


def test_a_wrong_configuration_keeps_it_from_starting(place: Path) -> None:
    config = place / "wrong.conf"
    for text, words in [
        ("[a/b]\npath=/\n", "invalid section name"),
        ("[m]\npath=/\nfilter = frob\n", "module m: Unknown filter rule"),
        ("[m", "badly formed section name"),
    ]:
        config.write_text(text)
        code, said = refsync("--daemon", "--no-detach", f"--config={config}", f"--port={free_port()}")
        assert code == Exit.SYNTAX
        assert words in said


def test_a_module_in_a_chroot(place: Path) -> None:
    """With files that move in one call and in bulk: what is imported for that can't be found in a chroot."""
    (place / "tree/sub/big").write_bytes(bytes(200_000))
    daemon = Daemon(
        place, f"[c]\npath={place / 'tree'}\nuse chroot = yes\n[d]\npath={place}/./tree\nuse chroot=yes\n"
    )
    try:
        for module in ("c", "d"):
            code, said = refsync("-a", daemon.url(f"{module}/sub/"), f"{place}/got-{module}/")
            if ROOT:
                assert (code, said) == (0, "")
                assert (place / f"got-{module}/file").read_text() == "content\n"
                assert (place / f"got-{module}/big").read_bytes() == bytes(200_000)
            else:
                assert code == Exit.START_CLIENT
                assert "@ERROR: chroot failed" in said
        assert "Traceback" not in daemon.said()
    finally:
        daemon.stop()


def test_inetd_hands_over_a_socket(place: Path) -> None:
    config = place / "rsyncd.conf"
    config.write_text(f"log file = {place / 'log'}\nuse chroot = no\n{AS_WE_ARE}[m]\npath={place / 'tree'}\n")
    ours, theirs = socket.socketpair()
    with ours:
        child = subprocess.Popen(
            [*REFSYNC, "--daemon", f"--config={config}"], stdin=theirs.fileno(), stdout=subprocess.PIPE
        )
        theirs.close()
        ours.sendall(GREETING + b"\n")
        heard = b""
        while piece := ours.recv(4096):
            heard += piece
    output, _ = child.communicate(timeout=30)
    assert heard == GREETING + b"m              \t\n@RSYNCD: EXIT\n"
    assert (child.returncode, output) == (0, b"")


def test_detached_it_leaves_its_parent(place: Path) -> None:
    config = place / "rsyncd.conf"
    pid_file = place / "pid"
    config.write_text(f"log file = {place / 'log'}\npid file = {pid_file}\n[m]\npath=/\n")
    port = free_port()
    code, said = refsync("--daemon", "--address=127.0.0.1", f"--port={port}", f"--config={config}")
    assert (code, said) == (0, "")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        assert link.recv(100).startswith(b"@RSYNCD: ")
    end = time.monotonic() + 10
    while not pid_file.exists():
        assert time.monotonic() < end
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    while pid_file.exists():
        assert time.monotonic() < end
