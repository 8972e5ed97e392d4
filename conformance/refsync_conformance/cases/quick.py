"""SEL, QUIET: what is taken for changed, and what isn't touched."""

from __future__ import annotations

import os

from refsync_conformance.fixtures import MIXED, figure
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, file, folder, symlink
from refsync_conformance.trial import Trial

LATER = EPOCH_NS + 50 * SECOND


@case("QUIET-001", clause="XFER-9", title="A second run finds nothing to do")
def again(t: Trial) -> None:
    """No itemised line, nothing transferred, the destination not touched."""
    t.build(MIXED)
    t.sync("-a")
    before = t.snapshot()
    run = t.sync("-ai", "--stats")
    t.equal("itemised lines", [], t.items(run))
    t.equal("files transferred", 0, figure(run, "Number of regular files transferred"))
    t.untouched(before)


@case(
    "QUIET-002", clause="XFER-9", title="A second run over 1,000 files says nothing", breadth=Breadth.NARROW
)
def again_many(t: Trial) -> None:
    t.build([file(f"d{n % 25}/e{n % 5}/f{n}", b"%d" % n) for n in range(1000)])
    t.sync("-a")
    t.equal("itemised lines", [], t.items(t.sync("-ai", "--delete")))


@case(
    "QUIET-003",
    clause="XFER-9",
    title="The second run with -c and -H says nothing",
    optional=("-H", "hard-links"),
    breadth=Breadth.NARROW,
)
def again_checksum(t: Trial) -> None:
    t.build([*MIXED, file("z", Noise(2, 100_000))])
    t.sync("-aH")
    t.equal("itemised lines", [], t.items(t.sync("-aHci")))


@case("SEL-001", clause="XFER-9", title="Same size and time: taken for the same")
def quick_check(t: Trial) -> None:
    t.build([file("f", b"abcd")])
    t.build([file("f", b"1234")], "dst")
    t.sync("-a")
    t.equal("content", b"1234", t.read("dst/f"))


@case("SEL-002", clause="XFER-9", title="-c finds the difference that time and size hide")
def by_checksum(t: Trial) -> None:
    t.build(
        [
            file("differs", b"abcd"),
            file("same", b"same"),
            file("retimed", b"same", mtime_ns=LATER),
            file("empty"),
        ]
    )
    t.build([file("differs", b"1234"), file("same", b"same"), file("retimed", b"same"), file("empty")], "dst")
    t.items(t.sync("-aic"))
    t.same_tree()


@case("SEL-003", clause="XFER-9", title="-I transfers what looks the same")
def ignore_times(t: Trial) -> None:
    t.build([file("f", b"abcd"), file("g", b"same"), symlink("l", "f")])
    t.build([file("f", b"1234"), file("g", b"same"), symlink("l", "f")], "dst")
    t.items(t.sync("-aiI"))
    t.same_tree()


@case("SEL-004", clause="XFER-9", title="-u spares what is newer at the destination")
def update(t: Trial) -> None:
    t.build([file("newer", b"source"), file("older", b"source", mtime_ns=LATER), file("equal", b"source")])
    t.build([file("newer", b"dest", mtime_ns=LATER), file("older", b"dest"), file("equal", b"dest")], "dst")
    t.items(t.sync("-aiu"))
    t.equal("a newer file", b"dest", t.read("dst/newer"))
    t.equal("an older file", b"source", t.read("dst/older"))


@case("SEL-005", clause="XFER-9", title="--size-only looks at nothing else", optional=("--size-only",))
def size_only(t: Trial) -> None:
    t.build([file("same-size", b"abcd", mtime_ns=LATER), file("other-size", b"longer")])
    t.build([file("same-size", b"1234"), file("other-size", b"short")], "dst")
    t.items(t.sync("-ai", "--size-only"))
    t.equal("same size", b"1234", t.read("dst/same-size"))
    t.equal("other size", b"longer", t.read("dst/other-size"))


@case("SEL-006", clause="XFER-9", title="--existing makes nothing new", optional=("--existing",))
def existing(t: Trial) -> None:
    t.build(
        [
            file("old", b"changed", mtime_ns=LATER),
            file("new", b"n"),
            file("newdir/f", b"n"),
            symlink("newlink", "x"),
        ]
    )
    t.build([file("old", b"before")], "dst")
    t.items(t.sync("-ai", "--existing"))
    t.equal("names", [b".", b"old"], list(t.snapshot()))
    t.equal("content", b"changed", t.read("dst/old"))


