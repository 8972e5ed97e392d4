"""ALT: similar files, ``--fuzzy``."""

from __future__ import annotations

from refsync_conformance.cases.alternate import (
    CHANGED,
    DATA,
    LATER,
    NUMBERED,
    OPTIONAL,
    directories,
    within,
)
from refsync_conformance.fixtures import figure
from refsync_conformance.model import Breadth, Case
from refsync_conformance.registry import case
from refsync_conformance.trees import file, folder
from refsync_conformance.trial import Trial

SIMILAR = (
    file("report-2023.txt", DATA),
    file("report-2024.txt.bak", DATA[::-1]),
    file("picture.raw", DATA[:50_000] + DATA[:50_000]),
    file("empty", b""),
    file("d/other.txt", DATA),
)


@case("ALT-040", clause="ALT-11", title="A renamed file", protocols=NUMBERED, optional=OPTIONAL)
def renamed(t: Trial) -> None:
    """Of the same size and time under another name: nothing but its blocks is used."""
    t.build([file("d/moved.bin", DATA)])
    t.build([file("d/before", DATA), file("d/moved.bi", DATA[::-1])], "dst")
    run = t.sync("-aiy", "--no-W", "--stats")
    t.items(run)
    t.equal("the file", DATA, t.read("dst/d/moved.bin"))
    t.equal("literal data", 0, figure(run, "Literal data"))


@case("ALT-041", clause="ALT-12", title="A file of a similar name", protocols=NUMBERED, optional=OPTIONAL)
def similar(t: Trial) -> None:
    """The nearest of several is chosen, as the amount of data shows; what is far from all is sent whole."""
    t.build(
        [file("report-2024.txt", CHANGED, mtime_ns=LATER), file("d/something-else-of-no-use-at-all", DATA)]
    )
    t.build(SIMILAR, "dst")
    run = t.sync("-aiy", "--no-W", "--stats")
    t.items(run)
    t.equal("the file", CHANGED, t.read("dst/report-2024.txt"))
    t.observe("literal data", figure(run, "Literal data"))
    t.observe("matched data", figure(run, "Matched data"))


WANTED = ("a.c", "a.1", "long-name-here.c", ".x", "b.c~", "caf\u00e9.c", "no-suffix")
CANDIDATES = (
    *(
        "a.c~",
        "a.c.bak",
        "a.c.bak~",
        "a.old.c",
        "b.~1~",
        "b.~12~",
        "b.~123~",
        "x.orig",
        ".hidden.c",
        "a.123.c",
    ),
    *(
        "a..c",
        "a.c.",
        "zz",
        "A.C",
        "x.orig.orig",
        "...",
        "caf\u00e8.c",
        "long-name-there.c",
        "12.34.56",
        "y.1.2~",
    ),
)


@case(
    "ALT-042",
    clause="ALT-12",
    title="How far names are apart",
    transports=("pipe",),
    directions=("pull",),
    protocols=NUMBERED,
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def far(t: Trial) -> None:
    """What --debug=fuzzy2 tells of each candidate, figures included."""
    t.build([file(name, b"x" * (at + 50)) for at, name in enumerate(WANTED)])
    t.build([file(name, b"y" * (at + 1)) for at, name in enumerate(CANDIDATES)], "dst")
    run = t.sync("-ay", "--debug=fuzzy2", "--no-W")
    t.observe("lines", sorted(line for line in run.stdout.splitlines() if b"fuzzy" in line))


@case(
    "ALT-043",
    clause="ALT-13",
    title="Similar files elsewhere",
    transports=("local", "pipe"),
    protocols=NUMBERED,
    optional=OPTIONAL,
)
def elsewhere(t: Trial) -> None:
    """With -yy the other directories are looked into, with -y only the destination.

    Not in a module, where upstream 3.4.1 looks for them below the destination and says that they vanished.
    """
    t.build([file("d/report-2024.txt", CHANGED, mtime_ns=LATER)])
    before = [*within("one", [file("d/x", b"far")]), *within("two", [file("d/report-2023.txt", DATA)])]
    t.build([*before, folder("first/d"), folder("second/d")], "all")
    for options, place in (("-aiy", "first"), ("-aiyy", "second")):
        others = directories(t, "compare", "one", "two")
        run = t.sync(options, "--no-W", "--stats", *others, dest=f"all/{place}/")
        t.items(run, options)
        t.equal(f"the file, {options}", CHANGED, t.read(f"all/{place}/d/report-2024.txt"))
        t.observe(f"literal data, {options}", figure(run, "Literal data"))


def deleting(number: int, when: str) -> Case:
    def run(t: Trial) -> None:
        t.build([file("new-name", CHANGED, mtime_ns=LATER)])
        t.build([file("old-name", DATA)], "dst")
        run = t.sync("-aiy", "--no-W", "--stats", when)
        t.items(run)
        t.same_tree()
        t.observe("literal data", figure(run, "Literal data"))

    run.__doc__ = f"{when}: a file that goes first is no basis, one that goes last is."
    return case(
        f"ALT-{number:03}",
        clause="ALT-11",
        title=f"Similar files and {when}",
        protocols=NUMBERED,
        breadth=Breadth.NARROW,
        optional=OPTIONAL,
    )(run)


DELETING = [deleting(44, "--delete-before"), deleting(45, "--delete-after"), deleting(46, "--delete-during")]


@case(
    "ALT-047",
    clause="ALT-11",
    title="Similar files in a dry run, and whole files",
    protocols=NUMBERED,
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def dry(t: Trial) -> None:
    """A dry run reports the same items and writes nothing; whole files need no blocks of another."""
    t.build([file("new-name", CHANGED, mtime_ns=LATER)])
    t.build([file("old-name", DATA)], "dst")
    before = t.snapshot()
    t.items(t.sync("-aiyn"), "dry run")
    t.untouched(before)
    t.items(t.sync("-aiy", "-W"))
    t.equal("the file", CHANGED, t.read("dst/new-name"))


@case(
    "ALT-048",
    clause="ALT-15",
    title="A similar file that the run itself removes",
    protocols=NUMBERED,
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def removed(t: Trial) -> None:
    """The basis is like a file of --compare-dest and goes, perhaps before the data has come."""
    t.build([file("d/a", CHANGED, mtime_ns=LATER), file("d/b", DATA)])
    t.build([*within("one", [file("d/b", DATA)]), *within("dst", [file("d/b", DATA)])], "all")
    t.sync("-ay", "--no-W", *directories(t, "compare", "one"), dest="all/dst/")
    t.equal("the file", CHANGED, t.read("all/dst/d/a"))
    t.equal("what is elsewhere", False, t.exists("all/dst/d/b"))
