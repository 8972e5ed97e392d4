"""``--fuzzy``: a file of another name in the same directory, to take blocks from.

Clauses ALT-9, ALT-11 to ALT-13; upstream ``generator.c:find_fuzzy``, ``flist.c:get_dirlist``.
"""

from __future__ import annotations

import os
import stat

from ..records import dataclass
from ..wire.entry import FileEntry
from .altdest import AltDests
from .module import first_hidden
from .nearness import FARTHEST, nearness, suffix_of
from .session import Session
from .target import Target


@dataclass(slots=True)
class Candidate:
    """A regular file that is not empty. ``place`` is its name below the destination's mounts."""

    base: bytes
    place: bytes
    status: os.stat_result
    changing: bool = False


@dataclass(slots=True)
class Similar:
    """The file that was chosen. ``number`` is 0 in the destination, else one more than in ``AltDests``."""

    number: int
    base: bytes
    place: bytes
    status: os.stat_result


class Fuzzy:
    """The choice, one directory at a time: what is in it is read when the first file of it is missing."""

    def __init__(self, session: Session, target: Target, alternates: AltDests) -> None:
        self._session = session
        self._target = target
        self._alternates = alternates
        self._level = session.options.fuzzy
        module = session.module
        self._rules = module.rules(sender=False) if module and module.filters else None
        self._directory: bytes | None = None
        self._lists: list[list[Candidate]] = []

    def find(self, entry: FileEntry) -> Similar | None:
        """ALT-11: of the same size and time if there is one, else of the most similar name."""
        if not self._level:
            return None
        if entry.dirname != self._directory:
            self._directory = entry.dirname
            self._lists = [self._read(number) for number in range(self._places)]
        while (found := self._alike(entry) or self._nearest(entry)) is not None:
            number, one = found
            if self._is_there(one):
                self._session.debug(
                    "FUZZY", 1, b"fuzzy basis selected for %s: %s" % (entry.name, self._shown(one.base))
                )
                return Similar(number, one.base, one.place, one.status)
            one.changing = True
        return None

    def _is_there(self, one: Candidate) -> bool:
        """Whether it has not been removed since the directory was read, by this run or somebody else."""
        try:
            return self._target.dest.lstat(one.place) is not None
        except OSError:
            return False

    def changing(self, entry: FileEntry) -> None:
        """A file of the directory at hand is being replaced: it is no basis for others from now on."""
        if self._lists and entry.dirname == self._directory:
            for one in self._lists[0]:
                if one.base == entry.basename:
                    one.changing = True

    @property
    def _places(self) -> int:
        """ALT-13: asked for twice, the other directories count too."""
        return 1 + len(self._alternates) if self._level > 1 else 1

    def _read(self, number: int) -> list[Candidate]:
        directory = self._directory or b"."
        dest = self._target.dest
        place: bytes | None = directory
        if number:
            place = self._alternates.place(number - 1, directory)
        elif self._target.missing:
            place = None
        if place is None:
            return []
        found = []
        try:
            for base in dest.listdir(place):
                name = base if place == b"." else place + b"/" + base
                status = dest.lstat(name)
                if status is None or not stat.S_ISREG(status.st_mode) or not status.st_size:
                    continue
                if not self._hidden(name):
                    found.append(Candidate(base, name, status))
        except OSError:
            pass  # what can't be read has nothing to offer
        return found

    def _hidden(self, name: bytes) -> bool:
        """ALT-9: a module's rules keep even the sums of what they hide."""
        module = self._session.module
        if self._rules is None or module is None:
            return False
        below = os.path.relpath(self._target.dest.path(name), module.root)
        return first_hidden(self._rules, below, False) is not None

    def _alike(self, entry: FileEntry) -> tuple[int, Candidate] | None:
        window = max(self._session.options.window, 0)
        for number, candidates in enumerate(self._lists):
            for one in candidates:
                if one.changing or one.status.st_size != entry.size:
                    continue
                if abs(one.status.st_mtime_ns // 10**9 - entry.mtime) <= window:
                    self._tell(b"fuzzy size/modtime match for " + self._shown(one.base))
                    return number, one
        return None

    def _nearest(self, entry: FileEntry) -> tuple[int, Candidate] | None:
        """Of those that are equally near the last counts."""
        name = entry.basename
        suffix = suffix_of(name)
        lowest = FARTHEST
        nearest: tuple[int, Candidate] | None = None
        for number, candidates in enumerate(self._lists):
            for one in candidates:
                if one.changing:
                    continue
                far = nearness(one.base, suffix_of(one.base), name, suffix, lowest)
                shown = self._shown(one.base)
                self._tell(b"fuzzy distance for %s = %d.%05d" % (shown, far >> 16, far & 0xFFFF))
                if far <= lowest:
                    lowest = far
                    nearest = number, one
        return nearest

    def _shown(self, base: bytes) -> bytes:
        return self._directory + b"/" + base if self._directory else base

    def _tell(self, text: bytes) -> None:
        self._session.debug("FUZZY", 2, text)
