"""``--remove-source-files``: the receiving side says what it has, the sender removes that.

Clauses XFER-20, XFER-21; upstream ``io.c:send_msg_success``, ``sender.c:successful_send``.
"""

from __future__ import annotations

import errno
import os

from ..files.below import Below
from ..files.sources import join
from ..session.lists import FileLists
from ..wire import mux
from ..wire.errors import ProtocolError
from ..wire.integers import int32
from .session import Session
from .target import Target

#: So many files may be under way, few if they are large: sources go while the transfer goes on.
MANY, FEW = 50, 10
LARGE = 128 * 1024


def tell_success(session: Session, target: Target, ndx: int, name: bytes) -> None:
    """The receiving side has the file: the sender may remove it.

    When both ends are on this machine the file's identity goes along, lest
    a destination that is the source itself be removed.
    """
    if session.options.only_write_batch is not None:
        return  # it has a batch: the file is nowhere yet
    identity = b""
    if session.options.local:
        try:
            status = target.lstat(name)
        except OSError:
            status = None
        dev, ino = (status.st_dev, status.st_ino) if status is not None else (0, 0)
        identity = dev.to_bytes(8, "little") + ino.to_bytes(8, "little")
    session.link.message(mux.SUCCESS, int32(ndx) + identity)


class SourceRemover:
    """The sender's part: removes a file that has arrived, if it is still what was sent."""

    def __init__(self, session: Session, lists: FileLists, below: Below) -> None:
        self._session = session
        self._below = below
        self._lists = lists

    def arrived(self, payload: bytes) -> None:
        """XFER-21: an index that was never listed is refused; a file that has changed stays."""
        session = self._session
        if not session.options.remove_source_files:
            return
        _, entry = self._lists.entry(int.from_bytes(payload[:4], "little", signed=True))
        if entry.is_dir:
            raise ProtocolError("success of a directory", clause="XFER-21")
        path = join(entry.path, entry.name)
        shown = entry.name
        try:
            if session.options.copy_links:
                status = self._below.stat(path)
            else:
                status = self._below.lstat(path)
        except OSError as error:
            self._failed(b"re-lstat", shown, error)
            return
        identity = status.st_dev.to_bytes(8, "little") + status.st_ino.to_bytes(8, "little")
        if payload[4:] == identity:
            self._refuse(b"destination", shown)
            return
        seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
        if (
            (entry.is_reg and status.st_size != entry.size)
            or seconds != entry.mtime
            or (entry.nsec and nanoseconds != entry.nsec)
        ):
            self._refuse(b"changed", shown)
            return
        try:
            if not session.options.dry_run:  # nor with --only-write-batch, where nothing has arrived anywhere
                self._below.unlink(path)
        except OSError as error:
            self._failed(b"remove", shown, error)
            return
        if session.options.info["REMOVE"]:
            session.reporter.info(b"sender removed " + shown + b"\n")

    def _refuse(self, what: bytes, shown: bytes) -> None:
        kind = what + b" file: "
        remove = (
            b"ERROR: Skipping sender remove of "
            if what == b"destination"
            else b"ERROR: Skipping sender remove for "
        )
        self._session.xfer_error = True
        self._session.reporter.error_xfer(remove + kind + shown + b"\n")

    def _failed(self, what: bytes, shown: bytes, error: OSError) -> None:
        if error.errno == errno.ENOENT:
            self._session.reporter.info(b"sender file already removed: " + shown + b"\n")
            return
        reason = os.strerror(error.errno or 0).encode() + b" (%d)" % (error.errno or 0)
        self._session.fail(b"sender failed to " + what + b" " + shown + b": " + reason)
