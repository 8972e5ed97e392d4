"""Paths below a directory, which nothing may lead out of: by the kernel's word, and step by step.

Input: a byte of switches, then paths, each ended by NUL.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache

from refsync.files import beneath
from refsync.files.beneath import Beneath, have_openat2

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface
from ._files import make_tree

#: Below the root, for ``make_tree``.
TREE = (
    "a", "d/", "d/a", "d/e/", "d/e/a", "out->../outside", "in->d", "up->..", "d/back->../a",
    "d/out->../../outside/secret",
    "loop->loop", "abs->/etc", "gone->nowhere", "chain->in/e",
)  # fmt: skip
FLAGS = (os.O_PATH, os.O_RDONLY, os.O_PATH | os.O_DIRECTORY, os.O_PATH | os.O_NOFOLLOW)
#: More shows nothing new.
MOST_PATHS = 6

SURFACE = Surface(
    priority=1,
    clauses=("DAEMON-28",),
    code=("refsync.files.beneath",),
    oracle="DS",
    dictionary={
        "up": b"../", "up_end": b"/..", "here": b"./", "way_in": b"in/", "way_out": b"out/",
        "chain": b"chain/a",
        "deep": b"d/e/a", "slashes": b"//", "back": b"d/back", "absolute": b"/etc/passwd",
    },
    max_length=120,
    slow="real files are opened, in two ways",
)  # fmt: skip


@cache
def _root() -> bytes:
    """The directory, made once a process, with a secret beside it."""
    made = os.path.realpath(tempfile.mkdtemp(prefix="refsync-fuzz-beneath-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    root, outside = os.path.join(made, "root"), os.path.join(made, "outside")
    os.mkdir(root)
    os.mkdir(outside)
    with open(os.path.join(outside, "secret"), "wb"):
        pass
    make_tree(root, TREE)
    return os.fsencode(root)


@cache
def _ours() -> frozenset[int]:
    """The inodes of the directory and of all that is below it."""
    found = [os.lstat(_root())]
    for place, dirs, files in os.walk(_root()):
        found += [os.lstat(os.path.join(place, name)) for name in (*dirs, *files)]
    return frozenset(status.st_ino for status in found)


def _tried(ask: Callable[[], int]) -> int:
    """The inode that was opened, or minus the errno value."""
    try:
        fd = ask()
    except OSError as error:
        return -(error.errno or 1)
    try:
        return os.fstat(fd).st_ino
    finally:
        os.close(fd)


def fuzz_one(data: bytes) -> None:
    """Oracle: whatever is opened lies below the directory. Step by step opens what the kernel does, or none.

    Where no symlink and no ``..`` is on the way both open the same, and that is what the plain path names.
    """
    choices = Choices(data)
    switches = choices.byte()
    flags = FLAGS[switches & 3]
    below = Beneath(_root())
    top = os.open(_root(), os.O_PATH | os.O_DIRECTORY)
    try:
        for path in choices.rest().split(b"\0")[:MOST_PATHS]:
            if not path:
                continue
            step = _tried(lambda: beneath._step_by_step(top, path, flags | os.O_CLOEXEC))  # noqa: B023
            expect(step < 0 or step in _ours(), f"{path!r} led out, step by step")
            if have_openat2():
                kernel = _tried(lambda: beneath._openat2(top, path, flags | os.O_CLOEXEC))  # noqa: B023
                expect(kernel < 0 or kernel in _ours(), f"{path!r} led out")
                if step >= 0 and b"." not in path.split(b"/")[-1:] and not path.endswith(b"/"):
                    same(step, kernel, f"{path!r} in both ways")
            _through(below, path)
    finally:
        os.close(top)
        below.close()


def _through(below: Beneath, path: bytes) -> None:
    """The same by whole paths, with directories that stay open."""
    full = os.path.join(_root(), path)
    for look in (below.stat, below.lstat):
        try:
            status = look(full)
        except OSError:
            continue
        expect(status.st_ino in _ours(), f"{path!r} led out by {look.__name__}")
    same(_tried(lambda: below.open(full, os.O_PATH)) in _ours(), _found(below, full), f"{path!r} is there")
    try:
        names = below.listdir(full)
    except OSError:
        return
    expect(b"secret" not in names and b"outside" not in names, f"{path!r} lists {names}")


def _found(below: Beneath, full: bytes) -> bool:
    try:
        below.stat(full)
    except OSError:
        return False
    return True


def seeds() -> Iterator[tuple[str, bytes]]:
    """Ways in, ways out, and ways around."""
    paths = (
        "a", "d/e/a", "d//e/./a", "out/secret", "in/a", "in/e/../a", "up/outside/secret", "d/back", "d/out",
        "loop", "abs/passwd",
        "gone", "chain/a", "../outside/secret", "d/../../outside/secret", "/etc/passwd", ".", "./", "a/",
        "d/..", "a/..", "d/",
        "in", "out", "..", "in/", "d/e/..//..", "d/./.",
    )  # fmt: skip
    for number, path in enumerate(paths):
        yield f"path.{number}", bytes((number & 3,)) + path.encode()
    yield "many", b"\0" + b"\0".join(path.encode() for path in paths[:6])
