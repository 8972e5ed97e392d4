"""Symlinks: which lead out of the tree, and which a sender looks through.

Clauses FS-18 to FS-20; upstream ``util1.c:unsafe_symlink``, ``flist.c:readlink_stat``, ``link_stat``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from ..options.model import Options
from .sources import PLAIN, Files


def is_unsafe(target: bytes, name: bytes) -> bool:
    """FS-18: whether a link called ``name`` leads out of the tree that its name is relative to.

    Absolute and empty targets do. So does any ``..`` that does not stand at the start,
    wherever it would lead: what is before it may itself be a symlink.
    """
    if not target or target.startswith(b"/"):
        return True
    rest = target
    while rest.startswith(b"../"):
        rest = rest[3:].lstrip(b"/")
    if b"/../" in rest or (len(target) > 3 and target.endswith(b"/..")):
        return True
    depth = 0
    *above, last = _components(name)
    for part in above:
        depth = 0 if part == b".." else depth + (part != b".")
    if last == b"..":
        depth = 0
    *way, last = _components(target)
    for part in way:
        if part == b"..":
            depth -= 1
            if depth < 0:
                return True
        elif part != b".":
            depth += 1
    return depth - (last == b"..") < 0


def _components(path: bytes) -> list[bytes]:
    """Split at slashes, of which several count as one; a leading one makes an empty component."""
    first, *rest = path.split(b"/")
    if not rest:
        return [first]
    return [first, *(part for part in rest[:-1] if part), rest[-1]]


def link_stat(
    path: bytes, options: Options, *, follow_dirs: bool | None = None, files: Files = PLAIN
) -> os.stat_result:
    """FS-19: what a name is: through every symlink with ``-L``, through those to directories with ``-k``.

    ``follow_dirs`` overrides ``-k``: a slash at the end asks for the directory. Raises OSError.
    """
    if options.copy_links:
        return files.stat(path)
    status = files.lstat(path)
    if stat.S_ISLNK(status.st_mode) and (options.copy_dirlinks if follow_dirs is None else follow_dirs):
        try:
            behind = files.stat(path)
        except OSError:
            return status
        if stat.S_ISDIR(behind.st_mode):
            return behind
    return status


def look(
    path: bytes, name: bytes, options: Options, tell: Callable[[bytes], object], files: Files = PLAIN
) -> os.stat_result:
    """FS-19: the status of what is to be listed, behind a symlink where one is to be looked through.

    ``tell`` takes a line about each symlink that ``--copy-unsafe-links`` looks through. Raises OSError.
    """
    status = link_stat(path, options, files=files)
    if options.copy_unsafe_links and stat.S_ISLNK(status.st_mode):
        target = files.readlink(path)
        if is_unsafe(target, name):
            tell(b'copying unsafe symlink "' + name + b'" -> "' + target + b'"\n')
            return files.stat(path)
    return status


def follows_links(options: Options) -> bool:
    """Whether the sender may open what is behind a symlink (upstream ``syscall.c:do_open_checklinks``)."""
    return options.copy_links or options.copy_unsafe_links
