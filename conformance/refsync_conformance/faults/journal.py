"""What has been tried already, so that a long run can be ended and taken up again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import refsync


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run with a fault. ``wrong``: empty if the verdict is good; ``code`` None: it hung."""

    workload: str
    where: str
    fault: str
    code: int | None
    wrong: str


class Journal:
    """Outcomes by trial, one JSON line each; without a path they are kept nowhere.

    The lines are those of one state of the sources, whose sum is the first: another state begins anew, since
    its call sites are others. A trial whose call was not made has no outcome.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Outcome | None] = {}
        if path is None:
            return
        mark = json.dumps({"sources": state()})
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if lines[:1] != [mark]:
            path.write_text(mark + "\n", encoding="utf-8")
            lines = []
        for line in lines[1:]:
            said = json.loads(line)
            self._known[said["key"]] = Outcome(**said["outcome"]) if said["outcome"] else None

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> Outcome | None:
        return self._known[key]

    def add(self, key: str, outcome: Outcome | None) -> None:
        self._known[key] = outcome
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"key": key, "outcome": asdict(outcome) if outcome else None}) + "\n")


def state() -> str:
    """A sum over the reference's sources."""
    total = hashlib.sha256()
    home = Path(refsync.__file__).parent
    for path in sorted([*home.rglob("*.py"), *home.rglob("*.c")]):
        total.update(path.relative_to(home).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
