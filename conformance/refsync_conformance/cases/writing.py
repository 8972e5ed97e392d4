"""WRITE: appending, parts, backups, delayed updates, temporary directories, and sources that go."""

from __future__ import annotations

import os

from refsync_conformance.model import PROTOCOLS, Breadth, Case
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, file, folder, symlink
from refsync_conformance.trial import Trial

LATER = EPOCH_NS + 100 * SECOND
DATA = Noise(71, 300_000).data()
CHANGED = DATA[:100_000] + b"inserted" + DATA[100_000:250_000] + Noise(72, 9_000).data()

OLD = (
    file("f", DATA),
    file("d/g", b"the old one", mode=0o640),
    file("d/gone", b"goes"),
    file("d/gone~", b"an old backup"),
    file("d/deep/er/x", b"goes too"),
    symlink("link", "old"),
    file("same", b"same"),
    file("type", b"a file"),
    symlink("back", "somewhere"),
)
NEW = (
    file("f", CHANGED, mtime_ns=LATER),
    file("d/g", b"new", mtime_ns=LATER),
    symlink("link", "new"),
    file("same", b"same"),
    file("type/now", b"a directory"),
    file("back", b"a file now", mtime_ns=LATER),
    file("fresh", b"only here"),
)


#: A copy has nanoseconds, which upstream drops below protocol 31 though nothing travels.
COPIES = (31, 32)


def backup(number: int, title: str, clause: str, *options: str) -> Case:
    def run(t: Trial) -> None:
        t.build(NEW)
        t.build(OLD, "dst")
        t.sync("-a", "-b", *options)
        t.observe("tree dst", t.snapshot())

    run.__doc__ = f"{title}: the destination, backups included, is as the control leaves it."
    return case(
        f"WRITE-{number:03}",
        clause=clause,
        title=title,
        breadth=Breadth.NARROW,
        protocols=COPIES if "--inplace" in options else PROTOCOLS,
        optional=("backup", "suffix"),
    )(run)


BACKUPS = [
    backup(1, "Backups beside the files", "FS-14"),
    backup(2, "Backups beside the files, with deletion", "OPT-14", "--delete"),
    backup(3, "Backups with another suffix", "FS-14", "--suffix=.bak", "--delete"),
    backup(4, "Backups in a directory", "FS-15", "--backup-dir=old/deep", "--delete", "--exclude=/old"),
    backup(5, "Backups in a directory, with a suffix", "FS-14", "--backup-dir=old", "--suffix=.x"),
    backup(6, "Backups of files that are updated in place", "FS-16", "--inplace", "--no-W"),
    backup(7, "Backups of files that are replaced whole in place", "FS-16", "--inplace", "-W"),
    backup(8, "Backups with deletion at the end", "FS-14", "--delete-after"),
    backup(9, "Backups with updates put off", "FS-13", "--delay-updates", "--delete-delay"),
    backup(10, "Backups through a temporary directory", "FS-9", "--temp-dir=d"),
]


@case("WRITE-011", clause="OUT-18", title="Each backup is told", breadth=Breadth.NARROW, optional=("backup",))
def told(t: Trial) -> None:
    """At -vv a line with both names; only these lines are held against the control's."""
    t.build(NEW)
    t.build(OLD, "dst")
    run = t.sync("-avv", "--delete", "--backup-dir=old", "--exclude=/old")
    t.observe("lines", sorted(line for line in run.stdout.splitlines() if b"backed up" in line))


@case("WRITE-012", clause="FS-17", title="A replaced file is linked to its backup", breadth=Breadth.NARROW)
def linked(t: Trial) -> None:
    """The backup is the old file itself, not a copy of it."""
    t.build([file("f", b"new", mtime_ns=LATER)])
    t.build([file("f", b"old")], "dst")
    before = os.stat(t.path("dst/f")).st_ino
    t.sync("-ab")
    t.equal("the backup's inode", before, os.stat(t.path("dst/f~")).st_ino)


def append(number: int, title: str, *options: str) -> Case:
    def run(t: Trial) -> None:
        t.build(
            [
                file("grown", DATA, mtime_ns=LATER),
                file("other", DATA[:90_000], mtime_ns=LATER),
                file("shorter", b"now short", mtime_ns=LATER),
                file("new", DATA[:5_000]),
                file("from-nothing", b"something", mtime_ns=LATER),
            ]
        )
        old = [
            file("grown", DATA[:100_000]),
            file("other", bytes(40_000)),
            file("shorter", b"was longer than now"),
        ]
        t.build([*old, file("from-nothing", b"")], "dst")
        t.items(t.sync("-ai", *options))
        t.observe("tree dst", t.snapshot())
        t.equal("a file that grew", DATA, t.read("dst/grown"))
        t.equal("a file that is not shorter here", b"was longer than now", t.read("dst/shorter"))

    run.__doc__ = f"{title}: files that grew, that differ at their start, that are longer here, that are new."
    protocols = COPIES if "--backup" in options else PROTOCOLS
    return case(
        f"WRITE-{number:03}", clause="XFER-19", title=title, protocols=protocols, optional=("append",)
    )(run)


