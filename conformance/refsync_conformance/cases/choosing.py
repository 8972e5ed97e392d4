"""PICK: what is chosen by whole paths, lists of names, links, sizes, and what is missing."""

from __future__ import annotations

import os

from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Node, file, folder, symlink
from refsync_conformance.trial import Trial

DEEP: tuple[Node, ...] = (
    file("a/b/c/f1", b"1"), file("a/b/f2", b"22"), file("a/f3", b"333"), file("a/b2/g", b"g"),
    file("x/y/z", b"z"), folder("x/empty/deeper"), file("top", b"top"),
    folder("a", mode=0o750, mtime_ns=EPOCH_NS + 9 * SECOND), folder("a/b", mode=0o711),
)  # fmt: skip
OLD: tuple[Node, ...] = (
    file("a/extra", b"e"), file("a/b/extra", b"e"), file("a/b/c/extra", b"e"), file("x/extra", b"e"),
    file("extra", b"e"),
)  # fmt: skip
LINKS: tuple[Node, ...] = (
    file("top", b"top"), file("d/f", b"f"), symlink("ln", "top"), symlink("dl", "d"),
    symlink("d/up", "../top"),
    symlink("d/out", "../../outside/secret"), symlink("abs", "/etc"), symlink("d/tricky", "f/../../top"),
    symlink("d/end", "../d/.."), symlink("self", "self"),
)  # fmt: skip
FILES_FROM = ("--files-from", "--from0", "-0", "-R", "--relative")


def listed(t: Trial, *options: str | bytes, sources: list[str], expect: int = 0) -> None:
    """Transfer and remember what was itemised and what arrived."""
    t.items(t.sync("-ai", *options, sources=sources, expect=expect))
    t.observe("tree dst", t.snapshot())


@case("PICK-001", clause="FLIST-23", title="Whole paths are kept, from /./ on if there is one")
def whole_paths(t: Trial) -> None:
    t.build(DEEP)
    listed(t, "-R", sources=["src/./a/b/c", "src/a/./b/f2", "src/./x//y/", "src/./top"])


@case("PICK-002", clause="IREC-10", title="Directories on the way keep their attributes")
def ways(t: Trial) -> None:
    t.build(DEEP)
    listed(t, "-R", sources=["src/./a/b/c/f1", "src/./a/b2", "src/./x/y/z", "src/./a/b/f2"])
    t.equal("mode of a", 0o750, os.stat(t.path("dst/a")).st_mode & 0o777)


@case(
    "PICK-003", clause="FLIST-24", title="With -R nothing is deleted in directories that only lead somewhere"
)
def deletes_below(t: Trial) -> None:
    t.build(DEEP)
    t.build(OLD, "dst")
    t.sync("-aR", "--delete", sources=["src/./a/b", "src/./x/y"])
    kept = [name for name in t.snapshot() if name.endswith(b"extra")]
    t.equal("extras", [b"a/extra", b"extra", b"x/extra"], sorted(kept))


@case("PICK-004", clause="FS-22", title="--no-implied-dirs leaves the way as it is", protocols=(30, 31, 32))
def unimplied(t: Trial) -> None:
    t.build(DEEP)
    t.build([folder("a", mode=0o700)], "dst")
    listed(t, "-R", "--no-implied-dirs", sources=["src/./a/b/c", "src/./x/y/z"])
    t.equal("mode of a", 0o700, os.stat(t.path("dst/a")).st_mode & 0o777)


@case("PICK-005", clause="FROM-6", title="A list of names", transports=("local", "pipe"), optional=FILES_FROM)
def list_of_names(t: Trial) -> None:
    t.build(DEEP)
    t.write("names", b"a/b\n\ntop\r\na/b/c/f1\n/x/y/z\n")
    listed(t, b"--files-from=" + t.path("names"), sources=["src/"])


@case(
    "PICK-006",
    clause="FROM-4",
    title="Names with NULs between them, .. and a missing one",
    transports=("local", "pipe"),
    optional=FILES_FROM,
)
def names_with_nulls(t: Trial) -> None:
    t.build(DEEP)
    t.write("names", b"a/b/\0../src/top\0a/f3\0not/there\0a/./b2/g\0")
    listed(t, "-r", "-0", b"--files-from=" + t.path("names"), sources=["src/"], expect=23)


