"""How the two peers of a cell meet: one process tree, a remote shell, or a daemon on loopback.

A transport turns paths in the cell's area into arguments for the client. The remote shell is a script that
drops the host and gives the rest to a shell, as ssh does at the far end. A daemon serves the whole area as
module ``mod``.
"""

from __future__ import annotations

import itertools
import os
import shlex
import threading
import time
from pathlib import Path

from refsync_conformance.peers.model import Address, Peer
from refsync_conformance.ports import PORTS, listening
from refsync_conformance.sandbox import Running, Sandbox
from refsync_conformance.wiretap.relay import Proxy, between

MODULE = "mod"
#: Seconds that a daemon may take until it listens.
START_LIMIT = 20.0


class TransportError(Exception):
    """The suite could not set the meeting up; a fault of the suite or of the machine, unless a daemon won't
    start.
    """


class DaemonRefused(Exception):
    """The peer's daemon ended instead of listening: what it said and its exit code."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"the daemon ended with code {code}: {said}")
        self.code = code
        self.said = said


class Local:
    """Both ends are the client's own processes."""

    name = "local"

    def options(self) -> list[bytes]:
        return []

    def remote(self, path: bytes) -> bytes:
        return path

    def close(self) -> None:
        """Nothing is kept."""


class Pipe:
    """The server runs under a remote shell."""

    name = "pipe"

    def __init__(
        self,
        sandbox: Sandbox,
        server: bytes,
        *,
        script: str = 'shift\nexec /bin/sh -c "$*"\n',
        names_server: bool = True,
    ) -> None:
        self._names_server = names_server
        if not names_server:  # the client has no --rsync-path: its idea of the command is replaced
            quoted = shlex.quote(os.fsdecode(server))
            script = f'program={shlex.quote(quoted)}\nshift 2\nset -- unused "$program" "$@"\n{script}'
        self._shell = sandbox.script("rsh", script)
        if sandbox.recording:
            words = shlex.join(between())
            words += f' {shlex.quote(str(sandbox.captures))}/$$ {shlex.quote(str(self._shell))} "$@"'
            self._shell = sandbox.script("tapped-rsh", f"exec {words}\n")
        self._server = server

    def options(self) -> list[bytes]:
        path = [b"--rsync-path=" + self._server] if self._names_server else []
        return [b"-e", os.fsencode(self._shell), *path]

    def remote(self, path: bytes) -> bytes:
        return b"peer:" + path

    def close(self) -> None:
        """The server ends with its client's session."""


