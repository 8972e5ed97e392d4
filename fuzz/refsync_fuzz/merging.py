"""Adds what runs have found to the committed seeds, and proves that nothing was lost on the way.

Two measures tell what an input reaches: libFuzzer's features (an edge and how often it was taken), where
atheris is installed, else the branches that ``coverage`` sees. Either way the corpus is measured twice, in
new processes or from nothing: once to choose, and once more when the chosen inputs are among the seeds. Then
no input that there was may have a feature that the seeds lack.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import corpus, measure, runners
from .target import Target


class MergeError(RuntimeError):
    """The merge did not do what it must; the seeds are as they were."""


@dataclass(frozen=True, slots=True)
class Reached:
    """One input, and how many features it has that none before it has."""

    path: Path
    new: int


@dataclass(frozen=True, slots=True)
class Merged:
    """Seeds before and after, and what they reach with the regressions, in ``unit``."""

    before: int
    after: int
    reached_before: int
    reached: int
    unit: str


@dataclass(frozen=True, slots=True)
class Meter:
    """``run`` takes a target's inputs, those to keep first, and says what each adds, counted in ``unit``."""

    unit: str
    run: Callable[[Target, Sequence[Path], Sequence[Path]], list[Reached]]


def merge(target: Target, meter: Meter | None = None) -> Merged:
    """Add to the seeds those found inputs that reach new code. Raises :class:`MergeError`.

    It is an error if the seeds lose a feature that they or a found input had, if nothing is left or
    nothing is reached, and if an input was not measured, as one that breaks the oracle is not.
    """
    used = meter or (LIBFUZZER if runners.have_atheris() else BRANCHES)
    seeds = corpus.directory(target.name, "seeds")
    found = found_inputs(target)
    with _kept(seeds) as before:
        there = _committed(target)
        first = _measured(used, target, there, found)
        for one in first[len(there) :]:
            if one.new:
                _add(seeds, one.path)
        had = [path for path in sorted(before.iterdir()) if path.is_file()]
        now = _committed(target)
        again = _measured(used, target, now, [*had, *found])
        lost = [one for one in again[len(now) :] if one.new]
        if lost:
            count = sum(one.new for one in lost)
            names = ", ".join(one.path.name for one in lost[:3])
            raise MergeError(
                f"{target.name}: the merged seeds lack {count} {used.unit}, which {len(lost)} inputs have"
                f" ({names}): the seeds were left alone"
            )
        after = len(corpus.files(target.name, "seeds"))
        reached = sum(one.new for one in again)
        if not after or not reached:
            raise MergeError(
                f"{target.name}: {after} seeds with {reached} {used.unit} are left of {len(had)}"
            )
        earlier = sum(one.new for one in first[: len(there)])
        return Merged(len(had), after, earlier, reached, used.unit)


def found_inputs(target: Target) -> list[Path]:
    """What runs have left for the merge."""
    place = corpus.work_root() / target.name / "corpus"
    return sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else []


def by_libfuzzer(target: Target, kept: Sequence[Path], others: Sequence[Path]) -> list[Reached]:
    """One run of libFuzzer's merge over copies, of whose result only the record is used."""
    with tempfile.TemporaryDirectory(prefix="refsync-merge-") as name:
        places = [Path(name, "kept"), Path(name, "others")]
        of: dict[str, Path] = {}
        for place, paths in zip(places, (kept, others), strict=True):
            place.mkdir()
            for number, path in enumerate(paths):
                copy = place / f"{number:06}"
                shutil.copyfile(path, copy)
                of[str(copy)] = path
        control = Path(name, "control")
        command = [
            str(runners.stub(target.name)),
            "-merge=1",
            f"-merge_control_file={control}",
            f"-max_len={max(target.surface.max_length, *(path.stat().st_size for path in of.values()))}",
            "-timeout=20",
            f"-artifact_prefix={name}/",
            *map(str, places),
        ]
        done = subprocess.run(command, env=runners.environment(), capture_output=True, check=False)
        log = done.stderr.decode(errors="replace")
        if done.returncode or not control.is_file():
            raise MergeError(f"the merge of {target.name} ended with {done.returncode}:\n{log[-3000:]}")
        return [Reached(of[path], new) for path, new in parse_control(control.read_text())]


def parse_control(text: str) -> Iterator[tuple[str, int]]:
    """What libFuzzer's control file of a merge says: each input that ran to its end, and its new features.

    The file names the inputs first: how many there are, how many of the first directory, the paths. Then
    come lines ``STARTED number size``, ``FT number feature...`` and ``COV number edge...``.
    """
    lines = text.splitlines()
    if not lines or not lines[0].isdecimal():
        raise MergeError("libFuzzer's control file has another form than is known")
    names = lines[2 : 2 + int(lines[0])]
    for line in lines[2 + len(names) :]:
        found = re.fullmatch(r"FT (\d+)((?: \d+)*)\s*", line)
        if found:
            yield names[int(found[1])], len(found[2].split())


def by_branches(target: Target, kept: Sequence[Path], others: Sequence[Path]) -> list[Reached]:
    """For Pythons without atheris."""
    seen: set[tuple[str, tuple[int, int]]] = set()
    result = []
    for path in (*kept, *others):
        taken = measure.branches(target, path.read_bytes())
        result.append(Reached(path, len(taken - seen)))
        seen |= taken
    return result


LIBFUZZER = Meter("features", by_libfuzzer)
BRANCHES = Meter("branches", by_branches)


def _add(seeds: Path, path: Path) -> None:
    data = path.read_bytes()
    (seeds / corpus.content_name(data)).write_bytes(data)


def _committed(target: Target) -> list[Path]:
    """Regressions stay whatever they reach, so no seed need reach the same."""
    return [path for kind in corpus.KINDS for path in corpus.files(target.name, kind)]


def _measured(meter: Meter, target: Target, kept: Sequence[Path], others: Sequence[Path]) -> list[Reached]:
    """The measure, with the kept inputs first; :class:`MergeError` if it leaves one out."""
    reached = meter.run(target, kept, others)
    missing = sorted(path.name for path in {*kept, *others} - {one.path for one in reached})
    if missing:
        raise MergeError(
            f"{target.name}: {len(missing)} of {len(kept) + len(others)} inputs were not measured: does the"
            f" target hold for {', '.join(missing[:3])}? (refsync-fuzz triage {target.name})"
        )
    mine = set(kept)
    return [one for one in reached if one.path in mine] + [one for one in reached if one.path not in mine]


@contextmanager
def _kept(seeds: Path) -> Iterator[Path]:
    """A copy of the seeds as they are; they are put back if the block raises."""
    seeds.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="refsync-seeds-") as name:
        copy = Path(name, "seeds")
        shutil.copytree(seeds, copy)
        try:
            yield copy
        except BaseException:
            shutil.rmtree(seeds)
            shutil.copytree(copy, seeds)
            raise
