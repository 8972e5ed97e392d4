"""The benchmark's own rules; nothing is timed here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ci"))

from benchlib import data
from benchlib.__main__ import main


def test_two_runs_do_not_share_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each would remove the other's destinations; the second says whom it waits for, and leaves all alone."""
    held = data.claim(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ci/bench", "--where", str(tmp_path), "--clean"])
    assert main() == 3
    said = capsys.readouterr().err
    assert f"process {os.getpid()}" in said and str(tmp_path) in said and "--where" in said
    assert tmp_path.exists()
    os.close(held)
    assert main() == 0
    assert not tmp_path.exists()
