"""Replays the committed corpus under ``coverage`` and writes the reports.

Not inside the fuzzer: its instrumentation counts other things, and a replay
needs no fuzzer at all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import corpus
from . import target as targets
from .target import Target


@dataclass(frozen=True, slots=True)
class Row:
    """Coverage by the corpus of one target of the code that it answers for; shares in percent."""

    target: str
    inputs: int
    lines: float
    branches: float


def measure(names: Sequence[str], out: Path) -> list[Row]:
    """Replay and write ``out/html``, ``lcov.info``, ``coverage.json``, ``coverage.txt``.

    Must run before the reference is imported, or the lines that run at
    import are missing from the count.
    """
    import coverage

    out.mkdir(parents=True, exist_ok=True)
    counter = coverage.Coverage(data_file=None, branch=True, source_pkgs=["refsync"], config_file=False)
    counter.start()
    loaded = []
    try:
        for name in names or targets.names():
            target = targets.load(name)
            counter.switch_context(name)
            count = 0
            for _, data in corpus.inputs(name):
                target.fuzz_one(data)
                count += 1
            loaded.append((target, count))
    finally:
        counter.stop()
    counter.html_report(directory=str(out / "html"), show_contexts=True, title="refsync: fuzz corpus")
    counter.lcov_report(outfile=str(out / "lcov.info"))
    counter.json_report(outfile=str(out / "coverage.json"))
    with (out / "coverage.txt").open("w") as text:
        counter.report(file=text)
    by_module = _by_module(json.loads((out / "coverage.json").read_text()))
    rows = []
    for target, count in loaded:
        owned = [by_module[module] for module in target.surface.code]
        rows.append(
            Row(
                target.name,
                count,
                _share(sum(s["covered_lines"] for s in owned), sum(s["num_statements"] for s in owned)),
                _share(sum(s["covered_branches"] for s in owned), sum(s["num_branches"] for s in owned)),
            )
        )
    return rows


#: The layers that take bytes apart.
LAYERS = ("wire", "session", "filters", "delta")


def layers(out: Path) -> dict[str, float]:
    """Branches, in percent, that all corpora together take of each layer; from the report in ``out``."""
    by_module = _by_module(json.loads((out / "coverage.json").read_text()))
    shares = {}
    for layer in LAYERS:
        owned = [one for module, one in by_module.items() if module.startswith(f"refsync.{layer}.")]
        shares[layer] = _share(
            sum(one["covered_branches"] for one in owned), sum(one["num_branches"] for one in owned)
        )
    return shares


def branches(target: Target, data: bytes) -> frozenset[tuple[str, tuple[int, int]]]:
    """The branches of the reference that one input takes."""
    import coverage

    counter = coverage.Coverage(data_file=None, branch=True, source_pkgs=["refsync"], config_file=False)
    counter.set_option("run:disable_warnings", ["module-not-measured", "no-data-collected"])
    counter.start()
    try:
        target.fuzz_one(data)
    finally:
        counter.stop()
    found = counter.get_data()
    return frozenset((file, arc) for file in found.measured_files() for arc in found.arcs(file) or ())


def prune(target: Target) -> int:
    """Remove those found seeds that take no branch that others don't; how many that were.

    Made seeds, captures and regressions stay: what they are is said by their names.
    """
    for _, data in corpus.inputs(target.name):
        target.fuzz_one(data)  # caches fill up, so that the first input does not get all the credit
        break
    kept: set[tuple[str, tuple[int, int]]] = set()
    found = []
    for path, data in corpus.inputs(target.name):
        if path.name == corpus.content_name(data) and path.parent.name == "seeds":
            found.append((len(data), path, data))
        else:
            kept |= branches(target, data)
    removed = 0
    for _, path, data in sorted(found):
        taken = branches(target, data)
        if taken <= kept:
            path.unlink()
            removed += 1
        kept |= taken
    return removed


def _by_module(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> dict[str, dict[str, int]]:
    """coverage's summaries by dotted module name."""
    found = {}
    for name, entry in report["files"].items():
        parts = Path(name).with_suffix("").parts
        start = len(parts) - 1 - parts[::-1].index("refsync")
        dotted = ".".join(parts[start:]).removesuffix(".__init__")
        found[dotted] = entry["summary"]
    return found


def _share(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0
