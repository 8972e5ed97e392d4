"""Files that are being received: under a name of their own until they are whole.

Clauses FS-2 and FS-8; upstream ``receiver.c:get_tmpname``,
``open_tmpfile``, ``cleanup.c``.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ..typed import TYPE_CHECKING, Protocol
from .writer import Writer

if TYPE_CHECKING:
    from .destination import Destination

_NAME_MAX = 255
_SUFFIX = 7  # a dot and six characters
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Live(Protocol):
    """What is on the disk under a name that is not its last."""

    def abandon(self) -> None: ...

    def belongs_to(self, dest: Destination) -> bool: ...


_live: dict[int, Live] = {}


def register(one: Live) -> None:
    """Have ``discard_all`` end it, until ``unregister``."""
    _live[id(one)] = one


def unregister(one: Live) -> None:
    _live.pop(id(one), None)


def temp_stem(base: bytes, *, dotted: bool = True) -> bytes:
    """What the temporary names of ``base`` begin with: ``.base``, short enough for a suffix.

    Not ``dotted``: as in a directory that is for such files only.

    A name that has to be cut is not cut inside a character, as far as bytes
    can tell: a run of non-ASCII bytes at the cut goes as a whole.
    """
    room = _NAME_MAX - 1 - _SUFFIX - 1
    if dotted and base.startswith(b"."):
        base = base[1:]
    stem = base[:room]
    if base[room : room + 1] >= b"\x80":
        while stem and stem[-1] >= 0x80:
            stem = stem[:-1]
    if dotted or not stem:
        stem = b"." + stem
    return stem[:-1] if stem.endswith(b".") else stem


def temp_base(base: bytes, *, dotted: bool = True) -> bytes:
    """A temporary name for a file called ``base``: ``.base.XXXXXX`` with random letters and digits."""
    return (
        temp_stem(base, dotted=dotted)
        + b"."
        + bytes(_LETTERS[byte % len(_LETTERS)] for byte in os.urandom(6))
    )


def unique_base(base: bytes, number: int) -> bytes:
    """The ``number``-th temporary name for what is not written to but made at once, a symlink say."""
    return temp_stem(base) + b".%d" % ((os.getpid() + number) % 1_000_000)


class TempFile:
    """An output file: temporary (``inplace`` False), or the file itself.

    ``name`` is where it is now, ``target`` where it belongs, both below
    the destination's root. ``writer`` takes the data. It ends with exactly one of
    ``commit``, ``keep_partial``, ``discard``; until then it is in a registry,
    so that ``discard_all`` can end it. ``rescue`` is what an interrupted run
    does with the data that has come; without one they are dropped.
    """

    def __init__(
        self,
        dest: Destination,
        name: bytes,
        target: bytes,
        fd: int,
        writer: Writer,
        *,
        inplace: bool = False,
        rescue: Callable[[TempFile], object] | None = None,
    ) -> None:
        self._dest = dest
        self.name = name
        self.target = target
        self.fd = fd
        self.writer = writer
        self.inplace = inplace
        self.rescue = rescue
        self._owner = os.getpid()
        register(self)

    @property
    def written(self) -> int:
        """Bytes of data that have come."""
        return self.writer.written

    @property
    def live(self) -> bool:
        """False once it has been committed, kept or discarded."""
        return id(self) in _live

    def belongs_to(self, dest: Destination) -> bool:
        """True if it is a file of ``dest``."""
        return self._dest is dest

    def close(self) -> None:
        """Close the descriptor; what a file system reports only now is raised."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    def commit(self) -> None:
        """Put the whole file under its name. If that raises OSError, ``discard`` is still to be called."""
        self.close()
        if self.name != self.target:
            self._dest.rename(self.name, self.target, file=True)
        self._done()

    def keep_partial(self, mtime_ns: int | None = None) -> None:
        """Put what there is under the name (``--partial``).

        ``mtime_ns``: a time to give it; an interrupted run gives 0, so that
        ``--update`` does not take the part for a newer file. Raises OSError.
        """
        try:
            if self.fd >= 0:
                self.writer.finish()
        except OSError:
            pass  # a full disk, most likely: what has fitted is what is kept
        if self.fd >= 0 and mtime_ns is not None:
            os.utime(self.fd, ns=(os.fstat(self.fd).st_atime_ns, mtime_ns))
        if self.name != self.target:
            self._dest.rename(self.name, self.target)
        self._done()
        self.close()

    def discard(self) -> None:
        """Remove the temporary file; a file that was written in place stays as it is now."""
        self._done()
        try:
            self.close()
        except OSError:
            pass  # it goes away anyway
        if not self.inplace:
            try:
                self._dest.unlink(self.name)
            except FileNotFoundError:
                pass

    def _done(self) -> None:
        unregister(self)

    def abandon(self) -> None:
        """The end for an interrupted run: kept if that was asked for and there is data, else removed."""
        if self._owner != os.getpid():
            self._done()  # a forked copy: the file is the parent's
            return
        try:
            if self.inplace:
                self.writer.flush()  # the end of what has come; the old file's rest stays behind it
            elif self.rescue is not None and self.written:
                self.rescue(self)
        except OSError:
            pass
        try:
            if self.live:
                self.discard()
        except OSError:
            pass  # nothing more can be done, and nobody to tell


def keep_under_its_name(temp: TempFile) -> None:
    """A rescue: the part takes the file's name, with the oldest of times."""
    temp.keep_partial(0)


def discard_all() -> None:
    """End every file that is still being received, as an exit or a signal does (FS-8)."""
    for temp in list(_live.values()):
        temp.abandon()


def discard_of(dest: Destination) -> None:
    """As ``discard_all``, for one destination."""
    for temp in [temp for temp in _live.values() if temp.belongs_to(dest)]:
        temp.abandon()
