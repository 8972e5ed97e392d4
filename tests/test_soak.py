"""What a soak takes for left behind; the load itself is ``ci/soak``'s."""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from refsync_conformance.soak.clients import Tally
from refsync_conformance.soak.place import MEBIBYTE, Place, Sample, memory
from refsync_conformance.soak.report import left_behind, report


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path, "/bin/true", places=3, seed=1)
    made.make()
    made.log.write_text("all is well\n")
    return made


def test_a_copy_is_held_to_the_source(place: Place) -> None:
    copy = place.root / "copy"
    assert place.wrong(copy) == ["it is not there"]
    subprocess.run(["cp", "-a", str(place.source), str(copy)], check=True)
    assert place.wrong(copy) == []
    (copy / "d0/file 0").write_bytes(b"spoiled")
    assert len(place.wrong(copy)) == 1
    (copy / "d1/file 1").unlink()
    assert len(place.wrong(copy)) == 2


def test_what_is_left_behind_is_found(place: Place) -> None:
    quiet, small = Sample(0, 10 * MEBIBYTE, 5, 0, 0), [Sample(1, 10 * MEBIBYTE, 5, 1, 0)]
    assert left_behind(place, small, quiet, quiet) == []
    (place.inbox / ".file 1.Ab3dE9").write_bytes(b"x")
    (place.inbox / ".file 1").write_bytes(b"x")
    (place.root / "outside/planted").write_text("x")
    (place.scratch / "left").write_text("x")
    place.log.write_text("Traceback (most recent call last):\n")
    stray = place.client(["/bin/cat", "/dev/zero"])
    try:
        late = [*small, Sample(8, 10 * MEBIBYTE, 5, 1, 0, 900 * MEBIBYTE)]
        found = left_behind(place, late, quiet, Sample(9, 13 * MEBIBYTE, 9, 2, 0))
    finally:
        stray.kill()
        stray.communicate()
    for words in (
        *(
            "2 processes",
            "1 processes of clients",
            "9 descriptors",
            "temporary files",
            "has grown",
            "a trace",
        ),
        *("outside/planted", "one connection has had"),
    ):
        assert any(words in fault for fault in found), words
    assert len(found) == 8


HOLD = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.lockf(fd, fcntl.LOCK_EX, 4, 4)
print("held", flush=True)
sys.stdin.read()
"""


def test_places_of_others_are_counted(place: Place) -> None:
    assert place.held_places() == 0
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place.lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert place.held_places() == 1
    holder.communicate()
    assert place.held_places() == 0
    assert fcntl.LOCK_EX


def test_the_report_says_what_happened() -> None:
    tally = Tally()
    tally.done["pull by refsync", "whole"] += 7
    chosen = argparse.Namespace(seconds=60, clients=20, seed=1, peer="refsync")
    look = Sample(0, 3 * MEBIBYTE, 5, 0, 0)
    text = report(chosen, tally, [look], (look, look), 61.0, [])
    assert "| pull by refsync | whole | 7 |" in text
    assert "7 runs in 61 seconds; 0 faults." in text
    assert "No wrong byte" in text
    assert "- it burns" in report(chosen, tally, [look], (look, look), 61.0, ["it burns"])
    assert memory(os.getpid()) > MEBIBYTE
