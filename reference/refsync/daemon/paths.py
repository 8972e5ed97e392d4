"""What a client's path arguments mean inside a module.

``module/dir`` and ``dir`` are the same, a leading slash is the module's root,
``..`` goes no higher. `` module/`` inside an argument parts two paths, as
clients below 3.0 sent them. Wildcards are the daemon's to expand; they never
show what the module's rules hide. Clause DAEMON-8; upstream ``io.c:read_args``,
``util1.c:glob_expand_module``, ``glob_expand``, ``sanitize_path``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence

from ..filters.wildmatch import wildmatch

#: Whether a name below the module's root, a directory or not, is hidden.
Hidden = Callable[[bytes, bool], bool]

_WILD = b"*?["


def sanitize(path: bytes) -> bytes:
    """A path below the module's root: no leading slash, no empty component, no ``..``.

    A trailing slash and dot components stay: they have a meaning for what is sent.
    """
    kept: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            while kept and kept[-1] == b".":
                kept.pop()
            if kept:
                kept.pop()
        elif part:
            kept.append(part)
    # what comes after a ``..`` at the end is the directory itself, so it is asked for with its slash
    directory = path.endswith((b"/", b"/..")) and kept
    return (b"/".join(kept) or b".") + (b"/" if directory else b"")


def expand_arguments(arguments: Sequence[bytes], module: bytes, root: bytes, hidden: Hidden) -> list[bytes]:
    """The paths that the arguments after the dot name, below the module's root."""
    paths: list[bytes] = []
    for argument in arguments:
        # upstream takes the module's name off wherever it starts the argument
        rest = argument.removeprefix(module)
        for piece in rest.split(b" " + module + b"/") if rest else ():
            if piece:
                paths += _expand(sanitize(piece), root, hidden)
    return paths


def expand_plain(argument: bytes) -> list[bytes]:
    """OPT-11: what a path behind secluded arguments matches: no shell has seen its wildcards."""
    if not any(mark in argument for mark in _WILD):
        return [argument]
    absolute = argument.startswith(b"/")
    base = b"" if absolute else os.getcwdb().strip(b"/") + b"/"
    base = base.lstrip(b"/")
    prefix = b"/" if absolute else b""
    found = _matches(b"/", base, argument.lstrip(b"/").split(b"/"), lambda name, is_dir: False)
    return [prefix + path[len(base) :] for path in found] or [argument]


def _expand(path: bytes, root: bytes, hidden: Hidden) -> list[bytes]:
    """What a pattern matches, or the pattern itself: then the sender says that there is no such file."""
    if not any(mark in path for mark in _WILD):
        return [path]
    return list(_matches(root, b"", path.split(b"/"), hidden)) or [path]


def _matches(root: bytes, base: bytes, parts: Sequence[bytes], hidden: Hidden) -> Iterator[bytes]:
    """Paths below ``base`` (empty or with a trailing slash) that match; a literal end is not looked for."""
    part, rest = parts[0], parts[1:]
    if not part:  # what a trailing slash leaves
        yield base
        return
    if any(mark in part for mark in _WILD):
        names = [name for name in _names(root, base) if wildmatch(part, name)]
    else:
        names = [part]
    for name in names:
        path = base + name
        if name != part or rest:
            kind = _kind(root, path)
            if kind is None or (rest and not kind) or (name != b"." and hidden(_undotted(path), kind)):
                continue
        if rest:
            yield from _matches(root, path + b"/", rest, hidden)
        else:
            yield path


def _names(root: bytes, base: bytes) -> list[bytes]:
    """The names in a directory of the module, sorted; none of one that a symlink leads out of it to."""
    directory = os.path.join(root, base)
    try:
        if not _inside(root, directory):
            return []
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _kind(root: bytes, path: bytes) -> bool | None:
    """Whether a path is a directory; None if it is nothing, or leads out of the module."""
    full = os.path.join(root, path)
    try:
        status = os.stat(full)
    except OSError:
        return None
    is_dir = stat.S_ISDIR(status.st_mode)
    return is_dir if not is_dir or _inside(root, full) else None


def _inside(root: bytes, path: bytes) -> bool:
    top = os.path.realpath(root)
    real = os.path.realpath(path)
    return real == top or real.startswith(top.rstrip(b"/") + b"/")


def _undotted(path: bytes) -> bytes:
    return b"/".join(part for part in path.split(b"/") if part != b".")
