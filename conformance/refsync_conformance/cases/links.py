"""HLINK: names of one file stay names of one file."""

from __future__ import annotations

import os

from refsync_conformance.fixtures import figure
from refsync_conformance.model import Breadth, Case
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Node, Noise, fifo, file, folder, hardlink, symlink
from refsync_conformance.trial import Trial

OPTIONAL = ("-H", "hard-links")
LATER = EPOCH_NS + 100 * SECOND
OLD = Noise(71, 40_000).data()
NEW = OLD[:20_000] + b"new" + OLD[20_000:]
GROUPS = (
    file("a", NEW, mtime_ns=LATER),
    hardlink("b", "a"),
    hardlink("d/c", "a"),
    file("d/e/one", b"one"),
    hardlink("d/e/two", "d/e/one"),
    hardlink("z/three", "d/e/one"),
    file("alone", b"x"),
)


def update(
    number: int,
    title: str,
    there: tuple[Node, ...],
    *options: str,
    clause: str,
    source: tuple[Node, ...] = GROUPS,
    same: bool = True,
    breadth: Breadth = Breadth.NORMAL,
) -> Case:
    def run(t: Trial) -> None:
        t.build(source)
        t.build(there, "dst")
        before = t.snapshot()
        t.items(t.sync("-aiH", *options))
        if "-n" in options:
            t.untouched(before)
        elif same:
            t.same_tree()

    run.__doc__ = f"{title}: with -aiH {' '.join(options)}, comparing trees, groups of links and the items."
    return case(f"HLINK-{number:03}", clause=clause, title=title, optional=OPTIONAL, breadth=breadth)(run)


SPLIT = (file("a", OLD), file("b", OLD), file("d/c", OLD), file("d/e/two", b"one"))
LINKED = (
    file("a", OLD),
    hardlink("b", "a"),
    hardlink("d/c", "a"),
    file("keep", b"k"),
    hardlink("kept", "keep"),
)
OTHERS = (
    symlink("l", "target"),
    hardlink("d/l", "l"),
    fifo("p"),
    hardlink("d/q", "p"),
    hardlink("r", "p"),
)

UPDATES = [
    update(1, "Nothing is there", (), clause="HLINK-2"),
    update(2, "Nothing is there, and it is a dry run", (), "-n", clause="HLINK-2"),
    update(3, "Only the last name is there", (file("d/c", NEW, mtime_ns=LATER),), clause="HLINK-4"),
    update(4, "Each name is there, not linked", SPLIT, clause="HLINK-7"),
    update(5, "Each name is there, not linked, in a dry run", SPLIT, "-n", clause="HLINK-7"),
    update(6, "The file is there in an older state", LINKED[:3], "--no-W", clause="HLINK-3"),
    update(
        7,
        "An older state is updated in place",
        LINKED[:3],
        "--no-W",
        "--inplace",
        clause="HLINK-3",
        same=False,
    ),
    update(8, "Links that are not at the source", LINKED, "--delete", clause="HLINK-7"),
    update(9, "Links of symlinks and special files", (), source=OTHERS, clause="HLINK-9"),
    update(10, "Some special files are there", OTHERS[:3], source=OTHERS, clause="HLINK-9"),
    update(
        11, "The first name is left out by --existing", SPLIT[1:3], "--existing", clause="HLINK-6", same=False
    ),
    update(12, "Names that exist are left out", SPLIT[1:], "--ignore-existing", clause="HLINK-6", same=False),
    update(
        13,
        "A symlink and a directory are in the way",
        (symlink("a", "else"), folder("b"), folder("d"), file("d/c", b"other")),
        clause="HLINK-7",
    ),
    update(14, "Compared by checksum", (*SPLIT[:2], hardlink("d/c", "a")), "-c", clause="HLINK-7"),
]


@case("HLINK-020", clause="HLINK-7", title="A second run finds the links right", optional=OPTIONAL)
def again(t: Trial) -> None:
    """Nothing is reported; with -vv each name shows, and no link is made anew."""
    t.build(GROUPS)
    t.sync("-aH")
    inodes = {name: os.stat(t.path("dst/" + name)).st_ino for name in ("a", "b", "d/c", "z/three")}
    t.equal("items of the second run", [], t.items(t.sync("-aiH"), "second run"))
    t.items(t.sync("-aiiH"), "third run")
    for name, inode in inodes.items():
        t.equal(f"the inode of {name}", inode, os.stat(t.path("dst/" + name)).st_ino)


@case(
    "HLINK-021",
    clause="HLINK-8",
    title="Links across many lists",
    optional=OPTIONAL,
    protocols=(30, 32),
    breadth=Breadth.NARROW,
)
def across(t: Trial) -> None:
    """So many entries that the first lists are finished before the last names come.

    A name of each group is in an early directory and one in a late one.
    """
    tree: list[Node] = []
    for number in range(6):
        tree.append(file(f"a{number}/first", b"%d" % number))
    for place in range(40):
        tree += [file(f"m{place:02}/{number}", b"") for number in range(60)]
    for number in range(6):
        tree.append(hardlink(f"z{number}/last", f"a{number}/first"))
    t.build(tree)
    t.sync("-aH")
    t.same_tree()


@case("HLINK-022", clause="HLINK-2", title="The data of a group travels once", optional=OPTIONAL)
def once(t: Trial) -> None:
    """What --stats counts: files transferred, created, and the bytes."""
    t.build(GROUPS)
    run = t.sync("-aH", "--stats")
    t.same_tree()
    t.equal("literal data", len(NEW) + 3 + 1, figure(run, "Literal data"))
    t.equal("files transferred", 3, figure(run, "Number of regular files transferred"))


@case("HLINK-023", clause="HLINK-6", title="The first name is kept out by the receiver", optional=OPTIONAL)
def newer(t: Trial) -> None:
    """A newer file has the first name, which -u leaves; the others are names of the source's file."""
    t.build(GROUPS)
    t.build([file("a", b"newer", mtime_ns=LATER + 100 * SECOND)], "dst")
    t.items(t.sync("-aiHu"))
    found = t.snapshot()
    t.equal("the newer file", 5, found[b"a"].size)
    t.equal("the group of the others", b"b", found[b"d/c"].group)


@case(
    "HLINK-024",
    clause="HLINK-1",
    title="Groups by device and inode",
    optional=OPTIONAL,
    protocols=(27, 28, 29),
)
def pairs(t: Trial) -> None:
    """Below protocol 30 each regular file (27) or linked entry (28, 29) brings its device and inode."""
    t.build((*GROUPS, file("d/more", b"m"), hardlink("d/most", "d/more")))
    t.items(t.sync("-aiH", "--no-W"))
    t.same_tree()


@case(
    "HLINK-025",
    clause="FS-14",
    title="A name that is linked anew leaves a backup",
    optional=(*OPTIONAL, "backup"),
    breadth=Breadth.NARROW,
)
def backed_up(t: Trial) -> None:
    """With -b: what had the name, of other content and of the same, is kept beside it."""
    t.build(GROUPS)
    t.build(SPLIT, "dst")
    t.items(t.sync("-aiHb"))
    t.observe("tree dst", t.snapshot())
