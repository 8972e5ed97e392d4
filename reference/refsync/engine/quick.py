"""The generator's look at files that are as they should be already, or not there: a run of them in one call.

What is said or done about one of those, if anything is, takes ``Creator``, and so does every other file.
Clauses XFER-6, XFER-9, FS-6; upstream ``generator.c:quick_check_ok``, ``unchanged_attrs``.
"""

from __future__ import annotations

from .. import native
from ..files.rank import FAKE, rank
from ..filters.rulelist import FilterList
from ..session.lists import FileList
from ..typed import TYPE_CHECKING
from .rowfiles import item_flags
from .rowlist import RowList
from .rowsend import list_checksum
from .session import Session
from .target import Target
from .writing import Writing

if TYPE_CHECKING:
    from ..native.rows import Rules


class QuickCheck:
    """For one generator."""

    def __init__(self, session: Session, target: Target, rules: Rules) -> None:
        self._session = session
        self._target = target
        self._rules = rules
        self._flags = item_flags(session)

    def same(self, listing: RowList, start: int, end: int) -> int:
        """How many entries from ``start`` on, and before ``end``, need nothing."""
        directory = self._target.directory_of(listing.prefix)
        if directory is None:
            return 0
        return listing.rows.same(start, end, directory, self._rules)

    def request(self, listing: FileList, start: int, end: int) -> int:
        """Ask for the entries from ``start`` on, and before ``end``, that are not there at all: how many."""
        session, rows = self._session, listing.entries
        if not isinstance(rows, RowList) or not session.options.moves_data:
            return 0
        directory = self._target.directory_of(rows.prefix)
        if directory is None:
            return 0
        out = session.ndx_out
        count, data = rows.rows.request(start, end, directory, listing.start, self._flags, out.last)
        if count:
            session.link.write(data)
            out.passed(listing.start + start + count - 1)
            listing.in_progress += count
        return count


def quick_check(
    session: Session, target: Target, writing: Writing, guard: FilterList | None, *, links: bool
) -> QuickCheck | None:
    """None where the kernel or the options rule it out; ``guard``: a module's rules about what it takes."""
    options, ranked, checksum = session.options, rank(session.options), list_checksum(session)
    unusual = (
        guard is not None,
        links,
        session.replay is not None,
        target.local_name is not None,
        target.missing,
        ranked == FAKE,
        len(writing.alternates) > 0,
        options.list_only,
        options.update,
        options.existing,
        options.ignore_existing,
        options.max_size >= 0,
        options.min_size >= 0,
        bool(options.remove_source_files),
        options.executability and not options.perms,
        options.atimes,
        options.acls,
        options.xattrs,
        options.fuzzy,
        options.partial_dir is not None,
        options.write_devices,
        options.module_chmod,
        options.relative,
        options.info["NAME"] > 1,
        options.format_has_i > 1,
        options.debug["GENR"],
        options.only_write_batch is not None,
    )
    if not native.HAVE_BULK or checksum == "" or (options.checksum and checksum is None) or any(unusual):
        return None
    if not session.dialect.iflags:
        return None
    from ..native.rows import Rules

    rules = Rules(
        window=options.window,
        checksum=checksum,
        flags=session.checksums.open_flags,
        any_time=bool(options.size_only),
        times=bool(options.times),
        mode=bool(options.perms),
        uid=bool(options.owner and ranked),
        gid=bool(options.group),
    )
    return None if options.ignore_times and not options.checksum else QuickCheck(session, target, rules)
