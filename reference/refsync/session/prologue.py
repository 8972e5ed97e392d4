"""What the first bytes of a connection are: a binary version or a line of text.

A server behind a remote shell starts with its version as an int32, a daemon
with ``@RSYNCD:``. Whoever listens to a connection without knowing which it is
feeds a ``Prologue``; client and daemon use it to say what they met instead of
what they expected. Clauses GREET-4, GREET-1; upstream ``compat.c:setup_protocol``,
``clientserver.c:exchange_protocols``.
"""

from __future__ import annotations

from ..wire import greeting
from ..wire.cursor import Cursor
from ..wire.errors import Exit, NeedMoreData, ProtocolError
from ..wire.integers import read_int32
from ..wire.limits import MAX_DAEMON_LINE, MAX_DAEMON_REQUEST

#: States: nothing is certain yet; a binary version was read; a text line was read.
UNDECIDED = "undecided"
BINARY = "binary"
TEXT = "text"

_VERSION_LENGTH = 4


def decode_prologue(cursor: Cursor, limit: int = MAX_DAEMON_LINE) -> int | bytes:
    """The peer's version, or its first line of text.

    A version is below 256, so its last three bytes are zero; no line has a
    NUL. The first of these bytes that says so decides, whatever follows.
    """
    head = bytes(cursor.data[cursor.pos : cursor.pos + _VERSION_LENGTH])
    if any(head[1:]) or b"\n" in head:
        return greeting.decode_line(cursor, limit)
    if len(head) < _VERSION_LENGTH:
        raise NeedMoreData
    return read_int32(cursor)


class Prologue:
    """Takes the first bytes and no more of them than belong to the prologue.

    ``state`` only ever goes from ``UNDECIDED`` to one of the others; then
    ``version`` or ``line`` holds what was read.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, for another connection."""
        self.state = UNDECIDED
        self.version: int | None = None
        self.line: bytes | None = None
        self._held = bytearray()

    def feed(self, data: bytes) -> int:
        """Take from ``data`` what belongs to the prologue; returns how many bytes that is.

        ``ProtocolError`` if it is neither: a line without an end, or with a NUL in it.
        """
        if self.state != UNDECIDED:
            return 0
        before = len(self._held)
        # A line is bounded, so no more than that is ever held or searched again.
        self._held += data[: max(0, MAX_DAEMON_LINE - before)]
        cursor = Cursor(self._held)
        try:
            value = decode_prologue(cursor)
        except NeedMoreData:
            return len(self._held) - before
        if isinstance(value, int):
            self.state, self.version = BINARY, value
        else:
            self.state, self.line = TEXT, value
        del self._held[cursor.pos :]
        return cursor.pos - before


def decode_peer_greeting(cursor: Cursor, *, from_server: bool) -> greeting.Greeting:
    """GREET-1: the greeting of a daemon or of its client; anything else is refused by what it is."""
    start = cursor.pos
    value = decode_prologue(cursor, MAX_DAEMON_LINE if from_server else MAX_DAEMON_REQUEST)
    try:
        if isinstance(value, bytes):
            return greeting.parse_greeting(value, from_server=from_server)
    except ProtocolError as error:
        cursor.pos = error.offset = start
        raise
    cursor.pos = start
    raise ProtocolError(
        f"did not see server greeting but binary version {value}: this is no daemon"
        if from_server
        else "protocol startup error",
        clause="GREET-1",
        offset=start,
        code=Exit.START_CLIENT,
    )
