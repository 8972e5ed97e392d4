"""DMN-030 on: the programs that a module's owner has run, as seen from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import file
from refsync_conformance.trial import Trial

AXES: dict[str, Any] = {"transports": ("daemon",), "differential": False, "breadth": Breadth.NORMAL}
TREE = [file("f", b"content\n"), file("sub/g", b"more\n")]
#: The variables that are the daemon's; how a client words its options is its own affair.
VARIABLES = "env | grep ^RSYNC_ | grep -v '^RSYNC_\\(PID\\|ARG\\|HOST_NAME\\)' | sort"
#: Seconds that a program which runs after the client has gone may take.
PATIENCE = 10.0


def told(t: Trial, path: Path) -> list[str]:
    """What a program has written, without the cell's own path."""
    return path.read_text().replace(str(t.sandbox.area), "AREA").splitlines()


def await_that(t: Trial, what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            t.fail(what, f"within {PATIENCE:.0f} s", "it did not happen")
            return
        time.sleep(0.02)


@case("DMN-030", clause="DAEMON-15", title="What a program before the transfer knows", **AXES)
def before(t: Trial) -> None:
    """Its variables, the paths among its arguments, and nothing on its standard input."""
    t.build(TREE)
    out = t.sandbox.root / "out"
    t.use_daemon(
        module=f"pre-xfer exec = {VARIABLES} > {out}; cat >> {out};"
        f" env | grep '^RSYNC_ARG[01]=' | sort >> {out}; echo not shown\n"
    )
    run = t.sync("-a")
    t.same_tree()
    t.observe("what it knows", told(t, out))
    t.check("what it says", b"not shown" not in run.stdout + run.stderr, expected="nothing", got="shown")


@case("DMN-031", clause="DAEMON-15", title="A program before the transfer objects", **AXES)
def objects(t: Trial) -> None:
    """Its exit code is not 0: the client sees what it said, nothing is transferred.

    Upstream's server closes while the client's words are still on the way, which may cost
    the client the end of the connection: exit 10 is as good as 4 (and 12, below protocol 31).
    """
    t.build(TREE)
    for command, status in (("echo one; printf 'two\\r\\nthree'; exit 3", 768), ("kill -9 $$", 256)):
        t.use_daemon(module=f"pre-xfer exec = {command}\n")
        run = t.sync("-a", expect=(4, 10, 12))
        t.matches("standard error", rf"^pre-xfer exec returned failure \({status}\)", run.stderr)
        if status == 768:
            t.matches("standard error", r"^one\ntwo\nthree$", run.stderr)
        t.check("what was transferred", not t.exists("dst/f"), expected="nothing", got="a file")


@case("DMN-032", clause="DAEMON-15", title="A program before the arguments", also=("GREET-7",), **AXES)
def early(t: Trial) -> None:
    """It reads the early input; if it fails, that is all that the client learns."""
    t.build(TREE)
    out, given = t.sandbox.root / "out", t.sandbox.root / "given"
    given.write_bytes(b"for you\n")
    t.use_daemon(module=f"early exec = {VARIABLES} > {out}; cat >> {out}\n")
    t.sync("-a", f"--early-input={given}")
    t.same_tree()
    t.observe("what it knows", told(t, out))
    t.use_daemon(module="early exec = echo hidden; exit 9\n")
    run = t.sync("-a", dest="two/", expect=5)
    t.matches("standard error", r"^@ERROR: early exec failed$", run.stderr)
    t.check("its words", b"hidden" not in run.stdout + run.stderr, expected="not shown", got="shown")


@case("DMN-033", clause="DAEMON-15", title="A program after the transfer", **AXES)
def after(t: Trial) -> None:
    """It knows how the transfer ended: well, or with an error of the server's."""
    t.build(TREE)
    out = t.sandbox.root / "out"
    command = f"{VARIABLES} > {out}.new; mv {out}.new {out}"
    t.use_daemon(module=f"post-xfer exec = {command}\n")
    t.sync("-a")
    t.same_tree()
    await_that(t, "the program runs", out.exists)
    t.observe("what it knows", told(t, out))
    out.unlink()
    t.use_daemon(module=f"post-xfer exec = {command}\nwrite only = yes\nread only = yes\n")
    t.sync("-a", dest="two/", expect=None)
    await_that(t, "the program runs", out.exists)
    t.equal("the exit status", ["RSYNC_EXIT_STATUS=1"], [line for line in told(t, out) if "EXIT" in line])


@case("DMN-034", clause="DAEMON-17", title="A program knows the names", needs_root=True, **AXES)
def names(t: Trial) -> None:
    """It gives and takes names that the system does not have; what it is asked, it is asked once."""
    t.build(TREE)
    os.chown(t.path("src/f"), 1234, 2345)
    out = t.sandbox.root / "out"
    answers = (
        'case "$what $which" in "usr who"|"usr root"|"grp root") echo 4321;; usr*|grp*) echo 5432;;'
        " uid*) echo root;; gid*) echo root;; esac"
    )
    t.use_daemon(
        module=f"name converter = tee {out} | while read what which; do {answers}; done\nnumeric ids = no\n"
    )
    t.sync("-a")
    status = os.stat(t.path("dst/f"))
    t.observe("owner and group", (status.st_uid, status.st_gid))
    t.observe("questions", sorted(out.read_text().splitlines()))
