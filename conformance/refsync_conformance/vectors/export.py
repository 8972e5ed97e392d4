"""Writing the vectors: a file for each group, an index, a schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from refsync_conformance import clauses

from .groups import groups
from .model import Group

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Wire vectors of the rsync protocol",
    "type": "object",
    "required": ["name", "clause", "title", "context", "vectors"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "clause": {"type": "string", "pattern": "^[A-Z]+-[0-9]+$"},
        "clause_text": {"type": "string"},
        "title": {"type": "string"},
        "context": {"type": "object", "description": "what both ends agreed on before"},
        "vectors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["hex", "result"],
                "additionalProperties": False,
                "properties": {
                    "hex": {"type": "string", "pattern": "^([0-9a-f]{2})*$"},
                    "result": {"enum": ["valid", "invalid", "short"]},
                    "value": {"description": "only of a valid one: what the bytes mean"},
                    "comment": {"type": "string"},
                },
            },
        },
    },
}


def as_data(group: Group) -> dict[str, Any]:
    """One group as its file has it."""
    found = []
    for vector in group.vectors:
        entry: dict[str, Any] = {"hex": vector.data.hex(), "result": vector.result}
        if vector.result == "valid":
            entry["value"] = vector.value
        if vector.comment:
            entry["comment"] = vector.comment
        found.append(entry)
    return {
        "name": group.name,
        "clause": group.clause,
        "clause_text": " ".join(clauses.load()[group.clause].text.split()),
        "title": group.title,
        "context": dict(group.context),
        "vectors": found,
    }


def export(directory: Path) -> tuple[int, int]:
    """Write all below ``directory``, which is made; how many groups and vectors there are. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    names, total = [], 0
    for group in groups():
        data = as_data(group)
        names.append(group.name)
        total += len(group.vectors)
        _write(directory / f"{group.name}.json", data)
    _write(directory / "index.json", {"groups": names})
    _write(directory / "schema.json", SCHEMA)
    return len(names), total


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