@case(
    "PICK-007", clause="FROM-5", title="A list of names at the other end",
    transports=("pipe",), optional=FILES_FROM,
)  # fmt: skip
def names_at_the_far_end(t: Trial) -> None:
    t.build(DEEP)
    t.write("names", b"a/b\nx/y/z\nnot/there\n#top\n")
    listed(t, b"--files-from=:" + t.path("names"), sources=["src/"], expect=23)


@case("PICK-008", clause="FS-20", title="-L sends what symlinks point to, and tells of those to nothing")
def followed(t: Trial) -> None:
    t.build([*LINKS[:5], symlink("nothing", "nowhere")])
    run = t.sync("-aiL", expect=23)
    t.items(run)
    t.matches("standard error", r"symlink has no referent: .*nothing", run.stderr)
    t.observe("tree dst", t.snapshot())


@case("PICK-009", clause="FS-19", title="-k follows only symlinks to directories")
def dirlinks(t: Trial) -> None:
    t.build([*LINKS[:5], symlink("nothing", "nowhere")])
    listed(t, "-k", sources=["src/"])


@case(
    "PICK-010",
    clause="FS-18",
    title="--safe-links leaves out links that lead out of the tree",
    transports=("local", "pipe"),
)
def safe_links(t: Trial) -> None:
    t.build(LINKS)
    listed(t, "--safe-links", sources=["src/"])
    t.check("unsafe links", not t.exists("dst/d/tricky"), expected="left out", got="d/tricky")


@case(
    "PICK-011",
    clause="FS-18",
    title="--copy-unsafe-links sends what they point to",
    transports=("local", "pipe"),
)
def unsafe_links(t: Trial) -> None:
    t.build([*LINKS[:6], symlink("d/tricky", "../../outside/../outside/secret")])
    t.build([file("secret", b"s")], "outside")
    listed(t, "--copy-unsafe-links", sources=["src/"])
    t.equal("content", b"s", t.read("dst/d/out"))


@case("PICK-012", clause="FS-21", title="-K keeps a symlink to a directory", transports=("local", "pipe"))
def keeps_dirlinks(t: Trial) -> None:
    t.build(DEEP)
    t.build([file("real/old", b"o"), symlink("x", "real")], "dst")
    listed(t, "-K", sources=["src/"])
    t.equal("link", b"real", os.readlink(t.path("dst/x")))
    t.sync("-a")
    t.check("without -K", not os.path.islink(t.path("dst/x")), expected="a directory", got="a link")


@case("PICK-013", clause="XFER-23", title="Sizes bound what is transferred, not what is deleted")
def sizes(t: Trial) -> None:
    t.build([file("s0"), file("s10", b"x" * 10), file("s11", b"x" * 11), file("s1000", b"x" * 1000)])
    t.build([file("s1000", b"old"), file("gone", b"g")], "dst")
    listed(t, "--delete", "--max-size=11", "--min-size=10", sources=["src/"])
    t.equal("what is there", [b".", b"s10", b"s1000", b"s11"], sorted(t.snapshot()))


@case(
    "PICK-014",
    clause="FLIST-27",
    title="-m drops directories that hold no files",
    protocols=(29, 30, 31, 32),
)
def pruned(t: Trial) -> None:
    t.build([*DEEP, file("n/o/skip.o", b"x")])
    listed(t, "-m", "--exclude=*.o", sources=["src/"])
    t.check("empty directories", not t.exists("dst/x/empty"), expected="none", got="x/empty")


@case(
    "PICK-032",
    clause="SETUP-13",
    title="Below protocol 29 -m is refused: exit 2",
    transports=("local", "pipe"),
    protocols=(27, 28),
    differential=False,
)
def too_old_to_prune(t: Trial) -> None:
    t.build(DEEP)
    run = t.sync("-am", expect={2, 12})
    t.matches("standard error", r"--prune-empty-dirs requires protocol 29 or higher", run.stderr)
    t.equal("the destination", [], list(t.snapshot()) if t.exists("dst") else [])


@case("PICK-015", clause="FLIST-25", title="A missing argument is an error, or passed over")
def missing(t: Trial) -> None:
    t.build(DEEP)
    listed(t, sources=["src/nope", "src/top"], expect=23)
    listed(t, "--ignore-missing-args", sources=["src/nope", "src/a"])


