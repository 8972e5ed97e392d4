"""Getting between the two ends: as the remote shell's wrapper, or in front of a daemon.

A relay copies bytes both ways, unchanged and at once, and takes them down.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from . import between as standing
from .between import Writer, copy


def between() -> list[str]:
    """The command of the process that stands between a client and its server; its arguments follow."""
    return [sys.executable, "-I", "-S", standing.__file__]


class Proxy:
    """A listener on loopback that passes each connection on to a daemon, one capture for each."""

    def __init__(self, host: str, port: int, captures: Callable[[], Path], *, listen: int = 0) -> None:
        self._far = (host, port)
        self._captures = captures
        self._listener = socket.create_server(("127.0.0.1", listen))
        self.port: int = self._listener.getsockname()[1]

    def serve(self, *, connections: int = 0) -> None:
        """Pass connections on until there were so many (0: until closed)."""
        served = 0
        workers = []
        while not connections or served < connections:
            try:
                near, _ = self._listener.accept()
            except OSError:
                break
            served += 1
            worker = threading.Thread(target=self._pass_on, args=(near, self._captures()), daemon=True)
            worker.start()
            workers.append(worker)
        for worker in workers:
            worker.join()

    def close(self) -> None:
        """Stop listening; ``serve`` returns."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_on(self, near: socket.socket, capture: Path) -> None:
        with near, capture.open("ab") as stream:
            try:
                far = socket.create_connection(self._far, timeout=60)
            except OSError:
                return  # the client sees its connection closed, as it would have
            with far:
                far.settimeout(None)
                writer = Writer(stream, {"transport": "daemon", "title": f"{self._far[0]}:{self._far[1]}"})

                def end(side: socket.socket) -> Callable[[], None]:
                    return lambda: side.shutdown(socket.SHUT_WR)

                up = threading.Thread(
                    target=copy, args=(near.fileno(), far.fileno(), ">", writer, end(far)), daemon=True
                )
                up.start()
                copy(far.fileno(), near.fileno(), "<", writer, end(near))
                up.join(5)
