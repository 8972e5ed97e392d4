"""Which names a client has asked a server for: anything else is not taken from it.

As the server expands wildcards, an argument with some stands for all that they
match. Clauses HOST-2, HOST-7; upstream ``exclude.c:add_implied_include``, ``flist.c:recv_file_entry``.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..filters.wildmatch import wildmatch
from ..options.filesfrom import remote_file
from ..options.model import Options
from ..wire import filesfrom

_WILD = frozenset(b"*?[")


class Requested:
    """``depth`` tells how far below what was asked for names may come: 0, 1 level, or 2 for any."""

    def __init__(self, arguments: Iterable[bytes], *, relative: bool, depth: int) -> None:
        self._depth = depth
        self._all = False  # the contents of the starting directory were asked for
        self._exact: set[bytes] = set()
        self._ways: set[bytes] = set()  # directories that lead to what was asked for
        self._patterns: list[bytes] = []
        self._way_patterns: list[bytes] = []
        for argument in arguments:
            self._add(_name_of(argument, relative), relative)

    def _add(self, name: bytes, relative: bool) -> None:
        if not name:
            self._all = True
            return
        parts = name.split(b"/")
        ways = [b"/".join(parts[:count]) for count in range(1, len(parts))] if relative else []
        if _WILD.isdisjoint(name):
            self._exact.add(name.replace(b"\\]", b"]"))
            self._ways.update(ways)
            return
        self._patterns.append(name)
        self._way_patterns += ways
        if b"[" in name:  # a shell leaves brackets that match nothing as they are
            self._patterns.append(name.replace(b"[", b"\\["))
            self._way_patterns += [way.replace(b"[", b"\\[") for way in ways]

    def allows(self, name: bytes, is_dir: bool) -> bool:
        """HOST-2: whether a name was asked for, lies below what was, or is a directory that leads to it."""
        return self.wanted(name) or (is_dir and self._leads(name))

    def all_below(self, directory: bytes) -> bool:
        """Whether anything below a directory was asked for, whatever its name."""
        if self._depth < 2:
            return False
        if self._all:
            return True
        parts = directory.split(b"/")
        ways = [b"/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        return any(
            way in self._exact or any(wildmatch(pattern, way) for pattern in self._patterns) for way in ways
        )

    def wanted(self, name: bytes) -> bool:
        """HOST-7: as ``allows``, without the directories that only lead there."""
        if name == b".":
            return self._all
        if self._all and (self._depth == 2 or (self._depth == 1 and b"/" not in name)):
            return True
        if name in self._exact or any(wildmatch(pattern, name) for pattern in self._patterns):
            return True
        parts = name.split(b"/")
        if not self._depth:
            return False
        first = 1 if self._depth == 2 else len(parts) - 1
        above = [b"/".join(parts[:count]) for count in range(max(1, first), len(parts))]
        return any(
            way in self._exact or any(wildmatch(pattern, way) for pattern in self._patterns) for way in above
        )

    def _leads(self, name: bytes) -> bool:
        return name in self._ways or any(wildmatch(pattern, name) for pattern in self._way_patterns)


def requested_by(options: Options, paths: list[bytes]) -> Requested | None:
    """What a client's options and arguments ask for; None if whatever comes is taken."""
    if options.trust_sender or options.old_args or options.read_batch is not None:
        return None
    arguments: Iterable[bytes] = paths
    if options.files_from is not None:
        if remote_file(options.files_from):
            return None
        stream = filesfrom.encode(options.files_from_data or b"", from0=options.from0)
        arguments = [name for name in stream.split(b"\0") if name]
    elif any(path.startswith(b"~") and b"/" not in path for path in paths):
        return None  # the remote shell knows whose home that is
    depth = 2 if options.recurse else 1 if options.dirs else 0
    return Requested(arguments, relative=bool(options.relative), depth=depth)


def _name_of(argument: bytes, relative: bool) -> bytes:
    """The part of an argument that becomes names in the list; empty if only contents do."""
    if relative:
        _, divider, rest = argument.partition(b"/./")
        name = rest if divider else argument
    else:
        name = argument[argument.rfind(b"/") + 1 :]
        if name == b"..":
            return b""
    kept: list[bytes] = []
    for part in name.split(b"/"):
        if part == b".." and kept:
            kept.pop()
        elif part not in (b"", b".", b".."):
            kept.append(part)
    return b"/".join(kept)
