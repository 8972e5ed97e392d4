"""Captures as text for a report: what was said, at most so much of it, the end rather than the middle."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from . import render
from .capture import CaptureError, Header, Reader
from .dissector import Dissector
from .stream import Record

#: Lines of one conversation that are kept from its beginning and from its end.
HEAD, TAIL = 400, 200


def transcribe(captures: Iterable[Path]) -> list[str]:
    """One text for each conversation, in the order given; a damaged capture is said to be one."""
    return [_transcribe(path) for path in captures]


def records(path: Path) -> tuple[Header, list[Record]]:
    """All that was said in one conversation, and how it came about. Raises CaptureError."""
    reader = Reader(path)
    try:
        found: list[Record] = []
        dissector = Dissector(reader.header, found.append)
        for piece in reader.pieces():
            dissector.feed(piece.way, piece.data)
    finally:
        reader.close()
    dissector.close()
    return reader.header, found


def _transcribe(path: Path) -> str:
    lines: list[str] = []

    def show(record: Record, left_out: int) -> None:
        if left_out:
            lines.append(f"{record.way} …         {left_out} more like it")
        lines.extend(render.lines(record))

    fold = render.Fold(show)

    def emit(record: Record) -> None:
        if record.kind != "frame":
            fold(record)

    try:
        header, found = records(path)
    except CaptureError as error:
        return str(error)
    for record in found:
        emit(record)
    fold.close()
    if len(lines) > HEAD + TAIL:
        lines[HEAD:-TAIL] = [f"… {len(lines) - HEAD - TAIL} lines …"]
    return "\n".join([f"# {header.title or shlex.join(header.arguments)}", *lines])
