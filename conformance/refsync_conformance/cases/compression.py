"""COMP: what travels compressed arrives as it was, whatever history, level or checksum goes with it.

DELTA-032 to 036 hold the codecs in their usual use.
"""

from __future__ import annotations

from refsync_conformance.fixtures import blocks, figure
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, file
from refsync_conformance.trial import Trial

LATER = EPOCH_NS + 100 * SECOND
CODECS = ("zlib", "zlibx", "zstd", "lz4")
#: A peer may lack what it was not built with.
OPTIONAL = ("compress", "checksum", "--checksum-choice")

PARTS = blocks(31, 40)
BASE = b"".join(PARTS)
#: Compresses, and does not repeat itself within 32 KiB.
WORDS = b" ".join(b"%d" % (n * n % 99_991) for n in range(60_000))


def update(t: Trial, old: bytes, new: bytes, *options: str) -> None:
    """Bring ``old`` to ``new`` by the delta algorithm."""
    t.build([file("f", new, mtime_ns=LATER)])
    t.build([file("f", old)], "dst")
    run = t.sync("-a", "--no-W", "--stats", *options)
    t.same_tree()
    t.check("matched data", figure(run, "Matched data") > 0, expected="some", got="none")


PAIRS = (
    ("zstd", "md5"),
    ("zstd", "xxh3"),
    ("lz4", "md5"),
    ("lz4", "xxh64"),
    ("zlib", "xxh128"),
    ("zlib", "md4"),
    ("zlibx", "md5"),
    ("zlibx", "sha1"),
)


def _enter_pairs() -> None:
    for number, (codec, checksum) in enumerate(PAIRS, 1):

        def run(t: Trial, codec: str = codec, checksum: str = checksum) -> None:
            new = PARTS[5] + BASE[:60_000] + b"between" * 30 + BASE[70_000:]
            update(t, BASE, new, f"--compress-choice={codec}", f"--checksum-choice={checksum}")

        run.__doc__ = f"An update with moved, inserted and lost parts, by {codec} with {checksum}."
        case(
            f"COMP-{number:03}",
            clause={"zstd": "COMP-4", "lz4": "COMP-5", "zlib": "COMP-2"}.get(codec, "COMP-1"),
            also=("COMP-9",) if codec.startswith("zlib") else (),
            title=f"{codec} with {checksum}",
            breadth=Breadth.NARROW,
            optional=OPTIONAL,
        )(run)


_enter_pairs()


def _long_blocks(t: Trial) -> None:
    new = WORDS[:131_072] + b"<between>" + WORDS[90_000:131_072] + WORDS[131_072:262_144] + WORDS[:40_000]
    update(t, WORDS[:262_144], new, "--compress-choice=zlib", "-B131072")


@case("COMP-010", clause="COMP-3", title="Blocks over 64 KiB in the old history", protocols=(27, 28, 29, 30))
def old_history(t: Trial) -> None:
    """Data behind blocks of 128 KiB refers to what the history holds of them.

    Below protocol 31 that is the block's start twice. The blocks compress: upstream built with the system's
    zlib has a fault of its own with others, "deflate on token returned 0", and ends with exit 12.
    """
    _long_blocks(t)


@case("COMP-011", clause="COMP-2", title="Blocks over 64 KiB in the history", protocols=(31, 32))
def new_history(t: Trial) -> None:
    """The same from protocol 31 on: the history holds the block as it is."""
    _long_blocks(t)


@case("COMP-012", clause="COMP-6", title="Runs of blocks, near and far", also=("COMP-1",))
def runs(t: Trial) -> None:
    """Blocks of 700 bytes: long runs, single ones, runs that go back and runs far ahead; zlibx and zlib."""
    new = b"+".join((BASE[70_000:], BASE[:7_000], BASE[7_700:8_400], BASE[20_300:80_500], BASE[:700]))
    update(t, BASE, new, "--compress-choice=zlibx", "-B700")
    t.build([file("f", new + BASE[:9_100], mtime_ns=LATER + SECOND)])
    t.sync("-a", "--no-W", "--compress-choice=zlib", "-B700")
    t.same_tree()


def _levels(t: Trial, codec: str, levels: tuple[int, ...]) -> None:
    for turn, level in enumerate(levels):
        t.build([file("f", WORDS[turn:90_000] + BASE[:9_000], mtime_ns=LATER + turn * SECOND)])
        t.sync("-a", "--no-W", f"--compress-choice={codec}", f"--compress-level={level}")
        t.same_tree()