APPENDS = [
    append(20, "Appending", "--append"),
    append(21, "Appending, and verifying the old part", "--append-verify"),
    append(22, "Appending with backups", "--append-verify", "--backup"),
]


@case("WRITE-023", clause="OPT-6", title="Options that contradict each other", breadth=Breadth.NARROW)
def contradictions(t: Trial) -> None:
    """Exit 1, and nothing is changed."""
    t.build(NEW)
    t.build(OLD, "dst")
    before = t.snapshot()
    for options in (
        ("--append", "-W"),
        ("--inplace", "--partial-dir=p"),
        ("--append", "--delay-updates"),
        ("-b", "--suffix="),
        ("-b", "--suffix=a/b"),
    ):
        t.sync("-a", *options, expect=1)
    t.untouched(before)


PARTED = (
    file("f", CHANGED, mtime_ns=LATER),
    file("d/g", CHANGED, mtime_ns=LATER),
    file("e/same", b"same"),
    file(".parts/mine", b"the source has such a directory too"),
)
PARTS = (
    file(".parts/f", CHANGED[:120_000]),
    file(".parts/other", b"something else's"),
    file("d/.parts/g", CHANGED[:50_000]),
    file("d/g", b"old"),
    file("e/same", b"same"),
    file("e/.parts/same", b"of no use any more"),
    file("x/.parts/in-the-way", b"of nothing"),
)


def resume(number: int, title: str, clause: str, *options: str) -> Case:
    def run(t: Trial) -> None:
        t.build(PARTED)
        t.build(PARTS, "dst")
        run = t.sync("-ai", "--stats", "--no-W", "--partial-dir=.parts", *options)
        t.items(run)
        t.observe("tree dst", t.snapshot())
        t.equal("a file with a part", CHANGED, t.read("dst/f"))
        t.equal("its part", False, t.exists("dst/.parts/f"))

    run.__doc__ = f"{title}. Parts serve as the basis and go; their directories go when they are empty."
    return case(f"WRITE-{number:03}", clause=clause, title=title, optional=("partial-dir",))(run)


RESUMES = [
    resume(30, "Parts from an earlier run", "XFER-18"),
    resume(31, "Parts, with deletion", "FILT-17", "--delete"),
    resume(32, "Parts, with updates put off", "FS-13", "--delay-updates", "--delete-after"),
    resume(33, "Parts, with backups", "FS-12", "-b"),
]


@case("WRITE-034", clause="FS-12", title="An absolute partial directory stays", breadth=Breadth.NARROW)
def shared_parts(t: Trial) -> None:
    t.build([file("f", CHANGED), file("d/g", b"new", mtime_ns=LATER)])
    t.build([file("d/g", b"old")], "dst")
    os.mkdir(t.path("parts"))
    t.sync("-a", "--delay-updates", b"--partial-dir=" + t.at_receiver("parts"))
    t.same_tree()
    t.equal("the directory", [], os.listdir(t.path("parts")))


@case("WRITE-035", clause="FS-13", title="Updates put off", optional=("delay-updates",))
def delayed(t: Trial) -> None:
    """Everything is as without the option, and no directory of parts is left."""
    t.build(NEW)
    t.build(OLD, "dst")
    t.items(t.sync("-ai", "--delay-updates", "--delete"))
    t.same_tree()


SOURCES = (
    file("f", b"one"),
    file("same", b"same"),
    file("d/g", b"two"),
    symlink("link", "to"),
    symlink("same-link", "to"),
    folder("empty"),
    file("big", DATA),
)


@case(
    "WRITE-050",
    clause="XFER-20",
    title="Sources that have arrived are removed",
    transports=("local", "pipe"),
    optional=("remove-source-files",),
)
def removed(t: Trial) -> None:
    """Files and links go, also those that were there already; directories stay."""
    t.build(SOURCES)
    t.build([file("same", b"same"), symlink("same-link", "to")], "dst")
    wanted = t.snapshot("src")
    t.items(t.sync("-ai", "--remove-source-files"))
    t.same_tree(wanted, "dst", ignore={"mtime"})
    t.equal("what is left", [b"", b"d", b"empty"], sorted(name.strip(b".") for name in t.snapshot("src")))


@case("WRITE-051", clause="XFER-20", title="Many sources are removed", transports=("pipe",))
def removed_many(t: Trial) -> None:
    t.build([file(f"d{n % 7}/f{n:03}", b"z" * n) for n in range(150)])
    t.sync("-a", "--remove-source-files", "--delay-updates")
    t.equal("files left", [], [name for name in t.snapshot("src") if b"/" in name])
    t.equal("files that came", 150, len([name for name in t.snapshot() if b"/" in name]))


@case("WRITE-052", clause="XFER-21", title="Skipped sources are not removed", transports=("pipe",))
def not_removed(t: Trial) -> None:
    """A file that --update skips has not arrived."""
    t.build([file("older", b"1"), file("new", b"2")])
    t.build([file("older", b"newer here", mtime_ns=LATER)], "dst")
    t.sync("-au", "--remove-source-files")
    t.equal("the skipped source", True, t.exists("src/older"))
    t.equal("the other", False, t.exists("src/new"))


