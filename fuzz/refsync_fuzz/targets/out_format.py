"""The formats of lines about items.

Input: a format.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.options import logformat
from refsync.wire.errors import RefsyncError

from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("OUT-12",),
    code=("refsync.options.logformat",),
    oracle="EM",
    dictionary={letter: b"%" + letter.encode() for letter in "aAbBcCfGhilLmMnopPtuU%"}
    | {"width": b"%-12", "zeros": b"%05", "quote": b"%'", "wide": b"%4095n"},
    max_length=600,
)

#: A value for each letter; all others mean nothing.
VALUES = {
    "n": b"a/name",
    "l": b"12345",
    "U": b"7",
    "L": b" -> to",
    "i": b">f+++++++++",
    "o": b"send",
    "p": b"99",
}


def _model(pattern: bytes) -> bytes:
    """The same by another way: character by character, as upstream's loop goes on in its own output."""
    out, at = b"", 0
    while at < len(pattern):
        if pattern[at] != 0x25:
            out += pattern[at : at + 1]
            at += 1
            continue
        pos = at + 1
        while pattern[pos : pos + 1] == b"'":
            pos += 1
        start = pos
        if pattern[pos : pos + 1] == b"-":
            pos += 1
        digits = pos
        while pattern[pos : pos + 1].isdigit() and pos - digits < 23:
            pos += 1
        width, text = int(pattern[digits:pos] or b"0"), pattern[start:pos]
        while pattern[pos : pos + 1] == b"'":
            pos += 1
        letter = pattern[pos : pos + 1].decode("latin-1")
        if letter not in VALUES or not letter:
            out += pattern[at:pos]
            at = pos
            continue
        value = VALUES[letter]
        arrow = b""
        if letter == "L" and text:
            arrow, value = value[:4], value[4:]
        width = min(width, 4095)
        gap = max(0, width - len(value))
        zero = text[:1] == b"0" and letter in "UGp"
        fill = (b"0" if zero else b" ") * gap
        out += arrow + (value + b" " * gap if text[:1] == b"-" else fill + value)
        at = pos + 1
    return out + b"\n"


def fuzz_one(data: bytes) -> None:
    """Oracle: the line is that of an independent model, or the format is too long and refused with exit 13.

    ``has`` finds a letter exactly if its value would be shown.
    """
    asked: set[str] = set()

    def value(letter: str, quotes: int, wide: bool) -> bytes | None:
        asked.add(letter)
        expect(quotes >= 0, "a negative number of quotes")
        return VALUES.get(letter)

    try:
        line = logformat.expand(data, value)
    except RefsyncError as error:
        expect(error.code == 13 and error.message, f"refused with code {error.code}")
        return
    expect(len(line) <= logformat.MAX_LINE + 1, f"a line of {len(line)} bytes")
    same(line, _model(data), "the line")
    text = data.decode("utf-8", "surrogateescape")
    for letter in VALUES:
        same(logformat.has(text, letter), letter in asked, f"whether it has %{letter}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Usual formats, and odd ones."""
    lines = (
        *(b"%i %n%L", b"%n%L", b"%o %h [%a] %m (%u) %f %l", b"%12l|%-12l|%'l|%''l", b"%9L|%-9L"),
        *(
            b"%05U %05p %5G",
            b"%%n %",
            b"100%",
            b"%'",
            b"%-",
            b"%4095n%4095n",
            b"%0000000000000000000000000009n",
        ),
        *(b"%C %b %c", b"%M %t %B", b"", b"%''-12''n"),
    )
    for number, line in enumerate(lines):
        yield f"format.{number:02}", line
