"""What must be true of each target and of the corpus; each fault is one line of text."""

from __future__ import annotations

import os
from collections.abc import Iterator

from . import corpus, runners, triage
from . import target as targets
from .target import ORACLE_LETTERS, Target


def faults(target: Target, *, replay: bool = True) -> Iterator[str]:
    """A target states its oracle, has seeds, words and a stub, and holds on its own corpus."""
    name, surface = target.name, target.surface
    if "racle" not in (target.fuzz_one.__doc__ or ""):
        yield f"{name}: the docstring of fuzz_one states no oracle"
    if not surface.oracle or set(surface.oracle) - ORACLE_LETTERS or set(surface.oracle) == {"E"}:
        letters = "".join(sorted(ORACLE_LETTERS))
        yield f"{name}: oracle {surface.oracle!r} needs letters of {letters}, not E alone"
    if not surface.clauses or not surface.code:
        yield f"{name}: names no clause or no module"
    if not 0 <= surface.priority <= 3:
        yield f"{name}: priority {surface.priority}"
    committed = {path.name: path.read_bytes() for path in corpus.files(name, "seeds")}
    if not committed:
        yield f"{name}: has no seeds"
    for seed, data in corpus.made_seeds(target).items():
        if committed.get(seed) != data:
            yield f"{name}: seed {seed} is missing or out of date (refsync-fuzz seeds {name})"
    words = corpus.dictionary_path(name)
    if surface.dictionary and (not words.is_file() or words.read_text() != corpus.dictionary_text(target)):
        yield f"{name}: the dictionary is missing or out of date (refsync-fuzz seeds {name})"
    if not os.access(runners.STUBS / f"{name}.py", os.X_OK):
        yield f"{name}: has no executable stub"
    notes = {path.stem for path in (corpus.root() / name / "found").glob("*.toml")}
    inputs = {path.name for path in corpus.files(name, "regressions")}
    for stray in sorted(notes ^ inputs):
        yield f"{name}: {stray}: a regression needs a note, and a note its input (refsync-fuzz promote)"
    if replay:
        for path, data in corpus.inputs(name):
            found = triage.run(target, data)
            if found is not None:
                yield f"{name}: {path.parent.name}/{path.name}: {found}"


def strays() -> Iterator[str]:
    """A corpus or a stub that belongs to no target."""
    known = set(targets.names())
    if corpus.root().is_dir():
        for place in corpus.root().iterdir():
            if place.is_dir() and (place / "seeds").is_dir() and place.name not in known:
                yield f"corpus/{place.name}: no target of that name"
    for path in runners.STUBS.glob("*.py"):
        if path.stem not in known:
            yield f"{path.name}: no target of that name"
