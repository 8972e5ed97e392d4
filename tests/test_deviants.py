"""The hostile peers: each deviation finds what it changes, and changes something."""

from __future__ import annotations

import subprocess
import sys

import pytest
from refsync_conformance import clauses, registry
from refsync_conformance.deviant.table import Deviation, deviation, load

DEVIATIONS = load()


def test_every_deviation_can_be_applied() -> None:
    """In a process of its own: what is patched stays patched."""
    words = "from refsync_conformance.deviant.table import load\nfor one in load().values(): one.apply()"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("one", DEVIATIONS.values(), ids=DEVIATIONS)
def test_a_deviation_is_described_and_has_its_cases(one: Deviation) -> None:
    assert one.description
    assert one.clause in clauses.load()
    assert one.expect <= set(range(128))
    ids = [f"HOSTILE-{one.number + {'client': 0, 'server': 500}[judged]:03}" for judged in one.judges]
    assert set(ids) <= set(registry.load())
    assert one.judges


def test_numbers_and_names_are_used_once() -> None:
    first = next(iter(DEVIATIONS.values()))
    for number, name in ((first.number, "new"), (499, first.name)):
        with pytest.raises(ValueError, match="is there already"):
            deviation(number, name, "", clause="HOST-1", side="sender")(lambda: None)
