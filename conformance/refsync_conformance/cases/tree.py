"""TREE: what a tree may be made of arrives as it was."""

from __future__ import annotations

from refsync_conformance.fixtures import MIXED
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import Noise, device, fifo, file, folder, hardlink, symlink, unix_socket
from refsync_conformance.trial import Trial


@case(
    "TREE-001",
    clause="FS-1",
    title="A tree of files, directories and links arrives whole",
    breadth=Breadth.FULL,
)
def mixed(t: Trial) -> None:
    """A tree with distinct modes and times goes to a destination that doesn't exist yet, with -a."""
    t.build(MIXED)
    t.sync("-a")
    t.same_tree()


@case("TREE-002", clause="XFER-7", also=("FLIST-11",), title="Named pipes and sockets are made again")
def specials(t: Trial) -> None:
    t.build([fifo("pipe", mode=0o640), unix_socket("sock"), file("file", b"x"), fifo("sub/pipe2")])
    t.sync("-a")
    t.same_tree()


@case("TREE-003", clause="FLIST-11", title="Device nodes keep their kind and number", needs_root=True)
def devices(t: Trial) -> None:
    """Numbers that share a major number, numbers that share nothing, and one beyond eight bits."""
    try:
        t.build(
            [
                device("null", "char", 1, 3),
                device("zero", "char", 1, 5, mode=0o666),
                device("disk", "block", 8, 0, mode=0o660),
                device("part", "block", 8, 257),
                device("far", "char", 300, 70_000),
                file("plain", b"p"),
            ]
        )
    except PermissionError:
        t.unsupported("this machine lets not even root make device nodes")
    t.sync("-a")
    t.same_tree()


@case("TREE-004", clause="FS-1", title="Empty files and empty directories arrive")
def empty_things(t: Trial) -> None:
    t.build([file("a"), file("d/b"), folder("e"), folder("e/f/g"), folder("h", mode=0o700)])
    t.sync("-a")
    t.same_tree()


@case("TREE-005", clause="FS-1", title="A file of 64 MiB arrives", breadth=Breadth.NARROW, timeout=120.0)
def large(t: Trial) -> None:
    t.build([file("big", Noise(5, 64 << 20)), file("small", b"s")])
    t.sync("-a")
    t.same_tree()


@case("TREE-006", clause="FLIST-1", title="5,000 small files arrive", breadth=Breadth.NARROW, timeout=120.0)
def many(t: Trial) -> None:
    t.build([file(f"d{n % 50:02}/s{n % 7}/file{n:05}", b"%d\n" % n) for n in range(5_000)])
    t.sync("-a")
    t.same_tree()


@case("TREE-007", clause="IREC-6", title="A directory 200 levels deep arrives")
def deep(t: Trial) -> None:
    t.build([file("/".join(["d"] * 200) + "/leaf", b"leaf"), file("/".join(["d"] * 100) + "/half", b"half")])
    t.sync("-a")
    t.same_tree()


@case("TREE-008", clause="IREC-4", title="Many directories with a few files each arrive")
def wide(t: Trial) -> None:
    """More directories than an incremental file list sends at first."""
    t.build([file(f"dir{n:03}/sub{m}/f", b"%d" % (n * m)) for n in range(120) for m in range(3)])
    t.sync("-a")
    t.same_tree()


@case("TREE-009", clause="END-3", title="An empty directory as source: both ends finish")
def nothing(t: Trial) -> None:
    t.build([])
    t.sync("-a")
    t.same_tree()


@case("TREE-010", clause="END-3", title="Everything excluded: both ends finish and nothing is made")
def all_excluded(t: Trial) -> None:
    t.build(MIXED)
    t.sync("-a", "--exclude=*")
    t.equal("names in the destination", [b"."], list(t.snapshot()))


@case("TREE-011", clause="FS-3", title="A file takes the place of a link, a link of a file")
def swaps(t: Trial) -> None:
    """A link at the destination is replaced, never written through."""
    t.build([file("was-link", b"now a file"), symlink("was-file", "target"), file("keep", b"k")])
    t.build([symlink("was-link", "../outside"), file("was-file", b"old"), file("keep", b"k")], "dst")
    t.write("outside", b"must stay")
    t.sync("-a")
    t.same_tree()
    t.equal("the file that the old link named", b"must stay", t.read("outside"))


@case("TREE-012", clause="FS-3", title="A file takes the place of an empty directory, a directory of a file")
def kinds(t: Trial) -> None:
    t.build([file("was-dir", b"file"), file("was-file/inside", b"in"), fifo("was-plain")])
    t.build([folder("was-dir"), file("was-file", b"old"), file("was-plain", b"old")], "dst")
    t.sync("-a")
    t.same_tree()


@case("TREE-013", clause="DEL-4", title="A directory that holds something isn't replaced without leave")
def full_directory(t: Trial) -> None:
    """Exit 23, the directory and what it holds stay, everything else arrives."""
    t.build([file("busy", b"a file"), file("other", b"o")])
    t.build([file("busy/inside", b"precious")], "dst")
    t.sync("-a", expect=23)
    t.equal("what the directory held", b"precious", t.read("dst/busy/inside"))
    t.equal("the other file", b"o", t.read("dst/other"))


@case("TREE-014", clause="FLIST-12", title="Hard links stay one file with -H", optional=("hard-links", "-H"))
def hard_links(t: Trial) -> None:
    t.build(
        [
            file("a", b"one file, three names"),
            hardlink("b", "a"),
            hardlink("sub/c", "a"),
            file("sub/lone", b"lone"),
            file("sub/x", Noise(3, 3000)),
            hardlink("zz/y", "sub/x"),
        ]
    )
    t.sync("-aH")
    t.same_tree()
    t.same_links()


@case("TREE-015", clause="FLIST-12", title="Without -H each name becomes a file of its own")
def no_hard_links(t: Trial) -> None:
    t.build([file("a", b"shared"), hardlink("b", "a")])
    t.sync("-a")
    t.same_tree()
    t.equal("groups of linked names", [b"", b"", b""], [facts.group for facts in t.snapshot().values()])


@case(
    "TREE-016",
    clause="FLIST-12",
    title="A name is added to a hard-linked file",
    optional=("hard-links", "-H"),
)
def link_added(t: Trial) -> None:
    """The destination has some of the names; the second run must join the rest, also across directories."""
    t.build([file("m/a", b"linked"), hardlink("m/b", "m/a")])
    t.sync("-aH")
    t.build([hardlink("a/first", "m/a"), hardlink("z/last", "m/a")])
    t.sync("-aH")
    t.same_tree(ignore=["mtime"])
    t.same_links()


@case(
    "TREE-017",
    clause="FLIST-12",
    title="Symlinks and specials can be hard-linked too",
    protocols=(28, 29, 30, 31, 32),
    optional=("hard-links", "-H"),
)
def linked_oddities(t: Trial) -> None:
    t.build([symlink("l1", "there"), hardlink("l2", "l1"), fifo("p1"), hardlink("p2", "p1")])
    t.sync("-aH")
    t.same_tree()
    t.same_links()


@case("TREE-018", clause="FLIST-11", title="A device of major number 0 behind others", needs_root=True)
def device_zero(t: Trial) -> None:
    """As overlay file systems have them: 0:0. The number before it must not show through."""
    try:
        t.build([device("a", "char", 5, 1), device("b", "char", 0, 0), device("c", "block", 7, 1)])
    except PermissionError:
        t.unsupported("this machine lets not even root make device nodes")
    t.sync("-a")
    t.same_tree()