@case(
    "SEL-007", clause="XFER-9", title="--ignore-existing changes nothing old", optional=("--ignore-existing",)
)
def ignore_existing(t: Trial) -> None:
    t.build([file("old", b"changed", mtime_ns=LATER), file("d/new", b"n")])
    t.build([file("old", b"before"), folder("d")], "dst")
    t.items(t.sync("-ai", "--ignore-existing"))
    t.equal("an old file", b"before", t.read("dst/old"))
    t.equal("a new file", b"n", t.read("dst/d/new"))


@case(
    "SEL-008",
    clause="XFER-9",
    title="--max-size and --min-size leave files out",
    optional=("--max-size", "--min-size"),
    breadth=Breadth.NARROW,
)
def sizes(t: Trial) -> None:
    t.build([file("small", b"x" * 10), file("middle", b"x" * 1000), file("large", b"x" * 3000)])
    t.sync("-a", "--max-size=2K", "--min-size=100")
    t.equal("names", [b".", b"middle"], list(t.snapshot()))


@case(
    "SEL-009",
    clause="MUX-9",
    title="--remove-source-files removes what arrived",
    optional=("--remove-source-files",),
)
def remove_source(t: Trial) -> None:
    t.build([file("f", b"x"), file("d/g", b"y"), symlink("l", "f"), file("d/unchanged", b"u")])
    t.build([file("d/unchanged", b"u")], "dst")
    t.sync("-a", "--remove-source-files")
    t.equal("what is left at the source", [b".", b"d"], list(t.snapshot("src")))
    t.equal("what arrived", [b".", b"d", b"d/g", b"d/unchanged", b"f", b"l"], list(t.snapshot()))


@case("SEL-010", clause="FS-2", title="--backup keeps what it replaces", optional=("--backup", "-b"))
def backup(t: Trial) -> None:
    t.build([file("f", b"new!", mtime_ns=LATER), file("d/g", b"new!", mtime_ns=LATER)])
    t.build([file("f", b"old"), file("d/g", b"old"), file("d/gone", b"gone")], "dst")
    t.items(t.sync("-aib", "--suffix=.was", "--delete"))
    t.equal("the replaced file", b"old", t.read("dst/f.was"))
    t.equal("the deleted file", b"gone", t.read("dst/d/gone.was"))


@case(
    "SEL-011",
    clause="FS-2",
    title="--backup-dir keeps it elsewhere",
    optional=("--backup", "-b"),
    breadth=Breadth.NARROW,
)
def backup_dir(t: Trial) -> None:
    t.build([file("d/g", b"new!", mtime_ns=LATER)])
    t.build([file("d/g", b"old"), file("d/gone", b"gone")], "dst")
    t.sync("-ab", "--backup-dir=.was", "--delete", "--exclude=/.was")
    t.equal("the replaced file", b"old", t.read("dst/.was/d/g"))


@case("SEL-012", clause="XFER-14", title="--link-dest joins what is unchanged", optional=("--link-dest",))
def link_dest(t: Trial) -> None:
    t.build([file("same", b"same"), file("changed", b"new", mtime_ns=LATER), file("d/same", b"s")])
    t.build([file("same", b"same"), file("changed", b"old"), file("d/same", b"s")], "prev")
    t.items(t.sync("-ai", b"--link-dest=" + t.at_receiver("prev")))
    t.same_tree()
    for name in ("same", "d/same"):
        one, two = os.stat(t.path("prev/" + name)), os.stat(t.path("dst/" + name))
        t.equal(f"{name} is one file", one.st_ino, two.st_ino)


@case(
    "SEL-013",
    clause="XFER-14",
    title="--compare-dest leaves out, --copy-dest copies what is unchanged",
    optional=("--compare-dest", "--copy-dest"),
)
def other_dests(t: Trial) -> None:
    t.build([file("same", b"same"), file("changed", b"new", mtime_ns=LATER)])
    t.build([file("same", b"same"), file("changed", b"old")], "prev")
    t.sync("-a", b"--compare-dest=" + t.at_receiver("prev"))
    t.equal("names", [b".", b"changed"], list(t.snapshot()))
    t.sync("-a", b"--copy-dest=" + t.at_receiver("prev"))
    t.same_tree()


