"""The honest clients of a soak, and those that are killed or stopped: each does one thing after the other."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from refsync_conformance.soak.place import IDLE, Place
from refsync_conformance.soak.unfair import attack, deviate, listen, stall

#: What is done, and how often of a hundred times.
KINDS = (
    *(("pull", 23), ("push", 23), ("killed pull", 8), ("killed push", 10), ("narrow pull", 6)),
    *(
        ("stopped pull", 3),
        ("stopped push", 3),
        ("stalled", 7),
        ("silent", 2),
        ("hostile", 9),
        ("deviant", 6),
    ),
)
#: What an honest client may ask for.
OPTIONS = (("-a",), ("-az",), ("-aHX", "--delete"), ("-a", "--checksum", "--no-whole-file"))
#: Seconds that an honest client may take before it is a fault.
PATIENCE = 300.0


@dataclass(slots=True)
class Tally:
    """What came of it: how often each kind ended how and after how many seconds, and each fault in words."""

    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, outcome: str, seconds: float | None = None) -> None:
        with self.lock:
            self.done[kind, outcome] += 1
            if seconds is not None:
                self.seconds[kind].append(seconds)

    def fault(self, kind: str, why: str) -> None:
        self.note(kind, "FAULT")
        self.faults.append(f"{kind}: {why}")


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
        try:
            self._own.mkdir()
            while time.monotonic() < until:
                self._once(until)
        except Exception as error:  # the soak must not take a client's own mistake for peace
            self._tally.fault("the soak itself", repr(error))
            raise

    def _once(self, until: float) -> None:
        kind = self._chance.choices([name for name, _ in KINDS], [weight for _, weight in KINDS])[0]
        name, program = self._chance.choice(self._programs)
        left = until - time.monotonic()
        match kind:
            case "stalled":
                self._tally.note(kind, stall(self._place, self._chance, left))
            case "silent":
                outcome, took = listen(self._place, self._chance)
                self._tally.note(kind, outcome, took)
                if outcome == "not sent away":
                    self._tally.fault(kind, f"who says nothing is still connected after {took:.0f} seconds")
            case "hostile":
                self._tally.note(kind, attack(self._place, self._chance))
            case "deviant":
                self._tally.note(kind, deviate(self._place, self._chance, self._own, self._remote))
            case "killed pull" | "killed push":
                self._killed(kind, name, program)
            case "stopped pull" | "stopped push":
                self._stopped(kind, name, program)
            case _:
                self._honest(kind, name, program)

    def _command(self, kind: str, program: str) -> tuple[list[str], Path]:
        options = self._chance.choice(OPTIONS)
        if kind.endswith("pull"):
            module = "narrow" if kind.startswith("narrow") else "src"
            return [program, *options, self._place.url(f"{module}/"), f"{self._own}/got/"], self._own / "got"
        there = self._place.inbox / self._remote
        url = self._place.url(f"in/{self._remote}/")
        return [program, *options, f"{self._place.source}/", url], there

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
        """Run it to its end: the copy has every byte of the source, or there was no place for it."""
        what = f"{kind} by {name}"
        began = time.monotonic()
        process = self._place.client(command)
        try:
            said = process.communicate(timeout=PATIENCE)[1].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self._tally.fault(what, f"it did not end in {PATIENCE:.0f} seconds")
            return
        took = time.monotonic() - began
        if process.returncode == 5 and "max connections" in said and kind.startswith("narrow"):
            self._tally.note(what, "no place", took)
            return
        if process.returncode:
            self._tally.fault(what, f"exit code {process.returncode}: {said[-300:]}")
            return
        wrong = self._place.wrong(copy)
        if wrong:
            self._tally.fault(what, f"wrong bytes: {wrong[:3]}")
            return
        self._tally.note(what, "whole", took)

    def _killed(self, kind: str, name: str, program: str) -> None:
        """Killed at any moment: each file is whole, old or new, and the next run completes."""
        command, copy = self._command(kind, program)
        shutil.rmtree(copy, ignore_errors=True)
        process = self._place.client(command)
        try:
            process.communicate(timeout=self._chance.random() * 3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        self._only_whole(f"{kind} by {name}", copy)
        self._tally.note(f"{kind} by {name}", "killed")
        if kind == "killed pull":
            shutil.rmtree(copy, ignore_errors=True)  # what the client itself left when it was killed
        else:
            self._finish(kind, name, command, copy)

    def _stopped(self, kind: str, name: str, program: str) -> None:
        """Stopped in the middle, for longer or shorter than the daemon waits; then it goes on and ends."""
        command, copy = self._command(kind, program)
        shutil.rmtree(copy, ignore_errors=True)
        what = f"{kind} by {name}"
        process = self._place.client(command)
        time.sleep(self._chance.random() * 3)
        process.send_signal(signal.SIGSTOP)
        time.sleep(self._chance.choice((2, IDLE + 15)))
        process.send_signal(signal.SIGCONT)
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self._tally.fault(what, f"it did not end in {PATIENCE:.0f} seconds")
            return
        self._only_whole(what, copy)
        wrong = process.returncode == 0 and self._place.wrong(copy)
        if wrong:
            self._tally.fault(what, f"wrong bytes: {wrong[:3]}")
        else:
            self._tally.note(what, "whole" if process.returncode == 0 else "sent away")
        if kind == "stopped pull":
            shutil.rmtree(copy, ignore_errors=True)

    def _only_whole(self, what: str, copy: Path) -> None:
        """Each file that has its name is one of the source's, whole."""
        for path in copy.glob("d*/file *"):
            source = self._place.source / path.relative_to(copy)
            try:
                if path.read_bytes() != source.read_bytes():
                    self._tally.fault(what, f"{path} is not whole")
            except FileNotFoundError:
                continue
