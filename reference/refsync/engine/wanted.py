"""What the receiving side leaves out by its own options, and the way to what it does not leave out.

Clauses XFER-23, FS-18, FS-22, FLIST-24; upstream ``generator.c:recv_generator``, ``util1.c:make_path``.
"""

from __future__ import annotations

from ..files.links import is_unsafe
from ..wire.entry import IMPLIED_DIR, FileEntry
from .session import Session, os_error
from .target import Target


def of_wanted_size(session: Session, entry: FileEntry) -> bool:
    """XFER-23: ``--max-size`` and ``--min-size``; with ``-vv`` it is said what is left out."""
    options = session.options
    if options.max_size >= 0 and entry.size > options.max_size:
        why = b" is over max-size\n"
    elif options.min_size >= 0 and entry.size < options.min_size:
        why = b" is under min-size\n"
    else:
        return True
    if options.info["SKIP"]:
        session.reporter.info(entry.name + why)
    return False


def tell_if_unsafe(session: Session, entry: FileEntry) -> bool:
    """FS-18: whether ``--safe-links`` leaves a symlink out."""
    target = entry.link or b""
    if not is_unsafe(target, entry.name):
        return False
    if session.options.info["SYMSAFE"]:
        session.reporter.info(b'ignoring unsafe symlink "' + entry.name + b'" -> "' + target + b'"\n')
    return True


class WayThere:
    """The directories that lead to an entry where they are not part of the transfer."""

    def __init__(self, session: Session, target: Target) -> None:
        self._session = session
        self._target = target
        self._off = not session.options.relative
        self._looked_at = b""

    def is_no_more(self, entry: FileEntry) -> bool:
        """FLIST-24: whether a directory only leads to something, and is to be left as it is."""
        return not self._off and not self._session.options.implied_dirs and bool(entry.flags & IMPLIED_DIR)

    def prepare(self, entry: FileEntry) -> None:
        """FS-22: make what is missing above an entry."""
        above = entry.dirname
        if self._off or above == self._looked_at or self.is_no_more(entry):
            return
        self._looked_at = above
        if not above or self._session.options.dry_run:
            return
        try:
            self._target.dest.make_way_to(entry.name)
        except OSError as error:
            self._session.fail(os_error("recv_generator: mkdir", self._target.path(above), error))
