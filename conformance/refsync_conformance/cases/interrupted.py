"""WRITE: runs whose connection ends in the middle of a file, and the runs after them."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from typing import Any

from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, file
from refsync_conformance.trial import Trial

LATER = EPOCH_NS + 100 * SECOND
DATA = Noise(71, 300_000).data()

#: Passes so many bytes on, each as soon as it is there, and then no more.
RELAY = """
import os, sys
left = int(sys.argv[1])
while left and (data := os.read(0, min(left, 65536))):
    os.write(1, data)
    left -= len(data)
"""


def interrupted(t: Trial, *options: str, after: int = 200_000) -> None:
    """A run whose connection ends in the middle of a file: the sender's bytes are cut off by the suite."""
    t.build([file("f", DATA, mtime_ns=LATER)])
    relay = shlex.join([sys.executable, "-c", RELAY, str(after)])
    if t.remote_is_source:
        t.use_shell(f'shift\n/bin/sh -c "$*" | {relay}\n', runs_peer=True)
    else:
        t.use_shell(f'shift\n{relay} | /bin/sh -c "$*"\n', runs_peer=True)
    t.sync("-a", "--no-W", *options, expect=range(1, 128))


CUT: dict[str, Any] = {"transports": ("pipe",), "protocols": (27, 29, 30, 32)}


@case("WRITE-040", clause="FS-8", title="A connection that ends in the middle of a file", **CUT)
def cut(t: Trial) -> None:
    """The old file is whole and no temporary file is left."""
    t.build([file("f", b"old")], "dst")
    before = t.snapshot()
    interrupted(t)
    after = {name: facts for name, facts in t.snapshot().items() if name}
    t.equal("names", sorted(name for name in before if name), sorted(after))
    t.equal("content", b"old", t.read("dst/f"))


@case("WRITE-041", clause="FS-11", title="--partial keeps what has come, and the next run ends it", **CUT)
def kept(t: Trial) -> None:
    """The part has the sender's first bytes under the file's name, and a time that says that it is old."""
    os.mkdir(t.path("dst"))
    interrupted(t, "--partial")
    part = t.read("dst/f")
    t.check(
        "the part",
        0 < len(part) < len(DATA) and DATA.startswith(part),
        expected="a beginning",
        got=str(len(part)),
    )
    t.equal("its time", 0, int(os.stat(t.path("dst/f")).st_mtime))
    t.use_shell('shift\nexec /bin/sh -c "$*"\n', runs_peer=True)
    t.sync("-a", "--no-W", "--partial")
    t.same_tree()


@case(
    "WRITE-042", clause="FS-12", title="--partial-dir keeps what has come apart, and resumes from it", **CUT
)
def kept_apart(t: Trial) -> None:
    """The old file stays as it is; the part's directory is there for its owner only, and goes in the end."""
    t.build([file("f", b"old")], "dst")
    interrupted(t, "--partial-dir=.parts")
    part = t.read("dst/.parts/f")
    t.check(
        "the part",
        0 < len(part) < len(DATA) and DATA.startswith(part),
        expected="a beginning",
        got=str(len(part)),
    )
    t.equal("the old file", b"old", t.read("dst/f"))
    t.equal("mode of the directory", 0o700, stat.S_IMODE(os.stat(t.path("dst/.parts")).st_mode))
    t.use_shell('shift\nexec /bin/sh -c "$*"\n', runs_peer=True)
    t.sync("-a", "--no-W", "--partial-dir=.parts")
    t.same_tree()


@case("WRITE-043", clause="FS-11", title="In place, what has come stays", **CUT)
def kept_in_place(t: Trial) -> None:
    os.mkdir(t.path("dst"))
    interrupted(t, "--inplace")
    part = t.read("dst/f")
    t.check("the file", DATA.startswith(part), expected="a beginning of the sender's", got=str(len(part)))
    t.use_shell('shift\nexec /bin/sh -c "$*"\n', runs_peer=True)
    t.sync("-a", "--append-verify")
    t.same_tree()
