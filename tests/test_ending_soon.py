"""Whoever stops a run has both ends gone within a second: no end waits for a time to pass."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from test_endings import PATIENCE, WAYS, Run

#: Seconds that both ends have, and runs of which one has to keep to it: the machine may have much to do.
SOON, TRIES = 1.0, 3


def seconds_to_end(run: Run, who: str, number: int) -> float:
    """From the signal until both ends are gone; of "stopped", until the client is."""
    if who == "stopped":
        os.kill(run.far, signal.SIGSTOP)
    began = time.monotonic()
    os.kill(run.far if who == "far" else run.process.pid, number)
    if who != "stopped":
        run.ended()
        return time.monotonic() - began
    try:
        run.process.wait(PATIENCE)
        return time.monotonic() - began
    finally:
        os.kill(run.far, signal.SIGKILL)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("who", "number"),
    [
        ("client", signal.SIGINT),
        ("client", signal.SIGKILL),
        ("far", signal.SIGKILL),
        ("stopped", signal.SIGTERM),
    ],
)
def test_both_ends_are_gone_within_a_second(tmp_path: Path, way: str, who: str, number: int) -> None:
    took: list[float] = []
    while len(took) < TRIES and (not took or took[-1] > SOON):
        place = tmp_path / str(len(took))
        place.mkdir()
        run = Run(place, way, "--partial")
        try:
            took.append(seconds_to_end(run, who, number))
        finally:
            run.close()
    assert took[-1] <= SOON, took
