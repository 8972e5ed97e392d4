"""A directory in which a whole session may read and write, and a secret beside it."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile

#: No byte of this may ever leave, no run may change the file that holds it.
SECRET = b"OUTSIDE-8d1f6c: not for a peer"
MTIME = 1_234_567_890
#: name -> content; None for a directory, str for a symlink's target
Tree = dict[str, bytes | str | None]

SOURCE: Tree = {
    "a": b"hello\n",
    "d": None,
    "d/b": b"0123456789" * 160,
    "d/e": None,
    "d/e/empty": b"",
    "leak": "../outside/secret",
    "odd \udcff\nname": b"odd",
}
BASIS: Tree = {"a": b"hello", "d": None, "d/b": b"0123456789" * 150, "gone": b"gone", "trap": "../outside"}


class Sandbox:
    """``source`` stays; ``dest`` is made anew by ``reset``; ``outside`` must stay as it is."""

    def __init__(self) -> None:
        self._root = tempfile.mkdtemp(prefix="refsync-fuzz-")
        atexit.register(self._remove)
        self.source = os.path.join(self._root, "source")
        self.dest = os.path.join(self._root, "dest")
        self._outside = os.path.join(self._root, "outside")
        _grow(self.source, SOURCE)
        _grow(self._outside, {"secret": SECRET, "kept": None})
        self._empty = False
        self.reset()
        self._before = self._look()

    def reset(self) -> None:
        """A destination with its old files in it."""
        shutil.rmtree(self.dest, onerror=_unlock)
        _grow(self.dest, BASIS)

    def renew_source(self) -> None:
        """The source as it was, where a run may have removed files of it."""
        shutil.rmtree(self.source, onerror=_unlock)
        _grow(self.source, SOURCE)

    def source_is_part(self) -> bool:
        """Whether all that is in the source now was there before."""
        return _scan(self.source).items() <= self._before[2].items()

    def outside_is_untouched(self) -> bool:
        """Whether all but the destination is as it was made."""
        return self._look() == self._before

    def dest_tree(self) -> dict[str, object]:
        """What the destination holds now, without times."""
        return _scan(self.dest)

    def _look(self) -> tuple[list[str], dict[str, object], dict[str, object], tuple[float, float]]:
        times = (os.stat(self._outside).st_mtime, os.stat(os.path.join(self._outside, "secret")).st_mtime)
        return sorted(os.listdir(self._root)), _scan(self._outside), _scan(self.source), times

    def _remove(self) -> None:
        shutil.rmtree(self._root, onerror=_unlock)


def descriptors() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))


def _grow(root: str, tree: Tree) -> None:
    os.mkdir(root)
    for name, content in tree.items():
        path = os.path.join(root, name)
        if content is None:
            os.mkdir(path)
        elif isinstance(content, str):
            os.symlink(content, path)
        else:
            with open(path, "wb") as file:
                file.write(content)
    for name in [*reversed(tree), ""]:
        os.utime(os.path.join(root, name), (MTIME, MTIME), follow_symlinks=False)


def _scan(root: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for place, dirs, files in os.walk(root):
        for name in (*dirs, *files):
            path = os.path.join(place, name)
            status = os.lstat(path)
            content: object = None
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20 and os.access(path, os.R_OK):
                with open(path, "rb") as file:
                    content = file.read()
            found[os.path.relpath(path, root)] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


def _unlock(function: object, path: str, error: object) -> None:
    """A peer may have taken the permissions away."""
    if not os.path.lexists(path):
        return
    parent = os.path.dirname(path)
    os.chmod(parent, 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o700)
        shutil.rmtree(path, onerror=_again)
    else:
        os.unlink(path)


def _again(function: object, path: str, error: object) -> None:
    if os.path.isdir(path):
        os.chmod(path, 0o700)
        for name in os.listdir(path):
            below = os.path.join(path, name)
            if os.path.isdir(below) and not os.path.islink(below):
                shutil.rmtree(below, onerror=_again)
            else:
                os.unlink(below)
        os.rmdir(path)
