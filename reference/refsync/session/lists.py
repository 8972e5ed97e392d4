"""The file lists of a session and the numbering of their entries.

Without incremental recursion there is one list, numbered from 0. With it
there is one a directory, numbered from 1 with a gap of one before each
list: that number stands for the list's own directory. Indexes count the
sorted entries, but where names are converted the two sides may sort
differently: then they count them as they crossed the wire (ICONV-3). Clauses
IREC-1 to IREC-8; upstream ``flist.c:flist_new``, ``rsync.c:flist_for_ndx``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from ..wire.entry import GOT_LIST, UNNAMED, FileEntry
from ..wire.errors import ProtocolError
from ..wire.limits import MAX_FLIST_ENTRIES, MAX_NDX


class FileList:
    """One list, sorted. ``start`` is its first index; ``parent`` its directory in ``FileLists.dirs`` or -1.

    ``sent``: the entries as the indexes count them, if that is not the order of ``entries``.
    ``in_progress`` and ``to_redo`` count, on the receiving side, the files
    that are not yet done, ``held`` the hard links that wait for one (HLINK-4).
    """

    __slots__ = (
        "_names",
        "_places",
        "_sent",
        "before",
        "entries",
        "held",
        "in_progress",
        "number",
        "parent",
        "start",
        "to_redo",
    )

    def __init__(
        self, start: int, entries: Sequence[FileEntry], parent: int, sent: list[FileEntry] | None = None
    ) -> None:
        self.start = start
        self.entries = entries
        self._sent: Sequence[FileEntry] = entries if sent is None else sent
        self._places: dict[int, int] = {}
        if sent is not None:
            self._places = {id(entry): place for place, entry in enumerate(entries)}
        self.parent = parent
        self.in_progress = 0
        self.to_redo = 0
        self.held = 0
        self.before = 0  # entries of all lists before this one
        self.number = 1  # how manieth list of the session this is
        self._names: set[bytes] | None = None

    @property
    def end(self) -> int:
        """One past the last index."""
        return self.start + len(self.entries)

    def at(self, ndx: int) -> FileEntry:
        """The entry of an index."""
        return self._sent[ndx - self.start]

    def place(self, ndx: int) -> int:
        """How manieth of the sorted entries that is, from 0; -1 for the list's own directory."""
        if ndx < self.start:
            return -1
        return self._places[id(self.at(ndx))] if self._places else ndx - self.start

    def numbered(self) -> Iterator[tuple[int, FileEntry]]:
        """Index and entry, in sorted order."""
        if not self._places:
            return enumerate(self.entries, self.start)
        numbers = {id(entry): ndx for ndx, entry in enumerate(self._sent, self.start)}
        return ((numbers[id(entry)], entry) for entry in self.entries)

    @property
    def names(self) -> set[bytes]:
        """Names of the active entries, whatever their type."""
        if self._names is None:
            own = getattr(self.entries, "names", None)
            self._names = own() if own else {entry.name for entry in self.entries if entry.active}
        return self._names


class FileLists:
    """The live lists in order, and all directories seen."""

    def __init__(self, inc_recurse: bool) -> None:
        self.inc_recurse = inc_recurse
        self.live: list[FileList] = []
        self.dirs: list[FileEntry] = []
        self.eof = not inc_recurse  # no further list will come
        self.total = 0  # entries in live lists
        self._next_start = 1 if inc_recurse else 0
        self._starts: list[int] = []
        self._counted = 0
        self._lists = 0
        self._current: FileList | None = None  # that of the last index

    @property
    def checked(self) -> int:
        """Entries up to the end of the list that the last index was in."""
        current = self._current or (self.live[0] if self.live else None)
        return current.before + len(current.entries) if current else 0

    @property
    def next_start(self) -> int:
        """The first index of the next list."""
        return self._next_start

    def add(self, entries: Sequence[FileEntry], parent: int, sent: list[FileEntry] | None = None) -> FileList:
        """Append a list; its numbering follows the one before it. ``sent``: see ``FileList``."""
        self.total += len(entries)
        if self.total > MAX_FLIST_ENTRIES:
            raise ProtocolError(f"more than {MAX_FLIST_ENTRIES} files in the file lists", clause="FLIST-1")
        listing = FileList(self._next_start, entries, parent, sent)
        listing.before = self._counted
        self._lists += 1
        listing.number = self._lists
        self._counted += len(entries)
        self._next_start = listing.end + 1
        if self._next_start > MAX_NDX:
            raise ProtocolError("file indexes run past the largest int", clause="NDX-4")
        self.live.append(listing)
        self._starts.append(listing.start)
        return listing

    def drop_first(self) -> FileList:
        """IREC-7: both sides are done with the oldest list."""
        listing = self.live.pop(0)
        self._starts.pop(0)
        self.total -= len(listing.entries)
        return listing

    def locate(self, ndx: int) -> FileList:
        """The live list that ``ndx`` belongs to, its directory's number included (IREC-3)."""
        place = bisect_right(self._starts, ndx + 1) - 1
        if place >= 0:
            listing = self.live[place]
            if ndx < listing.end and ndx >= listing.start - 1:
                return listing
        first = self.live[0].start - 1 if self.live else 0
        last = self.live[-1].end - 1 if self.live else -1
        raise ProtocolError(f"File-list index {ndx} not in {first} - {last}", clause="NDX-5")

    def entry(self, ndx: int) -> tuple[FileList, FileEntry]:
        """The list and the active entry of an index, or ``ProtocolError``."""
        listing = self._current = self.locate(ndx)
        if ndx >= listing.start:
            found = listing.at(ndx)
        elif self.inc_recurse and listing.parent >= 0:
            found = self.dirs[listing.parent]
        else:
            raise ProtocolError(f"file index {ndx} stands for no directory", clause="IREC-3")
        if not found.active:
            raise ProtocolError(f"file index {ndx} is that of a removed duplicate", clause="FLIST-20")
        return listing, found

    def directory(self, dir_ndx: int) -> FileEntry:
        """IREC-6: the directory whose list is announced; each may have one."""
        if not 0 <= dir_ndx < len(self.dirs):
            raise ProtocolError(f"invalid directory index {dir_ndx} of {len(self.dirs)}", clause="IREC-5")
        found = self.dirs[dir_ndx]
        if found.flags & GOT_LIST:
            raise ProtocolError(f"a second file list for directory {dir_ndx}", clause="IREC-6")
        if not found.active and not found.flags & UNNAMED:
            raise ProtocolError(f"a file list for the removed directory {dir_ndx}", clause="IREC-5")
        found.flags |= GOT_LIST
        return found
