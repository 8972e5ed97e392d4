"""What runs have found, sorted by what went wrong: one bucket for each exception, place and clause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from . import corpus, triage
from .target import Target
from .triage import Finding


@dataclass(slots=True)
class Bucket:
    """Inputs of one target that show one fault, the shortest first."""

    target: str
    finding: Finding
    paths: list[Path] = field(default_factory=list)


def kept(target: Target) -> list[Path]:
    """What runs of a target have left, by engine and by seed corpus."""
    place = corpus.work_root() / target.name / "findings"
    return sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else []


def sort(target: Target, paths: Iterable[Path]) -> tuple[list[Bucket], list[Path]]:
    """The buckets, that with the most inputs first, and the inputs that break nothing any more."""
    buckets: dict[object, Bucket] = {}
    holding = []
    for path in sorted(paths, key=lambda path: (path.stat().st_size, path.name)):
        finding = triage.run(target, path.read_bytes())
        if finding is None:
            holding.append(path)
            continue
        buckets.setdefault(finding.bucket, Bucket(target.name, finding)).paths.append(path)
    return sorted(buckets.values(), key=lambda bucket: -len(bucket.paths)), holding


def described(bucket: Bucket) -> str:
    """A few lines for people: how many, what, where, by which clause, and the input to begin with."""
    finding, first = bucket.finding, bucket.paths[0]
    clause = f" [{finding.clause}]" if finding.clause else ""
    return (
        f"{bucket.target}: {len(bucket.paths)} inputs: "
        f"{finding.kind}{clause} in {' < '.join(finding.frames)}\n"
        f"    {finding.message[:160]}\n"
        f"    {first} ({first.stat().st_size} bytes)"
    )
