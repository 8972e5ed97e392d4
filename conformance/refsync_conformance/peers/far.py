"""A program on another host, as a file that can be run here.

Cases look at files, and the server's are on its host. Where both hosts see the same scratch directory, only
the program is run there. Otherwise the cell's area goes over before the run, to a directory of the same name,
and whatever the program has changed comes back after it: as archives, of GNU tar at both ends.

The wrapper is what `peers.specs` hands out as the peer's path; this module is also what the wrapper runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence

from refsync_conformance import trees
from refsync_conformance.peers import launchers, unpack
from refsync_conformance.peers.model import PeerError, PeerSpecError

SCRATCH = "refsync-conformance-"
"""How the directory of a run begins; `runner.run_all` makes it. Nothing else is ever sent to a host."""

PATIENCE = 30.0
"""Seconds for one short question to a host."""

_TAR = ["tar", "--format=posix", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "-S"]
_STATE = ["find", ".", "-mindepth", "1", "-printf", r"%P|%i|%m|%U|%G|%s|%T@|%C@|%l\0"]


def shell_words() -> list[str]:
    """The remote shell: `REFSYNC_SSH`, split as a shell does, or ssh that never asks for anything."""
    return shlex.split(os.environ.get("REFSYNC_SSH", "")) or ["ssh", "-oBatchMode=yes"]


def wrapper(spec: str, where: str) -> pathlib.Path:
    """Make the wrapper for `HOST[:/path/to/rsync]` and give its path.

    Raises PeerSpecError for a host that is none and PeerError if it can't be reached or lacks what is needed.
    """
    host, _, program = where.partition(":")
    if not host or host.startswith("-") or any(letter.isspace() for letter in host):
        raise PeerSpecError(f"{spec}: a host is given as ssh:HOST[:/path/to/rsync]")
    far = Far(shell_words(), host, program or "rsync", shared=False)
    shared = far.sees_our_files(spec)
    if not shared:
        far.ask(spec, "GNU tar and find are needed there", "tar --version | grep -q GNU && find --version")
    settings = json.dumps([*far.settings, shared])
    source = pathlib.Path(__file__).resolve().parents[2]
    launcher = (
        f"import sys; sys.path.insert(0, {str(source)!r}); "
        f"from refsync_conformance.peers.far import main; sys.exit(main({settings!r}, sys.argv[1:]))"
    )
    agent = [f"SSH_AUTH_SOCK={os.environ['SSH_AUTH_SOCK']}"] if "SSH_AUTH_SOCK" in os.environ else []
    words = ["/usr/bin/env", *agent, sys.executable, "-c", launcher]
    name = "ssh-" + hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]
    path = launchers.directory() / name / "rsync"
    if not path.exists():
        unpack.write_wrapper(path, words)
    return path


class Far:
    """One host and one program there."""

    def __init__(self, shell: Sequence[str], host: str, program: str, shared: bool) -> None:
        self.shell = [*shell, host]
        self.program = program
        self.shared = shared
        self.settings = [list(shell), host, program]

    def ask(self, spec: str, need: str, command: str) -> str:
        """What a command of the host's prints. Raises PeerError, with `need`, if it fails."""
        try:
            done = subprocess.run(
                [*self.shell, command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE,
                check=False,
            )
        except OSError as problem:
            raise PeerError(f"{spec}: {self.shell[0]} can't be run: {problem.strerror}") from problem
        except subprocess.TimeoutExpired as problem:
            raise PeerError(f"{spec}: no answer in {PATIENCE:.0f} s") from problem
        if done.returncode:
            said = done.stderr.strip()[-300:] or "it says nothing"
            raise PeerError(f"{spec}: {need} (exit {done.returncode}): {said}")
        return done.stdout

    def sees_our_files(self, spec: str) -> bool:
        """Whether a file that is made here is found there under its name."""
        token = uuid.uuid4().hex
        with tempfile.NamedTemporaryFile("w", prefix=SCRATCH) as probe:
            probe.write(token)
            probe.flush()
            command = f"cat {shlex.quote(probe.name)} 2>/dev/null || echo absent"
            return token in self.ask(spec, "the host can't be reached", command)

    def run(self, arguments: Sequence[str], area: bytes | None) -> int:
        """Run the program with these arguments, in an area where there is one. Returns its exit code."""
        command = shlex.join([self.program, *arguments])
        if area is None:
            return subprocess.run([*self.shell, command], check=False).returncode
        place = shlex.quote(os.fsdecode(area))
        command = f"cd {place} && exec {command}"
        if self.shared:
            return subprocess.run([*self.shell, command], check=False).returncode
        self._send(area, place)
        before = self._state(place)
        code = subprocess.run([*self.shell, command], check=False).returncode
        self._fetch(area, place, before)
        self._quietly(f"rm -rf {place}; rmdir -p {place}/.. 2>/dev/null; true")
        return code

    def _send(self, area: bytes, place: str) -> None:
        unpacking = f"mkdir -p {place} && {shlex.join(_TAR)} -C {place} -xpf -"
        with subprocess.Popen([*_TAR, "-C", area, "-cf", "-", "."], stdout=subprocess.PIPE) as packing:
            subprocess.run([*self.shell, unpacking], stdin=packing.stdout, check=True)

    def _state(self, place: str) -> dict[bytes, set[bytes]]:
        """All that a run can change, by the area's own entries. Access times are no part of it."""
        found: dict[bytes, set[bytes]] = {}
        listing = self._quietly(f"cd {place} && {shlex.join(_STATE)}")
        for record in listing.split(b"\0")[:-1]:
            found.setdefault(record.partition(b"|")[0].partition(b"/")[0], set()).add(record)
        return found

    def _fetch(self, area: bytes, place: str, before: dict[bytes, set[bytes]]) -> None:
        """Take over what has changed there and leave the rest: the client may just be busy with it."""
        after = self._state(place)
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        for name in changed:
            path = os.path.join(area, name)
            if os.path.islink(path):
                os.unlink(path)
            else:
                trees.remove(path)
        there = [os.fsdecode(name) for name in changed if name in after]
        if there:
            packing = shlex.join([*_TAR, "-C", os.fsdecode(area), "-cf", "-", "--", *there])
            with subprocess.Popen(
                [*self.shell, packing], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
            ) as far:
                subprocess.run([*_TAR, "-C", area, "-xpf", "-"], stdin=far.stdout, check=True)

    def _quietly(self, command: str) -> bytes:
        return subprocess.run(
            [*self.shell, command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
        ).stdout


def area_of(directory: bytes) -> bytes | None:
    """The area of a cell that a process was started in, None if it was started elsewhere."""
    parts = os.fsdecode(directory).split("/")
    inside = parts[-1] == "area" and any(part.startswith(SCRATCH) for part in parts)
    return directory if inside else None


def main(settings: str, arguments: Sequence[str]) -> int:
    """What the wrapper runs; `settings` are the host's, as JSON. Exit 255 if the files can't be carried."""
    shell, host, program, shared = json.loads(settings)
    try:
        return Far(shell, host, program, shared).run(arguments, area_of(os.getcwdb()))
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.stderr.write(f"refsync-conformance: files for {host} can't be carried: {problem}\n")
        return 255
