"""The order of a file list and what becomes of duplicate names.

Both sides sort a list on their own and must agree, since indexes count
sorted entries. Clauses FLIST-17 to FLIST-20; upstream
``flist.c:f_name_cmp`` and ``flist_sort_and_clean``.
"""

from __future__ import annotations

from collections.abc import Callable

from .entry import CLEARED, CONTENT_DIR, DUPLICATE, IMPLIED_DIR, TOP_DIR, FileEntry

SortKey = Callable[[FileEntry], bytes]


def _plain_key(entry: FileEntry) -> bytes:
    return entry.name


def _files_first_key(entry: FileEntry) -> bytes:
    """FLIST-18: within a directory non-directories come first, then each directory before its contents.

    A directory on the path counts as 0x01, its name and a slash, the last
    component of a non-directory as 0x00 and its name; neither 0x00 nor a
    slash occurs in a name, so comparing the bytes compares the components.
    """
    name = entry.name
    if entry.is_dir:
        if name == b".":
            return b"\0"
        if name.endswith(b"/."):
            return _directory_key(name[:-2]) + b"\0"
        return _directory_key(name)
    cut = name.rfind(b"/")
    if cut < 0:
        return b"\0" + name
    return _directory_key(name[:cut]) + b"\0" + name[cut + 1 :]


def _directory_key(name: bytes) -> bytes:
    return b"\1" + name.replace(b"/", b"/\1") + b"/"


def sort_key(files_first: bool) -> SortKey:
    """FLIST-17 (below protocol 29) or FLIST-18."""
    return _files_first_key if files_first else _plain_key


def sort(entries: list[FileEntry], files_first: bool) -> None:
    """Sort in place; entries of one name keep the order in which they came."""
    entries.sort(key=sort_key(files_first))


def mark_duplicates(entries: list[FileEntry], files_first: bool, *, sender: bool) -> None:
    """FLIST-19 and FLIST-20: of entries with one name, in a sorted list, only one stays active.

    A directory is kept before a non-directory, since the list may hold what is
    in it; else the first is kept. The dropped entry keeps its place, so no
    index moves. A sender drops nothing (the receiver may ask for either) but
    notes the further names of a directory.
    """
    key = sort_key(files_first)
    previous: FileEntry | None = None
    previous_key = b""
    plain: dict[bytes, FileEntry] = {}
    for entry in entries:
        if not entry.active:
            continue
        own_key = key(entry)
        other: FileEntry | None = None
        if previous is not None and own_key == previous_key:
            other = previous
        elif files_first and entry.is_dir:
            other = plain.get(entry.name)
        if other is None:
            previous, previous_key = entry, own_key
            if not entry.is_dir:
                plain[entry.name] = entry
            continue
        if entry.is_dir and not other.is_dir:
            if not sender:
                other.flags |= CLEARED
            previous, previous_key = entry, own_key
            continue
        if sender:
            if entry.is_dir:
                entry.flags |= DUPLICATE
            continue
        if entry.is_dir:
            other.flags |= entry.flags & (TOP_DIR | CONTENT_DIR)
            other.flags &= entry.flags | ~IMPLIED_DIR
        entry.flags |= CLEARED


def strip_root(entries: list[FileEntry]) -> None:
    """FLIST-26: leading slashes go once the order is settled, in which they have counted."""
    for entry in entries:
        if entry.name.startswith(b"/"):
            entry.name = entry.name.lstrip(b"/") or b"."


def prune_empty(entries: list[FileEntry], keeps: Callable[[bytes], bool]) -> None:
    """FLIST-27: of a sorted list, drop the directories below which there is nothing but directories.

    ``keeps(name)``: a directory that a rule holds on to, and so those above it.
    The transfer's own root is never dropped.
    """
    full: set[bytes] = set()
    for entry in entries:
        if not entry.active:
            continue
        name = entry.name
        if not entry.is_dir:
            cut = name.rfind(b"/")
            name = name[:cut] if cut >= 0 else b""
        elif name == b"." or not keeps(name):
            continue
        while name and name not in full:
            full.add(name)
            cut = name.rfind(b"/")
            name = name[:cut] if cut >= 0 else b""
    for entry in entries:
        if entry.active and entry.is_dir and entry.name != b"." and entry.name not in full:
            entry.flags |= CLEARED
