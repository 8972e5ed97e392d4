"""How the programs of a comparison are started: by exec, or by a fork of a process that is loaded already."""

from __future__ import annotations

import array
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from refsync_conformance.peers import unpack

#: What a far end of a warm program is: it hands its standard streams over. Only C modules, it starts often.
_STUB = """\
import _socket, os, struct, sys
server = _socket.socket(_socket.AF_UNIX)
server.connect({place!r})
text = b"\\0".join(os.fsencode(word) for word in (os.getcwd(), "refsync", *sys.argv[1:]))
server.recv(4)
descriptors = struct.pack("3i", 0, 1, 2)
server.sendmsg([struct.pack("<I", len(text))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
server.sendall(text)
for number in (0, 1):
    os.close(number)
answer = server.recv(4)
os._exit(struct.unpack("<i", answer)[0] if len(answer) == 4 else 70)
"""


class Run(Protocol):
    """A command line that was started."""

    def wait(self, seconds: float) -> int | None:
        """Its exit code; None if it had to be killed after so long."""

    def stop(self) -> None:
        """End it."""


class Program(Protocol):
    #: An executable file: what ``--rsync-path`` names.
    path: Path

    def start(self, words: Sequence[str], cwd: str, out: IO[bytes], err: IO[bytes]) -> Run: ...

    def close(self) -> None: ...


class _Process:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def wait(self, seconds: float) -> int | None:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            return None

    def stop(self) -> None:
        _kill_group(self._process.pid)
        self._process.wait()


class Cold:
    """A program as everybody starts it."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path, self._env = path, dict(env)

    def start(self, words: Sequence[str], cwd: str, out: IO[bytes], err: IO[bytes]) -> Run:
        return _Process(
            subprocess.Popen(
                [str(self.path), *words],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self._env,
                start_new_session=True,
            )
        )

    def close(self) -> None:
        """Nothing is kept."""


class _Forked:
    def __init__(self, server: socket.socket, pid: int) -> None:
        self._server, self._pid = server, pid

    def wait(self, seconds: float) -> int | None:
        self._server.settimeout(seconds)
        try:
            answer = self._server.recv(4)
        except TimeoutError:
            self.stop()
            return None
        self._server.close()
        return int(struct.unpack("<i", answer)[0]) if len(answer) == 4 else -1

    def stop(self) -> None:
        _kill_group(self._pid)
        self._server.close()


class Warm:
    """The reference, loaded once in the environment ``env`` and as the user ``user``."""

    def __init__(self, place: Path, env: Mapping[str, str], user: int | None = None) -> None:
        self._socket = str(place / "warm.socket")
        words = [sys.executable, "-m", "refsync_conformance.differential.warm", self._socket]
        self._process = subprocess.Popen(
            words if user is None else [*words, str(user)],
            stdin=subprocess.PIPE,  # it ends when we are gone
            stdout=subprocess.DEVNULL,
            env={**env, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            umask=0o022,
        )
        self.path = place / "warm-refsync"
        stub = place / "stub.py"
        stub.write_text(_STUB.format(place=self._socket), encoding="utf-8")
        unpack.write_wrapper(self.path, [_interpreter(user), "-I", "-S", str(stub)])
        self._await()

    def _await(self) -> None:
        stop = time.monotonic() + 60
        while not os.path.exists(self._socket):
            if self._process.poll() is not None or time.monotonic() > stop:
                raise RuntimeError("the reference could not be loaded")
            time.sleep(0.01)

    def start(self, words: Sequence[str], cwd: str, out: IO[bytes], err: IO[bytes]) -> Run:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._socket)
        (pid,) = struct.unpack("<i", server.recv(4))
        text = b"\0".join(os.fsencode(word) for word in (cwd, "refsync", *words))
        with open(os.devnull, "rb") as nothing:
            fds = array.array("i", [nothing.fileno(), out.fileno(), err.fileno()])
            server.sendmsg([struct.pack("<I", len(text))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            server.sendall(text)
        return _Forked(server, pid)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def readable_copy(program: Path, place: Path, user: int | None) -> Path:
    """A peer of the catalogue for a user who can't read the cache; the program itself if he need not."""
    root = program.parent.parent / "root"
    if user is None or not root.is_dir():
        return program
    shutil.copytree(root, place / "root", symlinks=True)
    unpack.write_wrapper(place / "rsync", unpack.command(place / "root", "usr/bin/rsync"))
    return place / "rsync"


def _interpreter(user: int | None) -> str:
    """A Python that the user may run: a home directory's is no use to another."""
    return sys.executable if user is None else shutil.which("python3", path="/usr/bin:/bin") or sys.executable


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
