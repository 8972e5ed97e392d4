"""Asking a peer what it is: the version that it prints and the protocol that it speaks.

The version does not tell the protocol: packagers patch, forks number on their own. So the peer is started as
a server, gets a client's four-byte greeting, and its own is read.

Source: clause NEG-1; upstream `compat.c:setup_protocol`.
"""

from __future__ import annotations

import os
import pathlib
import re
import selectors
import signal
import socket
import struct
import subprocess
import time

from refsync_conformance.peers.model import PeerError

PATIENCE = 20.0
"""Seconds that a peer has for its first four bytes."""

LOWEST, HIGHEST = 20, 255
"""Numbers outside of this are not a greeting but some text, most likely a shell's or a wrapper's message."""

_GREETING = struct.pack("<i", 31)
_SERVER = ("--server", "--sender", "-e.LsfxCIvu", ".", ".")


def version(path: pathlib.Path) -> str:
    """The first thing that looks like a version in the output of `PATH --version`, empty if there is none.

    Raises PeerError if the program can't be run or fails.
    """
    try:
        done = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except OSError as problem:
        raise PeerError(f"{path} can't be run: {problem.strerror}") from problem
    except subprocess.TimeoutExpired as problem:
        raise PeerError(f"{path} --version did not end in {PATIENCE:.0f} s") from problem
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise PeerError(f"{path} --version failed (exit {done.returncode}): {last[:200]}")
    found = re.search(r"\bv?(\d+\.\d+[\w.+~-]*)", done.stdout)
    return found.group(1) if found else ""


def protocol(path: pathlib.Path) -> int:
    """The protocol number in the peer's greeting as a server. Raises PeerError when it gives none."""
    try:
        process = subprocess.Popen(
            [str(path), *_SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A greeting that the peer ended without reading must not be written once more on closing.
            bufsize=0,
            cwd="/",
            start_new_session=True,
        )
    except OSError as problem:
        raise PeerError(f"{path} can't be run: {problem.strerror}") from problem
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    try:
        try:
            process.stdin.write(_GREETING)
        except BrokenPipeError:
            pass  # it ended at once; its standard error says why
        said = _read(process.stdout.fileno(), 4)
    finally:
        # The whole group: a wrapper's child must not outlive the question.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    with process.stdin, process.stdout, process.stderr:
        complaint = process.stderr.read().decode(errors="replace").strip()
    if len(said) < 4:
        raise PeerError(f"{path} gave no greeting as a server: {complaint[-300:] or 'it said nothing'}")
    number: int = struct.unpack("<i", said)[0]
    if not LOWEST <= number <= HIGHEST:
        raise PeerError(f"{path} gave no greeting as a server but {said!r}")
    return number


def of_daemon(port: int) -> int:
    """The protocol number that a daemon on loopback greets with. Raises PeerError when it gives none.

    Source: clause GREET-1; upstream `clientserver.c:start_daemon`.
    """
    return int(_greeted(port)[1])


def digests(port: int) -> list[str]:
    """The digests that a daemon's greeting offers; none is said in older ones. Raises PeerError."""
    return _greeted(port)[2].decode("ascii", "replace").split()


def _greeted(port: int) -> re.Match[bytes]:
    said = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            while b"\n" not in said and len(said) < 1024 and (piece := connection.recv(1024)):
                said += piece
    except OSError as problem:
        raise PeerError(
            f"nothing that greets on 127.0.0.1 port {port}: {problem}; start the daemon first"
        ) from problem
    found = re.match(rb"@RSYNCD: (\d+)(?:\.\d+)?([^\n]*)\n", said)
    if found is None:
        raise PeerError(f"port {port} gave no greeting of a daemon but {said[:80]!r}")
    return found


def _read(descriptor: int, amount: int) -> bytes:
    said = b""
    end = time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while len(said) < amount and (left := end - time.monotonic()) > 0:
            if selector.select(left):
                piece = os.read(descriptor, amount - len(said))
                if not piece:
                    break
                said += piece
    return said
