"""Getting between the two ends: as the remote shell's wrapper, or in front of a daemon.

A relay copies bytes both ways, unchanged and at once, and takes them down.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .capture import Header, Writer

_CHUNK = 1 << 16


def run_between(command: list[str], capture: Path, header: Header) -> int:
    """Run ``command`` as the server end of standard input and output; its exit code."""
    with capture.open("ab") as stream:
        writer = Writer(stream, header)
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdin is not None and child.stdout is not None
        into, out_of = child.stdin.fileno(), child.stdout.fileno()
        # The client may keep its end open after the server has ended: that thread is not waited for.
        threading.Thread(target=_copy, args=(0, into, ">", writer, child.stdin.close), daemon=True).start()
        _copy(out_of, 1, "<", writer, lambda: None)
        with suppress(OSError):
            os.close(1)
        code = child.wait()
    return code if code >= 0 else 128 - code


def connect_between(host: str, port: int, capture: Path) -> int:
    """Connect standard input and output to a daemon (as ``RSYNC_CONNECT_PROG`` does)."""
    with socket.create_connection((host, port), timeout=60) as far, capture.open("ab") as stream:
        far.settimeout(None)
        writer = Writer(stream, Header("daemon", title=f"{host}:{port}"))

        def half_close() -> None:
            with suppress(OSError):
                far.shutdown(socket.SHUT_WR)

        threading.Thread(target=_copy, args=(0, far.fileno(), ">", writer, half_close), daemon=True).start()
        _copy(far.fileno(), 1, "<", writer, lambda: None)
    return 0


def _copy(source: int, target: int, way: str, writer: Writer, at_end: Callable[[], None]) -> None:
    try:
        while data := os.read(source, _CHUNK):
            writer.piece(way, data)
            view = memoryview(data)
            while view:
                view = view[os.write(target, view) :]
    except OSError:
        pass  # one end has gone; the other will notice
    with suppress(OSError):
        at_end()


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
                writer = Writer(stream, Header("daemon", title=f"{self._far[0]}:{self._far[1]}"))

                def end(side: socket.socket) -> Callable[[], None]:
                    return lambda: side.shutdown(socket.SHUT_WR)

                up = threading.Thread(
                    target=_copy, args=(near.fileno(), far.fileno(), ">", writer, end(far)), daemon=True
                )
                up.start()
                _copy(far.fileno(), near.fileno(), "<", writer, end(near))
                up.join(5)
