"""Faults that are planted in a copy of the reference, to see whether the targets notice.

Each is a file of ``fuzz/planted``: ``title``, ``file`` (below the package), ``find`` (a text that
stands there exactly once), ``replace``, and ``target``, which has to find it. First the committed
corpus is replayed on the copy; if that notices nothing the target fuzzes it for a while.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "planted"

#: Makes runs repeatable.
SEED = 1
#: Besides the time to fuzz: starting Python and replaying a corpus on a busy machine.
PATIENCE = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault."""

    name: str
    title: str
    target: str
    file: str
    find: str
    replace: str


@dataclass(frozen=True, slots=True)
class Result:
    """How a fault was found: ``how`` is "corpus", "fuzzing" or "" for not at all; ``what`` is the finding."""

    fault: Fault
    how: str
    what: str
    executions: int = 0
    seconds: float = 0.0


def load_all(names: Iterable[str] = ()) -> Iterator[Fault]:
    """The faults named, or all of them; ``LookupError`` if there is none of a name."""
    known = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    for name in names or known:
        if name not in known:
            raise LookupError(f"no planted fault is called {name!r}")
        yield Fault(name, **tomllib.loads(known[name].read_text()))


def package() -> Path:
    """Where the reference lies; it is not imported."""
    spec = importlib.util.find_spec("refsync")
    if spec is None or spec.origin is None:
        raise LookupError("the reference is not installed")
    return Path(spec.origin).parent


def apply(fault: Fault, root: Path) -> None:
    """Change the package at ``root``; ``ValueError`` if the fault does not fit it any more."""
    path = root / fault.file
    text = path.read_text()
    if text.count(fault.find) != 1:
        raise ValueError(
            f"{fault.name}: its text stands in {fault.file} {text.count(fault.find)} times, not once"
        )
    path.write_text(text.replace(fault.find, fault.replace))


def hunt(fault: Fault, seconds: int) -> Result:
    """Plant the fault in a copy and look for it."""
    with tempfile.TemporaryDirectory(prefix="refsync-planted-") as place:
        copy = Path(place) / "refsync"
        shutil.copytree(package(), copy, ignore=shutil.ignore_patterns("__pycache__"))
        apply(fault, copy)
        replayed = _run(Path(place), "replay", fault.target)
        first = re.search(rf"^{fault.target}: (\w+/\S+: .*)$", replayed.stdout, re.MULTILINE)
        if replayed.returncode == 1 and first:
            return Result(fault, "corpus", first[1])
        if replayed.returncode:
            raise RuntimeError(f"{fault.name}: the replay ended badly:\n{replayed.stderr[-2000:]}")
        options = ("--engine", "plain", "--time", str(seconds), "--seed", str(SEED))
        fuzzed = _run(Path(place), "run", fault.target, *options)
        done = re.search(r": (\d+) executions in ([\d.]+) s", fuzzed.stdout)
        if done is None or fuzzed.returncode not in (0, 1):
            raise RuntimeError(f"{fault.name}: the run ended badly:\n{fuzzed.stderr[-2000:]}")
        how = "fuzzing" if fuzzed.returncode else ""
        errors = re.findall(r"^[\w.]*\w+: .+$", fuzzed.stdout[: done.start()], re.MULTILINE) if how else [""]
        return Result(fault, how, errors[-1] if errors else "", int(done[1]), float(done[2]))


def _run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``refsync-fuzz`` on the copy in ``place``."""
    # The copy is gone before a coverage report could look for its sources, so none is measured there.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = {
        **inherited,
        "PYTHONPATH": str(place),
        "PYTHONDONTWRITEBYTECODE": "1",
        "REFSYNC_FUZZ_WORK": str(place / "work"),
    }
    command = [sys.executable, "-m", "refsync_fuzz", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE + 600, check=False
    )


def table(results: Iterable[Result], seconds: int) -> str:
    """The results in markdown."""
    rows = list(results)
    by = {how: sum(row.how == how for row in rows) for how in ("corpus", "fuzzing", "")}
    lines = [
        "# Planted faults",
        "",
        "Written by `ci/fuzz-planted`. Each fault of `fuzz/planted` is put into a copy of the",
        "reference; then the target that owns the code replays its committed corpus, and if that",
        f"notices nothing it fuzzes the copy for at most {seconds} seconds with the plain mutator, without",
        "guidance by coverage.",
        "",
        f"{len(rows)} faults: {by['corpus']} found by the committed corpus, {by['fuzzing']} more by fuzzing, "
        f"{by['']} missed.",
        "",
        "| fault | what is wrong | code | target | found by |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        how = {
            "corpus": f"corpus: `{row.what.split(': ')[0]}`",
            "fuzzing": f"fuzzing: {row.executions} executions",
            "": f"**missed** in {row.executions} executions",
        }[row.how]
        fault = row.fault
        lines.append(f"| {fault.name} | {fault.title} | `{fault.file}` | {fault.target} | {how} |")
    return "\n".join(lines) + "\n"
