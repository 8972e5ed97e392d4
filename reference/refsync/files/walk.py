"""Directory descriptors below a root, reached without following a symlink.

A path that is checked and then used can change in between. Here a directory
is opened component by component, each relative to the one before, and what
is done in it is done relative to the descriptor: no renaming or symlink that
somebody plants on the way can lead out. Clauses HOST-5, FS-5; upstream
``syscall.c:secure_relative_open`` does the same for basis files.
"""

from __future__ import annotations

import os
import sys
from collections import OrderedDict

from ..wire.errors import Exit, RefsyncError

#: How a directory is opened to do something in it.
# O_PATH needs no read permission: a directory of mode 0300 takes files too
DIRECTORY = (os.O_PATH if sys.platform == "linux" else os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
#: So many directories stay open; files come directory by directory, so few are in use at a time.
CACHED = 32

_BAD = frozenset((b"", b".", b".."))


def check_component(component: bytes) -> None:
    """Refuse what is not the name of something in a directory."""
    if component in _BAD or b"\0" in component or b"/" in component:
        shown = component.decode("utf-8", "backslashreplace")
        raise RefsyncError(f'refusing unsafe path component "{shown}"', Exit.UNSUPPORTED)


class Directories:
    """The open directories of one tree.

    ``root`` may itself be reached through symlinks: the user named it. ``root_fd`` is for who has
    opened it already, and belongs to this object then.
    """

    def __init__(self, root: bytes, root_fd: int | None = None) -> None:
        self.root_fd = os.open(root, DIRECTORY) if root_fd is None else root_fd
        self._open: OrderedDict[bytes, int] = OrderedDict()
        self._mounted: dict[bytes, int] = {}
        self._mounts = 0
        #: symlinks that stand for directories (``--keep-dirlinks``)
        self.dirlinks: set[bytes] = set()

    def mount(self, fd: int) -> bytes:
        """The name by which another directory of the run is reached; ``fd`` belongs to this object now.

        It has a NUL, as no name has that a peer can send or a directory hold.
        """
        self._mounts += 1
        label = b"\0%d" % self._mounts
        self._mounted[label] = fd
        return label

    def unmount(self, label: bytes) -> None:
        """Let go of a directory that was mounted."""
        self.forget(label)
        os.close(self._mounted.pop(label))

    def parent(self, name: bytes) -> tuple[int, bytes]:
        """(descriptor of the directory that holds ``name``, last component).

        ``name`` is relative and '/'-separated; ``b"."`` is the root itself, and so is a mounted one's name.
        Raises OSError (ENOENT, ENOTDIR, for a symlink too) if the way is not
        made of directories, RefsyncError if the name is not relative and clean.
        """
        if name == b".":
            return self.root_fd, name
        if name in self._mounted:
            return self._mounted[name], b"."
        cut = name.rfind(b"/")
        base = name[cut + 1 :]
        check_component(base)
        if cut < 0:
            return self.root_fd, base
        return self.directory(name[:cut]), base

    def directory(self, name: bytes) -> int:
        """The descriptor of a directory below the root; it belongs to this object."""
        fd = self._open.get(name)
        if fd is not None:
            self._open.move_to_end(name)
            return fd
        if name in self._mounted:
            return self._mounted[name]
        above, base = self.parent(name)
        check_component(base)  # "." alone is a name, but not a way to one
        fd = self._open[name] = self.step(name, base, above)
        if len(self._open) > CACHED:
            os.close(self._open.popitem(last=False)[1])
        return fd

    def step(self, name: bytes, base: bytes, above: int) -> int:
        """Open the directory ``name``, which is ``base`` in that one, without following what is not to be."""
        nofollow = 0 if name in self.dirlinks else os.O_NOFOLLOW
        return os.open(base, DIRECTORY | nofollow, dir_fd=above)

    def forget(self, name: bytes) -> None:
        """``name`` has been renamed, replaced or removed: what is open at or below it is no longer there."""
        below = name + b"/"
        self.dirlinks.discard(name)
        for known in [known for known in self._open if known == name or known.startswith(below)]:
            os.close(self._open.pop(known))

    def forget_mounted(self) -> None:
        """A directory has been removed, which may be one that is open under another name."""
        for known in [known for known in self._open if known.startswith(b"\0")]:
            os.close(self._open.pop(known))

    def close(self) -> None:
        """Close all descriptors; the object is of no use afterwards."""
        for fd in (*self._open.values(), *self._mounted.values()):
            os.close(fd)
        self._open.clear()
        self._mounted.clear()
        if self.root_fd >= 0:
            os.close(self.root_fd)
            self.root_fd = -1


def open_below(root: bytes, name: bytes) -> int:
    """A descriptor of the directory ``name`` below ``root``, reached without following a symlink.

    ``name`` is relative and clean, or ``b"."``. Raises OSError.
    """
    fd = os.open(root, DIRECTORY)
    for part in name.split(b"/") if name != b"." else ():
        above = fd
        try:
            check_component(part)
            fd = os.open(part, DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
    return fd
