"""Where the cells of a run have their files: in memory if that does as well as a disk, else where temporary
files go.

A cell makes a few files, has them transferred and removes them; on a disk that is half of the kernel's work.
Memory is used only if cases can do there what they can do on a disk, and if there is plenty of it.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from refsync_conformance import owned
from refsync_conformance.peers.far import SCRATCH
from refsync_conformance.peers.model import Peer, PeerSpecError
from refsync_conformance.trees import ACCESS, access_list

#: Where there are files in memory, if anywhere.
MEMORY = Path("/dev/shm")
#: How the directory of a run begins. One that is kept has another name, or the next run would remove it.
PREFIX, KEPT = f"{SCRATCH}run-", f"{SCRATCH}kept-"
#: Bytes that have to be free there, and of memory altogether: several times what a run has used.
ROOM, AVAILABLE = 4 << 30, 8 << 30
#: Settings by which a user says where temporary files go.
SAID = ("TMPDIR", "TEMP", "TMP")


def served(peers: Sequence[Peer]) -> Path | None:
    """The directory of a daemon that is up already: what it is to transfer has to be below its module.

    Raises PeerSpecError if there are several.
    """
    found = {peer.address.directory for peer in peers if peer.address and peer.address.directory}
    if len(found) > 1:
        raise PeerSpecError("two daemons with directories of their own can't be judged in one run")
    return found.pop() if found else None


def choose(peers: Sequence[Peer], *, keep: bool = False) -> Path:
    """The directory that a run's own is made in. Raises PeerSpecError as :func:`served` does."""
    usual = Path(tempfile.gettempdir())
    if (place := served(peers)) is not None:
        return place
    # Another host can't see our memory, and what is to be looked at later has to outlive a restart.
    if keep or any(os.environ.get(name) for name in SAID) or any(peer.kind == "ssh" for peer in peers):
        return usual
    return MEMORY if not unfit(MEMORY) else usual


def unfit(place: Path) -> str:
    """Why a directory does not do for every case; empty if it does."""
    try:
        state = os.statvfs(place)
        if state.f_flag & (os.ST_NOEXEC | os.ST_NODEV | os.ST_RDONLY):
            return "programs or devices do not work there"
        if state.f_bavail * state.f_frsize < ROOM or _available() < AVAILABLE:
            return "there is not enough room"
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=place) as probe:
            os.setxattr(probe, "user.long", bytes(33_000))
            os.setxattr(probe, ACCESS, access_list("u::7 u:1:5 g::5 m::5 o::5"))
    except OSError as problem:
        return str(problem.strerror)
    return ""


def _available() -> int:
    """Bytes of memory that programs can have, without swapping; 0 if the system does not say."""
    try:
        found = re.search(r"^MemAvailable: *(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) << 10 if found else 0


def make(parent: Path, *, keep: bool) -> Path:
    """A run's own directory; what killed runs have left beside it is removed first."""
    owned.sweep(parent, PREFIX)
    return owned.claim(parent, KEPT if keep else PREFIX)
