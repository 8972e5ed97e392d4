"""Sources below the directories that a user named, reached through directories that are held open.

What is sent is what was listed: a directory of the source that somebody else turns into a symlink leads
nowhere, whether its names, its attributes or its files are looked at (CVE-2026-53797, CVE-2026-53800,
CVE-2026-53801). Symlinks are followed where somebody asked for it: on the user's own way to what he named
(``-R`` has it in the names), and where ``-L``, ``-k`` or ``--copy-unsafe-links`` say so; in a daemon's module
also these lead nowhere but below it. Clauses XFER-9, DAEMON-28; upstream ``syscall.c:secure_relative_open``,
``do_open_checklinks``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict

from ..options.model import Options
from .links import follows_links, is_unsafe
from .sources import PLAIN, Files, join, names_in
from .walk import DIRECTORY, Directories

#: What the system says of a symlink where none is to be followed, or a directory is wanted.
_LINK = (errno.ELOOP, errno.ENOTDIR)
#: What no name has that was listed.
_UNCLEAN = frozenset((b"", b".", b".."))
#: Directories that a user named; so many of them stay open, with what is below.
_ROOTS = 4


class _Tree(Directories):
    """What is below one of the directories. ``links`` are its symlinks that the user himself went through."""

    def __init__(self, files: Files, options: Options, root: bytes, links: set[bytes]) -> None:
        place = root or b"."
        super().__init__(place, None if files is PLAIN else files.open(place, DIRECTORY))
        self.dirlinks = links
        self._files = files
        self._options = options
        self._root = root

    def step(self, name: bytes, base: bytes, above: int) -> int:
        return self.enter(name, base, above, DIRECTORY)

    def enter(self, name: bytes, base: bytes, above: int, flags: int) -> int:
        """Open ``name``, which is ``base`` in the directory ``above``: no symlink, or one to be followed."""
        try:
            return os.open(base, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        except OSError as error:
            if error.errno not in _LINK or flags & os.O_NOFOLLOW or not self._followed(name, base, above):
                raise
        if self._files is PLAIN:
            return os.open(base, flags | os.O_CLOEXEC, dir_fd=above)
        return self._files.open(join(self._root, name), flags)  # not beneath that directory but the module

    def _followed(self, name: bytes, base: bytes, above: int) -> bool:
        options = self._options
        if name in self.dirlinks or options.copy_links:
            return True
        if options.copy_dirlinks and stat.S_ISDIR(os.stat(base, dir_fd=above).st_mode):
            return True
        return bool(options.copy_unsafe_links) and is_unsafe(os.readlink(base, dir_fd=above), name)


class Below:
    """The ``Files`` of a sender: whole paths, of which those below a known root go by held directories.

    ``files`` has the others: the system's own view, or a module's. All methods raise OSError as the system
    does.
    """

    def __init__(self, files: Files, options: Options) -> None:
        self._files = files
        self._options = options
        self._roots: dict[bytes, bytes] = {}  # by what paths below them begin with
        self._links: dict[bytes, set[bytes]] = {}
        self._open: OrderedDict[bytes, _Tree] = OrderedDict()
        self._last: tuple[bytes, bytes, bytes] | None = None  # a directory's paths, its root, its name there
        self._walked: tuple[bytes, bytes] = (b"", b"")
        self._proc = os.path.isdir("/proc/self/fd")
        #: whether files that are symlinks may be opened
        self.follows = follows_links(options)

    def begin(self, root: bytes, name: bytes, *, through: bool) -> None:
        """From here on ``root`` is a directory that the user named, empty for the current one.

        With ``--relative`` he has also named the way to ``name`` below it, whose symlinks are followed;
        ``through``: that one's too.
        """
        if not root and name.startswith(b"/"):
            root = b"/"
        key = root.rstrip(b"/") + b"/" if root else b""
        if key not in self._roots:
            self._roots[key] = root
            self._last = None
        name = name.strip(b"/")
        way = name if through else name.rpartition(b"/")[0]
        if not way or way == b"." or (key, way) == self._walked:
            return
        parts = way.split(b"/")
        try:
            for count in range(1, len(parts) + 1):
                part = b"/".join(parts[:count])
                directory, base = self._tree(key).parent(part)
                if stat.S_ISLNK(os.stat(base, dir_fd=directory, follow_symlinks=False).st_mode):
                    self._links.setdefault(key, set()).add(part)
                    self._tree(key).dirlinks = self._links[key]
        except OSError:
            return  # whoever looks at it next says so
        self._walked = (key, way)

    def place(self, path: bytes) -> tuple[int, bytes] | None:
        """The directory that holds it, good until the next call, and its name there.

        None if it is not below a root.
        """
        found = self._find(path)
        return None if found is None else found[0].parent(found[1])

    def lstat(self, path: bytes) -> os.stat_result:
        held = self.place(path)
        if held is None:
            return self._files.lstat(path)
        return os.stat(held[1], dir_fd=held[0], follow_symlinks=False)

    def stat(self, path: bytes) -> os.stat_result:
        held = self.place(path)
        if held is None:
            return self._files.stat(path)
        if self._files is PLAIN:
            return os.stat(held[1], dir_fd=held[0])
        status = os.stat(held[1], dir_fd=held[0], follow_symlinks=False)
        return self._files.stat(path) if stat.S_ISLNK(status.st_mode) else status

    def readlink(self, path: bytes) -> bytes:
        held = self.place(path)
        return self._files.readlink(path) if held is None else os.readlink(held[1], dir_fd=held[0])

    def unlink(self, path: bytes) -> None:
        held = self.place(path)
        if held is None:
            self._files.unlink(path)
        else:
            os.unlink(held[1], dir_fd=held[0])

    def mkdir(self, path: bytes) -> None:
        self._files.mkdir(path)

    def open(self, path: bytes, flags: int) -> int:
        """A descriptor that no other program inherits; of a symlink only where one is to be followed."""
        found = self._find(path)
        if found is None:
            return self._files.open(path, flags)
        tree, name = found
        directory, base = tree.parent(name)
        return tree.enter(name, base, directory, flags)

    def listdir(self, path: bytes) -> list[bytes]:
        return names_in(self.open(path, os.O_RDONLY | os.O_DIRECTORY))

    def readable(self, path: bytes) -> bool:
        held = self.place(path)
        if held is None or self._files is not PLAIN:
            return self._files.readable(path)
        return os.access(held[1], os.R_OK, dir_fd=held[0])

    def attribute_path(self, path: bytes) -> bytes:
        held = self.place(path)
        if held is None or not self._proc:
            return self._files.attribute_path(path)
        return b"/proc/self/fd/%d/" % held[0] + held[1]

    def _find(self, path: bytes) -> tuple[_Tree, bytes] | None:
        """The root nearest to it, and its name below that; None for the user's own way to a root."""
        cut = path.rfind(b"/") + 1
        above, base = path[:cut], path[cut:]
        if self._last is None or self._last[0] != above:
            key = above
            while key not in self._roots:
                if not key or key == b"/":
                    return None
                key = key[: key.rfind(b"/", 0, -1) + 1]
            directory = above[len(key) :]
            if directory and not _UNCLEAN.isdisjoint(directory[:-1].split(b"/")):
                return None
            self._last = (above, key, directory)
        _, key, directory = self._last
        if base in _UNCLEAN:
            if base == b"..":
                return None
            return self._tree(key), directory[:-1] or b"."
        return self._tree(key), directory + base

    def _tree(self, key: bytes) -> _Tree:
        tree = self._open.get(key)
        if tree is None:
            tree = _Tree(self._files, self._options, self._roots[key], self._links.get(key, set()))
            self._open[key] = tree
            if len(self._open) > _ROOTS:
                self._open.popitem(last=False)[1].close()
        elif len(self._open) > 1:
            self._open.move_to_end(key)
        return tree

    def close(self) -> None:
        """Let go of all directories; they are opened anew if anything is asked for again."""
        for tree in self._open.values():
            tree.close()
        self._open.clear()