@case(
    "SEL-014",
    clause="XFER-14",
    title="--append goes on where the file ends",
    optional=("--append",),
    breadth=Breadth.NORMAL,
)
def append(t: Trial) -> None:
    whole = Noise(4, 90_000).data()
    t.build([file("f", whole, mtime_ns=LATER), file("new", b"n")])
    t.build([file("f", whole[:50_000])], "dst")
    run = t.sync("-a", "--append", "--stats")
    t.same_tree()
    t.equal("literal data", 40_001, figure(run, "Literal data"))


@case(
    "SEL-015",
    clause="XFER-14",
    title="--append-verify finds a beginning that isn't the same",
    optional=("--append",),
)
def append_verify(t: Trial) -> None:
    whole = Noise(4, 90_000).data()
    t.build([file("f", whole, mtime_ns=LATER), file("g", whole, mtime_ns=LATER)])
    t.build([file("f", whole[:50_000]), file("g", b"?" + whole[1:50_000])], "dst")
    t.sync("-a", "--append-verify")
    t.same_tree()


@case("SEL-016", clause="FS-1", title="--sparse makes holes of zeros", optional=("--sparse", "-S"))
def sparse(t: Trial) -> None:
    t.build([file("f", b"head" + bytes(1 << 20) + b"tail"), file("zeros", bytes(300_000))])
    t.sync("-aS")
    t.same_tree()
    used = os.stat(t.path("dst/f")).st_blocks * 512
    t.check("space used", used < 600_000, expected="less than half the length", got=f"{used} bytes")


@case(
    "SEL-017",
    clause="FS-8",
    title="--partial-dir, --delay-updates and --temp-dir leave nothing behind",
    optional=("--partial-dir", "--delay-updates", "--temp-dir"),
)
def helpers_gone(t: Trial) -> None:
    t.build([file("f", Noise(6, 50_000)), file("d/g", b"y")])
    t.build([file("f", b"old")], "dst")
    t.build([], "tmp")
    t.sync("-a", "--partial-dir=.part")
    t.same_tree()
    t.write("src/f", b"again", mtime_ns=LATER)
    t.sync("-a", "--delay-updates")
    t.same_tree()
    t.write("src/f", b"and again", mtime_ns=LATER + SECOND)
    t.sync("-a", b"--temp-dir=" + t.at_receiver("tmp"))
    t.same_tree()


@case("SEL-018", clause="FS-8", title="No temporary file is left after a run", breadth=Breadth.NARROW)
def no_temporaries(t: Trial) -> None:
    t.build([file(f"d{n % 3}/f{n}", Noise(n, 5_000), mtime_ns=LATER) for n in range(60)])
    t.build([file(f"d{n % 3}/f{n}", b"old") for n in range(0, 60, 2)], "dst")
    t.sync("-a")
    t.same_tree()


@case(
    "SEL-019",
    clause="XFER-14",
    title="--fuzzy starts from a file with a similar name",
    protocols=(29, 30, 31, 32),
    optional=("--fuzzy", "-y"),
    breadth=Breadth.NARROW,
)
def fuzzy(t: Trial) -> None:
    content = Noise(8, 100_000).data()
    t.build([file("report-2.tar", content + b"more", mtime_ns=LATER)])
    t.build([file("report-1.tar", content)], "dst")
    run = t.sync("-ay", "--no-W", "--stats")
    t.check(
        "matched data",
        figure(run, "Matched data") > 50_000,
        expected="most of the file",
        got=str(figure(run, "Matched data")),
    )


@case("TIME-010", clause="XFER-9", title="A second apart is another time", optional=("--modify-window",))
def a_second(t: Trial) -> None:
    """Without a window files of one size whose times differ by a second differ; a window of one takes two."""
    for window, wanted in (((), (b"new!", b"new!")), (("--modify-window=1",), (b"old!", b"new!"))):
        t.build([file("1s", b"new!", mtime_ns=EPOCH_NS + SECOND)])
        t.build([file("2s", b"new!", mtime_ns=EPOCH_NS + 2 * SECOND)])
        t.build([file("1s", b"old!"), file("2s", b"old!")], "dst")
        t.sync("-a", *window)
        t.equal(f"content with {window}", wanted, (t.read("dst/1s"), t.read("dst/2s")))
