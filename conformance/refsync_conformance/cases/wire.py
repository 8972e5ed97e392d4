"""WIRE: what is said on the wire, held byte for byte to what upstream says of the same files.

A run is overheard (see :mod:`refsync_conformance.wiretap`): it has to be understood to the last byte, and
where the protocol leaves no choice, each value has to be the control's. How values are put into frames, how
far the lists run ahead of the data, and in which order a directory is read, is left to the ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import Node, Noise, fifo, file, folder, hardlink, symlink
from refsync_conformance.trial import Trial
from refsync_conformance.wiretap.stream import Record

SEED = "--checksum-seed=77"
FLAT = "--no-inc-recursive"
MODERN = (30, 31, 32)

BASIS = Noise(3, 20_000).data()
TREE: list[Node] = [
    file("a", b"alpha\n"),
    file("delta", BASIS[:9000] + b"inserted" + BASIS[9000:]),
    file("empty", b""),
    file("long-common-prefix-one", b"1"),
    file("long-common-prefix-two", b"2", mode=0o600),
    folder("sub"),
    file("sub/inner", b"inner\n", mode=0o755),
    folder("sub/deep"),
    file("sub/deep/er", b"deeper\n"),
    symlink("link", "a"),
    fifo("sub/pipe"),
    file(b"raw-\xff\xfe", b"name\n"),
    file("x" * 200, b"x"),
]
THERE: list[Node] = [file("delta", BASIS), file("gone", b"gone\n"), folder("sub"), file("sub/old", b"old\n")]


@dataclass(frozen=True, slots=True)
class Row:
    """One case: the run's options, and which values, by the dissector's names for them, are compared."""

    number: int
    clause: str
    title: str
    names: tuple[str, ...]
    options: tuple[str, ...] = ()
    protocols: tuple[int, ...] = (27, 28, 29, 30, 31, 32)
    transports: tuple[str, ...] = ("pipe",)
    count_only: bool = False
    text: Callable[[Record], Any] | None = None
    also: tuple[str, ...] = ()


def _values(found: Iterable[Record], row: Row, way: str) -> list[str]:
    chosen = [one for one in found if one.way == way and one.name in row.names]
    if row.count_only:
        return [f"{one.name}" for one in chosen]
    show = row.text or (lambda one: one.data.hex(" "))
    return [f"{one.name}: {show(one)}" for one in chosen]


ROWS = (
    Row(
        1,
        "SETUP-1",
        "The opening, in its order",
        ("version", "flags", "checksum names", "compress names", "seed"),
    ),
    Row(2, "FLIST-3", "The file list, entry by entry", ("entry",), (FLAT,)),
    Row(3, "FLIST-2", "Entry flags, with all forms that they have", ("entry",), (FLAT, "-c")),
    Row(4, "IREC-3", "The file lists of incremental recursion", ("entry",), protocols=MODERN),
    Row(
        5,
        "FLIST-6",
        "Names that share a beginning with the one before",
        ("entry",),
        (FLAT, "--no-o", "--no-g"),
    ),
    Row(6, "FLIST-21", "Names of users and groups behind the list", ("user names", "group names"), (FLAT,)),
    Row(7, "FLIST-13", "Checksums in the list", ("entry",), (FLAT, "-c", "--checksum-choice=md5")),
    Row(8, "FLIST-14", "Hard links in the list", ("entry",), (FLAT, "-H"), MODERN),
    Row(9, "NDX-2", "File indexes", ("index",), (FLAT,), MODERN),
    Row(10, "NDX-1", "File indexes as plain ints", ("index",), (FLAT,), (27, 28, 29)),
    Row(11, "XFER-6", "Item flags", ("item flags",), (FLAT,), (29, 30, 31, 32)),
    Row(12, "XFER-4", "No item flags below protocol 29", ("index", "sum head"), (FLAT,), (27, 28)),
    Row(13, "SUM-1", "Heads of sums: blocks, their length, what is left", ("sum head",), (FLAT,)),
    Row(14, "SUM-3", "Block sums", ("block sums",), (FLAT,)),
    Row(
        15,
        "SUM-7",
        "Block sums of MD5",
        ("block sums", "digest"),
        (FLAT, "--checksum-choice=md5"),
        also=("SUM-6",),
    ),
    Row(16, "SUM-8", "Block sums of MD4", ("block sums", "digest"), (FLAT, "--checksum-choice=md4")),
    Row(
        17, "SUM-5", "Digests of xxHash", ("block sums", "digest"), (FLAT, "--checksum-choice=xxh64"), MODERN
    ),
    Row(18, "SUM-9", "No checksum at all", ("sum head", "digest"), (FLAT, "--checksum-choice=none"), MODERN),
    Row(19, "SUM-4", "Sums of SHA-1", ("block sums", "digest"), (FLAT, "--checksum-choice=sha1"), MODERN),
    Row(20, "TOK-1", "Literal data and blocks", ("token",), (FLAT,)),
    Row(21, "TOK-4", "The end of a file, also of an empty one", ("token", "digest"), (FLAT, "-W")),
    Row(22, "XFER-13", "Digests of whole files", ("digest",), (FLAT,)),
    Row(23, "XFER-2", "The ends of phases", ("index",), (FLAT, "--existing"), also=("END-5",)),
    Row(
        24, "FILT-1", "Filter rules", ("filter rule",), ("-f- *.o", "-f+ keep", "--exclude=/tmp/", "--delete")
    ),
    Row(25, "FILT-12", "Rules that the other side has no use for", ("filter rule",), ("--exclude=*.o",)),
    Row(26, "FILT-11", "Rules of --cvs-exclude", ("filter rule",), ("-C", "--delete"), (29, 30, 31, 32)),
    Row(
        27, "FILT-16", "Rules of one side only", ("filter rule",), ("-fH *.o", "-fP gone", "--delete"), MODERN
    ),
    Row(28, "DEL-6", "Counts of deletions", ("deletions",), ("--delete", "--stats"), (31, 32)),
    Row(29, "END-4", "Totals", ("totals",), (FLAT,), count_only=True),
    Row(
        30,
        "IREC-1",
        "The lists' numbers",
        ("index",),
        ("--existing", "--ignore-existing"),
        MODERN,
        text=lambda one: one.text,
    ),
    Row(
        31, "XFER-8", "A dry run asks for no data", ("index", "item flags", "sum head", "token"), (FLAT, "-n")
    ),
    Row(
        32,
        "SETUP-11",
        "A chosen checksum leaves out the list",
        ("checksum names",),
        ("--checksum-choice=md5",),
    ),
    Row(33, "SUM-12", "A block length of one's own", ("sum head", "block sums", "token"), (FLAT, "-B1000")),
    Row(
        34,
        "SUM-15",
        "Appending: a head without sums",
        ("sum head", "block sums", "token"),
        (FLAT, "--append"),
    ),
    Row(
        35, "COMP-9", "Deflated data without history", ("token",), (FLAT, "--compress-choice=zlibx", "-B700")
    ),
)


#: Named one by one, so that their order does not hang on how a directory is read.
NAMED = (
    "a",
    "delta",
    "empty",
    "link",
    "long-common-prefix-one",
    "long-common-prefix-two",
    "sub/deep",
    "x" * 200,
)


def _listen(t: Trial, row: Row) -> None:
    t.build([*TREE, hardlink("linked", "a")] if row.number == 8 else TREE)
    t.build(THERE, "dst")
    names = (*NAMED, "linked") if row.number == 8 else NAMED
    listed = "entry" in row.names
    sources = [f"src/{name}" for name in names] if listed else ["src/"]
    t.sync("-a", "--no-W", SEED, *row.options, sources=sources)
    _, found = t.overhear()
    for way, who in ((">", "client"), ("<", "server")):
        t.observe(f"what the {who} says: {', '.join(row.names)}", _values(found, row, way))


def _enter() -> None:
    for row in ROWS:

        def run(t: Trial, row: Row = row) -> None:
            _listen(t, row)

        run.__doc__ = (
            f"A run with -a --no-W {' '.join(row.options)}, overheard: {', '.join(row.names)} "
            f"as {'often as' if row.count_only else ''} the control says it."
        )
        case(
            f"WIRE-{row.number:03}",
            clause=row.clause,
            also=row.also,
            title=row.title,
            transports=row.transports,
            protocols=row.protocols,
            tapped=True,
            differential=False,
            breadth=Breadth.NARROW,
            optional=tuple(option.partition("=")[0] for option in row.options),
        )(run)


_enter()


def arguments(t: Trial, *options: str) -> None:
    """Hold the server's arguments to the control's."""
    t.build(TREE)
    t.build(THERE, "dst")
    t.sync(*options, expect=None)
    words, _ = t.overhear()
    area = os.fsdecode(t.area)
    t.observe(f"the server's arguments for {' '.join(options)}", [word.replace(area, "") for word in words])


ARGUMENTS = (
    (61, "OPT-2", "The letters and their order", ("-avviz", "-n", "-u", "-I", "-x", "-S")),
    (
        62,
        "OPT-4",
        "Options that one side alone needs",
        ("-a", "--delete", "--force", "--size-only", "--stats", "-i"),
    ),
    (63, "SETUP-4", "The capability letters", ("-a", FLAT)),
    (
        64,
        "OPT-3",
        "Long options and their order",
        ("-rlt", "--specials", "--timeout=60", "--partial", "--numeric-ids", "--inplace", "-B1000"),
    ),
    (
        65,
        "OPT-5",
        "Numbers and times",
        ("-a", "--modify-window=2", SEED, "--delete-delay", "--ignore-errors"),
    ),
    (
        66,
        "SETUP-10",
        "Algorithms that were chosen",
        ("-az", "--checksum-choice=md5", "--compress-choice=zlib", "--compress-level=3"),
    ),
    (67, "OPT-8", "What stays at home", ("-a", "--exclude=x", "--progress", "-h")),
)


def _enter_arguments() -> None:
    for number, clause, title, options in ARGUMENTS:

        def run(t: Trial, options: tuple[str, ...] = options) -> None:
            arguments(t, *options)

        run.__doc__ = f"What a server is started with when its client has {' '.join(options)}."
        case(
            f"WIRE-{number:03}",
            clause=clause,
            title=title,
            transports=("pipe",),
            tapped=True,
            differential=False,
            breadth=Breadth.NARROW,
            optional=tuple(option.partition("=")[0] for option in options),
        )(run)


_enter_arguments()


@case(
    "WIRE-080",
    clause="GREET-9",
    title="The arguments that a daemon is sent",
    transports=("daemon",),
    tapped=True,
    differential=False,
)
def daemon_arguments(t: Trial) -> None:
    """The lines and arguments of a client, as a daemon hears them."""
    t.build(TREE)
    t.sync("-a")
    _, found = t.overhear()
    t.observe(
        "lines and arguments",
        [one.text for one in found if one.way == ">" and one.name in ("line", "argument")],
    )


@case(
    "WIRE-081",
    clause="GREET-6",
    title="Asking for the list of modules",
    transports=("daemon",),
    tapped=True,
    differential=False,
)
def listing(t: Trial) -> None:
    """A client asks, a daemon lists and says that this was all."""
    t.client(places=[t.use_daemon().url()])
    _, found = t.overhear()
    for way, who in ((">", "client"), ("<", "daemon")):
        said = [one.text for one in found if one.way == way and one.name == "line"]
        t.observe(f"what the {who} says", said)


@case(
    "WIRE-082",
    clause="AUTH-1",
    title="Who is who: challenge and response",
    transports=("daemon",),
    tapped=True,
    differential=False,
)
def authentication(t: Trial) -> None:
    """The daemon challenges, the client responds with its name and an unpadded base64 digest."""
    secrets = t.sandbox.root / "secrets"
    secrets.write_text("someone:secret\n", encoding="utf-8")
    secrets.chmod(0o600)
    t.use_daemon(module=f"auth users = someone\nsecrets file = {secrets}\n")
    t.build(TREE)
    t.sync("-a", env={"RSYNC_PASSWORD": "secret", "USER": "someone", "LOGNAME": "someone"})
    _, found = t.overhear()
    (response,) = [one.text for one in found if one.name == "response"]
    user, _, digest = response.partition(" ")
    t.equal("the user", "someone", user)
    t.check("the digest", "=" not in digest, expected="base64 without padding", got=digest)
    t.observe("length of the digest", len(digest))
    t.same_tree()


@case(
    "WIRE-090",
    clause="VER-1",
    title="Everything is understood in every version",
    also=(
        *(f"INT-{number}" for number in range(1, 9)),
        *("MUX-1", "MUX-7", "NDX-3", "FLIST-4", "FLIST-17", "IREC-7", "XFER-1", "XFER-10", "SETUP-5"),
    ),
    transports=("pipe", "daemon"),
    tapped=True,
    differential=False,
)
def understood(t: Trial) -> None:
    """A run with deletions, a delta, hard links and checksums, to the last byte."""
    t.build([*TREE, hardlink("sub/same", "a")])
    t.build(THERE, "dst")
    t.sync("-acH", "--delete", "--stats", "--no-W")
    t.overhear()
    t.same_tree()
