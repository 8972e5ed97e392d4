"""The floor under the coverage of the fuzz targets only rises, and misses nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from refsync_fuzz import audit, floor, measure, record, runners
from refsync_fuzz import target as targets


def test_floor_is_of_what_there_is() -> None:
    """``ci/fuzz-coverage`` fails for a target without a floor; here a new one may wait for its figures."""
    layers = {f"layer:{name}" for name in measure.LAYERS}
    known = floor.read()
    assert layers <= known.keys()
    assert {"varint", "negotiation_prologue", "filter_wire", "filter_match"} <= known.keys()
    assert known.keys() <= {*targets.names(), *layers}


def test_coverage_is_measured_from_the_first_import() -> None:
    """What the command imports must leave the reference alone, or its first lines would not count."""
    code = "import sys, refsync_fuzz.cli; sys.exit('refsync' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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


def test_runs_add_up(tmp_path: Path) -> None:
    path = tmp_path / "audits" / "runs.md"
    assert record.read(path) == {}
    record.add(path, "ndx", seconds=10.4, executions=500, findings=0, day="2026-11-28")
    record.add(path, "ndx", seconds=5, executions=100, findings=1, day="2026-11-29")
    record.add(path, "varint", seconds=1, executions=7, findings=0, day="2026-11-27")
    assert record.read(path)["ndx"] == record.Total(2, 15, 600, 1, "2026-11-29")
    assert path.read_text().splitlines()[-1] == "| varint | 1 | 1 | 7 | 0 | 2026-11-27 |"


def test_audit_has_a_row_for_each_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "run_plain", lambda *_, **__: runners.RunReport("plain", 500, 9.0, 2.0))
    row = measure.Row("ndx", 21, 100.0, 99.5)
    text = audit.table([targets.load("ndx")], [row], {"wire": 80.0})
    assert "| 1 | ndx | `wire.ndx` | ECRBTD | 21 | 0 | - | 100 % | 100 % | 250 |" in text
    assert "wire 80.0 %." in text
