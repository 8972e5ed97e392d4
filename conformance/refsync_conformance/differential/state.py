"""What was compared already: a file of results, so that a run may stop at any time and go on later."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .commands import Line
from .run import Difference


@dataclass(frozen=True, slots=True)
class Task:
    """A line in one meeting; ``kind`` is alone, pair or random."""

    kind: str
    line: Line
    meeting: str

    @property
    def key(self) -> str:
        return f"{self.meeting} {self.line.text}"


class State:
    """Results by task. The file is begun anew if it is of another reference, control, user or locale."""

    def __init__(self, path: Path | None, about: dict[str, str]) -> None:
        self._path = path
        self.done: dict[str, Difference | None] = {}
        self.discarded = False
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps(about, sort_keys=True)
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        if lines and lines[0] == head:
            for key, found in map(json.loads, lines[1:]):
                self.done[key] = _difference(found) if found else None
        else:
            self.discarded = bool(lines)
            path.write_text(head + "\n", encoding="utf-8")

    def add(self, task: Task, found: Difference | None) -> None:
        """Keep a result; it is in the file when this returns."""
        self.done[task.key] = found
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([task.key, asdict(found) if found else None]) + "\n")


def _difference(found: dict[str, object]) -> Difference:
    line = found["line"]
    parts = found["parts"]
    assert isinstance(line, dict) and isinstance(parts, dict)
    words = Line(tuple(line["options"]), tuple(line["sources"]), line["dest"])
    return Difference(words, str(found["meeting"]), parts)


def fingerprint() -> str:
    """A digest of the reference's source: results of another one don't count."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    found = importlib.util.find_spec("refsync")
    assert found is not None and found.submodule_search_locations
    for place in found.submodule_search_locations:
        yield from sorted(Path(place).rglob("*.py"))
