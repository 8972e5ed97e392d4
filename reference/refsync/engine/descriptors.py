"""What is told of the security descriptors that ``-X`` keeps for a Windows peer.

The attribute is kept as it is; a person learns what of it access bits and lists do not say. Clause SDDL-3.
"""

from __future__ import annotations

from ..files import ids, sddl
from ..wire.entry import FileEntry
from ..wire.errors import ProtocolError
from .session import Session


class Descriptors:
    """Of one session: each kind of loss, and each name that is not known here, is told once (``-v``)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told: set[bytes] = set()

    def kept(self, entry: FileEntry) -> None:
        """The attributes of an entry have been set."""
        if not self._session.options.verbose:
            return
        for one in entry.xattrs or []:
            if one.name == sddl.ATTRIBUTE and one.value is not None:
                self._tell(entry.name, one.value)

    def _tell(self, name: bytes, value: bytes) -> None:
        try:
            found = sddl.translate(sddl.decode(value))
        except ProtocolError as error:
            self._once(b"unreadable", name, error.message.encode())
            return
        for loss in found.losses:
            self._once(loss.encode(), name, b"access bits and lists have no " + loss.encode())
        for missing in sddl.known(found.acl, ids.user_id, ids.group_id)[1]:
            self._once(missing, name, missing + b" is not known here")

    def _once(self, what: bytes, name: bytes, text: bytes) -> None:
        if what not in self._told:
            self._told.add(what)
            self._session.reporter.info(b"security descriptor of " + name + b": " + text + b"\n")
