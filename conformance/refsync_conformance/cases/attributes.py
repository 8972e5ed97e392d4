"""TIME, MODE, OWN, LINK: what a file is besides its content."""

from __future__ import annotations

import os
import time

from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, fifo, file, folder, owned, symlink
from refsync_conformance.trial import Trial


@case("TIME-001", clause="FLIST-8", title="Times before 1970", protocols=(30, 31, 32))
def before_epoch(t: Trial) -> None:
    t.build(
        [
            file("moon", b"1", mtime_ns=-14_182_940 * SECOND),
            file("one", b"2", mtime_ns=-SECOND),
            file("zero", b"3", mtime_ns=0),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case("TIME-002", clause="FLIST-8", title="Times after 2038")
def after_2038(t: Trial) -> None:
    t.build(
        [
            file("y2039", b"1", mtime_ns=2_177_452_800 * SECOND + 7),
            folder("d", mtime_ns=(1 << 31) * SECOND),
            symlink("l", "x", mtime_ns=((1 << 31) + 5) * SECOND),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case("TIME-003", clause="FLIST-8", title="Times after 2106", protocols=(30, 31, 32))
def after_2106(t: Trial) -> None:
    t.build(
        [
            file("y2107", b"1", mtime_ns=4_323_110_400 * SECOND),
            file("y2200", b"2", mtime_ns=7_258_118_400 * SECOND + 1),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case("TIME-004", clause="FLIST-8", title="Times to the nanosecond", protocols=(31, 32))
def nanoseconds(t: Trial) -> None:
    fractions = (0, 1, 999_999_999, 500_000_000, 1000)
    t.build([file(f"f{n}", b"x", mtime_ns=EPOCH_NS // SECOND * SECOND + n) for n in fractions])
    t.sync("-a")
    t.same_tree()


@case("TIME-005", clause="FS-6", title="Without -t a new file has the time of the transfer")
def untimed(t: Trial) -> None:
    t.build([file("f", b"x")])
    began = time.time_ns() - SECOND
    t.sync("-rlp")
    now = os.stat(t.path("dst/f")).st_mtime_ns
    t.check("modification time", now >= began, expected="the time of the transfer", got=str(now))


@case("TIME-006", clause="FS-6", title="A time that alone differs is set, and no data travel")
def retimed(t: Trial) -> None:
    t.build([file("f", b"content", mtime_ns=EPOCH_NS + 9 * SECOND)])
    t.build([file("f", b"content")], "dst")
    t.items(t.sync("-ai"))
    t.same_tree()


@case(
    "TIME-007",
    clause="FS-7",
    title="-O leaves the times of directories, -J those of links",
    optional=("-O", "-J", "--omit"),
)
def omitted(t: Trial) -> None:
    t.build([file("d/f", b"x"), symlink("l", "x")])
    began = time.time_ns() - SECOND
    t.items(t.sync("-aiOJ"))
    t.same_tree(ignore=["mtime"])
    for name in ("d", "l"):
        got = os.lstat(t.path("dst/" + name)).st_mtime_ns
        t.check(f"time of {name}", got >= began, expected="not the source's", got=str(got))


@case(
    "TIME-008",
    clause="XFER-9",
    title="--modify-window takes near times for equal",
    optional=("--modify-window",),
)
def window(t: Trial) -> None:
    t.build(
        [
            file("near", b"new!", mtime_ns=EPOCH_NS + 2 * SECOND),
            file("far", b"new!", mtime_ns=EPOCH_NS + 9 * SECOND),
        ]
    )
    t.build([file("near", b"old!"), file("far", b"old!")], "dst")
    t.sync("-a", "--modify-window=3")
    t.equal("a file within the window", b"old!", t.read("dst/near"))
    t.equal("a file outside of it", b"new!", t.read("dst/far"))


@case("TIME-009", clause="FS-7", title="Directories keep their times though files are put into them")
def directory_times(t: Trial) -> None:
    t.build(
        [
            file("a/b/c/f", b"x"),
            file("a/g", b"y"),
            folder("a/b", mtime_ns=EPOCH_NS - SECOND * 77),
            folder("z/y"),
        ]
    )
    t.build([file("a/b/old", b"x")], "dst")
    t.sync("-a", "--delete")
    t.same_tree()


@case("MODE-001", clause="FS-4", title="Permission bits of files and directories")
def permissions(t: Trial) -> None:
    modes = (0o400, 0o600, 0o640, 0o644, 0o666, 0o700, 0o755, 0o777, 0o604, 0o447)
    t.build(
        [file(f"f{mode:o}", b"x", mode=mode) for mode in modes]
        + [folder(f"d{mode:o}", mode=mode | 0o500) for mode in modes]
    )
    t.sync("-a")
    t.same_tree()


@case("MODE-002", clause="FS-4", title="Set-id and sticky bits")
def special_bits(t: Trial) -> None:
    t.build(
        [
            file("suid", b"1", mode=0o4755),
            file("sgid", b"2", mode=0o2755),
            file("both", b"3", mode=0o6711),
            folder("sticky", mode=0o1777),
            folder("sgdir", mode=0o2755),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case(
    "MODE-003",
    clause="FS-4",
    title="Without -p a new file has the source's bits less the umask, an old one its own",
)
def masked(t: Trial) -> None:
    t.build(
        [
            file("new", b"n", mode=0o666),
            file("tool", b"t", mode=0o777),
            file("old", b"longer now", mode=0o666),
            folder("d", mode=0o777),
        ]
    )
    t.build([file("old", b"before", mode=0o600)], "dst")
    t.sync("-rt")
    for name, mode in (("new", 0o644), ("tool", 0o755), ("old", 0o600), ("d", 0o755)):
        t.equal(f"mode of {name}", f"{mode:o}", f"{os.stat(t.path('dst/' + name)).st_mode & 0o7777:o}")


@case("MODE-004", clause="FS-4", title="A mode that alone differs is set, and no data travel")
def remoded(t: Trial) -> None:
    t.build([file("f", b"content", mode=0o640), folder("d", mode=0o711)])
    t.build([file("f", b"content", mode=0o604), folder("d", mode=0o755)], "dst")
    t.items(t.sync("-ai"))
    t.same_tree()


@case("MODE-005", clause="FS-4", title="Files go into directories that end up read-only")
def read_only(t: Trial) -> None:
    t.build([file("d/e/f", b"x", mode=0o444), folder("d/e", mode=0o555), folder("d", mode=0o555)])
    t.sync("-a")
    t.same_tree()
    os.chmod(t.path("src/d/e/f"), 0o644)
    t.write("src/d/e/f", b"changed", mtime_ns=EPOCH_NS + SECOND)
    t.sync("-a")
    t.same_tree()


@case("MODE-006", clause="FS-4", title="-E carries executability alone", optional=("-E", "--executability"))
def executability(t: Trial) -> None:
    t.build([file("on", b"1", mode=0o755), file("off", b"2", mode=0o644)])
    t.build([file("on", b"1", mode=0o640), file("off", b"2", mode=0o751)], "dst")
    t.sync("-rtE")
    for name, mode in (("on", 0o750), ("off", 0o640)):
        t.equal(f"mode of {name}", f"{mode:o}", f"{os.stat(t.path('dst/' + name)).st_mode & 0o7777:o}")


@case(
    "MODE-007",
    clause="FS-4",
    title="--chmod changes what is carried",
    optional=("--chmod",),
    breadth=Breadth.NARROW,
)
def chmod(t: Trial) -> None:
    t.build([file("f", b"1", mode=0o644), folder("d", mode=0o755)])
    t.items(t.sync("-ai", "--chmod=Dg+s,Fgo-r,ug+w"))


@case("OWN-001", clause="FLIST-22", title="Owners and groups", needs_root=True)
def owners(t: Trial) -> None:
    t.build(
        [
            owned(file("a", b"1"), 1, 2),
            owned(folder("d"), 3, 4),
            owned(file("d/b", b"2", mode=0o4755), 5, 6),
            owned(symlink("l", "a"), 7, 8),
            file("root", b"r"),
            owned(fifo("p"), 9, 10),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case("OWN-002", clause="FLIST-22", title="--numeric-ids and ids without a name", needs_root=True)
def numeric(t: Trial) -> None:
    t.build(
        [
            owned(file("a", b"1"), 54_321, 65_432),
            owned(file("b", b"2"), 0, 4_000_000_000),
            owned(file("c", b"3"), 1, 0),
            owned(folder("d"), 54_321, 7),
        ]
    )
    t.sync("-a", "--numeric-ids")
    t.same_tree()


@case("OWN-003", clause="FLIST-21", title="Ids without a name, names asked for", needs_root=True)
def nameless(t: Trial) -> None:
    t.build([owned(file(f"f{n}", b"x"), 50_000 + n, 60_000 - n) for n in range(12)])
    t.sync("-a")
    t.same_tree()


@case(
    "OWN-004", clause="FLIST-22", also=("FS-4",), title="An owner that alone differs is set", needs_root=True
)
def reowned(t: Trial) -> None:
    """A set-id bit survives the change of owner, which clears it; only what has none is itemised.

    What upstream prints for such a file is a matter of when it looks at it again.
    """
    t.build([owned(file("f", b"content"), 12, 13), owned(folder("d"), 14, 15)])
    t.build([owned(file("f", b"content"), 1, 1), folder("d")], "dst")
    t.items(t.sync("-ai"))
    t.same_tree()
    t.build([owned(file("s", b"content", mode=0o4755), 12, 13)])
    t.build([owned(file("s", b"content", mode=0o4755), 1, 1)], "dst")
    t.sync("-a")
    t.same_tree()


@case(
    "LINK-001", clause="FLIST-10", title="Symlinks: dangling, absolute, long, to directories, to themselves"
)
def links(t: Trial) -> None:
    """Links that lead outside are left to LINK-008 where a daemon receives: it may change them."""
    if not t.far_receiver_is_daemon:
        t.build([symlink("abs", "/etc/passwd"), symlink("up", "../../..")])
    t.build(
        [
            symlink("dangling", "no/where"),
            symlink("self", "self"),
            symlink("dir", "d"),
            file("d/f", b"x"),
            symlink("long", "x/" * 2000),
            symlink("raw", b"\xff\n"),
            symlink("dot", "."),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case("LINK-002", clause="XFER-7", title="Without -l links are left out, and it is said")
def skipped(t: Trial) -> None:
    t.build([symlink("l", "f"), file("f", b"x"), fifo("p")])
    run = t.sync("-rt")
    t.equal("names that arrived", [b".", b"f"], list(t.snapshot()))
    t.matches("standard output", r'skipping non-regular file "l"', run.stdout)


@case("LINK-003", clause="FS-3", title="A changed link is replaced")
def changed(t: Trial) -> None:
    t.build([symlink("l", "new-target"), symlink("same", "x")])
    t.build([symlink("l", "old"), symlink("same", "x")], "dst")
    t.items(t.sync("-ai"))
    t.same_tree()


@case("LINK-004", clause="FLIST-10", title="-L copies what links name", optional=("-L", "--copy-links"))
def followed(t: Trial) -> None:
    t.build([symlink("l", "d/f"), file("d/f", b"x"), symlink("dl", "d")])
    t.sync("-aL")
    t.equal(
        "kinds", ["dir", "dir", "file", "dir", "file", "file"], [one.kind for one in t.snapshot().values()]
    )


@case(
    "LINK-005",
    clause="FLIST-10",
    title="--safe-links leaves out links that lead outside",
    optional=("--safe-links",),
    transports=("local", "pipe"),
)
def safe(t: Trial) -> None:
    t.build(
        [
            symlink("in", "d/f"),
            file("d/f", b"x"),
            symlink("out", "../../x"),
            symlink("abs", "/x"),
            symlink("d/up", "../d/f"),
            symlink("d/sly", "../d/../../x"),
        ]
    )
    t.sync("-a", "--safe-links")
    t.equal("names", [b".", b"d", b"d/f", b"d/up", b"in"], list(t.snapshot()))


@case(
    "LINK-006", clause="HOST-5", title="A link to a directory at the destination is replaced by the directory"
)
def directory_for_link(t: Trial) -> None:
    """Otherwise files would land outside of the destination."""
    t.build([file("d/f", b"x")])
    t.build([], "outside")
    t.build([symlink("d", "../outside")], "dst")
    t.sync("-a")
    t.same_tree()
    t.equal("what lies outside", [b"."], list(t.snapshot("outside")))


@case(
    "LINK-007",
    clause="FS-3",
    title="-K keeps such a link and fills what it names",
    optional=("-K", "--keep-dirlinks"),
    transports=("local", "pipe"),
)
def keep_dirlinks(t: Trial) -> None:
    t.build([file("d/f", b"x")])
    t.build([folder("real"), symlink("d", "real")], "dst")
    t.sync("-aK")
    t.equal("the file behind the link", b"x", t.read("dst/real/f"))


@case(
    "LINK-008",
    clause="FS-5",
    title="A daemon that isn't confined by chroot makes links safe",
    transports=("daemon",),
    directions=("push",),
)
def sanitised(t: Trial) -> None:
    """What leads out of the module is rewritten when it is stored; the control says how."""
    t.build(
        [
            symlink("abs", "/etc/passwd"),
            symlink("up", "../../.."),
            symlink("in", "d/../d/f"),
            file("d/f", b"x"),
            symlink("d/l", "../../x"),
        ]
    )
    t.sync("-a")


@case(
    "LINK-009",
    clause="DAEMON-8",
    title="munge symlinks: stored with a prefix, sent without it",
    transports=("daemon",),
    breadth=Breadth.NARROW,
)
def munged(t: Trial) -> None:
    t.build([symlink("abs", "/etc/passwd"), symlink("rel", "d/f"), file("d/f", b"x")])
    t.use_daemon(module="munge symlinks = yes\n")
    t.sync("-a")
