"""WRITE: what can't be read or written costs itself, and nothing else."""

from __future__ import annotations

import os

from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, file, folder, symlink
from refsync_conformance.trial import Trial

LATER = EPOCH_NS + 100 * SECOND
#: A regular file of Linux that not even root may read.
UNREADABLE = "/proc/sys/vm/compact_memory"


@case(
    "WRITE-053",
    clause="XFER-21",
    title="A source that is the destination is not removed",
    transports=("local",),
    breadth=Breadth.NARROW,
    optional=("remove-source-files",),
)
def itself(t: Trial) -> None:
    """It has arrived, being there; but it is the only one: exit 23, and it stays."""
    t.build([file("f", b"one"), file("d/g", b"two")])
    before = t.snapshot("src")
    run = t.client("-a", "--remove-source-files", places=[t.path("src/"), t.path("src/")], expect=23)
    t.matches("standard error", r"Skipping sender remove of destination file", run.stderr)
    t.untouched(before, "src")


@case(
    "WRITE-067",
    clause="XFER-16",
    title="Files that can't be made are read to their ends",
    transports=("local", "pipe"),
)
def not_made(t: Trial) -> None:
    """There is no room for temporary files: the data of all is passed over, the rest is done, exit 23."""
    data = Noise(81, 70_000).data()
    t.build([file("a", data, mtime_ns=LATER), file("b", b"b"), file("d/c", b"c" * 40_000)])
    t.build([symlink("link", "a"), folder("empty")])
    t.build([file("a", data[:30_000] + b"old" + data[30_000:])], "dst")
    old = t.read("dst/a")
    run = t.sync("-a", "--no-W", "--temp-dir=/proc", expect=23)
    t.equal("the file that was there", old, t.read("dst/a"))
    t.equal("names", [b".", b"a", b"d", b"empty", b"link"], sorted(t.snapshot()))
    t.equal("failures", 3, run.stderr.count(b"mkstemp"))


@case(
    "WRITE-068",
    clause="XFER-9",
    title="A source that can't be opened",
    transports=("local", "pipe"),
    differential=False,
    timeout=15.0,
)
def not_opened(t: Trial) -> None:
    """It was listed and is asked for; the sender says that it does not come, and nobody waits: exit 23."""
    if not os.path.exists(UNREADABLE) or os.access(UNREADABLE, os.R_OK):
        t.unsupported(f"this machine has no {UNREADABLE} that can't be read")
    t.build([file("f", b"f"), file("z/g", b"g")])
    run = t.sync("-a", sources=["src/f", UNREADABLE, "src/z"], expect=23)
    t.matches("standard error", r"compact_memory.*Permission denied", run.stderr)
    t.equal("names", [b".", b"f", b"z", b"z/g"], sorted(t.snapshot()))


@case(
    "WRITE-013",
    clause="FS-15",
    title="Directories of backups are like those that they stand for",
    breadth=Breadth.NARROW,
    optional=("backup",),
)
def like_theirs(t: Trial) -> None:
    t.build([file("d/e/f", b"new", mtime_ns=LATER), folder("d", mode=0o710), folder("d/e", mode=0o700)])
    t.build([file("d/e/f", b"old"), folder("d", mode=0o710), folder("d/e", mode=0o700)], "dst")
    t.sync("-ab", "--backup-dir=old")
    t.equal("the backup", b"old", t.read("dst/old/d/e/f"))
    for name, mode in (("d", 0o710), ("d/e", 0o700)):
        t.equal(f"mode of old/{name}", oct(mode), oct(os.stat(t.path(f"dst/old/{name}")).st_mode & 0o777))
