"""What a file's delta is made against: chosen by the generator, opened by the receiver.

Clauses XFER-14, XFER-18, HOST-4; upstream ``generator.c:recv_generator``, ``receiver.c:recv_files``.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from ..wire import items
from ..wire.errors import ProtocolError
from .backup import Backups, Made
from .partial import Parts
from .session import Session, os_error
from .target import Target


@dataclass(slots=True)
class Basis:
    """``name`` is the file to take blocks from, ``kind`` how it is called on the wire.

    On the generator's side ``status`` is that file's (None: there is none) and
    ``here`` that of what has the entry's own name, for the report. On the
    receiver's, ``fd`` is open on it, or -1.
    """

    name: bytes
    kind: int = items.BASIS_FNAME
    status: os.stat_result | None = None
    here: os.stat_result | None = None
    fd: int = -1

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Bases:
    """Both choices, for one run."""

    def __init__(self, session: Session, target: Target, parts: Parts, backups: Backups) -> None:
        self._session = session
        self._target = target
        self._parts = parts
        self._backups = backups

    # -- the generator's side ---------------------------------------------

    def choose(self, name: bytes, status: os.stat_result | None) -> Basis:
        """A part from an earlier run if there is one, else what has the name."""
        part = self._parts.status(name)
        if part is not None:
            found = self._parts.find(name)
            assert found is not None
            return Basis(found, items.BASIS_PARTIAL_DIR, part, status)
        return Basis(name, items.BASIS_FNAME, status, status)

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

    def open(self, name: bytes, attrs: items.ItemAttrs, *, again: bool) -> Basis:
        """XFER-14: open the basis that was asked for; below protocol 29 it goes without saying."""
        if self._session.dialect.iflags:
            return self._open(self._named(name, attrs.basis_type))
        options = self._session.options
        basis = Basis(name)
        if options.inplace and options.backup and not again:
            basis = self._named(name, items.BASIS_BACKUP)
        elif self._parts.wanted:
            basis = self._named(name, items.BASIS_PARTIAL_DIR)
        basis = self._open(basis)
        if basis.fd < 0 and basis.kind != items.BASIS_FNAME:
            return self._open(Basis(name))
        return basis

    def _named(self, name: bytes, kind: int) -> Basis:
        """HOST-4: a kind that the options do not make possible is an attack."""
        options = self._session.options
        found: bytes | None = None
        if kind == items.BASIS_FNAME:
            return Basis(name)
        if kind == items.BASIS_PARTIAL_DIR and self._parts.wanted:
            found = self._parts.find(name)
        elif kind == items.BASIS_BACKUP and options.inplace and options.backup:
            found = self._backups.name(name)
        else:
            raise ProtocolError(f"basis type {kind:#x} was not asked for", clause="HOST-4")
        return Basis(name) if found is None else Basis(found, kind)

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

    def open_to_sum(self, basis: Basis) -> bool:
        """The generator's side: False after telling that the sums can't be made."""
        try:
            basis.fd = self._target.dest.open_read(basis.name, device=self._session.options.write_devices)
        except OSError as error:
            what = os_error("failed to open", self._target.path(basis.name), error, b", continuing")
            self._session.error(what, "generator")
            return False
        return True


def size_of(fd: int) -> int:
    """A file's size, or a block device's."""
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    try:
        return os.lseek(fd, 0, os.SEEK_END)
    except OSError:
        return 0
