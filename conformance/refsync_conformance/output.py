"""What peers print, made comparable: paths of the cell, figures of the link and program names differ, the
rest may not.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

#: Figures that depend on framing, time or the machine. What they are part of must still be there.
_VARIABLE = (
    (
        re.compile(r"^(sent )[\d,.KMG]+( bytes  received )[\d,.KMG]+( bytes  )[\d,.KMG]+( bytes/sec)$"),
        r"\1#\2#\3#\4",
    ),
    (re.compile(r"( speedup is )[\d,.KMG]+"), r"\1#"),
    (re.compile(r"^(File list (?:size|generation time|transfer time): ).*$"), r"\1#"),
    (re.compile(r"^(Total bytes (?:sent|received): ).*$"), r"\1#"),
)
_DELETION = re.compile(r"^(\*deleting |deleting )")
_ITEM = re.compile(r"^(?:[<>ch.][fdLDS][.+?a-zA-Z ]{9}|\*deleting  ) ")


def text(raw: bytes, area: Path) -> str:
    """Decoded output with the cell's own directory replaced by ``AREA``."""
    place = os.fsencode(area)
    # Some formats print absolute paths without their first slash.
    shown = raw.replace(place, b"AREA").replace(place[1:], b"AREA")
    # A daemon that serves more than the area names what is in it from its own root.
    shown = shown.replace(os.fsencode("/".join(area.parts[-3:])) + b"/", b"")
    return shown.decode("utf-8", "backslashreplace")


def lines(raw: bytes, area: Path) -> list[str]:
    """Output as lines with the variable figures masked, empty lines included."""
    found = []
    for line in text(raw, area).splitlines():
        for pattern, mask in _VARIABLE:
            line = pattern.sub(mask, line)
        found.append(line)
    return found


def items(raw: bytes, area: Path) -> list[str]:
    """Only the itemised lines (``-i``)."""
    return [line for line in text(raw, area).splitlines() if _ITEM.match(line)]


def settled(found: list[str]) -> list[str]:
    """Lines in an order that doesn't depend on timing.

    On a pull one process of the client deletes while another lists, so where a deletion falls among the
    rest is a matter of luck in upstream itself; the order among deletions, and among the rest, is not.
    """
    return [line for line in found if not _DELETION.match(line)] + [
        line for line in found if _DELETION.match(line)
    ]


def without_program(message: str) -> str:
    """An error line without what names the program, its process ids and its source places."""
    message = re.sub(r"^(?:rsync|refsync)(?:\[\d+\])?( error|:)", r"PEER\1", message)
    return re.sub(r" at [\w.]+\(\d+\) \[[^\]]*\]$", "", message)
