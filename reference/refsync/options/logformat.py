"""The language of ``--out-format``, ``--log-file-format`` and a daemon's ``log format``.

``%``, then quotes that make numbers readable, a width (a minus sign fills on
the right), more quotes, and a letter. A letter that means nothing here stays
as it was written. Clause OUT-12; upstream ``log.c:log_formatted``, ``log_format_has``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..wire.errors import Exit, RefsyncError
from ..wire.limits import MAX_PATH

#: The longest line that comes of a format.
MAX_LINE = MAX_PATH + 1024
#: Letters whose value may be a number that a width with a leading zero fills with zeros.
_NUMBERS = b"UGp"

#: ``value(letter, quotes, has_width)``: what stands for an escape, None if the letter means nothing.
Values = Callable[[str, int, bool], "bytes | None"]


class Escape:
    """One escape: where its letter is, and how its value is to be shown."""

    __slots__ = ("end", "letter", "quotes", "start", "width")

    def __init__(self, start: int, end: int, letter: str, quotes: int, width: str) -> None:
        self.start, self.end, self.letter, self.quotes, self.width = start, end, letter, quotes, width

    def fitted(self, value: bytes) -> bytes:
        """The value at the escape's width."""
        left = self.width.startswith("-")
        digits = self.width.lstrip("-")
        if not digits:
            return value
        size = min(int(digits), MAX_PATH - 1)
        if left:
            return value.ljust(size)
        zeros = digits[0] == "0" and self.letter.encode() in _NUMBERS and value.isdigit()
        return value.rjust(size, b"0" if zeros else b" ")


def escapes(pattern: bytes) -> Iterator[Escape]:
    """Each place where a letter follows ``%``; if the letter means nothing the search goes on at it."""
    at = pattern.find(b"%")
    while at >= 0:
        pos = at + 1
        quotes = _run(pattern, pos, b"'")
        pos += quotes
        width_at = pos
        pos += pattern[pos : pos + 1] == b"-"
        pos += min(_run(pattern, pos, b"0123456789"), 23)
        width = pattern[width_at:pos].decode()
        more = _run(pattern, pos, b"'")
        pos += more
        if pos >= len(pattern):
            return
        escape = Escape(at, pos, chr(pattern[pos]), quotes + more, width)
        yield escape
        at = pattern.find(b"%", pos)


def has(pattern: str | None, letter: str) -> bool:
    """Whether the format asks for that letter."""
    return pattern is not None and any(
        escape.letter == letter for escape in escapes(pattern.encode("utf-8", "surrogateescape"))
    )


def expand(pattern: bytes, value: Values) -> bytes:
    """The line, with its newline; ``RefsyncError`` (exit 13) if it is too long."""
    if len(pattern) > MAX_PATH:
        raise RefsyncError("log-format string is WAY too long!", Exit.MESSAGE_IO)
    out = bytearray()
    done = 0
    for escape in escapes(pattern):
        if escape.start < done:
            continue
        found = value(escape.letter, escape.quotes, bool(escape.width))
        if found is None:
            continue
        out += pattern[done : escape.start]
        out += escape.fitted(found) if escape.letter != "L" else _arrow(found, escape)
        done = escape.end + 1
        if len(out) + len(pattern) - done >= MAX_LINE:
            raise RefsyncError(f"buffer overflow expanding %{escape.letter} -- exiting", Exit.MESSAGE_IO)
    return bytes(out + pattern[done:] + b"\n")


def _arrow(value: bytes, escape: Escape) -> bytes:
    """``%L``: a width counts from behind the arrow, and is kept where there is no arrow."""
    if not escape.width:
        return value
    return (value[:4] or b"    ") + escape.fitted(value[4:])


def _run(pattern: bytes, pos: int, members: bytes) -> int:
    return len(pattern) - pos - len(pattern[pos:].lstrip(members))
