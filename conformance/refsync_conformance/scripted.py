"""The end that the suite plays: a shell that answers nonsense, a daemon made of a few lines.

A scripted peer is a list of steps. It says and hears bytes at given moments, and keeps what it heard, so
that a case can judge how the other end takes it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Say:
    """Send these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hear:
    """Read until a line feed, or ``size`` bytes where that is given."""

    size: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """Say nothing until the other end closes, or for ``seconds``."""

    seconds: float


Step = Say | Hear | Hold


class ScriptedDaemon:
    """A listener on loopback that plays its steps to each who connects, then hangs up."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard: list[bytes] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> ScriptedDaemon:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        # A blocked accept() wakes up when its socket is shut down.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._play(connection)
                except OSError:
                    continue

    def _play(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        for step in self._steps:
            match step:
                case Say(data):
                    connection.sendall(data)
                case Hear(size):
                    self.heard.append(_hear(connection, size))
                case Hold(seconds):
                    connection.settimeout(seconds)
                    try:
                        while connection.recv(65536):
                            pass
                    except TimeoutError:
                        pass


def _hear(connection: socket.socket, size: int) -> bytes:
    found = b""
    while (len(found) < size) if size else not found.endswith(b"\n"):
        piece = connection.recv(1 if not size else size - len(found))
        if not piece:
            break
        found += piece
    return found


def converse(port: int, steps: Sequence[Step], *, timeout: float = 20.0) -> bytes:
    """Play the steps to a daemon on loopback as its client, then read until it hangs up. Returns all that
    it said.

    Raises ``TimeoutError`` if it neither speaks nor hangs up in ``timeout`` seconds.
    """
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        try:
            for step in steps:
                match step:
                    case Say(data):
                        connection.sendall(data)
                    case Hear(size):
                        said += _hear(connection, size)
                    case Hold(seconds):
                        connection.settimeout(seconds)
            while piece := connection.recv(65536):
                said += piece
        except (ConnectionResetError, BrokenPipeError):
            # Hanging up with our bytes unread resets the connection: an end like any other.
            pass
    return said