@case("COMP-020", clause="COMP-10", title="Levels of zlib", breadth=Breadth.NARROW)
def zlib_levels(t: Trial) -> None:
    """The least, the greatest, none, the default by -1, one out of range."""
    _levels(t, "zlib", (1, 9, 0, -1, 99))


@case("COMP-021", clause="COMP-10", title="Levels of zstd", breadth=Breadth.NARROW, optional=OPTIONAL)
def zstd_levels(t: Trial) -> None:
    """Negative ones, the default by 0, a high one."""
    _levels(t, "zstd", (-3, 0, 1, 12))


@case(
    "COMP-030",
    clause="COMP-1",
    title="Noise, and more of it than pipes hold",
    breadth=Breadth.NARROW,
    optional=OPTIONAL,
)
def noise(t: Trial) -> None:
    """A megabyte that does not compress, by each codec: the ends must not wait for each other."""
    for turn, codec in enumerate(CODECS):
        t.build([file("f", Noise(40 + turn, 1_000_000).data(), mtime_ns=LATER + turn * SECOND)])
        t.sync("-a", "-W", f"--compress-choice={codec}")
        t.same_tree()


@case(
    "COMP-031", clause="COMP-4", title="Many files in one stream", breadth=Breadth.NARROW, optional=OPTIONAL
)
def many(t: Trial) -> None:
    """Files alike, empty, and of noise: the stream of zstd goes on, zlib's begins anew."""
    for turn, codec in enumerate(("zstd", "zlib")):
        at = LATER + turn * SECOND
        nodes = [file(f"f{n:02}", WORDS[turn : n * 400], mtime_ns=at) for n in range(24)]
        t.build([*nodes, file("empty", b"", mtime_ns=at), file("noise", Noise(9, 5_000).data(), mtime_ns=at)])
        t.sync("-a", "--no-W", f"--compress-choice={codec}")
        t.same_tree()


@case("COMP-032", clause="COMP-11", title="Files that are not worth compressing", breadth=Breadth.NARROW)
def skipped(t: Trial) -> None:
    """Named by --skip-compress, with others between them, whole and in parts."""
    t.build(
        [file(f"{n}.{end}", WORDS[: 3_000 * n], mtime_ns=LATER) for n in range(9) for end in ("gz", "txt")]
    )
    t.build([file("7.gz", WORDS[:9_000]), file("8.txt", WORDS[500:9_000])], "dst")
    t.sync("-a", "--no-W", "--compress-choice=zlib", "--skip-compress=gz/mp[34]")
    t.same_tree()


@case("COMP-040", clause="COMP-12", title="An unknown algorithm", breadth=Breadth.NARROW)
def unknown(t: Trial) -> None:
    """The client knows no such name: exit 4, and nothing has happened."""
    t.build([file("f", b"data")])
    t.sync("-a", "--compress-choice=nosuch", expect=4)
    t.check("the destination", not t.exists("dst/f"), expected="no file", got="a file")


@case("COMP-041", clause="COMP-12", title="Ways to say it", breadth=Breadth.NARROW, optional=OPTIONAL)
def ways(t: Trial) -> None:
    """Twice -z, the old and the new compression by name, a level alone, none, case that does not count."""
    words = (
        "-zz",
        "--old-compress",
        "--new-compress",
        "--compress-level=3",
        "--compress-choice=none",
        "--zc=ZSTD",
    )
    for turn, word in enumerate(words):
        t.build([file("f", WORDS[turn:30_000], mtime_ns=LATER + turn * SECOND)])
        t.sync("-a", "--no-W", word)
        t.same_tree()


@case(
    "COMP-042",
    clause="COMP-13",
    title="A file that cannot be written",
    transports=("pipe",),
    breadth=Breadth.NARROW,
)
def unwritable(t: Trial) -> None:
    """What is sent refers to blocks that are not read; no file can be made in the directory for new ones.

    Upstream's receiver loses the history with the blocks and ends with exit 12; others say so: exit 23.
    """
    t.build([file("f", BASE[:30_000] + b"new" + BASE[2_000:9_000], mtime_ns=LATER)])
    t.build([file("f", BASE)], "dst")
    before = t.snapshot()
    t.sync("-a", "--no-W", "--compress-choice=zlib", "-B2000", "--temp-dir=/proc", expect=(12, 23))
    t.untouched(before)


