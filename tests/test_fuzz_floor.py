"""The floor under the coverage of the fuzz targets only rises, and misses nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from refsync_fuzz import audit, floor, measure, runners
from refsync_fuzz import target as targets


def test_floor_is_of_what_there_is() -> None:
    """``ci/fuzz-coverage`` fails for a target without a floor; here a new one may wait for its figures."""
    layers = {f"layer:{name}" for name in measure.LAYERS}
    known = floor.read()
    assert layers <= known.keys()
    assert {"varint", "negotiation_prologue", "filter_wire", "filter_match"} <= known.keys()
    assert known.keys() <= {*targets.names(), *layers}


def test_faults() -> None:
    assert list(floor.faults({"a": 90.0, "b": 80.0}, {"a": 90.0, "b": 80.0})) == []
    found = list(floor.faults({"a": 89.9, "new": 100.0}, {"a": 90.0, "gone": 1.0}))
    assert found == [
        "a: 89.9 % of the branches, the floor is 90.0 %",
        "gone: is missing from the report",
        "new: has no floor (refsync-fuzz coverage --raise)",
    ]


def test_only_rises(tmp_path: Path) -> None:
    path = tmp_path / "floor"
    assert floor.read(path) == {}
    floor.write(floor.raised({"a": 95.55, "b": 50.0}, {"b": 70.0, "gone": 3.0}), path)
    assert floor.read(path) == {"a": 94.5, "b": 70.0}


def test_audit_has_a_row_for_each_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "run_plain", lambda *_, **__: runners.RunReport("plain", 500, 9.0, 2.0))
    row = measure.Row("ndx", 21, 100.0, 99.5)
    text = audit.table([targets.load("ndx")], [row], {"wire": 80.0})
    assert "| 1 | ndx | `wire.ndx` | ECRBTD | 21 | 0 | - | 100 % | 100 % | 250 |" in text
    assert "wire 80.0 %." in text
