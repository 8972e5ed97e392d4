"""ADV-050 on: what is read, written, changed or removed while directories and files turn into symlinks.

Beside the cell's tree lies another with the same names. A directory of the tree turns into a symlink to it
and back, thousands of times, while runs go on; at the end the other has to be what it was, and nothing of it
may have been sent. Upstream checks and then opens until 3.5, so these cases need not pass in the control,
and a release that is led out is unsupported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from refsync_conformance.compare import Snapshot, snapshot
from refsync_conformance.flips import Flipper
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import Tree, attributed, file, folder, symlink
from refsync_conformance.trees import build as build_tree
from refsync_conformance.trial import Trial

AXES: dict[str, Any] = {
    "transports": ("pipe", "daemon"),
    "differential": False,
    "controlled": False,
    "breadth": Breadth.NARROW,
    "protocols": (30, 31, 32),
}
SECRET = b"OUTSIDE\n"
INSIDE = b"inside!\n"
#: A name that only the other tree has.
BEYOND = "beyond"
DIRS = [f"d{number}" for number in range(12)]
NAMES = [f"{where}/f{number}" for where in DIRS for number in range(3)]
#: Changes that a case has to see; fewer would have shown nothing.
FLIPS = 50


def tree(content: bytes, *, mode: int = 0o644) -> Tree:
    """Directories that turn, or what they turn into: the same names, sizes and times, other content."""
    return [
        *(file(name, content, mode=mode) for name in NAMES),
        *(symlink(f"{where}/link", "f0") for where in DIRS),
        *(file(f"{where}/sub/g", content, mode=mode) for where in DIRS),
        *(file(f"{where}/{BEYOND}", mode=mode) for where in DIRS if content == SECRET),
    ]


def beyond(t: Trial) -> Path:
    """The other tree, outside of the cell's area."""
    place = t.sandbox.root / "beyond"
    build_tree(os.fsencode(place), tree(SECRET))
    return place


def turning(t: Trial, where: str, place: Path) -> Flipper:
    """Its directories, each of which turns into the one of the same name in the other tree."""
    return Flipper((t.path(f"{where}/{name}"), str(place / name)) for name in DIRS)


def facts(place: Path) -> Snapshot:
    return snapshot(os.fsencode(place))


def led_out(t: Trial, sends: bool, what: str, out: bool, got: str = "it was reached") -> None:
    """Demand that nothing outside was reached, by the end that sends or by the one that receives.

    A release that is known to be led out is not judged.
    """
    who = t.cell.client if sends != t.remote_is_source else t.cell.server
    if out and who.startswith("upstream"):
        t.unsupported(f"a release of upstream's is led out: {what}")
    t.check(what, not out, expected="nothing outside is reached", got=got)


def kept(t: Trial, sends: bool, before: Snapshot, place: Path) -> None:
    """Demand that the end has left the other tree as it was, with all that is known of it."""
    after = facts(place)
    wrong = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    led_out(t, sends, "what lies outside", bool(wrong), f"changed: {wrong[:5]}")


def shown(t: Trial, place: str) -> list[str]:
    """Regular files below a place with the other tree's content, or with the name that only it has."""
    found = []
    for where, _, names in os.walk(t.path(place)):
        for name in names:
            path = os.path.join(where, name)
            secret = not os.path.islink(path) and Path(os.fsdecode(path)).read_bytes() == SECRET
            if secret or name == BEYOND.encode():
                found.append(os.fsdecode(path))
    return found


def often(t: Trial, times: int) -> None:
    t.check("changes", times > FLIPS, expected=f"more than {FLIPS}", got=str(times))


def nothing_sent(
    t: Trial, flipper: Flipper, *runs: Sequence[str], sources: Sequence[str] = ("src/",), way: str = ""
) -> None:
    """Transfers while things turn: no content and no name of the other tree arrives, but the file beside.

    ``way``: where in the copies the source's root is.
    """
    t.transport.remote(t.path("src/"))
    with flipper:
        for number, options in enumerate(runs):
            t.sync(*options, sources=sources, dest=f"got{number}/", expect=range(1 << 7))
    for number, options in enumerate(runs):
        led_out(t, True, f"what was sent with {' '.join(options)}", bool(shown(t, f"got{number}")))
        t.equal("the file beside them", b"rest\n", t.read(f"got{number}/{way}g"))
    often(t, flipper.times)


@case("ADV-050", clause="XFER-9", title="Sources that turn into symlinks", **AXES)
def source_file(t: Trial) -> None:
    """CVE-2024-12747: each is a file when it is looked at and a symlink when it is opened."""
    place = beyond(t)
    t.build([*(file(where, INSIDE) for where in DIRS), file("g", b"rest\n")])
    turns = Flipper((t.path(f"src/{name}"), str(place / name / "f0")) for name in DIRS)
    nothing_sent(t, turns, ("-rI", "--no-whole-file"))


@case("ADV-051", clause="XFER-9", title="Directories of the source that turn into symlinks", **AXES)
def source_directory(t: Trial) -> None:
    """CVE-2026-53797, CVE-2026-53801: what is sent is what was listed, whatever the directories have become,
    and nothing is listed but what is in them.
    """
    place = beyond(t)
    t.build([*tree(INSIDE), file("g", b"rest\n")])
    nothing_sent(t, turning(t, "src", place), ("-rc",), ("-r", "--no-inc-recursive"))


