"""Both programs, the same trees, one command line after the other."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from refsync_conformance import compare, trees
from refsync_conformance.trees import EPOCH_NS, SECOND, Node, fifo, file, folder, symlink

from . import normal

LATER = EPOCH_NS + 50 * SECOND
BIG = b"".join(b"line %d of many\n" % number for number in range(3000))

SOURCE: tuple[Node, ...] = (
    file("same", b"same"),
    file("content", b"after!", mtime_ns=LATER),
    file("older", b"old", mtime_ns=EPOCH_NS),
    file("remoded", b"mode", mode=0o640),
    file("big", BIG + b"end\n", mtime_ns=LATER),
    file("prog.o", b"object"),
    file("d/inner", b"i"),
    file("d/new", b"n"),
    file("d/e/deep.o", b"deep"),
    folder("empty", mtime_ns=LATER),
    symlink("link", "content"),
    symlink("out", "/nonexistent/place"),
    fifo("pipe"),
)
DEST: tuple[Node, ...] = (
    file("same", b"same"),
    file("content", b"before"),
    file("older", b"newer here", mtime_ns=LATER),
    file("remoded", b"mode", mode=0o600),
    file("big", BIG),
    file("d/inner", b"other"),
    file("extra", b"x"),
    file("olddir/f", b"x"),
    symlink("link", "elsewhere"),
)
#: A run that takes longer hangs.
SECONDS = 20.0


@dataclasses.dataclass
class Difference:
    """A command line on which the programs differ: in which parts, and how."""

    arguments: list[str]
    mode: str
    parts: dict[str, list[str]]
    reason: str = ""  # why it is known


@dataclasses.dataclass(frozen=True)
class Known:
    pattern: str
    parts: tuple[str, ...]
    reason: str


def known_differences() -> list[Known]:
    with open(Path(__file__).with_name("known.toml"), "rb") as listed:
        return [
            Known(one["pattern"], tuple(one["parts"]), one["reason"])
            for one in tomllib.load(listed).get("known", [])
        ]


class Bench:
    """A directory in which each line is run twice, by ``subject`` and by ``control``."""

    def __init__(self, subject: Path, control: Path, mode: str) -> None:
        self._programs = {"control": control, "subject": subject}
        self._mode = mode  # "local", or "push", "pull" through a shell, the control at the far end
        self._root = tempfile.mkdtemp(prefix="differential-")
        self._fixture = os.path.join(self._root, "fixture")
        for name, tree in (("src", SOURCE), ("dst", DEST), ("alt", SOURCE[:4])):
            trees.build(os.fsencode(os.path.join(self._fixture, name)), tree)
        for name in ("temp", "backups"):
            os.mkdir(os.path.join(self._fixture, name))
        Path(self._fixture, "patterns").write_text("*.o\n/same\n")
        Path(self._fixture, "names").write_text("same\nd/new\ncontent\n")
        shell = Path(self._root, "shell")
        shell.write_text('#!/bin/sh\nshift\nexec "$@"\n')
        shell.chmod(0o755)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def differences(self, lines: Iterable[list[str]], known: list[Known]) -> Iterator[Difference | None]:
        """For each line its difference, None if there is none."""
        for line in lines:
            found = self._one(line)
            if found is not None:
                text = " ".join(line)
                for one in known:
                    if re.search(one.pattern, text) and set(found.parts) <= set(one.parts):
                        found.reason = one.reason
                        break
            yield found

    def _one(self, line: list[str]) -> Difference | None:
        control, subject = (self._run(name, line) for name in ("control", "subject"))
        parts = {}
        for part in ("exit code", "standard output", "standard error"):
            if control[part] != subject[part]:
                parts[part] = _changed(control[part], subject[part])
        trees_differ = compare.differences(control["tree"], subject["tree"], aspects=_ASPECTS)
        if trees_differ:
            parts["tree"] = [f"{one.what}: {one.expected} / {one.got}" for one in trees_differ[:10]]
        return Difference(line, self._mode, parts) if parts else None

    def _run(self, name: str, line: list[str]) -> dict[str, Any]:
        area = os.path.join(self._root, "area")
        trees.remove(os.fsencode(area))
        subprocess.run(["cp", "-a", self._fixture, area], check=True)  # a FIFO and all times included
        words = [word.replace("{area}", area) for word in line]
        places = ["src/", "dst/"]
        if self._mode != "local":
            words += ["-e", os.path.join(self._root, "shell"), f"--rsync-path={self._programs['control']}"]
            far = 0 if self._mode == "pull" else 1
            places[far] = f"host:{area}/{places[far]}"
        started = time.time_ns()
        try:
            ended = subprocess.run(
                [str(self._programs[name]), *words, *places],
                cwd=area,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        except subprocess.TimeoutExpired:
            return {"exit code": ["none in time"], "standard output": [], "standard error": [], "tree": {}}
        tree = compare.undated(compare.snapshot(os.fsencode(area)), started - SECOND)
        for gone in (b"log", b"."):
            tree.pop(gone, None)
        return {
            "exit code": [str(ended.returncode)],
            "standard output": normal.lines(ended.stdout, area),
            "standard error": normal.lines(ended.stderr, area),
            "tree": tree,
        }


_ASPECTS = ("mode", "owner", "mtime", "size", "content", "target", "group")


def _changed(control: object, subject: object) -> list[str]:
    """The lines that only one of them has."""
    assert isinstance(control, list) and isinstance(subject, list)
    rest, extra = list(control), []
    for line in subject:
        if line in rest:
            rest.remove(line)
        else:
            extra.append(line)
    return [f"- {line}" for line in rest[:8]] + [f"+ {line}" for line in extra[:8]]
