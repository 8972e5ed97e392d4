"""DELTA: changed files arrive exact, and by less than themselves."""

from __future__ import annotations

import os
from collections.abc import Callable

from refsync_conformance.fixtures import blocks, figure
from refsync_conformance.model import Breadth, Case
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, file
from refsync_conformance.trial import Trial

PARTS = blocks(11, 60)
BASE = b"".join(PARTS)
LATER = EPOCH_NS + 100 * SECOND


def update(t: Trial, old: bytes, new: bytes, *options: str, most: int | None = None) -> None:
    """Bring ``old`` to ``new``; at most ``most`` bytes may travel as literal data."""
    t.build([file("f", new, mtime_ns=LATER)])
    t.build([file("f", old)], "dst")
    run = t.sync("-a", "--no-W", "--stats", *options)
    t.same_tree()
    literal, matched = figure(run, "Literal data"), figure(run, "Matched data")
    t.equal("literal and matched data together", len(new), literal + matched)
    if most is not None:
        t.check("literal data", literal <= most, expected=f"at most {most} bytes", got=f"{literal} bytes")
    t.observe("literal data", literal)
    t.observe("matched data", matched)


def change(
    number: int, title: str, make: Callable[[], tuple[bytes, bytes]], most: int | None, breadth: Breadth
) -> Case:
    def run(t: Trial) -> None:
        update(t, *make(), most=most)

    run.__doc__ = (
        f"{title}. The receiver has the old file; the delta algorithm is used, also locally (--no-W)."
    )
    return case(f"DELTA-{number:03}", clause="SUM-11", title=title, breadth=breadth)(run)


FULL, NORMAL, NARROW = Breadth.FULL, Breadth.NORMAL, Breadth.NARROW
INSERTED = BASE[:1234] + b"inserted" + BASE[1234:]
SPRINKLED = bytes(byte ^ (at % 9973 == 0) for at, byte in enumerate(BASE))

CHANGES = [
    change(1, "Bytes put in near the beginning", lambda: (BASE, INSERTED), 8_000, FULL),
    change(
        2, "Bytes taken out of the middle", lambda: (BASE, BASE[:150_000] + BASE[150_777:]), 8_000, NORMAL
    ),
    change(3, "Bytes added at the end", lambda: (BASE, BASE + Noise(12, 900).data()), 8_000, NORMAL),
    change(4, "The file cut short", lambda: (BASE, BASE[:123_457]), 8_000, NORMAL),
    change(5, "Parts in another order", lambda: (BASE, b"".join(PARTS[::-1])), None, NORMAL),
    change(6, "Nothing in common", lambda: (BASE, Noise(13, 200_000).data()), None, NORMAL),
    change(7, "The same content with a new time", lambda: (BASE, BASE), 0, NORMAL),
    change(8, "From empty", lambda: (b"", BASE), None, NARROW),
    change(9, "To empty", lambda: (BASE, b""), 0, NARROW),
    change(10, "A file smaller than a block", lambda: (b"small old", b"small new!"), None, NARROW),
    change(11, "A file of equal blocks grows", lambda: (bytes(200_000), bytes(300_001)), 8_000, NORMAL),
    change(
        12, "The short last block matches", lambda: (BASE[:100_321], b"x" + BASE[:100_321]), 8_000, NARROW
    ),
    change(13, "One byte changed in each of many blocks", lambda: (BASE, SPRINKLED), None, NARROW),
]


def option(
    number: int, title: str, *options: str, clause: str = "SUM-10", optional: tuple[str, ...] = ()
) -> Case:
    def run(t: Trial) -> None:
        update(t, BASE, PARTS[7] + BASE[:90_000] + b"between" + BASE[95_000:], *options)

    run.__doc__ = f"{title}: an update with a moved, an inserted and a lost part, with {' '.join(options)}."
    return case(f"DELTA-{number:03}", clause=clause, title=title, breadth=Breadth.NARROW, optional=optional)(
        run
    )


CHECKSUM = ("checksum", "--checksum-choice")
COMPRESS = ("-z", "compress")

