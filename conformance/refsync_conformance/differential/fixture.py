"""The trees that every command line is given: a source, a destination that lags behind, lists of names."""

from __future__ import annotations

import os
from pathlib import Path

from refsync_conformance import trees
from refsync_conformance.trees import (
    EPOCH_NS,
    SECOND,
    Node,
    Noise,
    device,
    fifo,
    file,
    folder,
    hardlink,
    owned,
    symlink,
    unix_socket,
)

LATER = EPOCH_NS + 50 * SECOND
BIG = b"".join(b"line %d of many\n" % number for number in range(3000))

SOURCE: tuple[Node, ...] = (
    file("same", b"same"),
    file("content", b"after!", mtime_ns=LATER),
    file("older", b"old", mtime_ns=EPOCH_NS),
    file("remoded", b"mode", mode=0o640),
    file("grown", BIG[:20_000], mtime_ns=LATER),
    file("big", BIG + b"end\n", mtime_ns=LATER),
    file("holes", bytes(70_000) + b"x" + bytes(9_000)),
    file("noise", Noise(7, 5_000)),
    file("prog.o", b"object"),
    file("tool", b"#!/bin/sh\n", mode=0o4755),
    file("sp ace", b"s"),
    file("caf\u00e9", b"latin"),
    file(b"bad\xff", b"no text"),
    file("ctl\a\\#123", b"control"),
    file("one", b"linked"),
    hardlink("two", "one"),
    file("d/inner", b"i"),
    file("d/new", b"n"),
    file("d/e/deep.o", b"deep"),
    file("d/.cvsignore", b"inner\n"),
    file("d/.rsync-filter", b"- new\n"),
    folder("empty", mtime_ns=LATER),
    folder("sticky", mode=0o1777),
    symlink("link", "content"),
    symlink("linkd", "d"),
    symlink("out", "/nonexistent/place"),
    symlink("up", "../alt/same"),
    fifo("pipe"),
    unix_socket("sock"),
)
DEST: tuple[Node, ...] = (
    file("same", b"same"),
    file("content", b"before"),
    file("older", b"newer here", mtime_ns=LATER),
    file("remoded", b"mode", mode=0o600),
    file("grown", BIG[:9_000]),
    file("big", BIG),
    file("tool", b"#!/bin/sh\n", mode=0o755),
    file("one", b"linked"),
    file("two", b"linked"),
    file("d/inner", b"other"),
    file("extra", b"x"),
    file("extra.o", b"x"),
    file("olddir/f", b"x"),
    folder("sticky", mode=0o755),
    symlink("link", "elsewhere"),
    file("linkd/f", b"in the way"),
)
#: What only root can make.
OF_ROOT: tuple[Node, ...] = (
    owned(file("theirs", b"owned"), 1234, 5678),
    device("null", "char", 1, 3),
    device("disk", "block", 7, 200),
)
#: What an ordinary user can't read.
LOCKED: tuple[Node, ...] = (file("secret", b"s"), folder("closed"))

#: Files that options name.
LISTS = {
    "patterns": b"*.o\n/same\n",
    "merge": b"+ inner\n- *.o\nP extra\n",
    "names": b"same\nd/new\ncontent\nmissing\n",
    "names0": b"same\0d/e\0",
}


def lock(place: str) -> None:
    """Shut what an ordinary user is not to read, in a copy of the fixture."""
    if os.geteuid():
        for node in LOCKED:
            os.chmod(os.path.join(os.fsencode(place), b"src", node.path), 0)


def build(place: str) -> None:
    """Make all that a run may name below ``place``: ``src``, ``dst``, ``alt``, ``temp``, lists of names."""
    root = os.geteuid() == 0
    more = OF_ROOT if root else LOCKED
    for name, tree in (("src", (*SOURCE, *more)), ("dst", DEST), ("alt", SOURCE[:5])):
        trees.build(os.fsencode(os.path.join(place, name)), tree)
    try:
        os.setxattr(os.path.join(place, "src", "content"), "user.note", b"kept")
        os.setxattr(os.path.join(place, "src", "d"), "user.note", b"dir")
        os.setxattr(
            os.path.join(place, "src", "remoded"),
            trees.ACCESS,
            trees.access_list("u::6 u:1000:7 g::4 m::7 o::0"),
        )
    except OSError:
        pass  # the file system keeps none
    for name in ("temp", "backups"):
        os.mkdir(os.path.join(place, name))
        os.utime(os.path.join(place, name), ns=(EPOCH_NS, EPOCH_NS))
    for name, text in LISTS.items():
        path = Path(place, name)
        path.write_bytes(text)
        os.utime(path, ns=(EPOCH_NS, EPOCH_NS))
