"""A real remote shell: an OpenSSH server of the cell's own on loopback, with a key to log in by.

Whoever runs the suite starts it, logs in as himself, and stops it; nothing of
his own configuration, keys or known hosts takes part.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

from refsync_conformance.ports import PORTS, listening
from refsync_conformance.sandbox import Running, Sandbox
from refsync_conformance.transports import START_LIMIT, Pipe, TransportError

#: The name by which the client's configuration knows the server.
HOST = "lab"
#: Where a server that root runs wants an empty directory to be.
PRIVILEGE_SEPARATION = Path("/run/sshd")


def lacking() -> str:
    """Why there can be no server here; empty if there can."""
    for program in ("ssh", "ssh-keygen", "sshd"):
        if not _find(program):
            package = "openssh-server" if program == "sshd" else "openssh-client"
            return f"there is no {program} (Debian package {package})"
    account = pwd.getpwuid(os.geteuid())
    if os.path.basename(account.pw_shell) in ("nologin", "false"):
        return f"{account.pw_name} can't log in: the login shell is {account.pw_shell}"
    return ""


def _find(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


class OpenSsh(Pipe):
    """The server runs behind ``ssh``, with ``server`` as the program that is asked for."""

    def __init__(self, sandbox: Sandbox, server: bytes) -> None:
        self._sandbox = sandbox
        self._server = server
        self._place = sandbox.root / "ssh"
        self._place.mkdir(mode=0o700)
        for key in ("host", "user"):
            _make_key(self._place / key)
        shutil.copy(self._place / "user.pub", self._place / "authorized")
        if os.geteuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        self._port, self._running = self._start()
        self.config = self._place / "client.conf"
        self.config.write_text(self._client_config(), encoding="utf-8")

    def _start(self) -> tuple[int, Running]:
        program = _find("sshd")
        assert program is not None
        for _ in range(5):
            port = PORTS.take()
            config = self._place / "server.conf"
            config.write_text(self._server_config(port), encoding="utf-8")
            running = self._sandbox.start([os.fsencode(program), b"-D", b"-e", b"-f", os.fsencode(config)])
            deadline = time.monotonic() + START_LIMIT
            while time.monotonic() < deadline and running.poll() is None:
                if listening(port):
                    return port, running
                time.sleep(0.01)
            said = running.stderr().decode("utf-8", "backslashreplace").strip()
            running.stop()
            PORTS.give_back(port)
            if "in use" not in said:
                raise TransportError(f"sshd does not start: {said}")
        raise TransportError("five ports in a row were taken by others")

    def _server_config(self, port: int) -> str:
        return "\n".join(
            [
                f"Port {port}",
                "ListenAddress 127.0.0.1",
                f"HostKey {self._place}/host",
                f"AuthorizedKeysFile {self._place}/authorized",
                f"AllowUsers {getpass.getuser()}",
                "PermitRootLogin prohibit-password",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "UsePAM no",
                "StrictModes no",  # the scratch directory is below one that everybody may write to
                "PidFile none",
                "PrintMotd no",
                "LogLevel ERROR",
                "",
            ]
        )

    def _client_config(self) -> str:
        host_key = (self._place / "host.pub").read_text(encoding="ascii").split()[:2]
        known = self._place / "known"
        known.write_text(f"[127.0.0.1]:{self._port} {' '.join(host_key)}\n", encoding="ascii")
        return "\n".join(
            [
                f"Host {HOST}",
                "  HostName 127.0.0.1",
                f"  Port {self._port}",
                f"  User {getpass.getuser()}",
                f"  IdentityFile {self._place}/user",
                "  IdentitiesOnly yes",
                f"  UserKnownHostsFile {known}",
                "  GlobalKnownHostsFile /dev/null",
                "  StrictHostKeyChecking yes",
                "  BatchMode yes",
                "  LogLevel ERROR",
                "",
            ]
        )

    def options(self) -> list[bytes]:
        return [b"-e", b"ssh -F " + os.fsencode(self.config), b"--rsync-path=" + self._server]

    def remote(self, path: bytes) -> bytes:
        return HOST.encode() + b":" + path

    def forget_key(self) -> None:
        """From here on nobody can log in."""
        (self._place / "authorized").write_text("", encoding="ascii")

    def close(self) -> None:
        self._running.stop()
        PORTS.give_back(self._port)


def _make_key(path: Path) -> None:
    program = _find("ssh-keygen")
    assert program is not None
    words = [program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True)
