"""What both directions of a conversation have to know of each other."""

from __future__ import annotations

from typing import Any

from refsync.options.model import Options
from refsync.session.lists import FileLists
from refsync.wire.dialect import Dialect

from .stream import pause


class Context:
    """Facts that one direction finds out and the other waits for, each set once.

    ``version >`` and ``version <``, ``options``, ``answer`` (of a daemon),
    ``flags``, ``names > checksum`` and so on, ``setup`` (all that was agreed).
    """

    def __init__(self) -> None:
        self._facts: dict[str, Any] = {}

    def tell(self, name: str, value: object) -> None:
        self._facts[name] = value

    def known(self, name: str) -> bool:
        return name in self._facts

    def count(self) -> int:
        """How many facts there are: more than before means that somebody can go on."""
        return len(self._facts)

    async def hear(self, name: str) -> Any:
        """The fact, once the other direction has brought it."""
        while name not in self._facts:
            await pause()
        return self._facts[name]


class Setup:
    """What was agreed, and the lists that both directions number files by.

    ``sending`` is the way that file data goes, ``>`` or ``<``.
    """

    def __init__(
        self,
        dialect: Dialect,
        options: Options,
        checksum: str,
        listing_checksum: str,
        compression: str | None,
        sending: str,
    ) -> None:
        self.dialect = dialect
        self.options = options
        self.checksum = checksum
        self.listing_checksum = listing_checksum
        self.compression = compression
        self.sending = sending
        self.lists = FileLists(dialect.inc_recurse)

    def name(self, ndx: int) -> str:
        """The file that an index stands for, as far as the lists tell."""
        try:
            _, entry = self.lists.entry(ndx)
        except Exception:  # an index that means nothing is what a transcript is made to show
            return "(no such file)"
        return entry.name.decode("utf-8", "backslashreplace")
