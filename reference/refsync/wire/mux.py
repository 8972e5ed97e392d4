"""Multiplexed frames: a header of four bytes, then data or a message.

Header: little-endian, the payload's length in the low 24 bits, the code plus
7 in the high byte. Clauses MUX-1 to MUX-12; upstream ``io.c:read_a_msg``
and ``rsync.h:enum msgcode``.
"""

from __future__ import annotations

from .cursor import Cursor
from .errors import Exit, NeedMoreData, ProtocolError
from .limits import MAX_MESSAGE_TEXT

MPLEX_BASE = 7
MAX_PAYLOAD = 0xFFFFFF

DATA = 0
ERROR_XFER = 1
INFO = 2
ERROR = 3
WARNING = 4
ERROR_SOCKET = 5
LOG = 6
CLIENT = 7
ERROR_UTF8 = 8
REDO = 9
STATS = 10
IO_ERROR = 22
IO_TIMEOUT = 33
NOOP = 42
ERROR_EXIT = 86
SUCCESS = 100
DELETED = 101
NO_SEND = 102

#: Every code with its name and the payload sizes that are legal between two hosts (MUX-4).
#: None: text, shorter than the limit.
MESSAGES: dict[int, tuple[str, tuple[int, ...] | None]] = {
    DATA: ("DATA", None),
    ERROR_XFER: ("ERROR_XFER", None),
    INFO: ("INFO", None),
    ERROR: ("ERROR", None),
    WARNING: ("WARNING", None),
    ERROR_SOCKET: ("ERROR_SOCKET", None),
    LOG: ("LOG", None),
    CLIENT: ("CLIENT", None),
    ERROR_UTF8: ("ERROR_UTF8", None),
    REDO: ("REDO", (4,)),
    STATS: ("STATS", (8,)),
    IO_ERROR: ("IO_ERROR", (4,)),
    IO_TIMEOUT: ("IO_TIMEOUT", (4,)),
    NOOP: ("NOOP", (0,)),
    ERROR_EXIT: ("ERROR_EXIT", (0, 4)),
    SUCCESS: ("SUCCESS", (4, 20)),
    DELETED: ("DELETED", None),
    NO_SEND: ("NO_SEND", (4,)),
}
#: Codes that pass only between the processes of one side; from a peer they end the session (MUX-5).
INTERNAL = frozenset((ERROR_SOCKET, LOG, CLIENT, ERROR_UTF8, REDO, STATS))
#: Codes whose payload is text for a person.
TEXT = frozenset((ERROR_XFER, INFO, ERROR, WARNING))


def encode_header(code: int, length: int) -> bytes:
    """MUX-1: the four bytes before a payload."""
    if not 0 <= length <= MAX_PAYLOAD:
        raise ValueError(f"a frame cannot hold {length} bytes")
    return ((code + MPLEX_BASE) << 24 | length).to_bytes(4, "little")


def encode(code: int, payload: bytes = b"") -> bytes:
    """MUX-1: one whole frame."""
    return encode_header(code, len(payload)) + payload


def decode_header(cursor: Cursor) -> tuple[int, int]:
    """MUX-2: (code, payload length), checked against what the code allows.

    An unknown code, a code that may not cross between hosts and a wrong size
    end the session with exit 12.
    """
    start = cursor.pos
    word = int.from_bytes(cursor.take(4), "little")
    code, length = (word >> 24) - MPLEX_BASE, word & MAX_PAYLOAD
    known = MESSAGES.get(code)
    if known is None or code in INTERNAL:
        raise ProtocolError(f"unexpected tag {code}", clause="MUX-5", offset=start, code=Exit.STREAM_IO)
    name, sizes = known
    if sizes is not None and length not in sizes:
        raise ProtocolError(
            f"invalid multi-message {code}:{length} ({name})",
            clause="MUX-4",
            offset=start,
            code=Exit.STREAM_IO,
        )
    if code != DATA and length >= MAX_MESSAGE_TEXT:
        raise ProtocolError(
            f"multiplexing overflow {code}:{length} ({name})",
            clause="MUX-6",
            offset=start,
            code=Exit.STREAM_IO,
        )
    return code, length


def decode(cursor: Cursor) -> tuple[int, bytes]:
    """One whole frame (code, payload), for transcripts and tests; the session reads DATA piecewise."""
    start = cursor.pos
    code, length = decode_header(cursor)
    try:
        return code, cursor.take(length)
    except NeedMoreData:
        cursor.pos = start
        raise


def explain(code: int, payload: bytes) -> str:
    """One line that names the message and shows its value."""
    name, sizes = MESSAGES.get(code, (f"code {code}", None))
    if sizes is not None and len(payload) == 4:
        return f"{name} {int.from_bytes(payload, 'little', signed=True)}"
    if code == DATA:
        return f"{name} {len(payload)} bytes"
    return f"{name} {payload!r}"
