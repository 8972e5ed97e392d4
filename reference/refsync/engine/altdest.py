"""Other directories where files may be: ``--compare-dest``, ``--copy-dest``, ``--link-dest``.

This module finds the best candidate; ``reuse`` makes something of it. Clauses
ALT-1 to ALT-3, ALT-9, ALT-10; upstream ``generator.c:try_dests_reg``,
``try_dests_non``, ``main.c:check_alt_basis_dirs``, ``do_server_recv``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from enum import IntEnum

from ..options.named import ForeignLink
from ..records import dataclass
from ..wire.entry import FileEntry
from ..wire.errors import Exit, RefsyncError
from .module import first_hidden
from .places import Places
from .session import Session
from .target import Target


class Level(IntEnum):
    """How like the entry a candidate is."""

    NAME = 1  # the same name and kind
    DATA = 2  # and, as far as the quick check tells, the same content
    ALL = 3  # and the same attributes


@dataclass(slots=True)
class Match:
    """A candidate: ``number`` of its directory, ``name`` below the destination's mounts."""

    level: Level
    number: int
    name: bytes
    status: os.stat_result


#: Tells whether the candidate of that name and status is like the entry in one respect.
Like = Callable[[FileEntry, bytes, os.stat_result], bool]


class AltDests:
    """The directories of one run, in the order of the options. False if there are none.

    ``kind`` is "compare", "copy" or "link".
    """

    def __init__(self, session: Session, target: Target, places: Places) -> None:
        options, module = session.options, session.module
        self._session = session
        self._target = target
        self._places = places
        self.kind = options.alt_dest_kind
        self._rules = module.rules(sender=False) if module and module.filters else None
        depth = 0
        if module is not None:
            below = places.below_module(target.root)
            depth = 0 if below == b"." else below.count(b"/") + 1
        self._paths: list[bytes] = []
        self._labels: dict[int, bytes] = {}
        for given in options.alt_dests:
            self._add(os.fsencode(given), depth)

    def __len__(self) -> int:
        return len(self._paths)

    def _add(self, given: bytes, depth: int) -> None:
        """ALT-9, ALT-10: where a directory is; that it is missing is worth a warning."""
        shown = self._places.confined(given, depth=depth)
        if len(shown) > 1:
            shown = shown.removesuffix(b"/")
        base = self._target.root
        if self._target.missing and not shown.startswith(b"/"):
            # one step up can be taken from a directory that does not exist, as if it did
            if shown.startswith(b"../"):
                base, shown = os.path.dirname(base), shown[3:]
            shown = os.path.join(base, shown)
        path = self._places.joined(base, shown)
        if self._rules and first_hidden(self._rules, self._places.below_module(path), True) is not None:
            raise RefsyncError("Your options have been rejected by the server.", Exit.SYNTAX)
        self._paths.append(path)
        try:
            self._label(len(self._paths) - 1)
        except OSError as error:
            what = b"is not a dir" if isinstance(error, NotADirectoryError) else b"does not exist"
            if isinstance(error, ForeignLink):
                what = b"is not used (" + str(error.strerror).encode() + b")"
            option = b"--" + self.kind.encode() + b"-dest"
            self._session.reporter.warning(option + b" arg " + what + b": " + shown + b"\n")

    def _label(self, number: int) -> bytes:
        """The directory's name for the destination; one that is missing may come later. Raises OSError."""
        label = self._labels.get(number)
        if label is None:
            label = self._labels[number] = self._places.mount(self._paths[number])
        return label

    def place(self, number: int, name: bytes) -> bytes | None:
        """What ``name`` is called below one of the directories; None if there is no such directory.

        Nor is there anything that a module's rules hide (ALT-9).
        """
        try:
            label = self._label(number)
        except OSError:
            return None
        if self._rules is not None:
            below = os.path.normpath(os.path.join(self._places.below_module(self._paths[number]), name))
            if first_hidden(self._rules, below, False) is not None:
                return None
        return label if name == b"." else label + b"/" + name

    def look(self, number: int, name: bytes) -> tuple[bytes, os.stat_result] | None:
        """What has the name there. No symlink is followed on the way."""
        place = self.place(number, name)
        if place is None:
            return None
        try:
            status = self._target.dest.lstat(place)
        except OSError:
            return None
        return None if status is None else (place, status)

    def best(self, entry: FileEntry, name: bytes, data: Like, attributes: Like) -> Match | None:
        """ALT-2: the first candidate of the highest level."""
        found: Match | None = None
        for number in range(len(self._paths)):
            here = self.look(number, name)
            if here is None or not _same_kind(here[1].st_mode, entry.mode):
                continue
            place, status = here
            level = Level.NAME
            if data(entry, place, status):
                level = Level.ALL if attributes(entry, place, status) else Level.DATA
            if found is None or level > found.level:
                found = Match(level, number, place, status)
            if level is Level.ALL:
                break
        return found

    def first_of(self, name: bytes, file: os.stat_result | None) -> Match | None:
        """The first name of a certain file."""
        for number in range(len(self._paths) if file is not None else 0):
            here = self.look(number, name)
            if here is not None and file is not None and os.path.samestat(here[1], file):
                return Match(Level.ALL, number, *here)
        return None

    def same_name(self, entry: FileEntry, name: bytes) -> Match | None:
        """The first file of the name, whatever its content: to take blocks from."""
        return self.best(entry, name, lambda *candidate: False, lambda *candidate: False)


def _same_kind(one: int, other: int) -> bool:
    """Devices of both sorts are one kind, and so are FIFOs and sockets."""
    return _kind(one) == _kind(other)


def _kind(mode: int) -> int:
    sort = stat.S_IFMT(mode)
    return {stat.S_IFBLK: stat.S_IFCHR, stat.S_IFSOCK: stat.S_IFIFO}.get(sort, sort)
