"""The process that stands between a client and its server: it copies bytes both ways, at once and unchanged,
and takes them down.

    between.py CAPTURE SHELL HOST COMMAND...    in the place of the remote shell SHELL
    between.py --connect CAPTURE HOST PORT      in the place of the connection to a daemon

One is started for each conversation that is overheard, before the server is: it is run as a file, not as a
module, and imports nothing that it can do without, since each import would be waited for.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
import time

# Not imported when this runs as a file: annotations are texts.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

FORMAT = "refsync-capture-1"
#: What is before each piece: its way, microseconds since the start, how many bytes.
PIECE = struct.Struct("<cQI")
_CHUNK = 1 << 16
_SIGPIPE = 13


class Writer:
    """Appends to a capture; several threads may do so. See :mod:`refsync_conformance.wiretap.capture`."""

    def __init__(self, stream: BinaryIO, header: Mapping[str, object]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._began = time.monotonic_ns()
        stream.write(json.dumps({"format": FORMAT, **header}).encode() + b"\n")
        stream.flush()

    def piece(self, way: str, data: bytes) -> None:
        """Take down one piece as it passes."""
        when = (time.monotonic_ns() - self._began) // 1000
        with self._lock:
            self._stream.write(PIECE.pack(way.encode(), when, len(data)) + data)
            self._stream.flush()


def copy(source: int, target: int, way: str, writer: Writer, at_end: Callable[[], None]) -> None:
    """Pass on and take down what comes from a descriptor until it ends, or the other one does."""
    try:
        while data := os.read(source, _CHUNK):
            writer.piece(way, data)
            view = memoryview(data)
            while view:
                view = view[os.write(target, view) :]
    except OSError:
        pass  # one end has gone; the other will notice
    try:
        at_end()
    except OSError:
        pass


def run_between(command: list[str], capture: str) -> int:
    """Run ``command`` as the server end of standard input and output; its exit code."""
    arguments = command[command.index("--server") :] if "--server" in command else []
    transport = "daemon" if "--daemon" in arguments else "pipe"
    # A daemon that is reached this way is told its arguments in the conversation.
    header: dict[str, object] = {"transport": transport}
    header |= {"title": " ".join(arguments)} if transport == "daemon" else {"arguments": arguments}
    with open(capture, "ab") as stream:
        writer = Writer(stream, header)
        their_input, into = os.pipe()
        out_of, their_output = os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, their_input, 0), (os.POSIX_SPAWN_DUP2, their_output, 1)]
        # Python ignores SIGPIPE; what it starts must not.
        child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions, setsigdef=[_SIGPIPE])
        os.close(their_input)
        os.close(their_output)
        # The client may keep its end open after the server has ended: that thread is not waited for.
        words = (0, into, ">", writer, lambda: os.close(into))
        threading.Thread(target=copy, args=words, daemon=True).start()
        copy(out_of, 1, "<", writer, lambda: os.close(1))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def connect_between(host: str, port: int, capture: str) -> int:
    """Connect standard input and output to a daemon (as ``RSYNC_CONNECT_PROG`` does)."""
    import socket

    with socket.create_connection((host, port), timeout=60) as far, open(capture, "ab") as stream:
        far.settimeout(None)
        writer = Writer(stream, {"transport": "daemon", "title": f"{host}:{port}"})
        words = (0, far.fileno(), ">", writer, lambda: far.shutdown(socket.SHUT_WR))
        threading.Thread(target=copy, args=words, daemon=True).start()
        copy(far.fileno(), 1, "<", writer, lambda: None)
    return 0


def main(words: list[str]) -> int:
    """Stand between; the exit code is the server's."""
    if words[0] == "--connect":
        return connect_between(words[2], int(words[3]), words[1])
    capture, shell, *rest = words
    if not os.path.exists(shell):  # more than a program: a command line
        import shlex

        return run_between([*shlex.split(shell), *rest], capture)
    return run_between([shell, *rest], capture)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # The thread that waits for the client may hold on to standard input: nothing is left to be done.
    os._exit(code)
