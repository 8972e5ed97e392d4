"""In a chroot nothing is left to import from, and there is no /proc; both only root can try."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from refsync.files.destination import Destination
from refsync.transport import tcp
from test_endings import until

#: Runs a daemon, and tells of each module that is read from a file after its fork.
DAEMON = """
import importlib.machinery, os, sys
from refsync.cli.main import main
forked = []
def watch(event, args):
    if event == "os.fork":
        forked.append(1)
    elif event == "import" and forked and importlib.machinery.BuiltinImporter.find_spec(args[0]) is None:
        os.write(2, f"late: {args[0]}\\n".encode())
sys.addaudithook(watch)
sys.exit(main(sys.argv[1:]))
"""
RUNS = [
    ["-aI", "--preallocate", "--sparse"],
    ["-aI", "--inplace", "--sparse", "--no-W"],
    ["-aI", "-HAXU", "--chmod=u+x", "--usermap=0:0"],
    ["-aI", "-z", "--compress-choice=zstd", "--backup", "--suffix=~"],
    ["-aI", "-z", "--compress-choice=lz4", "--checksum-choice=sha1", "--delete", "--filter=- *.x"],
    ["-aI", "--protocol=27", "--partial-dir=.parts", "--fsync"],
]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can confine a daemon to a directory")
def test_a_confined_daemon_imports_nothing_late_and_reads_attributes_without_proc(tmp_path: Path) -> None:
    module = tmp_path / "module"
    (module / "src").mkdir(parents=True)
    (module / "src" / "f").write_bytes(os.urandom(300_000) + bytes(300_000))
    (module / "src" / "link").symlink_to("f")
    listener = tcp.listen("127.0.0.1", 0)[0]
    port = listener.getsockname()[1]
    listener.close()
    secrets = tmp_path / "secrets"
    secrets.write_text("joe:pw\n")
    secrets.chmod(0o600)
    config = tmp_path / "conf"
    config.write_text(
        f"use chroot = yes\nuid = 0\ngid = 0\nlog file = {tmp_path}/log\ntransfer logging = yes\n"
        f"auth users = joe\nsecrets file = {secrets}\n[m]\npath = {module}\nread only = no\n"
    )
    words = ["--daemon", "--no-detach", f"--config={config}", "--address=127.0.0.1", f"--port={port}"]
    daemon = subprocess.Popen([sys.executable, "-c", DAEMON, *words], stderr=subprocess.PIPE)
    try:
        log = tmp_path / "log"
        until(lambda: log.exists() and "listening" in log.read_text(), "the daemon listens")
        url = f"rsync://joe@127.0.0.1:{port}/m"
        environment = {**os.environ, "RSYNC_PASSWORD": "pw"}
        for options in RUNS:
            for places in ([f"{module}/src/", f"{url}/dst/"], [f"{url}/src/", f"{tmp_path}/out/"]):
                run = subprocess.run(
                    [sys.executable, "-m", "refsync", *options, *places],
                    capture_output=True,
                    env=environment,
                    timeout=60,
                )
                assert (run.returncode, run.stderr) == (0, b""), options
    finally:
        daemon.terminate()
    assert daemon.communicate(timeout=20)[1] == b""


def test_attributes_are_reached_without_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By way of the current directory, which nothing else depends on."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("x")
    monkeypatch.setattr(os.path, "isdir", lambda path: path != "/proc/self/fd")
    dest = Destination(os.fsencode(tmp_path))
    here = os.open(".", os.O_RDONLY)
    try:
        assert dest.attribute_path(b"d/f") == b"./f"
        assert os.getcwdb() == os.fsencode(tmp_path / "d")
    finally:
        os.fchdir(here)
        os.close(here)
        dest.close()
