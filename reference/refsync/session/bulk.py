"""File data that passes a link by: moved between a file and the connection by whoever can do that faster.

A conversation hands a ``BulkOutput`` or ``BulkInput`` to its link at a point that it can name exactly in the
stream; a driver that knows the descriptors runs it, and the link goes on from where it has stopped. Where
the driver knows none (``Link.carries_bulk`` is False) the conversation moves the same bytes itself.
Clauses MUX-1, MUX-3, TOK-2.
"""

from __future__ import annotations

from enum import IntEnum

from ..typed import Protocol


class Moved(IntEnum):
    """Why a piece of work has stopped."""

    MORE = 0  # the budget is spent
    DONE = 1
    OTHER_READY = 2  # the other direction can go on
    AGAIN = 3  # time is up
    PEER_GONE = 4
    FAILED = 5  # the connection, with ``error``
    FILE_FAILED = 6  # the file, with ``error``
    MESSAGE = 7  # a frame that is not data comes next
    BAD_TOKEN = 8
    CLOSED = 9


class Bulk(Protocol):
    """``moved`` counts bytes of the connection; ``error`` is an errno value once something has failed."""

    @property
    def moved(self) -> int: ...

    @property
    def error(self) -> int: ...


class BulkOutput(Bulk, Protocol):
    """Data that goes out, in frames where the link has any."""

    @property
    def at_boundary(self) -> bool:
        """Whether messages may go out now."""

    def run(self, fd_out: int, fd_in: int, milliseconds: int, *, finish: bool = False) -> int:
        """Send; comes back early once ``fd_in`` can be read. ``finish``: only to the end of what is begun."""


class BulkInput(Bulk, Protocol):
    """Data that comes in."""

    def run(self, fd_in: int, fd_out: int, milliseconds: int) -> int:
        """Receive; comes back early once ``fd_out`` (-1: none) can be written."""
