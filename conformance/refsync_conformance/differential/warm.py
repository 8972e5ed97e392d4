"""A process that has loaded the reference and forks for each command line: thousands of runs, one start-up.

``python -m refsync_conformance.differential.warm SOCKET [UID]`` listens on a Unix socket until its standard
input ends. Somebody who connects sends three descriptors and ``length, directory NUL word NUL word``; a
child takes the descriptors as its standard streams and runs ``refsync.cli.main`` with the words; its
process id comes back, then its exit code. Everything is loaded before the first fork, so that the process
may become an ordinary user who can't read the modules.
"""

from __future__ import annotations

import array
import gc
import importlib
import os
import pkgutil
import select
import signal
import socket
import struct
import sys

#: Modules of others that the reference loads when it first needs them.
LATE = (
    *("encodings.ascii", "encodings.idna", "encodings.latin_1", "encodings.unicode_escape", "stringprep"),
    *("ctypes", "getpass", "grp", "pwd", "shlex", "subprocess", "traceback", "zoneinfo"),
)


def load_everything() -> None:
    """Import all modules of the reference, and what they import late."""
    import refsync

    for found in pkgutil.walk_packages(refsync.__path__, "refsync."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in LATE:
        importlib.import_module(name)


def receive(client: socket.socket) -> tuple[bytes, list[bytes], list[int]]:
    """A request: directory, words, descriptors. Raises ``EOFError`` if it isn't whole."""
    fds = array.array("i")
    head, ancillary, _, _ = client.recvmsg(4, socket.CMSG_SPACE(3 * fds.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    if len(head) != 4:
        raise EOFError
    (length,) = struct.unpack("<I", head)
    rest = b""
    while len(rest) < length:
        more = client.recv(length - len(rest))
        if not more:
            raise EOFError
        rest += more
    directory, *words = rest.split(b"\0")
    return directory, words, list(fds)


def serve(client: socket.socket) -> None:
    """In the child: run one command line, tell its code, end."""
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    client.sendall(struct.pack("<i", os.getpid()))
    directory, words, fds = receive(client)
    for wanted, given in enumerate(fds):
        os.dup2(given, wanted)
        os.close(given)
    os.chdir(directory)
    sys.argv = [os.fsdecode(word) for word in words]
    from refsync.cli.main import main

    try:
        code = main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    client.sendall(struct.pack("<i", code))


def main() -> None:
    """Listen until whoever started us is gone."""
    place = sys.argv[1]
    load_everything()
    gc.collect()
    gc.freeze()
    if len(sys.argv) > 2:
        user = int(sys.argv[2])
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listener.fileno(), 0], [], [])
        if 0 in ready:
            return
        client, _ = listener.accept()
        if os.fork():
            client.close()
            continue
        listener.close()
        try:
            serve(client)
        finally:
            os._exit(1)


if __name__ == "__main__":
    main()
