"""Counters of a run, for ``--stats`` and the summary.

Clauses END-4, OUT-8; upstream ``rsync.h:struct stats``.
"""

from __future__ import annotations

from ..records import dataclass
from ..wire.entry import FileEntry
from ..wire.stats import SessionStats


@dataclass(slots=True)
class Statistics:
    """Counts of entries, bytes and milliseconds of one run, as this side sees them."""

    num_files: int = 0  # all entries
    num_dirs: int = 0
    num_symlinks: int = 0
    num_devices: int = 0
    num_specials: int = 0
    created_files: int = 0  # all created
    created_dirs: int = 0
    created_symlinks: int = 0
    created_devices: int = 0
    created_specials: int = 0
    num_transferred_files: int = 0
    total_size: int = 0
    total_transferred_size: int = 0
    literal_data: int = 0
    matched_data: int = 0
    flist_size: int = 0
    flist_buildtime: int = 0
    flist_xfertime: int = 0
    total_read: int = 0
    total_written: int = 0
    matches: int = 0  # blocks of a basis that were found again
    false_alarms: int = 0  # places where only the rolling sum was that of a block
    checked: int = 0  # entries before and with the one that is being transferred
    all_listed: bool = True  # no further entries will come

    def count(self, entry: FileEntry) -> None:
        """One more entry in a list."""
        self.num_files += 1
        if entry.is_reg:
            self.total_size += entry.size
        elif entry.is_dir:
            self.num_dirs += 1
        elif entry.is_link:
            self.num_symlinks += 1
            self.total_size += entry.size
        elif entry.is_device:
            self.num_devices += 1
        else:
            self.num_specials += 1

    def totals_line(self, sent: int, received: int) -> bytes:
        """OUT-14: what a log has of a run; ``sent`` and ``received`` are bytes of the link."""
        return b"sent %d bytes  received %d bytes  total size %d\n" % (sent, received, self.total_size)

    def count_files(self, count: int, size: int) -> None:
        """So many more regular files, of so many bytes together."""
        self.num_files += count
        self.total_size += size

    def count_created(self, entry: FileEntry) -> None:
        """One more entry that was not there before."""
        self.created_files += 1
        if entry.is_dir:
            self.created_dirs += 1
        elif entry.is_link:
            self.created_symlinks += 1
        elif entry.is_device:
            self.created_devices += 1
        elif entry.is_special:
            self.created_specials += 1

    def totals(self) -> SessionStats:
        """What a server that sent tells the client."""
        return SessionStats(
            self.total_read, self.total_written, self.total_size, self.flist_buildtime, self.flist_xfertime
        )

    def take_peer_totals(self, peer: SessionStats) -> None:
        """The sender's totals: what it wrote is what we read."""
        self.total_read, self.total_written = peer.total_written, peer.total_read
        self.total_size = peer.total_size
        self.flist_buildtime, self.flist_xfertime = peer.flist_buildtime, peer.flist_xfertime