@case(
    "SETUP-040",
    clause="SETUP-11",
    title="A list of unknown names",
    transports=("pipe",),
    breadth=Breadth.NARROW,
)
def unknown_names(t: Trial) -> None:
    """Nothing is left to choose: exit 4, for compression and for checksums."""
    t.build([file("f", b"data")])
    t.sync("-az", env={"RSYNC_COMPRESS_LIST": "nosuch"}, expect=4)
    t.sync("-a", env={"RSYNC_CHECKSUM_LIST": "nosuch other"}, expect=4)
    t.sync("-az", env={"RSYNC_COMPRESS_LIST": "nosuch ZLIB"})
    t.same_tree()


@case(
    "SETUP-041",
    clause="SETUP-11",
    title="A list where nothing is negotiated",
    transports=("pipe",),
    protocols=(27, 28, 29),
    breadth=Breadth.NARROW,
)
def old_names(t: Trial) -> None:
    """A list without the only name that the version has: exit 4; with it all is well."""
    t.build([file("f", b"data")])
    t.sync("-az", env={"RSYNC_COMPRESS_LIST": "zstd"}, expect=4)
    t.sync("-a", env={"RSYNC_CHECKSUM_LIST": "xxh64 md5"}, expect=4)
    t.sync("-az", env={"RSYNC_COMPRESS_LIST": "zstd zlib", "RSYNC_CHECKSUM_LIST": "md5 md4"})
    t.same_tree()


@case(
    "SETUP-042",
    clause="SETUP-12",
    title="A server's list binds a choice too",
    transports=("pipe",),
    directions=("push",),
    breadth=Breadth.NARROW,
)
def bound(t: Trial) -> None:
    """The environment of both ends leaves out what the client chooses: the server refuses it."""
    t.build([file("f", b"data")])
    t.sync("-a", "--compress-choice=zlibx", env={"RSYNC_COMPRESS_LIST": "zlib"}, expect=(4, 12))
    t.sync("-a", "--checksum-choice=md5", env={"RSYNC_CHECKSUM_LIST": "md4"}, expect=(4, 12))
    t.sync("-a", "--compress-choice=zlib", "--checksum-choice=md5", env={"RSYNC_COMPRESS_LIST": "zlib"})
    t.same_tree()


@case(
    "SETUP-043",
    clause="SETUP-9",
    title="The client's order decides",
    transports=("pipe",),
    breadth=Breadth.NARROW,
    protocols=(30, 31, 32),
)
def order(t: Trial) -> None:
    """A client whose user prefers what the server likes least; a digest of another kind would not fit."""
    t.build([file("f", Noise(7, 5000)), file("g", b"g")])
    shell = 'unset RSYNC_CHECKSUM_LIST RSYNC_COMPRESS_LIST\nshift\nexec /bin/sh -c "$*"\n'
    t.use_shell(shell, runs_peer=True)
    t.sync("-az", env={"RSYNC_CHECKSUM_LIST": "md5 xxh64 xxh128", "RSYNC_COMPRESS_LIST": "zlib lz4 zstd"})
    t.same_tree()


@case(
    "SETUP-044",
    clause="SETUP-11",
    title="A list for each end",
    transports=("pipe",),
    breadth=Breadth.NARROW,
    protocols=(30, 31, 32),
    tapped=True,
)
def list_for_each(t: Trial) -> None:
    """Behind an ampersand stands what counts at a server, before it what counts at a client."""
    t.build([file("f", b"data")])
    t.sync("-a", env={"RSYNC_CHECKSUM_LIST": "xxh64 md5 & md5 sha1"})
    _, found = t.overhear()
    said = {one.way: one.data for one in found if one.name == "checksum names"}
    t.equal("what each says", {">": b"\x09xxh64 md5", "<": b"\x08md5 sha1"}, said)
    t.same_tree()


@case("COMP-013", clause="COMP-6", title="Blocks at the edge of what is near", breadth=Breadth.NARROW)
def edge(t: Trial) -> None:
    """Single blocks 62 to 65 past the one before: six bits reach 63."""
    numbers = (62, 125, 189, 254)
    new = b"+".join(BASE[700 * number : 700 * number + 700] for number in numbers)
    update(t, BASE, new + b"+", "--compress-choice=zlibx", "-B700")
