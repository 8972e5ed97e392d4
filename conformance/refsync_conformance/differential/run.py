"""Both programs, the same trees, one command line after the other."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from refsync_conformance import compare, trees
from refsync_conformance.trees import SECOND

from . import fixture, normal
from .commands import Line
from .meetings import Ways
from .programs import Program

#: A run that takes longer hangs.
SECONDS = 30.0
#: So often is the control run at most to see whether the order of its own lines is a matter of luck.
TRIES = 4
_ASPECTS = ("mode", "owner", "mtime", "size", "content", "target", "device", "group", "extended")
#: What is told of the run itself, or differs in each: read as text, or only known to be there.
_TOLD, _PRESENT = (b"log",), (b"batch", b"batch.sh")


@dataclass
class Difference:
    """A command line on which the programs differ: in which parts, and how."""

    line: Line
    meeting: str
    parts: dict[str, list[str]]
    reason: str = ""  # why it is known

    @property
    def command(self) -> str:
        return self.line.text


@dataclass
class Outcome:
    """What a run left behind."""

    code: str
    out: list[str]
    err: list[str]
    log: list[str]
    tree: compare.Snapshot


class Bench:
    """A directory of one worker, in which each line is run by both programs."""

    def __init__(self, root: Path, control: Program, subject: Program) -> None:
        self._root, self._control, self._subject = root, control, subject
        self._fixture, self._area = str(root / "fixture"), str(root / "area")
        fixture.build(self._fixture)
        self._ways = Ways(root, self._area)
        self._names = {
            str(control.path): "RSYNC",
            str(subject.path): "RSYNC",
            self._area: "AREA",
            str(root): "ROOT",
        }

    def close(self) -> None:
        self._ways.close()
        trees.remove(os.fsencode(self._area))
        trees.remove(os.fsencode(self._fixture))

    def compare(self, line: Line, meetings: Sequence[str]) -> Iterator[Difference | None]:
        """For each meeting (all of one mode) the difference, None if there is none."""
        mode = meetings[0].partition("/")[0]
        expected = [self._run(line, mode, self._control, self._control)]
        for meeting in meetings:
            serves = meeting.endswith("/server")
            client, far = (self._control, self._subject) if serves else (self._subject, self._control)
            got = self._run(line, mode, client, far)
            parts = _parts(expected[0], got)
            if parts:  # what the control does not do twice is no difference
                while len(expected) < TRIES and parts:
                    expected.append(self._run(line, mode, self._control, self._control))
                    parts = min((_parts(one, got) for one in expected), key=_weight)
                if set(parts) <= {"order"} and any(
                    "order" in _parts(expected[0], one) for one in expected[1:]
                ):
                    parts = {}
            yield Difference(line, meeting, parts) if parts else None

    def _run(self, line: Line, mode: str, client: Program, far: Program) -> Outcome:
        trees.remove(os.fsencode(self._area))
        subprocess.run(["cp", "-a", self._fixture, self._area], check=True)  # a FIFO and all times included
        fixture.lock(self._area)
        words = self._ways.words(line, mode, far)
        started = time.time_ns()
        with tempfile.TemporaryFile(dir=self._root) as out, tempfile.TemporaryFile(dir=self._root) as err:
            code = client.start(words, self._area, out, err).wait(SECONDS)
            told = {"out": self._read(out), "err": self._read(err)}
        tree = compare.undated(compare.snapshot(os.fsencode(self._area)), started - SECOND)
        tree.pop(b".", None)
        log = []
        for name in _TOLD:
            if tree.pop(name, None):
                log = normal.lines(Path(self._area, os.fsdecode(name)).read_bytes(), self._names)
        for name in _PRESENT:
            if name in tree:
                tree[name] = compare.Facts("file", 0, 0, (0, 0))
        return Outcome("killed" if code is None else str(code), told["out"], told["err"], log, tree)

    def _read(self, stream: IO[bytes]) -> list[str]:
        stream.seek(0)
        return normal.lines(stream.read(4 << 20), self._names)


def _parts(control: Outcome, subject: Outcome) -> dict[str, list[str]]:
    """What differs, by name."""
    parts = {}
    if control.code != subject.code:
        parts["exit code"] = [f"- {control.code}", f"+ {subject.code}"]
    for part, one, other in (
        ("standard output", control.out, subject.out),
        ("standard error", control.err, subject.err),
        ("log file", control.log, subject.log),
    ):
        if sorted(one) != sorted(other):
            parts[part] = _changed(one, other)
        elif part == "standard output":
            for left, right in zip(normal.streams(one), normal.streams(other), strict=True):
                if left != right:
                    at = next(at for at in range(len(left)) if left[at] != right[at])
                    parts["order"] = [f"- {left[at]}", f"+ {right[at]}"]
    found = compare.differences(control.tree, subject.tree, aspects=_ASPECTS)
    if found:
        parts["tree"] = [f"{one.what}: {one.expected} / {one.got}" for one in found[:10]]
    return parts


def _weight(parts: dict[str, list[str]]) -> int:
    return sum(1 if name == "order" else 100 + len(texts) for name, texts in parts.items())


def _changed(control: list[str], subject: list[str]) -> list[str]:
    """The lines that only one of them has."""
    rest, extra = list(control), []
    for line in subject:
        if line in rest:
            rest.remove(line)
        else:
            extra.append(line)
    return [f"- {line}" for line in rest[:8]] + [f"+ {line}" for line in extra[:8]]


def scratch() -> Path:
    """A directory for a worker, which everybody may look into."""
    root = Path(tempfile.mkdtemp(prefix="differential-"))
    root.chmod(0o755)
    return root


def discard(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
