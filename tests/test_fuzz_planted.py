"""The planted faults fit the reference as it is, and a run tells found from missed."""

from __future__ import annotations

from pathlib import Path

import pytest
from refsync_fuzz import planted
from refsync_fuzz import target as targets
from refsync_fuzz.cli import main

FAULTS = list(planted.load_all())


def test_there_are_enough() -> None:
    assert len(FAULTS) >= 30
    assert {"wire", "session", "filters", "delta"} <= {fault.file.split("/")[0] for fault in FAULTS}
    assert {"varint", "negotiation_prologue", "filter_wire", "filter_match"} <= {one.target for one in FAULTS}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_still_applies(fault: planted.Fault) -> None:
    path = planted.package() / fault.file
    text = path.read_text()
    assert text.count(fault.find) == 1, "the code has changed: change the planted fault with it"
    assert fault.find != fault.replace
    compile(text.replace(fault.find, fault.replace), str(path), "exec")
    assert fault.target in targets.names()
    assert fault.title


def test_apply_refuses_what_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    fault = planted.Fault("two", "title", "varint", "a.py", "x = 1\n", "x = 2\n")
    with pytest.raises(ValueError, match="2 times, not once"):
        planted.apply(fault, tmp_path)


def test_hunt_finds_and_misses(tmp_path: Path) -> None:
    fault = next(planted.load_all(["varint-sign"]))
    found = planted.hunt(fault, 1)
    assert (found.how, found.what.split("/")[0]) == ("corpus", "seeds")
    harmless = planted.Fault(
        "none", "nothing is wrong", "ndx", "wire/ndx.py", "NDX_DONE = -1", "NDX_DONE = 0 - 1"
    )
    missed = planted.hunt(harmless, 1)
    assert missed.how == "" and missed.executions > 0
    table = planted.table([found, missed], 1)
    assert "2 faults: 1 found by the committed corpus, 0 more by fuzzing, 1 missed." in table
    assert "**missed**" in table


def test_unknown_name() -> None:
    assert main(["planted", "no-such-fault"]) == 2