class Daemon:
    """The server is a daemon that lives as long as the cell."""

    name = "daemon"
    module = MODULE

    def __init__(self, sandbox: Sandbox, server: bytes, *, module: str = "", globals_: str = "") -> None:
        self._sandbox = sandbox
        self._area = os.fsencode(sandbox.area)
        self._config = sandbox.root / "rsyncd.conf"
        self._config.write_text(daemon_config(sandbox.area, module, globals_), encoding="utf-8")
        self.port = 0
        self._running = self._start(server)
        self._proxy: Proxy | None = None
        if sandbox.recording:
            self._record(sandbox)

    def _record(self, sandbox: Sandbox) -> None:
        count = itertools.count(1)
        captures = sandbox.captures
        self._proxy = Proxy("127.0.0.1", self.port, lambda: captures / f"{next(count):04}")
        threading.Thread(target=self._proxy.serve, daemon=True).start()

    def _start(self, server: bytes) -> Running:
        for _ in range(5):
            port = PORTS.take()
            running = self._sandbox.start(
                [
                    server,
                    b"--daemon",
                    b"--no-detach",
                    b"--config=" + os.fsencode(self._config),
                    b"--address=127.0.0.1",
                    b"--port=%d" % port,
                ]
            )
            deadline = time.monotonic() + START_LIMIT
            pause = 0.002
            while time.monotonic() < deadline:
                if running.poll() is not None:
                    break
                if listening(port):
                    self.port = port
                    return running
                time.sleep(pause)
                pause = min(pause * 1.5, 0.05)
            else:
                running.stop()
                raise TransportError(f"the daemon did not listen within {START_LIMIT:.0f} s")
            PORTS.give_back(port)
            code = running.poll()
            if code != 10:  # anything but "somebody else took the port"
                raise DaemonRefused(code or 0, running.stderr().decode("utf-8", "backslashreplace").strip())
        raise TransportError("five ports in a row were taken by others")

    def options(self) -> list[bytes]:
        return []

    def remote(self, path: bytes) -> bytes:
        if path == self._area:
            return self.module_url()
        if not path.startswith(self._area + b"/"):
            raise ValueError(f"{path!r} is not in the cell's area")
        return self.module_url() + path[len(self._area) :]

    def url(self) -> bytes:
        return b"rsync://127.0.0.1:%d/" % (self._proxy.port if self._proxy else self.port)

    def module_url(self) -> bytes:
        return self.url() + MODULE.encode()

    @property
    def pid(self) -> int:
        return self._running.pid

    def ended(self, seconds: float) -> bool:
        """Whether the daemon ends by itself within a time."""
        return self._running.ends_within(seconds)

    def log(self) -> str:
        """What the daemon wrote to its log file so far."""
        path = self._sandbox.root / "rsyncd.log"
        return path.read_text("utf-8", "backslashreplace") if path.exists() else ""

    def close(self) -> None:
        if self._proxy:
            self._proxy.close()
        self._running.dismiss()
        PORTS.give_back(self.port)


class OutOfReach(Exception):
    """The case wants something of a daemon that only who started it can give."""


class Standing(Daemon):
    """A daemon that somebody else has started: no process and no configuration of ours.

    Where its module's directory is known the cell's area is below it, and paths are as with any daemon.
    """

    def __init__(self, sandbox: Sandbox, address: Address) -> None:
        self.port = address.port
        self.module = address.module
        self._area = os.fsencode(sandbox.area)
        self._below = b""
        if address.directory is not None:
            self._below = b"/" + os.fsencode(sandbox.area.relative_to(address.directory.resolve()))
        self._proxy: Proxy | None = None
        if sandbox.recording:
            self._record(sandbox)

    def module_url(self) -> bytes:
        return self.url() + self.module.encode() + self._below

    @property
    def pid(self) -> int:
        raise OutOfReach("the daemon's process was not started by the suite")

    def ended(self, seconds: float) -> bool:
        raise OutOfReach("the daemon's process was not started by the suite")

    def log(self) -> str:
        raise OutOfReach("the daemon's log is not the suite's to read")

    def close(self) -> None:
        if self._proxy:
            self._proxy.close()


Transport = Local | Pipe | Daemon


def daemon_config(area: Path, module: str = "", globals_: str = "") -> str:
    """An rsyncd.conf whose one module is the cell's area; ``module`` and ``globals_`` add or override
    lines.
    """
    lines = [
        f"log file = {area.parent}/rsyncd.log",
        "use chroot = no",
        *globals_.splitlines(),
        f"[{MODULE}]",
        f"path = {area}",
        "comment = the area of one cell",
        "read only = no",
    ]
    if os.geteuid() == 0:
        # A daemon that root starts would otherwise become nobody, and owners could not be judged.
        lines += ["uid = 0", "gid = 0"]
    lines += ["munge symlinks = no", *module.splitlines()]
    return "\n".join(lines) + "\n"


def connect(kind: str, sandbox: Sandbox, server: Peer, client: Peer) -> Transport:
    """The transport named ``kind`` with ``server`` at its far end."""
    if server.address is not None:
        return Standing(sandbox, server.address)
    program = os.fsencode(server.path)
    match kind:
        case "local":
            return Local()
        case "pipe":
            return Pipe(sandbox, program, names_server="--rsync-path" not in client.as_client.lacks)
        case "daemon":
            return Daemon(sandbox, program)
        case _:
            raise ValueError(f"unknown transport: {kind}")
