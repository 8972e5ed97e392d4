"""ARG: sources and destinations as a user writes them."""

from __future__ import annotations

import os

from refsync_conformance.fixtures import MIXED
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import file, folder, symlink
from refsync_conformance.trial import Trial

#: What a run with a list of names needs besides.
FILES_FROM = ("--files-from", "--from0", "-0", "-R", "--relative")


def names(t: Trial, place: str = "dst") -> list[bytes]:
    return list(t.snapshot(place))


@case("ARG-001", clause="OPT-7", title="A single file to a new name")
def to_new_name(t: Trial) -> None:
    t.build([file("f", b"content", mode=0o640)])
    t.sync("-a", sources=["src/f"], dest="dst")
    t.equal("content", b"content", t.read("dst"))
    t.equal("mode", 0o640, os.stat(t.path("dst")).st_mode & 0o777)


@case("ARG-002", clause="OPT-7", title="A single file into a directory")
def into_directory(t: Trial) -> None:
    t.build([file("f", b"content")])
    t.build([], "dst")
    t.sync("-a", sources=["src/f"], dest="dst")
    t.equal("names", [b".", b"f"], names(t))


@case("ARG-003", clause="OPT-7", title="A single file to a directory that isn't there, with a slash")
def into_new_directory(t: Trial) -> None:
    t.build([file("f", b"content")])
    t.sync("-a", sources=["src/f"], dest="dst/")
    t.equal("names", [b".", b"f"], names(t))


@case(
    "ARG-004",
    clause="OPT-7",
    title="With a slash: what is in the directory; without: the directory",
)
def slashes(t: Trial) -> None:
    t.build([file("d/f", b"x")])
    t.sync("-a", sources=["src/d/"], dest="dst/")
    t.equal("with a slash", [b".", b"f"], names(t))
    t.sync("-a", sources=["src/d"], dest="dst/")
    t.equal("without", [b".", b"d", b"d/f", b"f"], names(t))


@case("ARG-005", clause="OPT-7", title="Several sources into one destination")
def several(t: Trial) -> None:
    t.build([file("one/a", b"1"), file("two/b", b"2"), file("three", b"3"), symlink("four", "three")])
    t.items(t.sync("-ai", sources=["src/one/", "src/two", "src/three", "src/four"], dest="dst/"))
    t.equal("names", [b".", b"a", b"four", b"three", b"two", b"two/b"], names(t))


@case("ARG-006", clause="FLIST-19", title="The same name from several sources: the first counts")
def duplicates(t: Trial) -> None:
    t.build(
        [
            file("one/same", b"first"),
            file("two/same", b"second"),
            file("one/d/x", b"1"),
            file("two/d/y", b"2"),
        ]
    )
    t.sync("-a", sources=["src/one/", "src/two/", "src/one/"], dest="dst/")
    t.equal("content", b"first", t.read("dst/same"))
    t.equal("names", [b".", b"d", b"d/x", b"d/y", b"same"], names(t))


@case("ARG-007", clause="XFER-17", title="A missing directory above the destination: exit 11")
def no_parent(t: Trial) -> None:
    t.build([file("f", b"x")])
    run = t.sync("-a", dest="no/such/dst/", expect=None)
    t.check("exit code", run.code in (3, 11, 12), expected="3, 11 or 12", got=str(run.code))
    t.observe("exit code", run.code)
    t.equal("the missing directory", False, t.exists("no"))


@case("ARG-008", clause="XFER-17", title="A destination that is a link to a directory is entered")
def linked_destination(t: Trial) -> None:
    t.build([file("f", b"x")])
    t.build([], "real")
    os.symlink(b"real", t.path("dst"))
    t.sync("-a", dest="dst/")
    t.equal("the file", b"x", t.read("real/f"))
    t.equal("the destination is still a link", True, os.path.islink(t.path("dst")))


@case("ARG-009", clause="XFER-17", title="Several files to a name that is a file: refused, exit 3")
def many_to_file(t: Trial) -> None:
    t.build([file("a", b"a"), file("b", b"b")])
    t.write("dst", b"plain")
    run = t.sync("-a", sources=["src/a", "src/b"], dest="dst", expect=None)
    t.check("exit code", run.code != 0, expected="not 0", got=str(run.code))
    t.observe("exit code", run.code)
    t.equal("the file", b"plain", t.read("dst"))


@case("ARG-010", clause="FLIST-16", title="Without -r a directory is left out, and it is said")
def not_recursive(t: Trial) -> None:
    t.build([file("d/f", b"x"), file("g", b"y")])
    run = t.sync("-t", sources=["src/d", "src/g"])
    t.equal("names", [b".", b"g"], names(t))
    t.matches("standard output", r"skipping directory d", run.stdout)


