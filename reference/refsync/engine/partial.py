"""Where parts of files are kept between runs, and files that wait for the end of a run.

A relative ``--partial-dir`` is a directory in each directory that has
something to keep, made for it and removed when it is empty; an absolute one
is one directory for all, and stays. Clauses FS-11 to FS-13; upstream
``util1.c:partial_dir_fname``, ``handle_partial_dir``.
"""

from __future__ import annotations

import os
import stat

from ..wire.errors import Exit, RefsyncError
from .module import first_hidden
from .places import Places
from .session import Session
from .target import Target


class Parts:
    """The partial directory of a run. ``wanted`` is False if there is none."""

    def __init__(self, session: Session, target: Target, places: Places) -> None:
        self._session = session
        self._target = target
        self._places = places
        self._module = session.module
        self._rules = session.module.rules(sender=False) if session.module else None
        self._directory = os.fsencode(session.options.partial_dir or "")
        self._shared: bytes | None = None  # the path, if there is one directory for all
        self.wanted = bool(self._directory)
        self.relative = self.wanted and not self._directory.startswith(b"/")
        if self.wanted and self._directory.startswith(b"/"):
            self._shared = places.path(self._directory)
            if self._rules and first_hidden(self._rules, places.below_module(self._shared), True) is not None:
                raise RefsyncError("Your options have been rejected by the server.", Exit.SYNTAX)

    def allowed(self, name: bytes) -> bool:
        """Whether a part of ``name`` may be kept: a module's rules may say no."""
        if not self.wanted:
            return False
        cut = name.rfind(b"/") + 1
        return self._shared is not None or not self._hidden(os.path.normpath(name[:cut] + self._directory))

    def find(self, name: bytes) -> bytes | None:
        """The name of the part of ``name``, whether it is there or not; None if it can't be."""
        if not self.wanted:
            return None
        return self._named(name, make=False)

    def make(self, name: bytes) -> bytes | None:
        """As ``find``, after making the directory for it; what is in its way, but no directory, goes."""
        if not self.wanted:
            return None
        try:
            return self._named(name, make=True)
        except OSError:
            return None

    def shown(self, name: bytes) -> bytes:
        """The part's path as it is told, relative to the destination."""
        cut = name.rfind(b"/") + 1
        head = b"" if self._shared is not None else name[:cut]
        return head + os.path.join(self._directory, name[cut:])

    def status(self, name: bytes) -> os.stat_result | None:
        """What ``find`` and the disk say: the status of a part that is a regular file, else None."""
        part = self.find(name)
        if part is None:
            return None
        try:
            status = self._target.lstat(part)
        except OSError:
            return None
        return status if status is not None and stat.S_ISREG(status.st_mode) else None

    def drop(self, name: bytes, *, unlink: bool = False) -> None:
        """The part of ``name`` is of no use any more: its directory goes if nothing else is in it."""
        part = self.find(name)
        if part is None or self._session.options.dry_run:
            return
        try:
            if unlink:
                self._target.dest.unlink(part)
            directory = part[: part.rfind(b"/")]
            if self._shared is not None:
                return
            if directory.startswith(b"\0"):
                self._places.remove(self._target.dest.path(directory))
            else:
                self._target.dest.rmdir(directory)
        except OSError:
            pass

    def _named(self, name: bytes, *, make: bool) -> bytes | None:
        cut = name.rfind(b"/") + 1
        if self._shared is not None:
            if make:
                self._places.clear(self._shared)
                directory = self._places.make(self._shared, 0o700, parents=False)
            else:
                try:
                    directory = self._places.enter(self._shared)
                except OSError:
                    return None
            return directory + b"/" + name[cut:]
        within = os.path.normpath(name[:cut] + self._directory)
        if self._hidden(within):
            return None
        if within.startswith(b".."):
            path = self._places.path(within, depth=within.count(b".."))
            if make:
                self._places.clear(path)
                return self._places.make(path, 0o700, parents=False) + b"/" + name[cut:]
            try:
                return self._places.enter(path) + b"/" + name[cut:]
            except OSError:
                return None
        if make:
            dest = self._target.dest
            status = dest.lstat(within)
            if status is not None and not stat.S_ISDIR(status.st_mode):
                dest.unlink(within)
                status = None
            if status is None:
                dest.mkdir(within, 0o700)
        return within + b"/" + name[cut:]

    def _hidden(self, within: bytes) -> bool:
        """HOST-6: whether the module's rules exclude the directory."""
        if self._rules is None or self._module is None:
            return False
        path = os.path.normpath(os.path.join(self._target.root, within))
        return first_hidden(self._rules, self._places.below_module(path), True) is not None
