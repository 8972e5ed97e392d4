"""The lists of whole directories as they arrive: runs of usual entries become rows, unseen by Python.

What is not usual goes through ``FlistDecoder.decode`` and ``ListReceiver``, which make the same of all.
Clauses FLIST-2 to FLIST-9, HOST-1, HOST-3; upstream ``flist.c:recv_file_entry``, ``recv_file_list``.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import native
from ..filters.rulelist import FilterList
from ..typed import TYPE_CHECKING
from ..wire import flist_usual
from ..wire.cursor import Cursor
from ..wire.entry import FileEntry
from ..wire.errors import NeedMoreData
from ..wire.flist import EndOfList
from ..wire.flist_decode import FlistDecoder
from .requested import Requested
from .rowlist import RowList
from .session import Session

if TYPE_CHECKING:
    from ..native.rows import State

#: Entries decoded in one go before other conversations get a turn.
MOST = 4096


class RowReceiver:
    """For one receiver."""

    def __init__(self, session: Session, decoder: FlistDecoder, requested: Requested | None) -> None:
        from ..native import rows

        self._session = session
        self._decoder = decoder
        self._requested = requested
        self._rows = rows
        self._state: State = rows.State()

    def serves(self, parent: FileEntry | None) -> bool:
        """Whether all that may lie in that directory, None for the root, was asked for (HOST-2)."""
        return self._requested is None or self._requested.all_below(b"." if parent is None else parent.name)

    async def receive(
        self,
        parent: FileEntry | None,
        start: int,
        check: Callable[[FileEntry, FileEntry | None], object],
        adopt: Callable[[FileEntry], object],
        owners: Callable[[int, int], tuple[int, int]],
    ) -> tuple[RowList, EndOfList]:
        """A directory's list, not sorted, and its end.

        ``check`` is asked for entries that are not usual, ``adopt`` takes them once all are there;
        ``owners`` gives the ids here for those of the sender.
        """
        session = self._session
        prefix = b"" if parent is None or parent.name == b"." else parent.name + b"/"
        listing = RowList(self._rows.Rows(), prefix, b"", session.preserve.checksum_length)
        found: list[FileEntry | tuple[int, int, int, int]] = []

        def some(cursor: Cursor) -> EndOfList | None:
            before = len(listing)
            usual = self._decode(listing, cursor)
            if usual:
                session.grow_lists(before, before + usual)
                found.append((before, before + usual, *self._decoder.state()[3:]))
            try:
                value = self._decoder.decode(cursor, listing, start)
            except NeedMoreData:
                if not usual:
                    raise
                return None
            if isinstance(value, EndOfList):
                return value
            check(value, parent)
            session.grow_list(len(listing))
            listing.add(value)
            found.append(value)
            return None

        end: EndOfList | None = None
        while end is None:
            end = await session.link.read(some)
        for one in found:
            if isinstance(one, FileEntry):
                adopt(one)
            else:
                first, last, uid, gid = one
                listing.rows.own(first, last, *owners(uid, gid))
                session.stats.count_files(last - first, listing.rows.total(first, last))
        return listing, end

    def _decode(self, listing: RowList, cursor: Cursor) -> int:
        """Usual entries at the cursor become rows: how many."""
        decoder = self._decoder
        self._state.set(*decoder.state())
        count, cursor.pos = listing.rows.decode(
            cursor.data,
            cursor.pos,
            listing.prefix,
            self._state,
            digest_length=self._session.preserve.checksum_length,
            most=MOST,
        )
        if count:
            decoder.passed(*self._state.get())
        return count


def row_receiver(
    session: Session, decoder: FlistDecoder, filters: FilterList | None, requested: Requested | None
) -> RowReceiver | None:
    """None where the kernel, the options or the rules rule it out; ``filters`` are a client's own."""
    options = session.options
    unusual = (
        not session.dialect.inc_recurse,
        filters is not None and (bool(filters.rules) or filters.daemon is not None),
        session.charset is not None,
        session.replay is not None,
        bool(options.chmod) or bool(options.module_chmod),
        options.relative,
        options.prune_empty_dirs,
        options.debug["FLIST"] > 1,
    )
    if not native.HAVE_BULK or any(unusual):
        return None
    if not flist_usual.serves(session.dialect, session.preserve, digests=True):
        return None
    return RowReceiver(session, decoder, requested)