OPTIONS = [
    option(20, "A small block length", "-B700"),
    option(21, "An odd block length", "--block-size=1027"),
    option(22, "A large block length", "--block-size=131072"),
    option(23, "A checksum seed of the user's", "--checksum-seed=12345", clause="SUM-6"),
    option(24, "An update in place", "--inplace", clause="SUM-13"),
    option(25, "Checksum xxh128", "--checksum-choice=xxh128", clause="SETUP-12"),
    option(26, "Checksum xxh3", "--checksum-choice=xxh3", clause="SETUP-12"),
    option(27, "Checksum xxh64", "--checksum-choice=xxh64", clause="SETUP-12"),
    option(28, "Checksum md5", "--checksum-choice=md5", clause="SETUP-12"),
    option(29, "Checksum md4", "--checksum-choice=md4", clause="SETUP-12", optional=CHECKSUM),
    option(30, "Checksum sha1", "--checksum-choice=sha1", clause="SETUP-12", optional=CHECKSUM),
    option(31, "A checksum for files, one for blocks", "--checksum-choice=xxh64,md5", clause="SETUP-12"),
    option(32, "Compressed with the peers' choice", "-z", clause="COMP-1", optional=COMPRESS),
    option(33, "Compressed with zlib", "-z", "--compress-choice=zlib", clause="COMP-2", optional=COMPRESS),
    option(34, "Compressed with zlibx", "-z", "--compress-choice=zlibx", clause="COMP-1", optional=COMPRESS),
    option(35, "Compressed with zstd", "-z", "--compress-choice=zstd", clause="COMP-4", optional=COMPRESS),
    option(36, "Compressed with lz4", "-z", "--compress-choice=lz4", clause="COMP-5", optional=COMPRESS),
]


@case("DELTA-040", clause="XFER-14", title="Whole files on request travel as literal data only")
def whole(t: Trial) -> None:
    t.build([file("f", BASE + b"x", mtime_ns=LATER)])
    t.build([file("f", BASE)], "dst")
    run = t.sync("-aW", "--stats")
    t.same_tree()
    t.equal("matched data", 0, figure(run, "Matched data"))


@case("DELTA-041", clause="TOK-3", title="Several changed files in one run")
def several(t: Trial) -> None:
    t.build(
        [file(f"d{n % 3}/f{n:02}", b"".join(PARTS[n : n + 9]) + b"%d" % n, mtime_ns=LATER) for n in range(30)]
    )
    t.build([file(f"d{n % 3}/f{n:02}", b"".join(PARTS[n : n + 9])) for n in range(0, 30, 2)], "dst")
    run = t.sync("-a", "--no-W", "--stats")
    t.same_tree()
    t.observe("literal data", figure(run, "Literal data"))


@case(
    "DELTA-042",
    clause="SUM-13",
    title="In place keeps the inode and moved data intact",
    breadth=Breadth.NORMAL,
)
def in_place(t: Trial) -> None:
    """Blocks that moved towards the end would be overwritten before they are read, if nobody took care."""
    t.build([file("f", b"".join(PARTS[30:] + PARTS[:30]) + b"end", mtime_ns=LATER)])
    t.build([file("f", BASE)], "dst")
    before = os.stat(t.path("dst/f")).st_ino
    t.sync("-a", "--no-W", "--inplace")
    t.same_tree()
    t.equal("inode", before, os.stat(t.path("dst/f")).st_ino)


@case("DELTA-043", clause="FS-2", title="Otherwise the new file takes the name in one step")
def renamed(t: Trial) -> None:
    """A reader that holds the old file open keeps it whole."""
    t.build([file("f", BASE[:50_000] + b"new", mtime_ns=LATER)])
    t.build([file("f", BASE)], "dst")
    with open(t.path("dst/f"), "rb") as held:
        t.sync("-a", "--no-W")
        t.equal("what a reader of the old file sees", True, held.read() == BASE)
    t.same_tree()


@case(
    "DELTA-044",
    clause="SUM-13",
    title="In place a file that shrinks loses its tail",
    breadth=Breadth.NARROW,
)
def shrinks_in_place(t: Trial) -> None:
    t.build([file("f", BASE[:90_000] + b"end", mtime_ns=LATER), file("g", b"", mtime_ns=LATER)])
    t.build([file("f", BASE), file("g", BASE[:5_000])], "dst")
    t.sync("-a", "--no-W", "--inplace")
    t.same_tree()
