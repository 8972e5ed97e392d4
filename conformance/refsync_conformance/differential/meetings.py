"""Where the two ends of a run are: one process tree, a remote shell, a daemon; and who is judged there."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from refsync_conformance.ports import PORTS, listening
from refsync_conformance.transports import START_LIMIT

from .commands import Line
from .programs import Program, Run

MODES = ("local", "push", "pull", "daemon-push", "daemon-pull")
#: Who of the two ends is the reference while the other is the control.
SIDES = ("client", "server")
MODULE = "mod"


def meetings(modes: tuple[str, ...], sides: tuple[str, ...]) -> list[str]:
    """``local``, and ``MODE/SIDE`` for each mode with two ends."""
    return [
        mode if mode == "local" else f"{mode}/{side}"
        for mode in modes
        for side in (sides if mode != "local" else ("",))
    ]


class Daemon:
    """A daemon on loopback whose module is ``area``, as long as the bench lives."""

    def __init__(self, program: Program, place: Path, area: str) -> None:
        place.mkdir()
        config = place / "rsyncd.conf"
        lines = [f"log file = {place}/log", "use chroot = no", "munge symlinks = no", f"[{MODULE}]"]
        lines += [f"path = {area}", "read only = no"]
        if os.geteuid() == 0:
            lines += ["uid = 0", "gid = 0"]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for _ in range(5):
            self.port = PORTS.take()
            self._run: Run = self._start(program, place, config)
            stop = time.monotonic() + START_LIMIT
            while time.monotonic() < stop:
                if listening(self.port):
                    return
                time.sleep(0.01)
            self._run.stop()
        raise RuntimeError(f"the daemon {program.path} did not listen")

    def _start(self, program: Program, place: Path, config: Path) -> Run:
        words = [
            "--daemon",
            "--no-detach",
            f"--config={config}",
            "--address=127.0.0.1",
            f"--port={self.port}",
        ]
        with tempfile.TemporaryFile(dir=place) as output:
            return program.start(words, str(place), output, output)

    def close(self) -> None:
        self._run.stop()
        PORTS.give_back(self.port)


class Ways:
    """From a line to the words of a client, for each mode; the far end may be either program."""

    def __init__(self, root: Path, area: str) -> None:
        self._root, self._area = root, area
        self._daemons: dict[Path, Daemon] = {}
        self._shell = root / "shell"
        self._shell.write_text('#!/bin/sh\nshift\nexec /bin/sh -c "$*"\n', encoding="ascii")
        self._shell.chmod(0o755)

    def words(self, line: Line, mode: str, far: Program) -> list[str]:
        """The client's arguments; ``far`` is who serves."""
        options = [word.replace("{area}", self._area) for word in line.options]
        sources, dest = list(line.sources), line.dest
        if mode == "local":
            return [*options, *sources, dest]
        if mode.startswith("daemon"):
            before = f"rsync://127.0.0.1:{self._daemon(far).port}/{MODULE}/"
        else:
            options += ["-e", str(self._shell), f"--rsync-path={far.path}"]
            before = f"host:{self._area}/"
        if mode.endswith("push"):
            return [*options, *sources, before + dest]
        return [*options, *(before + one for one in sources), dest]

    def _daemon(self, program: Program) -> Daemon:
        found = self._daemons.get(program.path)
        if found is None:
            place = self._root / f"daemon-{len(self._daemons)}"
            found = self._daemons[program.path] = Daemon(program, place, self._area)
        return found

    def close(self) -> None:
        for daemon in self._daemons.values():
            daemon.close()
