"""What goes before the files: filter rules, names to transfer, file lists.

Clauses FILT-1, FLIST-1 to FLIST-22, IREC-1 to IREC-6.
"""

from __future__ import annotations

import stat

from refsync.delta.checksums import LENGTHS
from refsync.wire import filterlist, idlist, order
from refsync.wire.cursor import Cursor
from refsync.wire.entry import FileEntry
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.flist import EndOfList, Preserve
from refsync.wire.flist_decode import FlistDecoder
from refsync.wire.integers import read_int32

from .context import Setup
from .stream import Stream


async def read_rules(stream: Stream, setup: Setup) -> None:
    """The client's filter rules, if any travel."""
    client_sends = setup.sending == ">"
    if not filterlist.list_travels(setup.options, setup.dialect, client_sends=client_sends):
        return
    while await stream.read("filter rule", "FILT-1", filterlist.decode_rule, _shown):
        pass


async def read_names(stream: Stream, setup: Setup) -> None:
    """The names of ``--files-from``, which go against the direction of the data."""
    framed = setup.dialect.files_from_framed
    if not framed:
        stream.stop_frames()
    while await stream.read("file to send", "FROM-1", _name, _shown):
        pass
    if not framed and (stream.way == "<" or setup.dialect.multiplex_to_server):
        stream.start_frames()


def _name(cursor: Cursor) -> bytes:
    window = bytes(cursor.data[cursor.pos :])
    end = window.find(b"\0")
    if end < 0:
        raise NeedMoreData
    return cursor.take(end + 1)[:-1]


def _shown(text: bytes | None) -> str:
    return text.decode("utf-8", "backslashreplace") if text else "(end)"


class Lists:
    """Reads the sender's lists and numbers their entries as both ends do."""

    def __init__(self, stream: Stream, setup: Setup) -> None:
        self._stream = stream
        self._setup = setup
        options = setup.options
        length = LENGTHS.get(setup.listing_checksum, 16) if options.checksum else 0
        self._preserve = Preserve(
            links=options.links,
            uid=options.owner,
            gid=options.group,
            devices=options.devices,
            specials=options.specials,
            hard_links=bool(options.hard_links),
            atimes=bool(options.atimes),
            crtimes=options.crtimes,
            recurse=bool(options.recurse),
            relative=bool(options.relative),
            checksum_length=length,
        )
        self._decoder = FlistDecoder(setup.dialect, self._preserve)

    async def read(self, parent: int = -1) -> None:
        """One list with all that follows it."""
        stream, setup, dialect = self._stream, self._setup, self._setup.dialect
        lists = setup.lists
        entries: list[FileEntry] = []
        start = lists.next_start
        while True:
            found = await stream.read(
                "entry",
                "FLIST-3",
                lambda cursor: self._decoder.decode(cursor, entries, start),
                _entry,
            )
            if isinstance(found, EndOfList):
                break
            entries.append(found)
        if not dialect.inc_recurse and not setup.options.numeric_ids:
            for kind, wanted in (("user", self._preserve.uid), ("group", self._preserve.gid)):
                if wanted:
                    await stream.read(f"{kind} names", "FLIST-21", self._ids, _ids)
        if dialect.io_error_after_list:
            await stream.read("io_error", "FLIST-15", read_int32, lambda error: f"io_error {error:#x}")
        sent = None if setup.options.iconv is None else list(entries)  # names may sort otherwise (ICONV-3)
        order.sort(entries, dialect.sort_files_first)
        if dialect.inc_recurse:
            lists.dirs.extend(entry for entry in sent or entries if entry.is_dir)
        order.mark_duplicates(entries, dialect.sort_files_first, sender=False)
        if parent < 0 and dialect.inc_recurse and entries and entries[0].basename == b".":
            parent = 0
        lists.add(entries, parent, sent)

    def _ids(self, cursor: Cursor) -> dict[int, bytes]:
        dialect = self._setup.dialect
        return idlist.decode(cursor, varints=dialect.varints, id0_names=dialect.id0_names)

    def directory(self, number: int) -> str:
        """The name of the directory that a sub-list is for."""
        try:
            return _shown(self._setup.lists.dirs[number].name)
        except IndexError:
            raise ProtocolError(f"no directory has index {number}", clause="IREC-5") from None


def _entry(found: FileEntry | EndOfList) -> str:
    if isinstance(found, EndOfList):
        return "end of list" + (f", io_error {found.io_error:#x}" if found.io_error else "")
    when = f"{found.mtime}.{found.nsec:09}"
    parts = [stat.filemode(found.mode), f"{found.size:>10}", when, _shown(found.name)]
    if found.link is not None:
        parts.append("-> " + _shown(found.link))
    if found.is_device:
        parts.append(f"device {found.rdev_major}:{found.rdev_minor}")
    parts += [f"{kind} {number}" for kind, number in (("uid", found.uid), ("gid", found.gid)) if number]
    parts += [f"({_shown(name)})" for name in (found.uname, found.gname) if name]
    if found.hlink >= 0:
        parts.append(f"hard link {found.hlink}")
    if found.checksum:
        parts.append("digest " + found.checksum.hex())
    return " ".join(parts)


def _ids(names: dict[int, bytes]) -> str:
    return ", ".join(f"{number} {_shown(name)}" for number, name in names.items()) or "(none)"
