"""The same filter rules given to refsync and to upstream: what each does to each path of a tree.

A run is dry: the names that it would copy, and those that it would delete, are what was decided. A pair of
rules and a path counts only if the path was judged: what is in a directory that was left out was not.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from refsync.wire.errors import Exit

from refsync_conformance import trees

from .programs import Program
from .run import SECONDS

#: Parts of names, so that patterns and names often meet.
WORDS = (
    "a",
    "b",
    "ab",
    "foo",
    "bar",
    "foo.o",
    "bar.c",
    "x[1]",
    "sp ace",
    "A",
    "-",
    "c\\d",
    "caf\u00e9",
    ".h",
    "core",
)
#: Parts of patterns that stand for more than themselves.
WILD = (
    "*",
    "**",
    "***",
    "?",
    "*.o",
    "*.[co]",
    "[a-c]*",
    "[!a]*",
    "[[:upper:]]",
    "f?o",
    "*a*",
    "b*r",
    "[]-]",
    "\\*",
    "a**b",
)
PREFIXES = (
    "+",
    "-",
    "+",
    "-",
    "H",
    "S",
    "P",
    "R",
    "+!",
    "-!",
    "-s",
    "-r",
    "+r",
    "-p",
    "-/",
    "+/",
    "-C",
    "-x",
    "-sr",
)
LONG = ("include", "exclude", "hide", "show", "protect", "risk")
#: Directories and files of the tree; as many again are only at the destination.
NAMES = 160


@dataclass(frozen=True)
class Verdict:
    """What came of the rules of one run."""

    rules: tuple[str, ...]
    judged: int
    differ: tuple[str, ...]


def tree(source: random.Random, count: int) -> list[str]:
    """Names of files at various depths; names that end with a slash are directories."""
    folders = [""]
    found: list[str] = []
    while len(found) < count:
        parent = source.choice(folders)
        name = parent + source.choice(WORDS) + source.choice(("", "", str(len(found) % 7)))
        if name in found or name + "/" in found:
            continue
        if parent.count("/") < 4 and source.random() < 0.35:
            folders.append(name + "/")
            found.append(name + "/")
        else:
            found.append(name)
    return found


def pattern(source: random.Random) -> str:
    """A pattern: one to three parts, anchored or not, for directories or for all."""
    parts = [
        source.choice(WILD if source.random() < 0.45 else WORDS)
        for _ in range(source.choice((1, 1, 1, 2, 3)))
    ]
    return (
        source.choice(("", "", "/", "**/"))
        + "/".join(parts)
        + source.choice(("", "", "", "/", "/***", "/**"))
    )


def rule(source: random.Random) -> str:
    """A rule in its short or its long form; now and then a list that is cleared, or a file of rules."""
    chance = source.random()
    if chance < 0.03:
        return "!"
    if chance < 0.08:
        return source.choice(
            (": .rules", ":- .rules", ":n .rules", ":e .rules", ":s .rules", "dir-merge .rules", ":w .words")
        )
    if chance < 0.2:
        return f"{source.choice(LONG)} {pattern(source)}"
    return f"{source.choice(PREFIXES)} {pattern(source)}"


def build(place: Path, source: random.Random) -> None:
    """A source and a destination that share half of their names, with files of rules in some directories."""
    both, ours, theirs = (tree(source, NAMES) for _ in range(3))
    for side, names in (("src", [*both, *ours]), ("dst", [*both, *theirs])):
        for name in names:
            path = place / side / name
            try:
                if name.endswith("/"):
                    path.mkdir(parents=True, exist_ok=True)
                    if source.random() < 0.3:
                        (path / ".rules").write_text(
                            "".join(rule_of_file(source) for _ in range(3)), encoding="utf-8"
                        )
                    if source.random() < 0.2:
                        (path / ".words").write_text("-_foo +_a\n-_*.o", encoding="utf-8")
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.touch()
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                continue  # a file of one set of names is a directory of another


def rule_of_file(source: random.Random) -> str:
    return source.choice(("- ", "+ ", "P ", "H ", "# ", "-! ", "+/ ")) + pattern(source) + "\n"


class FilterBench:
    """A tree, and runs over it with rules at random."""

    def __init__(self, root: Path, control: Program, subject: Program, seed: int) -> None:
        self._root, self._programs = root, (control, subject)
        self._source = random.Random(seed)
        self._shell = root / "shell"
        self._shell.write_text('#!/bin/sh\nshift\nexec /bin/sh -c "$*"\n', encoding="ascii")
        self._shell.chmod(0o755)

    def verdicts(self, runs: int) -> Iterator[Verdict]:
        """``runs`` sets of rules, a new tree for each 20; every fourth set goes over the wire, to and fro."""
        for number in range(runs):
            if number % 20 == 0:
                trees.remove(os.fsencode(self._root / "filtered"))
                build(self._root / "filtered", self._source)
            yield self._one(number)

    def _one(self, number: int) -> Verdict:
        rules = tuple(rule(self._source) for _ in range(self._source.randint(1, 6)))
        more = self._source.sample(
            ("--delete-excluded", "-C", "-F", "--prune-empty-dirs"), self._source.choice((0, 0, 0, 1))
        )
        options = ["-rnii", "--delete", "--out-format=%i|%o|%n", *more, *(f"--filter={one}" for one in rules)]
        control, subject = self._programs
        places = ["src/", "dst/"]
        if number % 4 == 3:  # the control serves
            options += ["-e", str(self._shell), f"--rsync-path={control.path}"]
            at = number // 4 % 2
            places[at] = f"host:{self._root}/filtered/{places[at]}"
        said, other = (self._run(program, [*options, *places]) for program in (control, subject))
        shown = tuple(sorted(said.symmetric_difference(other)))
        return Verdict((*more, *rules), self._judged(said), shown)

    def _run(self, program: Program, words: list[str]) -> set[str]:
        """What was said, and of errors whatever is not a summary.

        Rules that can't be kept end the run; which of the two sides is the first to say so is luck.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = program.start(words, str(self._root / "filtered"), out, err).wait(SECONDS)
            said = {f"exit code {code}"}
            if code == Exit.SYNTAX:
                return said
            for stream in (out, err):
                stream.seek(0)
                text = stream.read().decode("utf-8", "backslashreplace")
                said |= {
                    line
                    for line in text.split("\n")
                    if not re.search(r"^rsync (error|warning): .* \(code", line)
                }
        return said

    def _judged(self, said: set[str]) -> int:
        """How many paths of either side the rules judged: what is in directories that were entered."""
        told = [line.split("|", 2)[1:] for line in said if line.count("|") >= 2]
        gone = {name for what, name in told if what == "del."}
        kept = {name for what, name in told if what != "del."} | {"./"}
        count = 0
        for side, entered in (("src", kept), ("dst", kept | gone)):
            top = os.fspath(self._root / "filtered" / side)
            for folder, folders, files in os.walk(top):
                if os.path.relpath(folder, top) + "/" in entered:
                    count += len(files) + len(folders)
        return count
