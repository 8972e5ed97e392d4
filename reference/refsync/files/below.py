"""Sources below the directories that a user named, reached without following a symlink.

What is sent is what was listed: a directory of the source that somebody else turns into a symlink after that
leads nowhere (CVE-2026-53797, CVE-2026-53800). The directory that the user named may itself be reached
through symlinks. Where options have symlinks followed, or the names hold the user's own way (``-R``), and in
a module, which confines what it opens by itself, paths are as the run's ``Files`` have them. Clause XFER-9;
upstream ``syscall.c:secure_relative_open``.
"""

from __future__ import annotations

import os

from ..options.model import Options
from .links import follows_links
from .sources import PLAIN, Files, join
from .walk import Directories

_CWD = -100  # AT_FDCWD: a path is what it is to the process


class Below:
    """Opens, looks at and removes ``name`` below ``root``. All methods raise OSError as the system does."""

    def __init__(self, files: Files, options: Options) -> None:
        self._files = files
        self.held = (
            files is PLAIN
            and not follows_links(options)
            and not options.copy_dirlinks
            and not options.relative
        )
        self._root: bytes | None = None
        self._directories: Directories | None = None

    def open(self, root: bytes, name: bytes, flags: int) -> int:
        """A descriptor that no other program inherits."""
        if not self.held:
            return self._files.open(join(root, name), flags)
        directory, base = self.place(root, name)
        return os.open(base, flags | os.O_CLOEXEC, dir_fd=directory)

    def open_directory(self, root: bytes, name: bytes) -> int:
        """A descriptor of a directory, the caller's own; ``name`` is empty for the root."""
        if not self.held:
            return self._files.open(
                (join(root, name) if name else root) or b".", os.O_RDONLY | os.O_DIRECTORY
            )
        return os.dup(self._below(root).directory(name) if name else self._below(root).root_fd)

    def lstat(self, root: bytes, name: bytes) -> os.stat_result:
        if not self.held:
            return self._files.lstat(join(root, name))
        directory, base = self.place(root, name)
        return os.stat(base, dir_fd=directory, follow_symlinks=False)

    def unlink(self, root: bytes, name: bytes) -> None:
        if not self.held:
            self._files.unlink(join(root, name))
            return
        directory, base = self.place(root, name)
        os.unlink(base, dir_fd=directory)

    def place(self, root: bytes, name: bytes) -> tuple[int, bytes]:
        """The directory that holds it, as a descriptor or ``AT_FDCWD``, and its name or path there."""
        if not self.held:
            return _CWD, join(root, name)
        return self._below(root).parent(name)

    def _below(self, root: bytes) -> Directories:
        if root != self._root or self._directories is None:
            if self._directories is not None:
                self._directories.close()
            self._directories, self._root = None, root
            self._directories = Directories(root or b".")
        return self._directories

    def close(self) -> None:
        """Let go of all directories; they are opened anew if anything is asked for again."""
        if self._directories is not None:
            self._directories.close()
        self._directories = self._root = None
