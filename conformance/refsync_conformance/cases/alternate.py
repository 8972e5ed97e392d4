"""ALT: other directories that have files already."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import replace

from refsync_conformance.compare import undated
from refsync_conformance.fixtures import figure
from refsync_conformance.model import PROTOCOLS, Breadth, Case
from refsync_conformance.registry import case
from refsync_conformance.trees import (
    EPOCH_NS,
    SECOND,
    Node,
    Noise,
    build,
    fifo,
    file,
    folder,
    symlink,
)
from refsync_conformance.trial import Trial

LATER = EPOCH_NS + 100 * SECOND
DATA = Noise(81, 120_000).data()
CHANGED = DATA[:50_000] + b"inserted" + DATA[50_000:]
KINDS = ("compare", "copy", "link")
OPTIONAL = ("compare-dest", "copy-dest", "link-dest", "fuzzy")
#: From here on a request can say which directory is meant.
NUMBERED = (29, 30, 31, 32)

SOURCE = (
    file("same", b"the same everywhere"),
    file("d/same", DATA),
    file("d/mode", b"only its mode differs", mode=0o600),
    file("d/e/deep", b"deep"),
    folder("d/void"),
    folder("d/private", mode=0o700),
    file("delta", CHANGED, mtime_ns=LATER),
    file("time", b"only its time differs", mtime_ns=LATER),
    file("second", b"the second directory has it"),
    file("there", b"an older one is here, a like one there"),
    file("both", b"like ones here and there"),
    file("new", b"nowhere yet"),
    symlink("link", "d/same"),
    symlink("turned", "new"),
    symlink("d/fresh", "link"),
    fifo("pipe"),
)
ONE = (
    file("same", b"the same everywhere"),
    file("d/same", DATA),
    file("d/mode", b"only its mode differs", mode=0o644),
    file("d/e/deep", b"deep"),
    folder("d/void"),
    folder("d/private", mode=0o755),
    file("delta", DATA),
    file("time", b"only its time differs"),
    file("second", b"another file has the name"),
    file("there", b"an older one is here, a like one there"),
    file("both", b"like ones here and there"),
    symlink("link", "d/same"),
    symlink("turned", "away"),
    fifo("pipe"),
)
TWO = (
    file("second", b"the second directory has it"),
    file("time", b"only its time differs", mtime_ns=LATER),
    file("d/e/deep", b"deep", mode=0o600),
)
HERE = (file("there", b"old"), file("both", b"like ones here and there"), file("alone", b"only here"))


def trees(t: Trial, without: Collection[bytes] = ()) -> None:
    """All that the cases start from: ``all`` has the destination and the other directories."""
    t.build([node for node in SOURCE if node.path not in without])
    t.build([*within("one", ONE), *within("two", TWO), *within("dst", HERE)], "all")


def within(place: str, tree: Iterable[Node]) -> list[Node]:
    """The tree a level deeper."""
    prefix = place.encode() + b"/"
    return [
        replace(
            node, path=prefix + node.path, target=prefix + node.target if node.kind == "hard" else node.target
        )
        for node in tree
    ]


def directories(t: Trial, kind: str, *names: str) -> list[bytes]:
    return [f"--{kind}-dest=".encode() + t.at_receiver("all/" + name) for name in names]


def plain(number: int, kind: str, *options: str, title: str, clause: str, breadth: Breadth) -> Case:
    def run(t: Trial) -> None:
        trees(t)
        t.items(t.sync("-aii", *options, *directories(t, kind, "one"), dest="all/dst/"))
        found = t.snapshot("all")
        found.pop(b"dst/there~", None)  # upstream 3.4.1 links over a file without its backup
        t.observe("tree all", undated(found, t.began_ns) if {"--no-t", "-b"} & {*options} else found)
        if "-n" not in options:
            t.items(t.sync("-ai", *options, *directories(t, kind, "one"), dest="all/dst/"), "second run")

    run.__doc__ = f"{title}: every line of -ii, and what the directories have in the end, links included."
    enter = case(
        f"ALT-{number:03}",
        clause=clause,
        title=title,
        breadth=breadth,
        protocols=NUMBERED if "--inplace" in options else PROTOCOLS,
        optional=OPTIONAL,
    )
    return enter(run)


PLAIN = [
    plain(1, "compare", title="Compared", clause="ALT-3", breadth=Breadth.NORMAL),
    plain(2, "copy", title="Copied", clause="ALT-4", breadth=Breadth.NORMAL),
    plain(3, "link", title="Linked", clause="ALT-5", breadth=Breadth.FULL),
    plain(4, "compare", "-n", title="Compared in a dry run", clause="ALT-3", breadth=Breadth.NARROW),
    plain(5, "copy", "-n", title="Copied in a dry run", clause="ALT-4", breadth=Breadth.NARROW),
    plain(6, "link", "-n", title="Linked in a dry run", clause="ALT-5", breadth=Breadth.NARROW),
    plain(7, "link", "-c", title="Linked by checksum", clause="ALT-2", breadth=Breadth.NORMAL),
    plain(8, "copy", "-c", title="Copied by checksum", clause="ALT-2", breadth=Breadth.NARROW),
    plain(9, "link", "--no-t", "--size-only", title="Linked by size", clause="ALT-2", breadth=Breadth.NARROW),
    plain(10, "link", "--no-p", title="Linked without -p", clause="ALT-2", breadth=Breadth.NARROW),
    plain(11, "copy", "--inplace", title="Copied in place", clause="ALT-4", breadth=Breadth.NARROW),
    plain(12, "link", "-b", title="Linked, with backups", clause="ALT-5", breadth=Breadth.NARROW),
]


def several(number: int, kind: str, *options: str) -> Case:
    title = f"Two directories of --{kind}-dest"

    def run(t: Trial) -> None:
        trees(t)
        t.items(t.sync("-aii", *options, *directories(t, kind, "one", "two"), dest="all/dst/"))
        t.observe("tree all", t.snapshot("all"))

    run.__doc__ = f"{title}: the best match wins, wherever it is; of equals the first."
    return case(
        f"ALT-{number:03}",
        clause="ALT-2",
        title=title,
        protocols=NUMBERED,
        breadth=Breadth.NARROW,
        optional=OPTIONAL,
    )(run)


SEVERAL = [several(13, "compare"), several(14, "copy"), several(15, "link")]


@case("ALT-016", clause="ALT-1", title="Kinds are not mixed, and 20 are enough", breadth=Breadth.NARROW)
def mixed(t: Trial) -> None:
    """Exit 1 at the client, and nothing is changed."""
    trees(t)
    before = t.snapshot("all")
    for first in KINDS:
        for second in KINDS:
            if first != second:
                t.sync("-a", f"--{first}-dest=../one", f"--{second}-dest=../two", dest="all/dst/", expect=1)
    t.sync("-a", *["--link-dest=../one"] * 21, dest="all/dst/", expect=1)
    t.untouched(before, "all")


@case(
    "ALT-017",
    clause="ALT-1",
    title="What old protocols can't say",
    protocols=(27, 28),
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def old(t: Trial) -> None:
    """Exit 2 for two directories, for one with --inplace, and for --fuzzy; nothing is changed."""
    trees(t)
    before = t.snapshot("all")
    for options in (
        directories(t, "link", "one", "two"),
        [*directories(t, "copy", "one"), b"--inplace"],
        [b"--fuzzy"],
    ):
        t.sync("-a", *options, dest="all/dst/", expect=(2, 12))
    t.untouched(before, "all")


@case(
    "ALT-018",
    clause="ALT-10",
    title="No such directory",
    protocols=(30, 31, 32),  # before, not every client is told
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def missing(t: Trial) -> None:
    """One is missing and one is a file: two warnings, exit 0, and everything arrives."""
    trees(t)
    protocol_allows = ("none", "one/same") if t.protocol >= 29 else ("none",)
    run = t.sync("-a", *directories(t, "link", *protocol_allows), dest="all/dst/")
    t.matches("the warning", "--link-dest arg does not exist: .*/none", run.stderr)
    if t.protocol >= 29:
        t.matches("the other warning", "--link-dest arg is not a dir: .*/one/same", run.stderr)
    t.equal("the names", {*t.snapshot("src"), b"alone", b"both"}, {*t.snapshot("all/dst")})


@case(
    "ALT-019",
    clause="ALT-9",
    title="Beside the destination",
    transports=("local", "pipe"),
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def beside(t: Trial) -> None:
    """../one is meant as seen from the destination.

    Upstream 3.4.1 does not find the basis of a delta by such a path, so none is needed here, and finds
    nothing at all by it in a module.
    """
    trees(t, without=(b"delta", b"time"))
    t.items(t.sync("-aii", "--link-dest=../one", dest="all/dst/"))
    t.observe("tree all", t.snapshot("all"))


@case(
    "ALT-020",
    clause="ALT-9",
    title="A new destination beside the other directory",
    transports=("local", "pipe"),
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def fresh(t: Trial) -> None:
    """The destination is made by the run; in a dry run ../one is found as well. No delta here, either."""
    trees(t, without=(b"delta", b"time"))
    t.items(t.sync("-aiin", "--link-dest=../one", dest="all/new/"), "dry run")
    t.items(t.sync("-aii", "--link-dest=../one", dest="all/new/"))
    t.same_tree("src", "all/new")
    t.equal("a linked file", b"new/same", t.snapshot("all")[b"one/same"].group)


@case(
    "ALT-021",
    clause="ALT-9",
    title="No way out of the module",
    transports=("daemon",),
    directions=("push",),
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def outside(t: Trial) -> None:
    """However many ``..`` there are, a file outside of the module is not linked to."""
    trees(t)
    far = os.fsencode(t.sandbox.root / "far")
    build(far, [file("same", b"the same everywhere")])
    t.sync("-a", dest="all/dst/")
    up = "../" * 20
    for directory in (f"{up}far", f"/{up}far", os.fsdecode(far), up + os.fsdecode(far)):
        os.unlink(t.path("all/dst/same"))
        t.sync("-a", f"--link-dest={directory}", dest="all/dst/")
        t.equal(f"names of the file outside with {directory}", 1, os.stat(far + b"/same").st_nlink)


@case(
    "ALT-022",
    clause="ALT-6",
    title="Blocks of another directory's file",
    optional=OPTIONAL,
)
def blocks(t: Trial) -> None:
    """A file that differs in eight bytes in the other directory: little is sent."""
    t.build([file("d/f", CHANGED, mtime_ns=LATER)])
    t.build([*within("one", [file("d/f", DATA)]), folder("dst")], "all")
    run = t.sync("-ai", "--no-W", "--stats", *directories(t, "compare", "one"), dest="all/dst/")
    t.items(run)
    t.same_tree("src", "all/dst")
    literal = figure(run, "Literal data")
    t.check("literal data", literal < 3_000, expected="less than 3000 bytes", got=str(literal))


@case("ALT-023", clause="ALT-7", title="What is no file", breadth=Breadth.NARROW, optional=OPTIONAL)
def others(t: Trial) -> None:
    """Directories, links and FIFOs at -i and at -vv, with each of the three options."""
    trees(t)
    for kind in KINDS:
        for options in (("-ai",), ("-avv",)):
            t.build([folder(".")], f"all/{kind}{options[0]}")
            lines = t.sync(*options, *directories(t, kind, "one"), dest=f"all/{kind}{options[0]}/").stdout
            t.observe(f"lines of {kind} {options[0]}", sorted(filter(_named, lines.splitlines())))
            t.observe(f"tree {kind}{options[0]}", t.snapshot(f"all/{kind}{options[0]}"))


def _named(line: bytes) -> bool:
    """Whether a line is of an item; the order of lines from two processes is a matter of luck."""
    if line.startswith((b"opening connection", b"delta-transmission")):
        return False
    return any(node.path in line for node in SOURCE)
