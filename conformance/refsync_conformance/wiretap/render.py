"""Records for people (an annotated hexdump) and for programs (JSON lines)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from .stream import Record

#: Bytes that a line of the dump holds, and how many of a long value are shown unless all are asked for.
WIDTH = 12
SHOWN = 48
#: So many records of one kind in a row are shown as the first and the last.
ROW = 6
#: Where in a line the mark of its kind stands.
MARK_AT = 14 + WIDTH * 3 - 1
MARKS = {"wrong": "! ", "unknown": "? ", "frame": "# ", "message": "* ", "value": "  "}


def lines(record: Record, *, whole: bool = False) -> Iterator[str]:
    """Direction, offset, bytes, clause, name and meaning; a ``!`` marks what breaks a clause."""
    data = record.data if whole else record.data[:SHOWN]
    rows = [data[at : at + WIDTH] for at in range(0, len(data), WIDTH)] or [b""]
    text = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in record.text)
    head = f"{record.clause:<9} {record.name}: {text}"
    for number, row in enumerate(rows):
        place = f"{record.way} {record.offset + number * WIDTH:08x}"
        note = MARKS[record.kind] + head if number == 0 else ""
        yield f"{place}  {row.hex(' '):<{WIDTH * 3 - 1}}  {note}".rstrip()
    if len(data) < len(record.data):
        yield f"{record.way} …         {len(record.data) - len(data)} more bytes"


def as_json(record: Record) -> str:
    """One line: the fields of the record, its bytes in hex."""
    return json.dumps(
        {
            "way": "client" if record.way == ">" else "server",
            "offset": record.offset,
            "kind": record.kind,
            "clause": record.clause,
            "name": record.name,
            "text": record.text,
            "hex": record.data.hex(),
        },
        ensure_ascii=False,
    )


class Fold:
    """Passes records on, but of a long row of alike ones (sums, blocks) only the first and the last.

    Called with each record; ``close`` passes on what is held. ``show`` gets a
    record and how many were left out before it.
    """

    def __init__(self, show: Callable[[Record, int], None]) -> None:
        self._show = show
        self._held: list[Record] = []

    def __call__(self, record: Record) -> None:
        if self._held and _row(self._held[-1]) != _row(record):
            self.close()
        self._held.append(record)
        if not _row(record)[0]:
            self.close()

    def close(self) -> None:
        """The row has ended."""
        held, self._held = self._held, []
        if len(held) <= ROW:
            for record in held:
                self._show(record, 0)
        else:
            self._show(held[0], 0)
            self._show(held[-1], len(held) - 2)


def _row(record: Record) -> tuple[str, str]:
    """What a record has in common with the others of its row; nothing for those that are always shown."""
    alike = record.name == "block sums" or (record.name == "token" and record.text.startswith("block"))
    return (record.name if alike and record.kind == "value" else "", record.way)
