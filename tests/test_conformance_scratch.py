"""Where a run has its files, and that they go with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from refsync_conformance import owned, scratch
from refsync_conformance.peers.model import Address, Peer, PeerSpecError

PEER = Peer("mine", "1", 32, Path("/bin/true"), "exec")


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in the place of the one in memory, with all the room there may be."""
    for name in scratch.SAID:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "MEMORY", tmp_path / "memory")
    monkeypatch.setattr(scratch, "ROOM", 0)
    monkeypatch.setattr(scratch, "AVAILABLE", 0)
    (tmp_path / "memory").mkdir()
    try:
        os.setxattr(tmp_path, "user.long", bytes(33_000))
    except OSError:
        # Where attributes are short the real thing would be passed over; here only the choice is looked at.
        monkeypatch.setattr(os, "setxattr", lambda *_: None)
    return tmp_path / "memory"


def test_memory_is_taken_where_it_does(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scratch.choose([PEER]) == memory
    assert scratch.choose([PEER], keep=True) == memory.parent
    monkeypatch.setattr(scratch, "AVAILABLE", 1 << 60)
    assert scratch.choose([PEER]) == memory.parent
    monkeypatch.setattr(scratch, "AVAILABLE", 0)
    monkeypatch.setattr(scratch, "MEMORY", memory / "absent")
    assert scratch.choose([PEER]) == memory.parent


def test_what_the_user_says_comes_first(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(memory.parent))
    assert scratch.choose([PEER]) == memory.parent


def test_other_hosts_and_daemons_see_a_disk(memory: Path, tmp_path: Path) -> None:
    assert scratch.choose([Peer("far", "1", 32, Path("/x"), "ssh")]) == memory.parent
    one, two = (
        Peer(name, "1", 32, Path("/x"), "daemon", address=Address(8730, name, tmp_path / name))
        for name in ("one", "two")
    )
    assert scratch.choose([PEER, one]) == tmp_path / "one"
    with pytest.raises(PeerSpecError, match="two daemons"):
        scratch.choose([one, two])


def test_a_killed_run_s_files_are_removed_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from refsync_conformance import scratch; "
        "place = scratch.make(pathlib.Path(sys.argv[1]), keep=sys.argv[2] == 'keep'); "
        "(place / 'file').write_text('x'); os._exit(9)"
    )
    for keep in ("keep", "lose"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path), keep], check=False)
    mine = scratch.make(tmp_path, keep=False)
    assert len(list(tmp_path.iterdir())) == 3  # one is not old enough to have no owner for sure
    swept = owned.sweep(tmp_path, scratch.PREFIX, age=0)
    assert len(swept) == 1 and mine not in swept
    left = {place.name.rpartition("-")[0] + "-" for place in tmp_path.iterdir()}
    assert left == {scratch.PREFIX, scratch.KEPT}
    assert mine.exists()
    owned.release(mine)
    assert not mine.exists()