@case("ADV-056", clause="XFER-9", title="Sources by a way that is kept, and directories that turn", **AXES)
def relative_sources(t: Trial) -> None:
    """CVE-2026-53797: with --relative the user's own symlink on the way to what he named is followed, those
    that appear below it are not.
    """
    place = beyond(t)
    t.build([*tree(INSIDE), file("g", b"rest\n")], "src/deep/real")
    t.build([symlink("way", "real")], "src/deep")
    names = tuple(f"src/./deep/way/{name}" for name in (*DIRS, "g"))
    turns = turning(t, "src/deep/real", place)
    nothing_sent(t, turns, ("-rRc",), sources=names, way="deep/way/")


@case(
    "ADV-057",
    clause="DAEMON-28",
    title="Symlinks that are looked through, in a module",
    **{**AXES, "transports": ("daemon",), "directions": ("pull",)},
)
def looked_through(t: Trial) -> None:
    """CVE-2026-53801: with -L, -k or --copy-unsafe-links whatever appears is followed, as far as the module's
    own directory and no farther; there a symlink leads to what it names.
    """
    place = beyond(t)
    t.build([*tree(INSIDE), file("g", b"rest\n"), symlink("way", "d0/sub"), symlink("l", "g")])
    turns = turning(t, "src", place)
    nothing_sent(t, turns, ("-rL",), ("-rlk", "--copy-unsafe-links"))
    t.equal("a file by a symlink of the module's", b"rest\n", t.read("got0/l"))


@case("ADV-052", clause="HOST-5", title="Directories of the destination that turn into symlinks", **AXES)
def destination(t: Trial) -> None:
    """CVE-2026-43619, CVE-2026-53799: files, directories and links are made, replaced, renamed, removed and
    given modes, times, owners, attributes and access lists, by each way of writing.
    """
    place = beyond(t)
    t.build(tree(b"new data\n", mode=0o600))
    t.build([file("d0/more", b"m"), folder("d1/made"), symlink("d2/l2", "x"), file("g", b"rest\n")])
    t.build([attributed(file("d3/f1", b"new data\n", mode=0o640), {"user.mark": b"planted"})])
    t.transport.remote(t.path("src/"))
    before = facts(place)
    times = 0
    for number, options in enumerate(
        (
            ("-X", "-A", "--delete"),
            ("--inplace",),
            ("-b", "--backup-dir=old", "--delay-updates", "--delete-after"),
        )
    ):
        t.build([*tree(INSIDE), file("d4/gone", b"g")], f"dst{number}")
        with turning(t, f"dst{number}", place) as flipper:
            t.sync("-aI", *options, dest=f"dst{number}/", expect=range(1 << 7))
        times += flipper.times
        t.equal("the file beside them", b"rest\n", t.read(f"dst{number}/g"))
    kept(t, False, before, place)
    often(t, times)


@case("ADV-053", clause="XFER-21", title="Sources that are removed by way of symlinks", **AXES)
def removed(t: Trial) -> None:
    """CVE-2026-53800: what the symlinks lead to has the same names, sizes and times."""
    place = beyond(t)
    t.transport.remote(t.path("src/"))
    before = facts(place)
    t.build(tree(INSIDE))
    with turning(t, "src", place) as flipper:
        t.sync("-rtI", "--remove-source-files", expect=range(1 << 7))
    kept(t, True, before, place)
    often(t, flipper.times)


@case("ADV-054", clause="HOST-5", title="Whole paths, and a destination that turns into symlinks", **AXES)
def whole_paths(t: Trial) -> None:
    """CVE-2026-53795: files come into directories that change from an absolute --temp-dir and --link-dest, or
    from a --partial-dir.
    """
    place = beyond(t)
    t.build(tree(b"new data\n"))
    t.build(tree(b"new data\n"), "other")
    os.mkdir(t.path("tmp"))
    t.transport.remote(t.path("src/"))
    before = facts(place)
    times = 0
    tmp, other = t.at_receiver("tmp"), t.at_receiver("other")
    for number, words in enumerate(
        (
            (b"--temp-dir=" + tmp, b"--link-dest=" + other),
            (b"--partial-dir=" + tmp, b"--delay-updates"),
        )
    ):
        t.build(tree(INSIDE), f"dst{number}")
        with turning(t, f"dst{number}", place) as flipper:
            t.sync("-rtI", *words, dest=f"dst{number}/", expect=range(1 << 7))
        times += flipper.times
    kept(t, False, before, place)
    often(t, times)


@case(
    "ADV-055",
    clause="DAEMON-28",
    title="The destination itself turns into a symlink",
    **{**AXES, "transports": ("daemon",), "directions": ("push",)},
)
def destination_itself(t: Trial) -> None:
    """CVE-2026-53796: in a module, where the name that a client asks for leads out now and again."""
    place = beyond(t)
    t.build(tree(b"new data\n"))
    t.build(tree(INSIDE), "dst")
    t.transport.remote(t.path("src/"))
    before = facts(place)
    with Flipper([(t.path("dst"), str(place))]) as flipper:
        t.sync("-aI", "--delete", "-b", "--mkpath", expect=range(1 << 7))
    kept(t, False, before, place)
    often(t, flipper.times)
