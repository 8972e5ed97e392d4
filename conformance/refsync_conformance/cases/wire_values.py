"""WIRE: values that most trees don't have, where a codec that is nearly right goes wrong."""

from __future__ import annotations

import os

from refsync.wire.cursor import Cursor
from refsync.wire.dialect import build
from refsync.wire.stats import decode_stats

from refsync_conformance.cases.wire import BASIS, FLAT, MODERN
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, file, hardlink
from refsync_conformance.trial import Trial
from refsync_conformance.wiretap.stream import Record

WHOLE = EPOCH_NS // SECOND * SECOND


def sent(t: Trial, found: list[Record], name: str) -> list[bytes]:
    """The values of this name that the side with the files sends."""
    way = "<" if t.remote_is_source else ">"
    return [one.data for one in found if one.way == way and one.name == name]


@case(
    "WIRE-036",
    clause="FLIST-13",
    title="Hard links as device and inode",
    transports=("pipe",),
    protocols=(28, 29),
    tapped=True,
    breadth=Breadth.NARROW,
    optional=("hard-links", "-H"),
)
def inodes(t: Trial) -> None:
    """Behind an entry with other names stand its device plus one, left out if it is that of the entry before,
    and its inode, both as longints.
    """
    t.build([file("a", b"linked\n"), hardlink("b", "a"), file("c", b"more\n"), hardlink("d", "c")])
    status = [os.stat(t.path(f"src/{name}")) for name in ("a", "c")]
    t.sync("-aH", sources=[f"src/{name}" for name in "abcd"])
    _, found = t.overhear()
    entries = [entry for entry in sent(t, found, "entry") if entry != b"\0"]
    t.equal("how many entries", 4, len(entries))
    device = _longint(status[0].st_dev + 1)
    for number, entry in enumerate(entries):
        inode = _longint(status[number // 2].st_ino)
        end = device + inode if not number else inode
        t.equal(f"the end of entry {number}", end.hex(" "), entry[-len(end) :].hex(" "))
        t.check(
            f"the device in entry {number}",
            number == 0 or device not in entry,
            expected="said once",
            got=entry.hex(" "),
        )
    t.same_tree(ignore=["mtime"])
    t.same_links()


def _longint(value: int) -> bytes:
    """INT-4."""
    return value.to_bytes(4, "little") if value < 1 << 31 else b"\xff" * 4 + value.to_bytes(8, "little")


@case(
    "WIRE-037",
    clause="FLIST-2",
    title="An entry that shares nothing with the one before",
    transports=("pipe", "daemon"),
    tapped=True,
    breadth=Breadth.NARROW,
)
def nothing_shared(t: Trial) -> None:
    """The first entry, of a file of whole seconds, has none of the flags; a flag word of 0 would end the
    list.
    """
    t.build(
        [file("a", b"alone\n", mtime_ns=WHOLE), file("b", b"next\n", mode=0o600, mtime_ns=WHOLE + SECOND)]
    )
    t.sync("-a", FLAT, sources=["src/a", "src/b"])
    _, found = t.overhear()
    t.observe("entries", [data.hex(" ") for data in sent(t, found, "entry")])
    t.equal("the files", [b"alone\n", b"next\n"], [t.read("dst/a"), t.read("dst/b")])
    t.equal("the first file's time", WHOLE, os.stat(t.path("dst/a")).st_mtime_ns)


@case(
    "WIRE-038",
    clause="SUM-8",
    title="The digest that nobody chose, below protocol 30",
    transports=("pipe",),
    protocols=(27, 28, 29),
    tapped=True,
    differential=False,
    breadth=Breadth.NARROW,
)
def old_digest(t: Trial) -> None:
    """MD4 over the seed and the file. The control's digest is the same, for the seed is the user's."""
    t.build([file("a", b"alpha\n"), file("delta", BASIS[:9000] + b"inserted" + BASIS[9000:])])
    t.build([file("delta", BASIS)], "dst")
    t.sync("-a", "--no-W", "--checksum-seed=77")
    _, found = t.overhear()
    t.observe("digests", [data.hex() for data in sent(t, found, "digest")])
    t.same_tree()


def _negative_seed(number: int, name: str) -> None:
    @case(
        f"WIRE-{number:03}",
        clause="SUM-6",
        title=f"A seed below 0, in block sums of {name}",
        transports=("pipe",),
        protocols=MODERN,
        tapped=True,
        differential=False,
        breadth=Breadth.NARROW,
    )
    def negative_seed(t: Trial) -> None:
        """Block sums with a seed whose sign counts."""
        t.build([file("delta", BASIS[:9000] + b"inserted" + BASIS[9000:])])
        t.build([file("delta", BASIS)], "dst")
        t.sync("-a", "--no-W", FLAT, "--checksum-seed=-5", f"--checksum-choice={name}")
        _, found = t.overhear()
        way = ">" if t.remote_is_source else "<"
        said = [one.data.hex() for one in found if one.way == way and one.name == "block sums"]
        t.check("block sums", bool(said), expected="some", got="none")
        t.observe("block sums", said)
        t.same_tree()


_negative_seed(39, "xxh64")
_negative_seed(40, "md5")


@case(
    "WIRE-041",
    clause="NDX-2",
    title="Indexes far apart",
    transports=("pipe",),
    protocols=MODERN,
    tapped=True,
    breadth=Breadth.NARROW,
    timeout=60.0,
)
def far_apart(t: Trial) -> None:
    """Of a list of 1,600 files some are asked for, from 1 to 256 entries apart: 254 takes the long form."""
    wanted, at = [], 0
    for step in (0, 1, 253, 254, 255, 256, 1):
        at += step
        wanted.append(at)
    t.build([file(f"{number:04}", b"old") for number in range(1600)], "src")
    t.build([file(f"{number:04}", b"old") for number in range(1600)], "dst")
    for number in wanted:
        t.write(f"src/{number:04}", b"new and longer")
    t.sync("-a", FLAT)
    _, found = t.overhear()
    for way, who in ((">", "client"), ("<", "server")):
        said = [one.data.hex(" ") for one in found if one.way == way and one.name == "index"]
        t.observe(f"indexes of the {who}", said)
    t.same_tree()


@case(
    "WIRE-042",
    clause="SUM-4",
    also=("XFER-15",),
    title="Sums in full length the second time",
    transports=("pipe",),
    protocols=(30, 31, 32),
    tapped=True,
    differential=False,
    breadth=Breadth.NARROW,
    optional=("--append",),
)
def second_time(t: Trial) -> None:
    """What --append takes over does not fit, so the file is asked for again: with sums in full length."""
    data = Noise(4, 50_000).data()
    t.build([file("f", data)])
    t.build([file("f", b"x" + data[1:30_000])], "dst")
    t.sync("-a", "--no-W", FLAT, "--append-verify", "--checksum-seed=77", "--checksum-choice=md5")
    _, found = t.overhear()
    way = ">" if t.remote_is_source else "<"
    heads = [one.data.hex(" ") for one in found if one.way != way and one.name == "sum head"]
    t.observe("heads of the answers", heads)
    t.same_tree()


@case(
    "WIRE-043",
    clause="FILT-11",
    title="A perishable rule, as far as it can be said",
    transports=("pipe",),
    directions=("pull",),
    protocols=(29, 30, 31, 32),
    tapped=True,
    differential=False,
    breadth=Breadth.NORMAL,
    optional=("--filter",),
)
def perishable(t: Trial) -> None:
    """Protocol 29 has no letter for it: the rule goes without."""
    t.build([file("a.o", b"object\n"), file("b", b"b\n")])
    t.sync("-a", "--filter=-p *.o", "--filter=-/ sub/x")
    _, found = t.overhear()
    t.observe("filter rules", [one.data.hex(" ") for one in found if one.name == "filter rule"])
    t.equal("what came", [b".", b"b"], sorted(t.snapshot()))


@case(
    "WIRE-044",
    clause="SUM-12",
    title="Which of equal blocks is named",
    transports=("pipe",),
    tapped=True,
    differential=False,
    breadth=Breadth.NARROW,
)
def equal_blocks(t: Trial) -> None:
    """Of blocks with the same sums it is the one behind the block before, where that is one of them."""
    zeros, data = bytes(1000), Noise(5, 3000).data()
    t.build([file("f", data + zeros * 12 + b"+" + zeros * 3 + data + b"end", mtime_ns=WHOLE + SECOND)])
    t.build([file("f", zeros * 4 + data + zeros * 9 + b"end")], "dst")
    t.sync("-a", "--no-W", FLAT, "-B1000")
    _, found = t.overhear()
    t.observe("tokens", [data.hex(" ") for data in sent(t, found, "token")])
    t.same_tree()


@case(
    "WIRE-045",
    clause="SUM-10",
    title="Block lengths of larger files",
    transports=("pipe",),
    tapped=True,
    differential=False,
    breadth=Breadth.NARROW,
    timeout=60.0,
)
def block_lengths(t: Trial) -> None:
    """About the square root of the size, from 490,000 bytes on, in steps of 8."""
    for number, size in enumerate((489_999, 490_000, 600_000, 1_234_567)):
        t.build([file(f"f{number}", Noise(number, size).data() + b"x", mtime_ns=WHOLE + SECOND)])
        t.build([file(f"f{number}", Noise(number, size))], "dst")
    t.sync("-a", "--no-W", FLAT)
    _, found = t.overhear()
    way = ">" if t.remote_is_source else "<"
    t.observe("sum heads", [one.data.hex(" ") for one in found if one.way == way and one.name == "sum head"])
    t.same_tree()


@case(
    "WIRE-046",
    clause="END-4",
    title="Totals that fit what was said",
    transports=("pipe",),
    directions=("pull",),
    tapped=True,
    differential=False,
    breadth=Breadth.NARROW,
)
def totals(t: Trial) -> None:
    """A server that sends says last how much it has read, how much it has written, and its files' size."""
    sizes = (40_000, 2_000, 7)
    t.build([file(f"f{size}", Noise(size, size)) for size in sizes])
    t.sync("-a", "-W")
    _, found = t.overhear()
    (said,) = [one.data for one in found if one.name == "totals"]
    value = decode_stats(Cursor(said), build(t.protocol))
    t.equal("the size of all files", sum(sizes), value.total_size)
    t.check(
        "what it has written",
        sum(sizes) < value.total_written < sum(sizes) + 4_000,
        expected="the data and little more",
        got=str(value.total_written),
    )
    t.check("what it has read", value.total_read < 1_000, expected="little", got=str(value.total_read))
