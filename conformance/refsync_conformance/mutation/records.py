"""What a mutant is, and how it is made from the reference.

Each is a file of ``conformance/mutants``: ``title`` (what is wrong), ``clause`` (what it breaks), ``file``
(below the package), ``find`` (a text that stands there exactly once), ``replace``, ``cases`` (globs: where
to look, the likeliest first), for what only some versions do ``protocols``, and ``native = false`` for a
fault in what the C kernel does otherwise: the twins serve then.
"""

from __future__ import annotations

import fnmatch
import shutil
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from refsync_conformance.peers import unpack
from refsync_conformance.peers.registry import launcher_text

FOLDER = Path(__file__).resolve().parents[2] / "mutants"


class MutantError(Exception):
    """A record that can't be read, or that does not fit the reference any more."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault and where the suite should notice it."""

    name: str
    title: str
    clause: str
    file: str
    find: str
    replace: str
    cases: tuple[str, ...]
    #: The newest of these that a case visits is spoken; empty: the newest of all.
    protocols: tuple[int, ...] = ()
    native: bool = True


def load_all(patterns: Iterable[str] = ()) -> list[Mutant]:
    """The mutants whose names match one of the globs, all for none; ``LookupError`` if a glob fits none."""
    known = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    chosen: dict[str, Mutant] = {}
    for pattern in list(patterns) or ["*"]:
        fitting = fnmatch.filter(known, pattern)
        if not fitting:
            raise LookupError(f"no mutant is called {pattern!r}")
        chosen.update((name, read(known[name])) for name in fitting)
    return list(chosen.values())


def read(path: Path) -> Mutant:
    """One record; :class:`MutantError` if it lacks a field or has one that is none."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    for field in ("cases", "protocols"):
        if field in data:
            data[field] = tuple(data[field])
    try:
        return Mutant(path.stem, **data)
    except TypeError as error:
        raise MutantError(f"{path.name}: {error}") from error


def apply(mutant: Mutant, package: Path) -> None:
    """Change the package at ``package``; :class:`MutantError` if the fault does not fit it any more."""
    path = package / mutant.file
    text = path.read_text(encoding="utf-8")
    count = text.count(mutant.find)
    if count != 1:
        raise MutantError(f"{mutant.name}: its text stands in {mutant.file} {count} times, not once")
    path.write_text(text.replace(mutant.find, mutant.replace), encoding="utf-8")


def make(mutant: Mutant | None, package: Path, place: Path) -> Path:
    """Copy the package to ``place``, put the fault in, and give the program that runs it.

    Without a mutant the copy is intact. Anybody may run it: daemons give up root.
    """
    copy = place / package.name
    # With what is compiled: it stays valid for all files but the changed one.
    shutil.copytree(package, copy)
    if mutant is not None:
        apply(mutant, copy)
    launcher = place / "launch.py"
    twins = 'import os\nos.environ["REFSYNC_NATIVE"] = "off"\n'
    first = twins if mutant is not None and not mutant.native else ""
    launcher.write_text(first + launcher_text(str(place)), encoding="utf-8")
    program = place / "bin/refsync"
    unpack.write_wrapper(program, [sys.executable, str(launcher)])
    place.chmod(0o755)
    return program
