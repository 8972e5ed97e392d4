"""The clients of a soak: each does one thing after the other until the time is up."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from refsync_conformance.soak.place import Place

GREETING = b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"
#: What is done, and how often of a hundred times.
KINDS = (("pull", 30), ("push", 30), ("killed pull", 8), ("killed push", 12), ("stalled", 8), ("hostile", 12))
#: Seconds that an honest client may take before it is a fault.
PATIENCE = 120.0
#: What a hostile client starts from.
WORDS = (
    b"",
    GREETING,
    b"@RSYNCD: 32.0\n",
    b"@RSYNCD: 999999999.0 md5\n",
    GREETING + b"#early_input=5119\n",
    GREETING + b"src\n",
    GREETING + b"nowhere\n",
    GREETING + b"in\n--server\0-logDtpre.iLsfxCIvu\0.\0in/hostile\0\0",
    GREETING + b"src\n--server\0--sender\0-logDtpre.iLsfxCIvu\0.\0src/../../etc\0\0",
    GREETING + b"src\n--server\0--sender\0--max-alloc=0\0-re.LsfxCIvu\0.\0src/\0\0\x04md5 \0\0\0\0\0",
    b"GET / HTTP/1.0\r\n\r\n",
)


@dataclass(slots=True)
class Tally:
    """What came of it: how often each kind ended how, and each fault in words."""

    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)


class Worker:
    """One client at a time, by turns of each implementation."""

    def __init__(self, place: Place, programs: Sequence[tuple[str, str]], number: int, tally: Tally) -> None:
        self._place = place
        self._programs = programs
        self._chance = random.Random(place.seed * 1000 + number)
        self._own = place.root / f"client{number}"
        self._remote = f"w{number}"
        self._tally = tally

    def run(self, until: float) -> None:
        """Go on until then, of the monotonic clock."""
        self._own.mkdir()
        names = [name for name, _ in KINDS]
        weights = [weight for _, weight in KINDS]
        while time.monotonic() < until:
            kind = self._chance.choices(names, weights)[0]
            name, program = self._chance.choice(self._programs)
            began = time.monotonic()
            if kind == "stalled":
                self._stall(until)
            elif kind == "hostile":
                self._attack()
            elif kind.startswith("killed"):
                self._killed(kind, name, program)
            else:
                self._honest(kind, name, program)
            self._tally.seconds[kind] += int((time.monotonic() - began) * 1000)

    # -- honest -----------------------------------------------------------

    def _command(self, kind: str, program: str) -> tuple[list[str], Path]:
        if kind.endswith("pull"):
            return [program, "-a", self._place.url("src/"), f"{self._own}/got/"], self._own / "got"
        there = self._place.inbox / self._remote
        return [program, "-a", f"{self._place.source}/", self._place.url(f"in/{self._remote}/")], there

    def _honest(self, kind: str, name: str, program: str) -> None:
        command, copy = self._command(kind, program)
        if self._chance.random() < 0.5:
            shutil.rmtree(copy, ignore_errors=True)
        elif copy.is_dir():
            self._spoil(copy)
        self._finish(kind, name, command, copy)

    def _spoil(self, copy: Path) -> None:
        """Change some files, so that there is something to bring up to date."""
        for path in sorted(copy.glob("d*/*"))[:: self._chance.choice((3, 7))]:
            with path.open("ab") as file:
                file.write(b"spoiled")

    def _finish(self, kind: str, name: str, command: list[str], copy: Path) -> None:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            self._fault(f"{kind} by {name}", "it did not end")
            return
        said = done.stderr.decode("utf-8", "replace")
        if done.returncode == 5 and "max connections" in said:
            self._tally.done[f"{kind} by {name}", "no place"] += 1
            return
        if done.returncode:
            self._fault(f"{kind} by {name}", f"exit code {done.returncode}: {said[-300:]}")
            return
        wrong = self._place.wrong(copy)
        if wrong:
            self._fault(f"{kind} by {name}", f"wrong bytes: {wrong[:3]}")
            return
        self._tally.done[f"{kind} by {name}", "whole"] += 1

    # -- not so honest ----------------------------------------------------

    def _killed(self, kind: str, name: str, program: str) -> None:
        """Killed at any moment: each file is whole, old or new, and the next run completes."""
        command, copy = self._command(kind, program)
        shutil.rmtree(copy, ignore_errors=True)
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(self._chance.random() * 1.5)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        for path in copy.glob("d*/file *"):
            source = self._place.source / path.relative_to(copy)
            try:
                if not path.name.startswith(".") and path.read_bytes() != source.read_bytes():
                    self._fault(f"{kind} by {name}", f"{path} is not whole")
            except FileNotFoundError:
                continue
        self._tally.done[f"{kind} by {name}", "killed"] += 1
        if kind == "killed pull":
            shutil.rmtree(copy, ignore_errors=True)  # what the client itself left when it was killed
        else:
            self._finish(kind, name, command, copy)

    def _stall(self, until: float) -> None:
        """Say a part of what there is to say, then nothing for a while."""
        words = self._chance.choice(WORDS)
        try:
            with socket.create_connection(("127.0.0.1", self._place.port), timeout=5) as link:
                link.sendall(words[: self._chance.randrange(len(words) + 1)])
                time.sleep(max(0.0, min(self._chance.random() * 6, until - time.monotonic())))
        except OSError as error:
            self._tally.done["stalled", type(error).__name__] += 1
            return
        self._tally.done["stalled", "gone again"] += 1

    def _attack(self) -> None:
        """Words that mean something, and then bytes that mean nothing."""
        data = bytearray(self._chance.choice(WORDS))
        for _ in range(self._chance.randrange(4)):
            if data:
                data[self._chance.randrange(len(data))] = self._chance.randrange(256)
        data += self._chance.randbytes(self._chance.choice((0, 3, 100, 5000)))
        heard = 0
        try:
            with socket.create_connection(("127.0.0.1", self._place.port), timeout=5) as link:
                link.sendall(data)
                link.shutdown(socket.SHUT_WR)
                while piece := link.recv(65536):
                    heard += len(piece)
        except OSError as error:
            self._tally.done["hostile", type(error).__name__] += 1
            return
        self._tally.done["hostile", "sent away"] += 1

    def _fault(self, what: str, why: str) -> None:
        self._tally.done[what, "FAULT"] += 1
        self._tally.faults.append(f"{what}: {why}")
