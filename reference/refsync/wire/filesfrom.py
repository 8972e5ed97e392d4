"""The names of ``--files-from``: lines of a file, and the stream against the direction of the data.

On the wire each name ends in a NUL and an empty one ends them all; below protocol
31 the stream is not framed. Clauses FROM-1 to FROM-4; upstream ``io.c:read_line``,
``forward_filesfrom_data``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .cursor import Cursor
from .errors import NeedMoreData, ProtocolError
from .limits import MAX_PATH


def read_names(data: bytes, *, from0: bool) -> Iterator[bytes]:
    """FROM-1: the names in a file that the sender itself reads: no empty lines, no comments."""
    for line in _lines(data, from0):
        if line[:1] not in b"#;":
            yield line


def encode(data: bytes, *, from0: bool, convert: Callable[[bytes], bytes] | None = None) -> bytes:
    """FROM-2: what a receiver makes of its file for the sender; comments are names to it.

    ``convert``: to the character set that names travel in (ICONV-6).
    """
    names = _lines(data, from0)
    return b"".join(name + b"\0" for name in (map(convert, names) if convert else names)) + b"\0"


def decode(cursor: Cursor) -> bytes | None:
    """FROM-3: the next name, None at the end; one that no path can be is refused, not cut."""
    start = cursor.pos
    end = bytes(cursor.data[start : start + MAX_PATH]).find(b"\0")
    if end < 0 and cursor.remaining() >= MAX_PATH:
        raise ProtocolError(f"a name of {MAX_PATH} bytes or more", clause="FROM-3", offset=start)
    if end < 0:
        raise NeedMoreData
    name = cursor.take(end)
    cursor.pos += 1
    return name or None


def explain(name: bytes | None) -> str:
    """One line of an annotated transcript."""
    return "end of names" if name is None else f"name {name.decode('utf-8', 'backslashreplace')}"


def _lines(data: bytes, from0: bool) -> Iterator[bytes]:
    """FROM-1: lines end at CR, LF or NUL, with ``--from0`` at NUL alone; empty ones do not count."""
    if not from0:
        data = data.translate(bytes.maketrans(b"\r\n", b"\0\0"))
    return (line for line in data.split(b"\0") if line)