@case(
    "ARG-011",
    clause="FLIST-16",
    title="--dirs takes a directory but not what is in it",
    optional=("--dirs", "-d"),
)
def dirs(t: Trial) -> None:
    t.build([file("d/f", b"x"), file("g", b"y")])
    t.sync("-dt")
    t.equal("names", [b".", b"d", b"g"], names(t))


@case("ARG-012", clause="FLIST-16", title="-R keeps the path of a source", optional=("-R", "--relative"))
def relative(t: Trial) -> None:
    t.build([file("a/b/c/f", b"x"), file("a/other", b"y"), folder("a/b", mode=0o711)])
    t.sync("-aR", sources=["src/./a/b/c/"])
    t.equal("names", [b".", b"a", b"a/b", b"a/b/c", b"a/b/c/f"], names(t))
    t.equal("mode of a directory on the way", 0o711, os.stat(t.path("dst/a/b")).st_mode & 0o777)


@case(
    "ARG-013",
    clause="FLIST-16",
    title="--files-from names what to take",
    optional=FILES_FROM,
    transports=("local", "pipe"),
)
def files_from(t: Trial) -> None:
    """Directories on the way are made, directories named come without what is in them.

    Not over a daemon: the 3.4.1 of some distributions, as a daemon without chroot, calls each file vanished.
    """
    t.build(MIXED)
    t.write("list", b"README\ndata/sub/one\nbin\n")
    t.sync("-a", b"--files-from=" + t.path("list"))
    t.equal("names", [b".", b"README", b"bin", b"data", b"data/sub", b"data/sub/one"], names(t))


@case(
    "ARG-014",
    clause="FLIST-16",
    title="--files-from with -0 and odd names",
    optional=FILES_FROM,
    transports=("local", "pipe"),
    breadth=Breadth.NARROW,
)
def files_from_nul(t: Trial) -> None:
    t.build([file("new\nline", b"1"), file(b"\xff", b"2"), file("sub/#hash", b"3"), file("other", b"4")])
    t.write("list", b"new\nline\0\xff\0sub/#hash\0")
    t.sync("-a", "-0", b"--files-from=" + t.path("list"))
    t.equal("names", [b".", b"new\nline", b"sub", b"sub/#hash", b"\xff"], names(t))


@case("ARG-015", clause="OPT-1", title="Bundled letters, values joined and apart", breadth=Breadth.NARROW)
def spellings(t: Trial) -> None:
    t.build([file("a.o", b"1"), file("b.c", b"2")])
    t.sync("-rlpt", "--exclude", "*.o", "-B", "1000", "--timeout=30", "-B700")
    t.equal("names", [b".", b"b.c"], names(t))


@case("ARG-016", clause="OPT-1", title="--no-OPTION takes back what -a gave", breadth=Breadth.NARROW)
def negations(t: Trial) -> None:
    t.build([file("f", b"1", mode=0o666), symlink("l", "f")])
    t.sync("-a", "--no-p", "--no-links")
    t.equal("names", [b".", b"f"], names(t))
    t.equal("mode", 0o644, os.stat(t.path("dst/f")).st_mode & 0o777)


@case(
    "ARG-017",
    clause="IREC-2",
    title="Without incremental recursion the outcome is the same",
    breadth=Breadth.NORMAL,
)
def no_incremental(t: Trial) -> None:
    t.build(MIXED)
    t.items(t.sync("-ai", "--no-inc-recursive"))
    t.same_tree()


@case(
    "ARG-018",
    clause="OPT-9",
    also=("OPT-11",),
    title="Protected arguments (-s)",
    optional=("-s", "--secluded-args", "--protect-args"),
    transports=("pipe", "daemon"),
)
def secluded(t: Trial) -> None:
    t.build([file("f", b"x")], "a b * $x")
    t.sync("-as", sources=["a b * $x/"])
    t.equal("names", [b".", b"f"], names(t))


@case(
    "ARG-019",
    clause="FLIST-16",
    title="A file of names has comments where the sender reads it",
    optional=FILES_FROM,
    transports=("local", "pipe"),
    directions=("push",),
)
def files_from_comments(t: Trial) -> None:
    """On a pull the names travel as they are, and no line is a comment."""
    t.build(MIXED)
    t.write("list", b"# comment\nREADME\n; another\n\n")
    t.sync("-a", b"--files-from=" + t.path("list"))
    t.equal("names", [b".", b"README"], names(t))
