"""Access rights and attributes in a transfer: what the sender reads and answers, what the generator asks for.

Clauses ACL-4, XATTR-3 to XATTR-5, XATTR-9; upstream ``flist.c:send_file_name``,
``generator.c:itemize``, ``sender.c:write_ndx_and_attrs``.
"""

from __future__ import annotations

import os

from ..files import acls, xattrs
from ..files.extended import Extended
from ..files.ids import IdNames
from ..files.rank import FAKE, rank
from ..files.xattrs import XattrError, XattrNames
from ..filters.rulelist import FilterList
from ..options.model import Options
from ..records import replace
from ..wire import items
from ..wire.acl import ACCESS, DEFAULT, EMPTY, Acl
from ..wire.cursor import Cursor
from ..wire.entry import FileEntry
from ..wire.errors import ProtocolError
from ..wire.xattr import AnswerDecoder, Xattr, XattrList, decode_request, encode_answer, encode_request
from .session import IOERR_GENERAL, Session


def digest_of(value: bytes) -> bytes:
    """XATTR-2: MD5, whatever checksum the files have, and without a seed."""
    import hashlib

    return hashlib.md5(value, usedforsecurity=False).digest()


def names_for(options: Options, filters: FilterList, *, sender: bool) -> XattrNames:
    """Which attributes take part, by the options and the rules of this side (XATTR-6)."""

    def excluded(name: bytes) -> bool | None:
        ruled = filters.has_xattr_rules or (filters.daemon is not None and filters.daemon.has_xattr_rules)
        return filters.check(name, False, xattr=True) < 0 if ruled else None

    return XattrNames(options, sender=sender, excluded=excluded)


def carried(session: Session, iflags: int) -> bool:
    """XATTR-9: whether a request or its answer follows the item's flags."""
    if not session.preserve.xattrs or not session.options.moves_data:
        return False
    return items.xattrs_follow(iflags, optimised=session.dialect.xattr_optimised)


class SourceAttributes:
    """The sender's half: ``names`` tells which attributes are sent."""

    def __init__(self, session: Session, ids: IdNames, names: XattrNames) -> None:
        self._session = session
        self._options = session.options
        self._ids = ids
        self._names = names
        self._fake = rank(session.options) == FAKE

    def fill(self, entry: FileEntry, path: bytes) -> bool:
        """Read what goes with the entry; False if that failed, and the entry must not be sent."""
        session, options = self._session, self._options
        if not session.preserve.acls and not session.preserve.xattrs:
            return True
        way = session.files.attribute_path(path)
        try:
            if session.preserve.acls and not entry.is_link:
                self._fill_acls(entry, path, way)
            if session.preserve.xattrs:
                has = options.links if entry.is_link else self._has(entry)
                entry.xattrs = xattrs.read(way, _shown(path), self._names, digest_of) if has else []
        except XattrError as error:
            session.io_error |= IOERR_GENERAL
            session.fail(error.text)
            return False
        return True

    def _has(self, entry: FileEntry) -> bool:
        if entry.is_special:
            return self._options.specials
        return not entry.is_device or self._options.devices

    def _fill_acls(self, entry: FileEntry, path: bytes, way: bytes) -> None:
        if not self._has(entry):
            entry.acl = EMPTY
            return
        kind = ACCESS
        try:
            entry.acl = self._named(acls.read(way, ACCESS, entry.mode, fake=self._fake))
            if entry.is_dir:
                kind = DEFAULT
                entry.default_acl = self._named(acls.read(way, DEFAULT, entry.mode, fake=self._fake))
        except OSError as error:
            raise XattrError(
                b"get_acl: sys_acl_get_file(" + path + b", " + kind.encode() + b")" + xattrs.reason(error)
            ) from None

    def _named(self, acl: Acl) -> Acl:
        """ACL-4: with the names that go along with the ids."""
        if not acl.names:
            return acl
        find = {True: self._ids.user_name, False: self._ids.group_name}
        return replace(acl, names=tuple(replace(one, name=find[one.is_user](one.id)) for one in acl.names))

    async def read_request(self, entry: FileEntry, iflags: int) -> XattrList | None:
        """XATTR-4: the attributes whose values are wanted; None if no request follows these flags."""
        session = self._session
        if not carried(session, iflags):
            return None

        def request(cursor: Cursor) -> XattrList:
            return decode_request(cursor, entry.xattrs or [])

        wanted = await session.link.read(request)
        for one in wanted:
            one.asked = True
        return wanted

    def answer(self, path: bytes, wanted: XattrList | None) -> bytes:
        """XATTR-5: the values, read anew, in ascending order of their numbers."""
        if wanted is None:
            return b""
        values = []
        for one in sorted(wanted, key=lambda one: one.number):
            try:
                value = xattrs.read_one(self._session.files.attribute_path(path), _shown(path), one.name)
            except (XattrError, OSError) as error:
                text = error.text if isinstance(error, XattrError) else _shown(path) + xattrs.reason(error)
                self._session.fail(text)
                self._session.xfer_error = True
                self._session.reporter.error_xfer(
                    b"failed to re-read xattr " + one.name + b" for " + path + b"\n"
                )
                value = b""
            values.append((one.number, value))
        return encode_answer(values)


class TargetAttributes:
    """The receiving half: what differs here, what is asked for, what comes."""

    def __init__(self, session: Session, extended: Extended) -> None:
        self._session = session
        self._extended = extended
        self._lacking: list[Xattr] = []

    def differences(self, entry: FileEntry, name: bytes, status: os.stat_result | None) -> int:
        """The item flags for access rights and attributes; remembers which values are lacking."""
        session = self._session
        flags = 0
        acls_count = session.preserve.acls and status is not None and not entry.is_link
        if acls_count and status is not None and self._extended.acls_differ(entry, name, status):
            flags |= items.REPORT_ACL
        if session.preserve.xattrs:
            here = self._extended.xattrs_here(name, status.st_mode) if status is not None else []
            differ, self._lacking = self._extended.missing(entry.xattrs or [], here)
            if differ:
                flags |= items.REPORT_XATTR
        return flags

    def mode_here(self, entry: FileEntry, status: os.stat_result) -> int:
        """The mode that the entry's is compared with."""
        return self._extended.mode_here(entry, status.st_mode)

    def request(self, entry: FileEntry, iflags: int) -> bytes:
        """XATTR-4: what follows the item's flags. Each long value is asked for once in a session.

        Those that are here like the sender's will be known to the receiver from then on.
        """
        session = self._session
        if not session.preserve.xattrs or not session.options.moves_data:
            return b""
        out = b""
        if carried(session, iflags):
            wanted = sorted((one for one in self._lacking if not one.asked), key=lambda one: one.number)
            out = encode_request([one.number for one in wanted])
        if iflags & (items.REPORT_XATTR | items.TRANSFER):
            for one in entry.xattrs or []:
                one.asked = True
        return out

    async def receive(self, entry: FileEntry, iflags: int) -> None:
        """XATTR-5: the values that the sender answers with, if any follow these flags."""
        session = self._session
        if not carried(session, iflags):
            return
        if entry.xattrs is None:
            raise ProtocolError("attributes of an entry that has none", clause="XATTR-5")
        answers = AnswerDecoder(entry.xattrs, self._session.preserve.max_value)
        while (got := await session.link.read(answers.decode)) is not None:
            one, value = got
            one.value, one.size = value, len(value)


def _shown(path: bytes) -> bytes:
    return b'"' + os.path.abspath(path) + b'"'
