"""A list of one directory whose entries are made when they are looked at: most never are.

Clauses FLIST-15, FLIST-18; ``native.rows`` has what is known of each file.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..typed import TYPE_CHECKING, overload
from ..wire.entry import FileEntry

if TYPE_CHECKING:
    from ..native.rows import Rows


class RowList(Sequence[FileEntry]):
    """In place of a list of entries; the entry of a row is one object however often it is asked for.

    ``prefix`` is what all names begin with, ``path`` what they are relative to on a sender.
    """

    __slots__ = ("_digest_length", "_made", "path", "plain", "prefix", "rows")

    def __init__(self, rows: Rows, prefix: bytes, path: bytes, digest_length: int) -> None:
        self.rows = rows
        self.prefix = prefix
        self.path = path
        self.plain = 0  # how many stand before the directories, once the list is sorted
        self._digest_length = digest_length
        self._made: list[FileEntry] = []

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> FileEntry: ...

    @overload
    def __getitem__(self, index: slice) -> list[FileEntry]: ...

    def __getitem__(self, index: int | slice) -> FileEntry | list[FileEntry]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        number = self.rows.number(index)
        if number >= 0:
            return self._made[number]
        row = self.rows.at(index, self._digest_length)
        entry = FileEntry(self.prefix + row.name, row.mode, row.size, row.mtime)
        entry.nsec, entry.uid, entry.gid, entry.checksum = row.nsec, row.uid, row.gid, row.digest
        entry.path = self.path
        self.put(index, entry)
        return entry

    def put(self, index: int, entry: FileEntry) -> None:
        """The row is of a kind that has an entry from the start."""
        self.rows.made(index, len(self._made), entry.mode)
        self._made.append(entry)

    def add(self, entry: FileEntry) -> None:
        """A further entry, of whatever kind, whose name is right below the prefix."""
        self.rows.add(entry.name[len(self.prefix) :], entry.mode, len(self._made))
        self._made.append(entry)

    def sort(self) -> bool:
        """FLIST-18; False if a name occurs twice, so that it takes more to decide what stays."""
        self.plain = self.rows.sort()
        return self.plain >= 0

    def directories(self) -> list[FileEntry]:
        """Those of a sorted list, the root of the transfer being the first."""
        root = [self[0]] if self.has_root else []
        return root + [self[at] for at in range(self.plain, len(self))]

    @property
    def has_root(self) -> bool:
        """Whether the first of a sorted list is the root of the transfer."""
        return len(self) > 0 and not self.prefix and self.rows.at(0).name == b"."

    def names(self) -> set[bytes]:
        """The names of all."""
        prefix = self.prefix
        return {prefix + name for name in self.rows.names()}
