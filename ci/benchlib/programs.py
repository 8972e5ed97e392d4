"""The two programs, and the ways in which a transfer reaches its other end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRANSPORTS = ("local", "pipe", "push", "pull")


def refsync() -> str:
    """The program of the environment that the benchmark runs in."""
    return str(Path(sys.executable).parent / "refsync")


def upstream() -> str:
    """Upstream's program; ``ci/bench`` has fetched it."""
    from refsync_conformance.peers.registry import resolve

    return str(resolve("upstream-3.4.1").path)


def version(program: str) -> str:
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return " ".join(shown.stdout.splitlines()[0].split()[:3])


@contextmanager
def daemon(program: str, root: Path) -> Iterator[tuple[int, int]]:
    """A daemon with one writable module, ``all``, which is ``root``: (pid, port)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = root / f"rsyncd-{port}.conf"
    config.write_text(
        f"use chroot = no\nuid = {os.getuid()}\ngid = {os.getgid()}\n[all]\npath = {root}\nread only = no\n"
    )
    process = subprocess.Popen(
        [program, "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}", f"--config={config}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        yield _listener(process.pid), port
    finally:
        process.terminate()
        process.wait()
        config.unlink()


def _listener(pid: int) -> int:
    """A wrapper has become the program itself by now, or is its parent."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children and "rsync" in Path(f"/proc/{children[0]}/comm").read_text() else pid


def fake_shell(work: Path) -> Path:
    """A remote shell that drops the host and runs the rest: pipes, and nothing else."""
    path = work / "shell"
    path.write_text('#!/bin/sh\nshift\nexec "$@"\n')
    path.chmod(0o755)
    return path


def command(
    transport: str,
    client: str,
    server: str,
    options: list[str],
    source: Path,
    dest: Path,
    *,
    root: Path,
    shell: Path | None = None,
    port: int = 0,
) -> list[str]:
    """One transfer of what is in ``source`` into ``dest``."""
    from_here, to_here = f"{source}/", f"{dest}/"
    if transport == "local":
        return [client, *options, from_here, to_here]
    if transport == "pipe":
        return [client, *options, "-e", str(shell), f"--rsync-path={server}", from_here, f"x:{to_here}"]
    url = f"rsync://127.0.0.1:{port}/all"
    if transport == "push":
        return [client, *options, from_here, f"{url}/{dest.relative_to(root)}/"]
    return [client, *options, f"{url}/{source.relative_to(root)}/", to_here]
