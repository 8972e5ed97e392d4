"""OUT: what scripts read from standard output."""

from __future__ import annotations

import os
import re

from refsync_conformance.fixtures import MIXED, blocks
from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Node, fifo, file, folder, hardlink, owned, symlink
from refsync_conformance.trial import Trial

LATER = EPOCH_NS + 50 * SECOND
BIG = b"".join(blocks(3, 10))

OLD: tuple[Node, ...] = (
    file("same", b"same"),
    file("content", b"before"),
    file("retimed", b"time"),
    file("remoded", b"mode", mode=0o600),
    file("both", b"1", mode=0o600),
    file("delta", BIG),
    file("d/inner", b"i"),
    folder("moded", mode=0o700),
    symlink("link", "old"),
    symlink("samelink", "x"),
    file("extra", b"x"),
    file("olddir/f", b"x"),
)
NEW: tuple[Node, ...] = (
    file("same", b"same"),
    file("content", b"after!", mtime_ns=LATER),
    file("retimed", b"time", mtime_ns=LATER),
    file("remoded", b"mode", mode=0o644),
    file("both", b"22", mode=0o644, mtime_ns=LATER),
    file("delta", BIG + b"more", mtime_ns=LATER),
    file("d/inner", b"i"),
    file("d/new", b"n"),
    folder("d", mtime_ns=LATER),
    folder("moded", mode=0o755),
    symlink("link", "new"),
    symlink("samelink", "x"),
    fifo("pipe"),
    folder("newdir"),
)


@case("OUT-001", clause="OUT-2", title="Itemised lines of a new tree")
def new_tree(t: Trial) -> None:
    t.build(MIXED)
    t.observe_lines("standard output", t.sync("-ai"))


