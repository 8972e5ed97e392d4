"""The generator's part in hard links: which name gets the data, and when the others are linked to it.

Clauses HLINK-2 to HLINK-9, ALT-8; upstream ``hlink.c:hard_link_check``,
``maybe_hard_link``, ``finish_hard_link``, ``generator.c:handle_skipped_hlink``.
"""

from __future__ import annotations

import os
import stat

from ..files.interrupt import uninterrupted
from ..session.linkgroups import LinkGroups, Member, State
from ..wire import items
from ..wire.entry import FileEntry
from .altdest import Level, Match
from .backup import Made
from .deleter import Deleter
from .itemize import Itemizer
from .session import Session, os_error
from .source_removal import tell_success
from .target import Target
from .writing import Writing

#: What the report of a linked name says besides what differs.
LINKED = items.LOCAL_CHANGE | items.XNAME_FOLLOWS


class HardLinks:
    """One run's groups, and the files behind them."""

    def __init__(
        self,
        session: Session,
        target: Target,
        itemizer: Itemizer,
        deleter: Deleter,
        groups: LinkGroups,
        writing: Writing,
    ) -> None:
        self._session = session
        self._target = target
        self._itemizer = itemizer
        self._deleter = deleter
        self._groups = groups
        self._alternates, self._backups = writing.alternates, writing.backups
        self.may_ask = True  # False once no request can be made any more

    # -- a name's turn ----------------------------------------------------

    def check(self, entry: FileEntry, ndx: int, status: os.stat_result | None) -> bool:
        """HLINK-2: True if nothing else is to be done now: the name is linked, or waits for its file."""
        member = self._groups.find(ndx)
        if member is None:
            return False
        group = member.group
        if group.done is not None:
            self._groups.end(member, State.DONE)
            self._link_to_done(member, status)
            return True
        if group.leader is not None and group.leader is not member:
            self._groups.wait(member)
            return True
        return False

    def hold(self, ndx: int) -> bool:
        """HLINK-4: True if the name, which is missing here, is put off."""
        member = self._groups.find(ndx)
        return member is not None and self._groups.hold(member)

    def asked(self, ndx: int) -> None:
        """The name's data is requested."""
        member = self._groups.find(ndx)
        if member is not None:
            self._groups.ask(member)

    def settle(self, ndx: int) -> Member | None:
        """After a name's turn: if nothing came of it, the name of its group that is to take its place."""
        member = self._groups.find(ndx)
        return self._groups.skip(member) if member is not None and member.state is State.OPEN else None

    # -- what became of it ------------------------------------------------

    def failed(self, ndx: int) -> Member | None:
        """HLINK-6: the data did not come; as ``settle``."""
        member = self._groups.find(ndx)
        if member is None or member.state is not State.ASKED:
            return None
        following = self._groups.skip(member)
        return following if self.may_ask else None

    def finish(self, ndx: int, status: os.stat_result | None = None, origin: int = -1) -> None:
        """HLINK-5: the file is here under this name: link those that wait to it.

        ``status`` is that of the file, None to look; ``origin`` the other directory that it is from.
        """
        member = self._groups.find(ndx)
        if member is None:
            return
        name = self._target.name(member.entry)
        others = self._groups.finish(member, name, origin)
        if not others:
            return
        if status is None:
            status = self._stat(name)
            if status is None and not self._session.options.dry_run:
                return
        for other in others:
            try:
                here = self._target.lstat(self._target.name(other.entry))
            except OSError:
                here = None
            self._link(other, here, name, status, name)

    # -- linking ----------------------------------------------------------

    def _link_to_done(self, member: Member, status: os.stat_result | None) -> None:
        name, origin = member.group.done, member.group.origin
        assert name is not None
        there = self._alternates.look(origin, name) if origin >= 0 and self._session.options.dry_run else None
        existing = there[1] if there is not None else self._stat(name)
        if existing is None and not self._session.options.dry_run:
            return
        like = self._alike(member, existing) if status is None and self._alternates else None
        self._link(member, status, name, existing, name, like)

    def _alike(self, member: Member, existing: os.stat_result | None) -> Match | None:
        """ALT-8: what another directory has of the name, which makes it no news: that file, or one alike."""
        entry, name = member.entry, self._target.name(member.entry)
        if self._alternates.kind == "link":
            return self._alternates.first_of(name, existing)

        match = self._alternates.best(entry, name, self._itemizer.unchanged, self._itemizer.same_attributes)
        return match if match is not None and match.level >= Level.DATA else None

    def _stat(self, name: bytes) -> os.stat_result | None:
        """The file to link to; that it is missing is only right in a dry run."""
        try:
            status = self._target.lstat(name)
            if status is None and not self._session.options.dry_run:
                raise FileNotFoundError(2, os.strerror(2))
            return status
        except OSError as error:
            self._session.fail(os_error("stat", self._target.path(name), error))
            return None

    def _link(
        self,
        member: Member,
        here: os.stat_result | None,
        existing: bytes,
        existing_status: os.stat_result | None,
        shown: bytes,
        like: Match | None = None,
    ) -> None:
        """Link, and (XFER-20) let the sender remove its own name of the file."""
        session = self._session
        done = self._linked(member, here, existing, existing_status, shown, like)
        if done and session.options.remove_source_files == 1 and session.options.moves_data:
            tell_success(session, self._target, member.ndx, self._target.name(member.entry))

    def _linked(
        self,
        member: Member,
        here: os.stat_result | None,
        existing: bytes,
        existing_status: os.stat_result | None,
        shown: bytes,
        like: Match | None,
    ) -> bool:
        """HLINK-7: what is that file already stays; anything else of the name is replaced in one step, after
        its backup (FS-14).

        ``like``: the name is not here, but was in another directory, which it is reported against.
        """
        entry, name = member.entry, self._target.name(member.entry)
        if here is not None and existing_status is not None and os.path.samestat(here, existing_status):
            self._itemizer.itemize(entry, member.ndx, here, LINKED, b"")
            self._itemizer.up_to_date(entry.name)
            return True
        if here is not None and stat.S_ISDIR(here.st_mode):
            if not self._deleter.make_way(entry, here, b"regular file"):
                return False
            replacing = False
        else:
            replacing = here is not None
            if replacing and self._session.options.backup and self._backups.make(name) is Made.FAILED:
                return False
        if not self._session.options.dry_run and not self._make(existing, name, replacing=replacing):
            return False
        if like is None:
            self._itemizer.itemize(entry, member.ndx, here, LINKED, shown)
        elif self._alternates.kind != "link" or self._session.options.tells_unchanged:
            self._itemizer.itemize(entry, member.ndx, like.status, LINKED, shown, name=like.name)
        else:
            self._itemizer.up_to_date(entry.name)
        return True

    @uninterrupted
    def _make(self, existing: bytes, name: bytes, *, replacing: bool) -> bool:
        dest = self._target.dest
        made = dest.temp_name(name) if replacing else name
        try:
            dest.link(existing, made)
        except OSError as error:
            tail = b"=> " + existing + b" failed"
            self._session.fail(os_error("link", self._target.path(made), error, tail))
            return False
        if replacing:
            try:
                dest.rename(made, name)
            except OSError as error:
                tail = b"-> " + self._target.shown(name) + b" failed"
                self._session.fail(os_error("rename", self._target.path(made), error, tail))
                dest.unlink(made)
                return False
        return True
