"""Everything a receiving side does to files, confined to its destination directory.

Names are bytes, relative to the root, '/'-separated and clean; ``b"."`` is the
root. A symlink in the place of a directory on the way is an error, one in the
last place is operated on itself, never followed. All methods raise OSError as
the system does, and RefsyncError for a name that is not relative and clean.
Clauses HOST-5, FS-5; upstream ``syscall.c``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from . import fakesuper
from .interrupt import uninterrupted
from .temp import TempFile, discard_of, temp_base, unique_base
from .walk import Directories
from .writer import Writer

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
#: So often another temporary name is tried when one is taken.
_TRIES = 100


class Destination:
    """The files below ``root``, which must be an existing directory."""

    def __init__(self, root: bytes, root_fd: int | None = None) -> None:
        self.root = root
        self._directories = Directories(root, root_fd)
        self._proc = os.path.isdir("/proc/self/fd")
        self.read_flags = _READ
        self._fake: Callable[[bytes], object] | None = None
        self._outside: dict[bytes, bytes] = {}

    def fake_super(self, fail: Callable[[bytes], object]) -> None:
        """From now on files are what their attributes say (FAKE-1); ``fail`` takes texts of failures."""
        self._fake = fail

    def mount(self, fd: int, path: bytes) -> bytes:
        """The name under which a directory elsewhere is reached from here on; ``path`` is for messages.

        That is where an option wants backups, parts or temporary files. No peer can say such a name.
        """
        label = self._directories.mount(fd)
        self._outside[label] = path
        return label

    def close(self) -> None:
        """Drop what is still temporary and let go of the directory."""
        discard_of(self)
        self._directories.close()

    def unmount(self, label: bytes) -> None:
        """The end of such a name."""
        self._directories.unmount(label)
        del self._outside[label]

    def path(self, name: bytes) -> bytes:
        """The file-system path of ``name``, for messages only."""
        if name == b".":
            return self.root
        label, _, rest = name.partition(b"/")
        if label in self._outside:
            return os.path.join(self._outside[label], rest) if rest else self._outside[label]
        return self.root + name if self.root.endswith(b"/") else self.root + b"/" + name

    # -- looking ----------------------------------------------------------

    def lstat(self, name: bytes) -> os.stat_result | None:
        """What has this name, a symlink itself; None if nothing has or its directory is missing."""
        try:
            status = self.real_lstat(name)
        except FileNotFoundError:
            return None
        if self._fake is None:
            return status
        shown = b'"' + self.path(name) + b'"'
        return fakesuper.stored(self.attribute_path(name), shown, status, self._fake) or status

    def place_of(self, name: bytes) -> tuple[int, bytes]:
        """The descriptor of the directory that holds ``name``, good until the next call, and the rest."""
        return self._directories.parent(name)

    def directory_of(self, name: bytes) -> int:
        """A descriptor of the directory that holds ``name``, to be closed by the caller."""
        return os.open(
            b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directories.parent(name)[0]
        )

    def real_lstat(self, name: bytes) -> os.stat_result:
        """As the system has it."""
        fd, base = self._directories.parent(name)
        if base == b".":  # a directory that its owner may not search can be looked at all the same
            return os.fstat(fd)
        return os.stat(base, dir_fd=fd, follow_symlinks=False)

    def follow(self, name: bytes) -> os.stat_result | None:
        """FS-21: take a symlink to a directory for one from here on: the directory's status, else None."""
        try:
            fd, base = self._directories.parent(name)
            status = os.stat(base, dir_fd=fd)
        except OSError:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return None
        self._directories.dirlinks.add(name)
        return status

    def make_way_to(self, name: bytes) -> None:
        """FS-22: the directories above ``name`` that are missing; nothing is followed on the way."""
        parts = name.split(b"/")[:-1]
        for count in range(1, len(parts) + 1):
            way = b"/".join(parts[:count])
            if self.lstat(way) is None:
                self.mkdir(way)

    def readlink(self, name: bytes) -> bytes:
        """A symlink's target; with ``--fake-super`` a real one has none, as it is to be replaced."""
        fd, base = self._directories.parent(name)
        if self._fake is not None:
            try:
                return fakesuper.read_link(self.attribute_path(name))
            except OSError as error:
                if error.errno == errno.ELOOP:
                    return b""
                raise
        return os.readlink(base, dir_fd=fd)

    def listdir(self, name: bytes) -> list[bytes]:
        """The names in a directory, in byte order."""
        above, base = self._directories.parent(name)
        nofollow = 0 if name in self._directories.dirlinks else os.O_NOFOLLOW
        fd = os.open(base, os.O_RDONLY | os.O_DIRECTORY | nofollow | os.O_CLOEXEC, dir_fd=above)
        try:
            return sorted(os.fsencode(entry) for entry in os.listdir(fd))
        finally:
            os.close(fd)

    def open_read(self, name: bytes, *, device: bool = False) -> int:
        """A descriptor of a regular file; anything else is refused (EINVAL), unread and without waiting.

        ``device``: a device will do (``--write-devices``).
        """
        fd, base = self._directories.parent(name)
        return _regular(os.open(base, self.read_flags, dir_fd=fd), device)

    # -- making -----------------------------------------------------------

    def mkdir(self, name: bytes, mode: int = 0o777) -> None:
        """Make a directory, mode less umask."""
        fd, base = self._directories.parent(name)
        os.mkdir(base, mode, dir_fd=fd)

    def symlink(self, target: bytes, name: bytes) -> None:
        """Make a symlink; where it points to is nobody's concern here, nothing follows it."""
        fd, base = self._directories.parent(name)
        if self._fake is not None:
            fakesuper.make_file(base, fd, target)
        else:
            os.symlink(target, base, dir_fd=fd)

    def mknod(self, name: bytes, mode: int, device: int = 0) -> None:
        """Make a device, FIFO or socket; ``mode`` with its type bits, less umask."""
        fd, base = self._directories.parent(name)
        if self._fake is not None:
            fakesuper.make_file(base, fd)
        else:
            os.mknod(base, mode, device, dir_fd=fd)

    def link(self, existing: bytes, new: bytes) -> None:
        """Give a file another name."""
        from_fd, from_base = self._directories.parent(existing)
        # both are open now, but finding the second may have closed the first: hold on to it
        held = os.dup(from_fd)
        try:
            to_fd, to_base = self._directories.parent(new)
            os.link(from_base, to_base, src_dir_fd=held, dst_dir_fd=to_fd, follow_symlinks=False)
        finally:
            os.close(held)

    def open_inplace(
        self, name: bytes, *, target: bytes | None = None, sparse: bool = False, device: bool = False
    ) -> TempFile:
        """The file itself, to be written over, made if it is missing; one that is not regular is refused.

        ``target``: what it is to be called when it is whole, if that is another name. ``device``: a
        device will do.
        """
        fd, base = self._directories.parent(name)
        try:
            out = os.open(base, _WRITE | os.O_CREAT, 0o600, dir_fd=fd)
        except PermissionError as refused:
            # the kernel's protected_regular objects to O_CREAT for somebody else's file in a sticky directory
            out = _open_existing(base, fd, refused)
        status = os.fstat(_regular(out, device))
        writer = Writer(out, sparse=sparse, existing=status.st_size, device=not stat.S_ISREG(status.st_mode))
        return TempFile(self, name, target or name, out, writer, inplace=True)

    @uninterrupted
    def create_temp(
        self,
        name: bytes,
        *,
        mode: int = 0o600,
        sparse: bool = False,
        place: bytes = b"",
        rescue: Callable[[TempFile], object] | None = None,
    ) -> TempFile:
        """A new file beside ``name``, which nobody else can read, to be renamed over it when it is whole.

        ``mode``: what the file will have; only the owner's part is given now,
        and the owner may always write. ``place``: another directory to make it
        in. ``rescue``: what becomes of it if the run is interrupted.

        Raises ``OSError``, whose ``filename2`` is the name that was tried.
        """
        cut = name.rfind(b"/") + 1
        where = place + b"/" if place else name[:cut]
        self._directories.parent(name)  # whose name must be clean, wherever the file is made
        for _ in range(_TRIES):
            temp = temp_base(name[cut:], dotted=not place)
            try:
                fd, _ = self._directories.parent(where + b"x")
                out = os.open(
                    temp,
                    os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                    mode & 0o700 | (0o200 if self._fake is None else 0o600),
                    dir_fd=fd,
                )
            except FileExistsError:
                continue
            except OSError as error:
                error.filename2 = where + temp
                raise
            return TempFile(self, where + temp, name, out, Writer(out, sparse=sparse), rescue=rescue)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    @uninterrupted
    def open_new(self, name: bytes, mode: int) -> TempFile:
        """A new file under its own name, which something else may have now; gone again if it is discarded."""
        try:
            self.unlink(name)
        except FileNotFoundError:
            pass
        fd, base = self._directories.parent(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        out = os.open(base, flags, mode & 0o700, dir_fd=fd)
        return TempFile(self, name, name, out, Writer(out))

    def temp_name(self, name: bytes) -> bytes:
        """A name beside ``name`` that nothing has, for what is made there and then renamed over ``name``."""
        cut = name.rfind(b"/") + 1
        for number in range(_TRIES):
            candidate = name[:cut] + unique_base(name[cut:], number)
            if self.lstat(candidate) is None:
                return candidate
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    # -- moving and removing ----------------------------------------------

    def rename(self, old: bytes, new: bytes, *, file: bool = False) -> None:
        """Rename, replacing what has the new name. ``file``: it is none of a directory."""
        cut, new_cut = old.rfind(b"/"), new.rfind(b"/")
        fd, base = self._directories.parent(old)
        if old[: max(cut, 0)] == new[: max(new_cut, 0)]:
            os.rename(base, self._directories.parent(new)[1], src_dir_fd=fd, dst_dir_fd=fd)
        else:
            held = os.dup(fd)
            try:
                to_fd, to_base = self._directories.parent(new)
                os.rename(base, to_base, src_dir_fd=held, dst_dir_fd=to_fd)
            finally:
                os.close(held)
        if not file or new in self._directories.dirlinks:
            self._directories.forget(old)
            self._directories.forget(new)

    def unlink(self, name: bytes) -> None:
        """Remove a name that is not a directory's."""
        fd, base = self._directories.parent(name)
        os.unlink(base, dir_fd=fd)

    def rmdir(self, name: bytes) -> None:
        """Remove an empty directory."""
        fd, base = self._directories.parent(name)
        os.rmdir(base, dir_fd=fd)
        self._directories.forget(name)
        self._directories.forget_mounted()

    # -- attributes -------------------------------------------------------

    def attribute_path(self, name: bytes) -> bytes:
        """A path for calls that take no descriptor and don't follow a symlink in the last place (XATTR-8).

        It leads through the descriptor of the directory, so it is good until the next call of this object.
        Without /proc, as in a chroot, the directory becomes the current one; all else goes by descriptors.
        """
        fd, base = self._directories.parent(name)
        if self._proc:
            return b"/proc/self/fd/%d/" % fd + base
        os.fchdir(fd)  # a new root without /proc; nothing else here depends on where we are
        return b"./" + base

    def chmod(self, name: bytes, mode: int) -> None:
        """Set the permission bits; ELOOP for a symlink, which has none of its own."""
        above, base = self._directories.parent(name)
        mode = stat.S_IMODE(mode)
        # no call sets a mode without following symlinks on all kernels in use; a descriptor pins the file
        fd = (
            os.dup(above)
            if base == b"."  # which need not be searched for that
            else os.open(base, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        )
        try:
            status = os.fstat(fd)
            if stat.S_ISLNK(status.st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            try:
                os.chmod(b"/proc/self/fd/%d" % fd, mode)
            except FileNotFoundError:  # no /proc here
                _chmod_opened(above, base, status, mode)
        finally:
            os.close(fd)

    def chown(self, name: bytes, uid: int, gid: int) -> None:
        """Set owner and group (-1: leave); a symlink's own."""
        fd, base = self._directories.parent(name)
        os.chown(base, uid, gid, dir_fd=fd, follow_symlinks=False)

    def utime_ns(self, name: bytes, atime_ns: int | None, mtime_ns: int) -> None:
        """Set the times, in nanoseconds since 1970 (atime None: as it is); a symlink's own."""
        fd, base = self._directories.parent(name)
        if atime_ns is None:
            atime_ns = os.stat(base, dir_fd=fd, follow_symlinks=False).st_atime_ns
        os.utime(base, ns=(atime_ns, mtime_ns), dir_fd=fd, follow_symlinks=False)


def _regular(fd: int, device: bool = False) -> int:
    """``fd`` if it is a regular file's (or may be a device's), else closed and EINVAL or EISDIR."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode) or (device and (stat.S_ISBLK(mode) or stat.S_ISCHR(mode))):
        return fd
    os.close(fd)
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(number, os.strerror(number))


def _chmod_opened(above: int, base: bytes, expected: os.stat_result, mode: int) -> None:
    """Through an ordinary descriptor, for files and directories that may be opened."""
    if not (stat.S_ISREG(expected.st_mode) or stat.S_ISDIR(expected.st_mode)):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    fd = os.open(base, _READ, dir_fd=above)
    try:
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def _open_existing(base: bytes, directory: int, refused: OSError) -> int:
    """A descriptor to write by; if there is no such file, what was said before counts."""
    try:
        return os.open(base, _WRITE, dir_fd=directory)
    except FileNotFoundError:
        raise refused from None