@case("OUT-002", clause="OUT-2", title="Itemised lines of every kind of change")
def changes(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    t.observe_lines("standard output", t.sync("-ai", "--delete"))
    t.same_tree()


@case("OUT-003", clause="OUT-2", title="Itemised lines of a dry run")
def dry(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    t.observe_lines("standard output", t.sync("-ain", "--delete"))


@case("OUT-004", clause="OUT-2", title="-ii also lists what is unchanged")
def unchanged(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    t.observe_lines("standard output", t.sync("-aii"))


@case("OUT-005", clause="OUT-1", title="-v lists names, then the totals")
def verbose(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    t.observe_lines("standard output", t.sync("-av", "--delete"))


@case("OUT-006", clause="OUT-1", title="-v on a new destination, and again with nothing to do")
def verbose_new(t: Trial) -> None:
    t.build(MIXED)
    t.observe_lines("first run", t.sync("-av"))
    t.observe_lines("second run", t.sync("-av"))


@case("OUT-007", clause="OUT-8", title="The figures of --stats")
def stats(t: Trial) -> None:
    """No deletions where a daemon receives: up to release 3.4 it does not count them, from 3.5 it does."""
    t.build(NEW)
    t.build(OLD, "dst")
    deleting = [] if t.far_receiver_is_daemon else ["--delete"]
    t.observe_lines("standard output", t.sync("-a", "--no-W", "--stats", *deleting))


@case("OUT-008", clause="OUT-5", title="--list-only lists like ls", breadth=Breadth.NORMAL)
def listing(t: Trial) -> None:
    t.build(
        [
            *MIXED,
            file("big", bytes(1_234_567)),
            fifo("pipe"),
            file("mode", b"", mode=0o6755),
            folder("t", mode=0o1777),
        ]
    )
    t.observe_lines("recursive", t.sync("-a", "--list-only"))
    t.equal("the destination", False, t.exists("dst"))


@case(
    "OUT-009",
    clause="OUT-5",
    title="A single remote argument is listed",
    transports=("pipe", "daemon"),
    directions=("pull",),
)
def listing_alone(t: Trial) -> None:
    t.build(MIXED)
    t.observe_lines("one level", t.sync(dest=None))
    t.observe_lines("without a slash", t.sync(sources=["src"], dest=None))
    t.observe_lines("recursive", t.sync("-r", dest=None))


@case(
    "OUT-031",
    clause="OUT-5",
    title="A list with times of access, and of what is missing",
    protocols=(30, 31, 32),
    breadth=Breadth.NARROW,
    optional=("-U", "--atimes", "--delete-missing-args"),
)
def listing_of_accesses(t: Trial) -> None:
    t.build([file("f", b"x"), folder("d"), symlink("link", "f")])
    for name in (b"f", b"link"):
        os.utime(os.path.join(t.path("src"), name), ns=(10**18, 10**18 + SECOND), follow_symlinks=False)
    t.observe_lines("times", t.sync("-rlU", "--list-only"))
    if t.remote_is_source:
        run = t.sync("-U", "--list-only", "--delete-missing-args", sources=["src/none", "src/f"])
        t.observe_lines("a missing one", run)


@case("OUT-010", clause="OUT-1", title="-q prints nothing")
def quiet(t: Trial) -> None:
    t.build(MIXED)
    run = t.sync("-aq")
    t.equal("standard output", b"", run.stdout)
    t.equal("standard error", b"", run.stderr)


@case("OUT-011", clause="OUT-1", title="Without -v a run that works prints nothing", breadth=Breadth.NARROW)
def silent(t: Trial) -> None:
    t.build(MIXED)
    run = t.sync("-a")
    t.equal("standard output", b"", run.stdout)
    t.equal("standard error", b"", run.stderr)


@case("OUT-012", clause="OUT-2", title="--out-format prints what it is told", optional=("--out-format",))
def out_format(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    t.observe_lines("standard output", t.sync("-a", "--delete", "--out-format=%i|%n|%L|%l|%f|%o|%M|%B"))


@case("OUT-013", clause="OUT-7", title="Bytes that a terminal can't show are escaped")
def escaped(t: Trial) -> None:
    t.build(
        [
            file("new\nline", b"1"),
            file(b"raw\xff", b"2"),
            file("back\\#012", b"3"),
            file("tab\t", b"4"),
            file("\u00fc", b"5"),
        ]
    )
    t.observe_lines("standard output", t.sync("-aiv"))


@case(
    "OUT-014",
    clause="OUT-6",
    title="Figures for people, with -h",
    breadth=Breadth.NARROW,
    optional=("-h", "--human-readable"),
)
def human(t: Trial) -> None:
    t.build([file("a", bytes(1_234_567)), file("b", bytes(12_345))])
    t.observe_lines("standard output", t.sync("-ah", "--stats"))


@case(
    "OUT-015", clause="OUT-4", title="--progress ends each file with 100% and a count", breadth=Breadth.NARROW
)
def progress(t: Trial) -> None:
    """Rates and times differ; the bytes and the counts of the last line of each file don't."""
    t.build([file("a", bytes(100_000)), file("d/b", b"12345"), file("empty")])
    run = t.sync("-a", "--progress")
    last = re.findall(rb"([\d,]+) 100% .*?\(xfr#(\d+), ((?:to|ir)-chk=\d+/\d+)\)", run.stdout)
    t.observe("bytes, number and check counts", [b" ".join(one).decode() for one in last])
    t.equal("files", 3, len(last))


@case("OUT-016", clause="OUT-2", title="Itemised lines with owners", needs_root=True)
def owner_items(t: Trial) -> None:
    t.build([owned(file("u", b"x"), 7, 0), owned(file("g", b"x"), 0, 7), owned(folder("ug"), 7, 7)])
    t.build([file("u", b"x"), file("g", b"x"), folder("ug")], "dst")
    t.observe_lines("standard output", t.sync("-ai"))
    t.same_tree()


@case("OUT-017", clause="OUT-2", title="Itemised lines of hard links", optional=("-H", "hard-links"))
def link_items(t: Trial) -> None:
    t.build([file("a", b"x"), hardlink("b", "a"), hardlink("d/c", "a"), file("e", b"y")])
    t.observe_lines("first run", t.sync("-aHi"))
    t.observe_lines("second run", t.sync("-aHii"))


@case(
    "OUT-018",
    clause="OPT-10",
    title="--version names the program, the version and the protocol",
    judged=Judged.CLIENT,
    protocols=(32,),
    differential=False,
)
def version(t: Trial) -> None:
    run = t.sandbox.run([t.executable(t.cell.client), b"--version"], timeout=t.case.timeout)
    t.ended(run, 0)
    t.matches("the first line", r"\A\S+\s+version \S+\s+protocol version \d+$", run.stdout)


@case(
    "OUT-019",
    clause="OPT-10",
    title="--help exits with 0 and lists the options",
    judged=Judged.CLIENT,
    protocols=(32,),
    differential=False,
)
def helped(t: Trial) -> None:
    run = t.sandbox.run([t.executable(t.cell.client), b"--help"], timeout=t.case.timeout)
    t.ended(run, 0)
    for option in ("--archive", "--recursive", "--delete", "--exclude"):
        t.matches(f"a line for {option}", rf"^\s*{option}\b|^ *-\w, {option}\b", run.stdout)


@case("OUT-020", clause="OUT-3", title="What is deleted is named with -v", breadth=Breadth.NARROW)
def deleting(t: Trial) -> None:
    t.build([file("keep", b"k")])
    t.build([file("keep", b"k"), file("d/e/f", b"x"), symlink("l", "x")], "dst")
    t.observe_lines("standard output", t.sync("-av", "--delete-before"))