@case("WRITE-060", clause="DEL-8", title="What makes way does not count", breadth=Breadth.NARROW)
def limit(t: Trial) -> None:
    """--max-delete=0: a symlink that a directory replaces goes all the same; an extra file stays."""
    t.build([file("now/a", b"a")])
    t.build([symlink("now", "elsewhere"), file("extra", b"x")], "dst")
    run = t.sync("-a", "--delete", "--max-delete=0", expect={0, 25} if t.far_receiver_is_daemon else 25)
    t.matches(
        "what is said", r"Deletions stopped due to --max-delete limit \(1 skipped\)", run.stderr + run.stdout
    )
    t.equal("the extra file", True, t.exists("dst/extra"))
    t.equal("the directory", b"a", t.read("dst/now/a"))


@case("WRITE-061", clause="FS-9", title="A temporary directory", breadth=Breadth.NARROW)
def temporary(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    os.mkdir(t.path("tmp"))
    t.sync("-a", "--delete", b"--temp-dir=" + t.at_receiver("tmp"))
    t.same_tree()
    t.equal("left in it", [], os.listdir(t.path("tmp")))


@case("WRITE-062", clause="FS-9", title="A temporary directory that is not there", transports=("pipe",))
def no_temporary(t: Trial) -> None:
    """The run ends before anything is changed."""
    t.build(NEW)
    t.build(OLD, "dst")
    before = t.snapshot()
    t.sync("-a", b"--temp-dir=" + t.path("none"), expect=range(1, 128))
    t.untouched(before)


@case(
    "WRITE-063",
    clause="XFER-22",
    title="--mkpath makes the way",
    breadth=Breadth.NARROW,
    optional=("mkpath",),
)
def path_made(t: Trial) -> None:
    t.build(NEW)
    t.sync("-a", "--mkpath", dest="dst/a/b/c/")
    t.same_tree("src", "dst/a/b/c")


@case("WRITE-064", clause="FS-10", title="Preallocated, sparse and synced files", breadth=Breadth.NARROW)
def allocated(t: Trial) -> None:
    t.build([file("holes", b"a" + bytes(100_000) + b"b" + bytes(70_000)), file("f", CHANGED, mtime_ns=LATER)])
    t.build([file("holes", b"x" * 200_000, mtime_ns=LATER), file("f", DATA)], "dst")
    for options in (("-S",), ("-S", "--inplace"), ("--preallocate",), ("--fsync", "--inplace")):
        t.sync("-aI", "--no-W", *options)
        t.same_tree()


@case("WRITE-065", clause="FS-24", title="Many files are synced", breadth=Breadth.NARROW)
def synced(t: Trial) -> None:
    """More than are synced at a time, in directories, some of them there already."""
    t.build([file(f"d{number % 7}/f{number}", b"%d" % number * 50, mtime_ns=LATER) for number in range(200)])
    t.build([file("d1/f1", DATA), file("d2/f2", CHANGED), file("gone", DATA)], "dst")
    t.sync("-a", "--fsync", "--delete-after")
    t.same_tree()
    t.sync("-aI", "--fsync", "--no-W")
    t.same_tree()


@case(
    "WRITE-070",
    clause="HOST-6",
    title="A module's symlink does not lead backups, parts or temporary files out",
    controlled=False,
    differential=False,
    transports=("daemon",),
    directions=("push",),
    protocols=(29, 32),
)
def led_out(t: Trial) -> None:
    """A symlink in the module names a directory outside. Upstream 3.4 follows it (CVE-2026-70460), so only
    what is outside is looked at, and the control need not pass.
    """
    t.build(NEW)
    t.build([*OLD, symlink("out", t.path("outside"))], "dst")
    t.build([file("precious", b"p")], "outside")
    for option in ("--backup-dir=out", "--partial-dir=out", "--temp-dir=out"):
        t.sync("-a", "--delay-updates", option, expect=range(128))
    found = sorted(os.listdir(t.path("outside")))
    if t.cell.server.startswith("upstream") and found != [b"precious"]:
        t.unsupported("this release follows the link")
    t.equal("outside", [b"precious"], found)


@case(
    "WRITE-071",
    clause="HOST-6",
    title="Directories that a client names stay in the module",
    transports=("daemon",),
    directions=("push",),
    protocols=(29, 32),
)
def clamped(t: Trial) -> None:
    """Paths with .. and absolute ones mean something below the module's root."""
    t.build([file("f", b"new", mtime_ns=LATER)])
    t.build([file("f", b"old")], "dst")
    t.sync("-a", "--backup-dir=../../../../escaped", expect={0, 1, 11, 12, 23})
    t.equal("beside the area", False, os.path.exists(os.path.join(t.area, b"..", b"escaped")))
    t.equal("in the area", t.exists("dst/escaped/f"), not t.exists("escaped"))
