"""CHMOD, IDS, ATIME: what is set otherwise than the source has it: modes, owners, groups, access times."""

from __future__ import annotations

import os

from refsync_conformance.registry import case
from refsync_conformance.trees import SECOND, file, folder, owned, symlink
from refsync_conformance.trial import Trial


@case("CHMOD-001", clause="CHMOD-1", also=("CHMOD-2",), title="--chmod in each form", optional=("--chmod",))
def changed_modes(t: Trial) -> None:
    t.build(
        [file(f"f{mode:o}", b"x", mode=mode) for mode in (0o644, 0o755, 0o600, 0o4711)]
        + [folder("d", mode=0o750), symlink("l", "f644")]
    )
    t.build([], "dst")
    # Of an ordinary user's directory that only lacks r, upstream's receiver gives r back and leaves it.
    locked = "F-x,D-r,g=s" if os.geteuid() == 0 else "F-x,D-w,g=s"
    for number, text in enumerate(("Dg+s,ug+w,Fo-w,+X", "D2770,F604", "u=rwX,go=,a+t", locked)):
        t.observe(f"lines {text}", t.items(t.sync("-ai", f"--chmod={text}", dest=f"dst/{number}/"), text))


@case("CHMOD-002", clause="CHMOD-3", title="--chmod decides without -p too", optional=("--chmod",))
def changed_new(t: Trial) -> None:
    t.build([file("new", b"x", mode=0o644), file("old", b"x", mode=0o644), folder("d", mode=0o755)])
    t.build([file("old", b"y", mode=0o640)], "dst")
    t.items(t.sync("-rti", "--chmod=ugo=rwX,F+s"))


@case(
    "CHMOD-003",
    clause="CHMOD-3",
    title="A module changes modes as its parameters say",
    transports=("daemon",),
    optional=("chmod",),
)
def by_module(t: Trial) -> None:
    t.use_daemon(module="incoming chmod = Dg+rx,Fo=\noutgoing chmod = F=r,D+t\n")
    t.build([file("f", b"x", mode=0o755), folder("d", mode=0o700)])
    t.items(t.sync("-ai"))
    t.items(t.sync("-rti", dest="other/"), "without -p")
    t.observe("tree other", t.snapshot("other"))


@case(
    "IDS-001",
    clause="IDS-2",
    title="Users and groups by name, pattern, number and range",
    optional=("--usermap", "--groupmap"),
    transports=("local", "pipe"),
    needs_root=True,
)
def mapped(t: Trial) -> None:
    """Not with a daemon: upstream escapes the wildcards for it, and before 3.4.4 they stay so."""
    names = ((0, 0), (1, 1), (2, 2), (54321, 54321), (3, 54322), (54400, 3))
    t.build([owned(file(f"f{n}", b"x"), *both) for n, both in enumerate(names)])
    t.items(t.sync("-ai", "--usermap=bin:7,54300-54350:8,root:9,:10", "--groupmap=2:sys,d?emon:12,54322:13"))
    t.items(t.sync("-ai", "--usermap=0:21", "--groupmap=root:22", "--numeric-ids"), "with --numeric-ids")


@case(
    "IDS-002",
    clause="IDS-1",
    title="--chown for all",
    optional=("--chown",),
    transports=("local", "pipe"),
    needs_root=True,
)
def chowned(t: Trial) -> None:
    """Not with a daemon, for the same reason: what is sent for it has a wildcard."""
    t.build([owned(file("f", b"x"), 5, 6), owned(folder("d"), 54321, 54321), owned(symlink("l", "f"), 1, 2)])
    t.items(t.sync("-rlti", "--chown=daemon:7"))
    t.items(t.sync("-rlti", "--chown=:8"), "the group alone")


@case(
    "ATIME-001",
    clause="FS-6",
    title="-U keeps access times",
    protocols=(28, 29, 30, 31, 32),
    optional=("-U", "--atimes"),
)
def access_times(t: Trial) -> None:
    """Both ends read the file, so the sender's time is looked at before the run; the area may be relatime.

    Not below protocol 28, whose flags of an entry have one byte: upstream then can't say that a time is the
    one before, leaves it out all the same, and waits for what it has not sent (seen in 3.4.1 and 3.5.0).
    """
    t.build([file("f", b"content"), file("same", b"same")])
    t.build([file("same", b"same")], "dst")
    when = 1_500_000_000 * SECOND
    for place in ("src/f", "src/same"):
        os.utime(t.path(place), ns=(when, os.stat(t.path(place)).st_mtime_ns))
    t.items(t.sync("-aiU"))
    for name in ("f", "same"):
        t.equal(f"access time of {name}", when, os.stat(t.path("dst/" + name)).st_atime_ns)
