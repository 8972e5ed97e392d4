"""What is made of a file that another directory has: left out, linked, copied, or the basis of a delta.

Clauses ALT-3 to ALT-8; upstream ``generator.c:try_dests_reg``, ``try_dests_non``,
``copy_altdest_file``, ``hlink.c:hard_link_one``.
"""

from __future__ import annotations

import os

from ..files.copying import copy_into
from ..files.interrupt import uninterrupted
from ..wire import items
from ..wire.entry import FileEntry
from .altdest import AltDests, Level, Like, Match
from .backup import Made
from .hardlinks import LINKED, HardLinks
from .itemize import Itemizer
from .session import Session, os_error
from .target import Target
from .writing import Writing


class Reuse:
    """The generator's use of the other directories."""

    def __init__(
        self,
        session: Session,
        target: Target,
        itemizer: Itemizer,
        writing: Writing,
        links: HardLinks | None,
    ) -> None:
        self._session = session
        self._target = target
        self._itemizer = itemizer
        self._dests: AltDests = writing.alternates
        self._backups, self._finisher = writing.backups, writing.finisher
        self._links = links

    def serves(self, status: os.stat_result | None) -> bool:
        """Whether the directories are looked through for a file, given what has its name here."""
        return len(self._dests) > 0 and (status is None or self._dests.kind != "copy")

    # -- regular files ----------------------------------------------------

    def regular(
        self, entry: FileEntry, ndx: int, name: bytes, here: os.stat_result | None
    ) -> tuple[bool, Match | None]:
        """(all is done, else a basis for the delta). What is here gives way only to what is wholly alike."""
        found = self._dests.best(entry, name, self._itemizer.unchanged, self._itemizer.same_attributes)
        if found is None:
            return False, None
        if found.level is Level.ALL and self._dests.kind != "copy":
            if self._dests.kind == "compare":
                return self._leave_out(entry, ndx, name, here, found), None
            if here is not None and os.path.samestat(here, found.status):
                return False, None
            if self._link(entry, name, here, found):
                self._linked(entry, ndx, name, found)
                return True, None
        elif here is not None:
            return False, None
        if found.level is Level.NAME:
            # what is appended to has to be here; upstream 3.4.1 appends to nothing and leaves zeros
            return False, None if self._session.append else found
        if not self._session.options.dry_run and not self._copy(name, entry, found):
            return False, None
        self._target.extended.forget()
        self._itemizer.itemize(entry, ndx, found.status, items.LOCAL_CHANGE, name=found.name)
        if found.level is Level.ALL:
            self._itemizer.up_to_date(entry.name)
        if self._links:
            self._links.finish(ndx, found.status)
        return True, None

    def _leave_out(
        self, entry: FileEntry, ndx: int, name: bytes, here: os.stat_result | None, found: Match
    ) -> bool:
        """ALT-3: what the other directory has is not to be here as well."""
        if here is not None and not self._remove(entry, name, here):
            return False
        self._itemizer.itemize(entry, ndx, found.status, 0, name=found.name)
        self._itemizer.up_to_date(entry.name)
        return True

    def _remove(self, entry: FileEntry, name: bytes, here: os.stat_result) -> bool:
        options = self._session.options
        if self._keeps(entry, name, here):
            made = self._backups.make(name, rename=True)
            if made in (Made.FAILED, Made.MOVED):
                return made is Made.MOVED
        if options.dry_run:
            return True
        try:
            self._target.dest.unlink(name)
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return True

    def _keeps(self, entry: FileEntry, name: bytes, here: os.stat_result) -> bool:
        """FS-14: a backup of what gives way, unless what takes its place is the same; upstream makes none."""
        return self._session.options.backup and not self._itemizer.unchanged(entry, name, here)

    @uninterrupted
    def _link(self, entry: FileEntry, name: bytes, here: os.stat_result | None, found: Match) -> bool:
        """ALT-5: another name for the same file; what is here is replaced in one step, after its backup."""
        options, dest = self._session.options, self._target.dest
        if here is not None and self._keeps(entry, name, here) and self._backups.make(name) is Made.FAILED:
            return False
        if options.dry_run:
            return True
        made = name if here is None else dest.temp_name(name)
        try:
            dest.link(found.name, made)
        except OSError as error:
            if options.info["NAME"]:
                tail = b"=> " + dest.path(found.name) + b" failed"
                what = os_error("link", self._target.path(name), error, tail)
                self._session.reporter.info(b"rsync: [generator] " + what + b"\n")
            return False
        if made != name:
            try:
                dest.rename(made, name)
            except OSError as error:
                tail = b"-> " + self._target.shown(name) + b" failed"
                self._session.fail(os_error("rename", self._target.path(made), error, tail), "generator")
                dest.unlink(made)
                return False
        return True

    def _linked(self, entry: FileEntry, ndx: int, name: bytes, found: Match) -> None:
        options = self._session.options
        if options.atimes and not options.dry_run:
            self._target.attributes.apply(name, entry, found.status)
        if self._links:
            self._links.finish(ndx, found.status, found.number)
        if options.tells_unchanged:
            self._itemizer.itemize(entry, ndx, found.status, LINKED, b"", name=found.name)
        self._itemizer.up_to_date(entry.name)

    def _copy(self, name: bytes, entry: FileEntry, found: Match) -> bool:
        """ALT-4: the content and its extended attributes from there, all else from the entry."""
        session, options, dest = self._session, self._session.options, self._target.dest
        try:
            fd = dest.open_read(found.name)
        except OSError as error:
            session.fail(os_error("open", dest.path(found.name), error, b""), "generator")
            return False
        try:
            if options.inplace:
                out = dest.open_new(name, entry.mode)
            else:
                out = dest.create_temp(name, mode=entry.mode, place=self._target.temp_place)
            try:
                copy_into(fd, out, preallocate=options.preallocate, fsync=options.fsync)
                if options.xattrs:
                    self._target.extended.copy_xattrs(found.name, out.name)
                return self._finisher.finish(out, name, entry, backup=False, xattrs_of=None)
            finally:
                if out.live:
                    out.discard()
        except OSError as error:
            session.fail(os_error("copy_file", dest.path(found.name), error, b"=> " + name), "generator")
            return False
        finally:
            os.close(fd)

    # -- all else ---------------------------------------------------------

    def other(self, entry: FileEntry, ndx: int, name: bytes, same: Like) -> tuple[Match | None, bool, bool]:
        """(what was found, whether it has been told of, whether all is done) for what is no regular file."""
        found = self._dests.best(entry, name, same, self._itemizer.same_attributes)
        if found is None or found.level is not Level.ALL:
            return found, False, False
        kind, options = self._dests.kind, self._session.options
        linked = kind == "link" and not entry.is_dir
        if linked:
            if not self._link_other(name, found):
                return found, False, False
            if self._links:
                self._links.finish(ndx)
        if options.tells_unchanged:
            flags = items.MATCHED
            if kind != "compare" or entry.is_dir:
                flags |= LINKED if linked else items.LOCAL_CHANGE
            xname = b"" if linked else None
            self._itemizer.itemize(entry, ndx, found.status, flags, xname, name=found.name)
        self._itemizer.up_to_date(entry.name + (b"/" if entry.is_dir else b""))
        return found, True, kind != "copy"

    def _link_other(self, name: bytes, found: Match) -> bool:
        if self._session.options.dry_run:
            return True
        try:
            self._target.dest.link(found.name, name)
        except OSError as error:
            what = b"failed to hard-link " + self._target.dest.path(found.name) + b" with " + name
            reason = b": %s (%d)" % (os.strerror(error.errno or 0).encode(), error.errno or 0)
            self._session.fail(what + reason, "generator")
            return False
        return True

    def copy_xattrs(self, found: Match | None, name: bytes) -> None:
        """ALT-7: what was made after that example has its extended attributes to start with."""
        options = self._session.options
        if found is not None and options.xattrs and not options.dry_run:
            self._target.extended.copy_xattrs(found.name, name)
