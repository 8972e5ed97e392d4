"""A directory that a peer may fill: no name of its choosing leads out of it.

Each name is walked from the root's descriptor one component at a time,
never through a symlink, and the last component is used relative to the
descriptor of its directory. What somebody swaps meanwhile cannot redirect a
write. Clauses FS-5, HOST-1, HOST-5; upstream ``syscall.c:secure_relative_open``.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections import OrderedDict

from ..wire.errors import Exit, RefsyncError
from .temp import InPlaceFile, OutputFile, TempFile

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Directory descriptors kept open: enough for the deepest usual tree, far below the limit of a process.
CACHE_SIZE = 64
#: A file name has at most so many bytes (Linux ``NAME_MAX``).
NAME_MAX = 255


class Destination:
    """The directory ``root`` (which may itself be reached through symlinks: it is the user's choice).

    Names are bytes with ``/`` between components; ``b"."`` is the root.
    Methods raise ``OSError`` as the system calls do.
    """

    def __init__(self, root: bytes) -> None:
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open: OrderedDict[bytes, int] = OrderedDict()

    def close(self) -> None:
        """Give the descriptors back."""
        self.forget()
        os.close(self._root)

    def forget(self) -> None:
        """Drop the kept descriptors: after a directory was renamed or removed."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _directory(self, name: bytes) -> int:
        """The descriptor of the directory ``name``, valid until the next call."""
        if not name or name == b".":
            return self._root
        fd = self._open.get(name)
        if fd is not None:
            self._open.move_to_end(name)
            return fd
        cut = name.rfind(b"/")
        parent = self._directory(name[:cut]) if cut >= 0 else self._root
        fd = os.open(_component(name[cut + 1 :]), _DIRECTORY, dir_fd=parent)
        self._open[name] = fd
        if len(self._open) > CACHE_SIZE:
            os.close(self._open.popitem(last=False)[1])
        return fd

    def _at(self, name: bytes) -> tuple[bytes, int]:
        """(last component, descriptor of its directory)."""
        if name == b".":
            return b".", self._root
        cut = name.rfind(b"/")
        if cut < 0:
            return _component(name), self._root
        return _component(name[cut + 1 :]), self._directory(name[:cut])

    # -- looking ----------------------------------------------------------

    def lstat(self, name: bytes) -> os.stat_result | None:
        """None if there is no such name."""
        try:
            base, parent = self._at(name)
            return os.stat(base, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open_read(self, name: bytes) -> int:
        """A descriptor of a regular file; never blocks on what has become a FIFO."""
        base, parent = self._at(name)
        fd = os.open(base, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(22, os.strerror(22))
        return fd

    def listdir(self, name: bytes) -> list[bytes]:
        fd = os.dup(self._directory(name))
        try:
            return [os.fsencode(entry) for entry in os.listdir(fd)]
        finally:
            os.close(fd)

    def readlink(self, name: bytes) -> bytes:
        base, parent = self._at(name)
        return os.readlink(base, dir_fd=parent)

    # -- making and removing ----------------------------------------------

    def mkdir(self, name: bytes, mode: int) -> None:
        base, parent = self._at(name)
        os.mkdir(base, mode, dir_fd=parent)

    def symlink(self, target: bytes, name: bytes) -> None:
        base, parent = self._at(name)
        os.symlink(target, base, dir_fd=parent)

    def mknod(self, name: bytes, mode: int, device: int) -> None:
        base, parent = self._at(name)
        os.mknod(base, mode, device, dir_fd=parent)

    def link(self, existing: bytes, name: bytes) -> None:
        """A hard link; both directories are held open while it is made."""
        base, parent = self._at(name)
        parent = os.dup(parent)
        try:
            old, old_parent = self._at(existing)
            os.link(old, base, src_dir_fd=old_parent, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)

    def rename(self, old: bytes, new: bytes) -> None:
        """Within one directory, as all renames of a transfer are."""
        base, parent = self._at(old)
        os.rename(base, _component(new[new.rfind(b"/") + 1 :]), src_dir_fd=parent, dst_dir_fd=parent)

    def unlink(self, name: bytes) -> None:
        base, parent = self._at(name)
        os.unlink(base, dir_fd=parent)

    def rmdir(self, name: bytes) -> None:
        base, parent = self._at(name)
        self._close_below(name)
        os.rmdir(base, dir_fd=parent)

    def _close_below(self, name: bytes) -> None:
        prefix = name + b"/"
        for kept in [kept for kept in self._open if kept == name or kept.startswith(prefix)]:
            os.close(self._open.pop(kept))

    # -- attributes -------------------------------------------------------

    def chmod(self, name: bytes, mode: int) -> None:
        """Of anything but a symlink: what has become one is left alone, since no call changes a link's mode."""
        base, parent = self._at(name)
        fd = os.open(base, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if stat.S_ISLNK(os.fstat(fd).st_mode):
                raise OSError(40, os.strerror(40))
            os.chmod(b"/proc/self/fd/%d" % fd, mode)
        finally:
            os.close(fd)

    def chown(self, name: bytes, uid: int, gid: int) -> None:
        base, parent = self._at(name)
        os.chown(base, uid, gid, dir_fd=parent, follow_symlinks=False)

    def utime_ns(self, name: bytes, atime_ns: int, mtime_ns: int) -> None:
        base, parent = self._at(name)
        os.utime(base, ns=(atime_ns, mtime_ns), dir_fd=parent, follow_symlinks=False)

    # -- files to write ---------------------------------------------------

    def temp_name(self, name: bytes) -> bytes:
        """A fresh name beside ``name``: a dot, its last component cut to fit, a dot and six characters."""
        cut = name.rfind(b"/") + 1
        base = name[cut:].lstrip(b".") or b"_"
        suffix = secrets.token_urlsafe(8).replace("-", "0").replace("_", "1")[:6].encode()
        return name[:cut] + b"." + base[: NAME_MAX - 8] + b"." + suffix

    def create_temp(self, name: bytes, *, sparse: bool = False) -> OutputFile:
        """FS-2: a file of mode 0600 beside ``name``, to be filled and then given its name."""
        for _ in range(100):
            temp = self.temp_name(name)
            base, parent = self._at(temp)
            try:
                fd = os.open(
                    base,
                    os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                    0o600,
                    dir_fd=parent,
                )
            except FileExistsError:
                continue
            return TempFile(
                fd, temp, base, _component(name[name.rfind(b"/") + 1 :]), os.dup(parent), sparse=sparse
            )
        raise OSError(17, os.strerror(17))

    def open_inplace(self, name: bytes, *, sparse: bool = False) -> OutputFile:
        """The file itself, made if it is missing (``--inplace``)."""
        base, parent = self._at(name)
        fd = os.open(
            base,
            os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
            0o600,
            dir_fd=parent,
        )
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(22, os.strerror(22))
        return InPlaceFile(fd, name, sparse=sparse)


def _component(base: bytes) -> bytes:
    """One component of a name: never empty, ``.`` or ``..``."""
    if base in (b"", b".", b"..") or b"/" in base or b"\0" in base:
        raise RefsyncError(f"unsafe file name component {base!r}", Exit.UNSUPPORTED)
    return base
