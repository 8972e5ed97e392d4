"""What a file's delta is made against: chosen by the generator, opened by the receiver.

Clauses XFER-14, XFER-18, ALT-6, ALT-14, HOST-4; upstream ``generator.c:recv_generator``,
``receiver.c:recv_files``.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from ..wire import items
from ..wire.entry import FileEntry
from ..wire.errors import ProtocolError
from .altdest import AltDests, Match
from .backup import Backups, Made
from .fuzzy import Fuzzy
from .partial import Parts
from .session import Session, os_error
from .target import Target


@dataclass(slots=True)
class Basis:
    """``name`` is the file to take blocks from, ``kind`` how it is called on the wire.

    On the generator's side ``status`` is that file's (None: there is none) and
    ``here`` that of what the entry is reported against: what has its own name,
    or ``like`` in another directory. On the receiver's, ``fd`` is open on it, or -1.
    ``xname``: its last component, if it has another name than the entry.
    """

    name: bytes
    kind: int = items.BASIS_FNAME
    status: os.stat_result | None = None
    here: os.stat_result | None = None
    fd: int = -1
    like: bytes = b""
    xname: bytes | None = None

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Bases:
    """Both choices, for one run."""

    def __init__(
        self, session: Session, target: Target, parts: Parts, backups: Backups, alternates: AltDests
    ) -> None:
        self._session = session
        self._target = target
        self._parts = parts
        self._backups = backups
        self._alternates = alternates
        self._fuzzy = Fuzzy(session, target, alternates)

    # -- the generator's side ---------------------------------------------

    def choose(
        self,
        entry: FileEntry,
        name: bytes,
        status: os.stat_result | None,
        match: Match | None = None,
        *,
        again: bool = False,
    ) -> Basis:
        """A part from an earlier run if there is one, else what has the name, here or elsewhere.

        If nothing has it, a similar file may do (ALT-11), unless data is to be appended.
        """
        like = match.name if match is not None else b""
        here = match.status if match is not None else status
        part = self._parts.status(name)
        if part is not None:
            found = self._parts.find(name)
            assert found is not None
            return Basis(found, items.BASIS_PARTIAL_DIR, part, here, like=like)
        if match is not None:
            return Basis(match.name, match.number, match.status, here, like=like)
        fits = status is None and (again or not self._session.append)
        similar = self._fuzzy.find(entry) if fits else None
        if similar is not None:
            kind = items.BASIS_FUZZY + similar.number
            return Basis(similar.place, kind, similar.status, xname=similar.base)
        return Basis(name, items.BASIS_FNAME, status, status)

    def again(self, entry: FileEntry, name: bytes, status: os.stat_result | None) -> Basis:
        """As ``choose``, after an attempt that failed: nothing that is only said to be alike will do."""
        match = self._alternates.same_name(entry, name) if status is None else None
        return self.choose(entry, name, status, match, again=True)

    def save_before_overwriting(self, basis: Basis, name: bytes, *, whole_file: bool) -> bool:
        """FS-16: a file that is to be updated in place is copied first; False if it must then be left alone.

        The copy is what the receiver takes blocks from, so nothing it needs is overwritten.
        """
        status = basis.status
        if basis.kind != items.BASIS_FNAME or status is None:
            return True
        backup = self._backups.name(name)
        if backup is None or self._backups.copy(name, backup, status) is not Made.COPIED:
            return False
        if not whole_file:
            basis.kind = items.BASIS_BACKUP
        return True

    def saved(self, name: bytes) -> None:
        """The request is on its way: tell of the copy."""
        self._backups.told(name)

    # -- the receiver's side ----------------------------------------------

    def open(self, name: bytes, entry: FileEntry, attrs: items.ItemAttrs, *, again: bool) -> Basis:
        """XFER-14: open the basis that was asked for; below protocol 29 it goes without saying."""
        if self._session.dialect.iflags:
            if attrs.basis_type >= items.BASIS_FUZZY:
                return self._open(self._similar(name, entry, attrs))
            return self._open(self._named(name, attrs.basis_type))
        options = self._session.options
        basis = Basis(name)
        if options.inplace and options.backup and not again:
            basis = self._named(name, items.BASIS_BACKUP)
        elif self._parts.wanted:
            basis = self._named(name, items.BASIS_PARTIAL_DIR)
        basis = self._open(basis)
        if basis.fd < 0 and basis.kind != items.BASIS_FNAME:
            basis = self._open(Basis(name))
        if basis.fd < 0 and self._alternates:
            basis = self._open(self._named(name, 0))
        return basis

    def _named(self, name: bytes, kind: int) -> Basis:
        """HOST-4: a kind that the options do not make possible is an attack."""
        options = self._session.options
        found: bytes | None = None
        if kind == items.BASIS_FNAME:
            return Basis(name)
        if kind < len(self._alternates):
            found = self._alternates.place(kind, name)
            return Basis(name) if found is None else Basis(found, kind, like=found)
        like = b""
        if kind == items.BASIS_PARTIAL_DIR and self._parts.wanted:
            found = self._parts.find(name)
            like = self._elsewhere(name)
        elif kind == items.BASIS_BACKUP and options.inplace and options.backup:
            found = self._backups.name(name)
        else:
            raise ProtocolError(f"basis type {kind:#x} was not asked for", clause="HOST-4")
        return Basis(name) if found is None else Basis(found, kind, like=like)

    def _elsewhere(self, name: bytes) -> bytes:
        """Where the attributes are that a missing file has been compared with."""
        for number in range(len(self._alternates)):
            if self._target.lstat(name) is not None:
                break
            there = self._alternates.look(number, name)
            if there is not None and stat.S_ISREG(there[1].st_mode):
                return there[0]
        return b""

    def _similar(self, name: bytes, entry: FileEntry, attrs: items.ItemAttrs) -> Basis:
        """ALT-14: a file of the entry's directory, by its last component alone."""
        options, number, xname = self._session.options, attrs.basis_type - items.BASIS_FUZZY, attrs.xname
        most = len(self._alternates) if options.fuzzy > 1 else 0
        if not options.fuzzy or number > most:
            raise ProtocolError(f"basis type {attrs.basis_type:#x} was not asked for", clause="HOST-4")
        if not xname or b"/" in xname or b"\0" in xname or xname in (b".", b".."):
            shown = (xname or b"").decode("utf-8", "backslashreplace")
            raise ProtocolError(f'"{shown}" is no name of a similar file', clause="ALT-14")
        place = entry.dirname + b"/" + xname if entry.dirname else xname
        found = place if number == 0 else self._alternates.place(number - 1, place)
        return Basis(name) if found is None else Basis(found, attrs.basis_type, xname=xname)

    def _open(self, basis: Basis) -> Basis:
        """Only a regular file is opened, or a device that is to be written to."""
        device = self._session.options.write_devices
        try:
            basis.status = self._target.lstat(basis.name)
            if basis.status is None:
                return basis
            mode = basis.status.st_mode
            if stat.S_ISREG(mode) or (device and (stat.S_ISBLK(mode) or stat.S_ISCHR(mode))):
                basis.fd = self._target.dest.open_read(basis.name, device=device)
        except OSError:
            basis.status = None
        return basis

    def open_to_sum(self, basis: Basis, entry: FileEntry) -> bool:
        """The generator's side: False after telling that the sums can't be made."""
        self._fuzzy.changing(entry)
        try:
            basis.fd = self._target.dest.open_read(basis.name, device=self._session.options.write_devices)
        except OSError as error:
            what = os_error("failed to open", self._target.path(basis.name), error, b", continuing")
            self._session.error(what, "generator")
            return False
        return True
