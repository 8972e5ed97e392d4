"""``%i``: eleven characters that tell what an item's update is and what differs.

Clause OUT-2; upstream ``log.c:log_formatted``.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from ..wire import items
from ..wire.entry import FileEntry

if TYPE_CHECKING:
    from .session import Session


def flag_letters(entry: FileEntry, iflags: int, session: Session) -> str:
    """The update, the kind, then a column for each thing that can differ."""
    options = session.options
    if iflags & items.LOCAL_CHANGE:
        update = "h" if iflags & items.XNAME_FOLLOWS else "c"
    elif not iflags & items.TRANSFER:
        update = "."
    else:
        update = "<" if session.role == "sender" and not options.local else ">"
    if iflags & (items.IS_NEW | items.MISSING_DATA):
        return update + kind(entry) + ("+" if iflags & items.IS_NEW else "?") * 9
    time_letter = "t" if options.times else "T"
    size = "s" if iflags & items.REPORT_SIZE else "."
    if entry.is_link:
        size = "."
        # below protocol 29 no item travels, so a receiver's own report is of what it could set
        settable = session.dialect.symlink_times if session.role == "sender" else session.dialect.iflags
        if not settable or iflags & items.REPORT_TIMEFAIL:
            time_letter = "T"
    both_times = items.REPORT_ATIME | items.REPORT_CRTIME
    access = "b" if iflags & both_times == both_times else "u" if iflags & items.REPORT_ATIME else "n"
    columns = [
        ("c", items.REPORT_CHANGE),
        (size, items.REPORT_SIZE),
        (time_letter, items.REPORT_TIME),
        ("p", items.REPORT_PERMS),
        ("o", items.REPORT_OWNER),
        ("g", items.REPORT_GROUP),
        (access, both_times),
        ("a", items.REPORT_ACL),
        ("x", items.REPORT_XATTR),
    ]
    changes = "".join(letter if iflags & flag else "." for letter, flag in columns)
    if update in ".hc" and not changes.strip("."):
        changes = " " * len(changes)
    return update + kind(entry) + changes


def kind(entry: FileEntry) -> str:
    """One letter for what the entry is."""
    if entry.is_link:
        return "L"
    if entry.is_dir:
        return "d"
    if entry.is_device:
        return "D"
    return "S" if entry.is_special else "f"
