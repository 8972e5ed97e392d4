"""Directories besides the destination that options name: for backups, parts and temporary files.

A user's own path may lead through symlinks, but not through another user's (DAEMON-29). In
a daemon's module a client's path is kept below the module: a leading slash
means its root, ``..`` goes no higher, and no symlink is followed on the way
(HOST-6). Upstream ``util1.c:sanitize_path``, ``make_path``.
"""

from __future__ import annotations

import os
import stat

from ..files.destination import Destination
from ..files.walk import DIRECTORY, open_below
from ..filters.paths import confine
from ..options.named import open_named


class Places:
    """What options name, as names that ``dest`` knows.

    ``module`` is the root of a daemon's module, None where nobody is confined.
    """

    def __init__(self, dest: Destination, module: bytes | None = None) -> None:
        self._dest = dest
        self._module = module
        self._known: dict[bytes, bytes] = {}

    def confined(self, directory: bytes, *, depth: int) -> bytes:
        """The text of the option, with no way out of the module; ``depth``: how many ``..`` may begin it."""
        return directory if self._module is None else confine(directory, self._module, depth)

    def path(self, directory: bytes, *, depth: int = 0) -> bytes:
        """The absolute path that the option means."""
        return self.joined(self._dest.root, self.confined(directory, depth=depth))

    def joined(self, base: bytes, directory: bytes) -> bytes:
        """The absolute path of a directory that is confined already, as seen from ``base``."""
        path = os.path.join(base, directory)
        return path if self._module is None else os.path.normpath(path)

    def below_module(self, path: bytes) -> bytes:
        """An absolute path as a module's rules name it."""
        return os.path.relpath(path, self._module) if self._module is not None else path

    def enter(self, path: bytes) -> bytes:
        """The name of the directory at an absolute path. Raises OSError if it is none."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self.mount(path)
        return known

    def mount(self, path: bytes) -> bytes:
        """As ``enter``, by a name of its own that no ``remove`` takes away."""
        if self._module is None:
            fd = open_named(path, DIRECTORY)
        else:
            fd = open_below(self._module, self.below_module(path))
        return self._dest.mount(fd, path.rstrip(b"/") or b"/")

    def make(self, path: bytes, mode: int = 0o777, *, parents: bool = True) -> bytes:
        """As ``enter``, after making the directory, and with ``parents`` those above it, where missing."""
        known = self._known.get(path)
        if known is not None:
            return known
        try:
            return self.enter(path)
        except FileNotFoundError:
            above, base = os.path.split(path.rstrip(b"/"))
            if not base:
                raise
            name = (self.make(above) if parents else self.enter(above)) + b"/" + base
            try:
                self._dest.mkdir(name, mode)
            except FileExistsError:
                pass  # somebody else has made it
            return self.enter(path)

    def remove(self, path: bytes) -> None:
        """Remove an empty directory. Raises OSError."""
        above, base = os.path.split(path.rstrip(b"/"))
        self._dest.rmdir(self.enter(above) + b"/" + base)
        self._forget(path)

    def _forget(self, path: bytes) -> None:
        label = self._known.pop(path, None)
        if label is not None:
            self._dest.unmount(label)

    def clear(self, path: bytes) -> None:
        """Remove what stands at an absolute path if it is not a directory. Raises OSError."""
        above, base = os.path.split(path.rstrip(b"/"))
        try:
            name = self.enter(above) + b"/" + base
        except FileNotFoundError:
            return
        status = self._dest.lstat(name)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            self._dest.unlink(name)
            self._forget(path)  # a symlink, which has been gone through