@case("PICK-016", clause="FLIST-25", title="--dirs goes one level deep")
def one_level(t: Trial) -> None:
    t.build(DEEP)
    t.items(t.sync("-lptdi", sources=["src/"]))
    t.items(t.sync("-lptdi", sources=["src/a", "src/x/"], dest="dst2/"), "into the second")
    t.observe("tree dst", t.snapshot())


@case("PICK-017", clause="FLIST-20", title="Arguments that name a thing twice")
def twice(t: Trial) -> None:
    t.build(DEEP)
    listed(t, sources=["src/a", "src/top", "src/./a", "src/top", "src/x/../a"])


@case("PICK-018", clause="FLIST-26", title="A whole absolute path", transports=("local", "pipe"))
def absolute(t: Trial) -> None:
    """Of a file that every machine has: the suite's own paths differ from run to run."""
    t.sync("-R", sources=["/etc/passwd"])
    t.equal("names", [b".", b"etc", b"etc/passwd"], sorted(t.snapshot()))


@case("PICK-019", clause="OUT-5", title="Listing whole paths and one level")
def listing(t: Trial) -> None:
    t.build(DEEP)
    t.observe_lines("whole paths", t.sync("-R", "--list-only", sources=["src/./a/b"], dest=None))
    t.observe_lines("one level", t.sync("--list-only", sources=["src/a/"], dest=None))
    t.observe_lines("all", t.sync("-r", "--list-only", sources=["src/./x"], dest=None))


@case(
    "PICK-020", clause="FROM-1", title="Comments in a sender's own file", directions=("push",),
    transports=("local", "pipe"), optional=FILES_FROM,
)  # fmt: skip
def comments(t: Trial) -> None:
    t.build([*DEEP, file("#top", b"h")])
    t.write("names", b"#top\n; a\n./#top\n\rtop")
    listed(t, b"--files-from=" + t.path("names"), sources=["src/"])


@case(
    "PICK-021", clause="FROM-2", title="To a sender at the far end comments are names", directions=("pull",),
    transports=("pipe",), optional=FILES_FROM,
)  # fmt: skip
def comments_are_names(t: Trial) -> None:
    t.build([*DEEP, file("#top", b"h")])
    t.write("names", b"#top\n;a\n\n\n\rtop")
    listed(t, b"--files-from=" + t.path("names"), sources=["src/"], expect=23)


@case(
    "PICK-022",
    clause="FROM-3",
    title="3,000 names, more than any buffer holds",
    transports=("local", "pipe"),
    optional=FILES_FROM,
)
def many_names(t: Trial) -> None:
    names = [f"d{n % 30:02}/{'n' * 60}{n:05}" for n in range(3_000)]
    t.build([file(name, b"%d" % n) for n, name in enumerate(names) if n % 3 == 0])
    t.write("names", "\n".join(names[::3]).encode())
    t.sync("-a", b"--files-from=" + t.path("names"), sources=["src/"])
    t.equal("how many arrived", 1_000 + 10 + 1, len(t.snapshot()))


@case(
    "PICK-023", clause="FROM-5", title="A list of names in a daemon's module", transports=("daemon",),
    directions=("push",), optional=FILES_FROM,
)  # fmt: skip
def names_in_a_module(t: Trial) -> None:
    """Of a push only: upstream 3.4.1's daemon finds none of the files whose names it is sent."""
    t.build(DEEP)
    t.write("names", b"a/b\nx/y/z\ntop\n")
    listed(t, "--files-from=:/names", sources=["src/"])


@case("PICK-024", clause="FLIST-20", title="A directory that leads somewhere and is asked for too")
def way_and_target(t: Trial) -> None:
    """In either order its contents count as sent, so what only the destination has there goes."""
    t.build(DEEP)
    for number, sources in enumerate((["src/./a/b/c", "src/./a"], ["src/./a", "src/./a/b/c"])):
        t.build(OLD, f"dst{number}")
        t.sync("-aR", "--delete", sources=sources, dest=f"dst{number}/")
        kept = [name for name in t.snapshot(f"dst{number}") if name.endswith(b"extra")]
        t.equal("extras that are left", [b"extra", b"x/extra"], sorted(kept))
