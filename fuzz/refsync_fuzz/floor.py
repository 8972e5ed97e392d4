"""The branch coverage below which the committed corpora must not fall: it only ever rises.

The file has a line for each target (the modules that it answers for) and for each layer: a name
and a share in percent. A share is of what all corpora reach together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "coverage-floor"

#: What another Python counts otherwise, in percent.
SLACK = 1.0


def read(path: Path = FILE) -> dict[str, float]:
    """The floor of each name; none if there is no file."""
    if not path.is_file():
        return {}
    lines = (line.split() for line in path.read_text().splitlines() if line and line[0] != "#")
    return {name: float(share) for name, share in lines}


def faults(measured: Mapping[str, float], floor: Mapping[str, float]) -> Iterator[str]:
    """A share below its floor, and a name that is in but one of the two."""
    for name in sorted({*measured, *floor}):
        if name not in floor:
            yield f"{name}: has no floor (refsync-fuzz coverage --raise)"
        elif name not in measured:
            yield f"{name}: is missing from the report"
        elif measured[name] < floor[name]:
            yield f"{name}: {measured[name]:.1f} % of the branches, the floor is {floor[name]:.1f} %"


def raised(measured: Mapping[str, float], floor: Mapping[str, float]) -> dict[str, float]:
    """The floor for these figures: never lower than it was; names that are gone go."""
    return {
        name: max(floor.get(name, 0.0), math.floor(max(share - SLACK, 0.0) * 10) / 10)
        for name, share in sorted(measured.items())
    }


def write(floor: Mapping[str, float], path: Path = FILE) -> None:
    """The file."""
    lines = ["# Branch coverage by the committed corpora, in percent: `refsync-fuzz coverage --raise`."]
    path.write_text("\n".join([*lines, *(f"{name} {share:.1f}" for name, share in floor.items())]) + "\n")
