"""An input as the code under test reads it: which bytes went to which function, for a person to follow.

Every function of the reference that is given a cursor is watched while the target runs; a line says which
bytes it used, what it made of them and the clauses that its docstring names.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

from . import triage
from .target import Target

if TYPE_CHECKING:  # whoever measures coverage must come before the reference
    from refsync.wire.cursor import Cursor

#: Lines of a transcript; an input that breaks something is short, but a target reads it in many ways.
MOST_LINES = 80
#: Bytes shown of one value.
MOST_BYTES = 24
#: Bytes of the input shown in hexadecimal.
MOST_DUMPED = 512
_CLAUSE = re.compile(r"\b[A-Z]{2,8}-\d+\b")


@dataclass(slots=True)
class _Call:
    frame: FrameType
    cursor: Cursor
    start: int
    line: int


class _Watch:
    """Notes each call with a cursor: its line is reserved when it begins and filled when it ends."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open: list[_Call] = []

    def __call__(self, frame: FrameType, event: str, value: Any) -> None:
        if event == "call":
            cursor = _cursor_of(frame)
            if cursor is not None and len(self.lines) < MOST_LINES:
                self._open.append(_Call(frame, cursor, cursor.pos, len(self.lines)))
                self.lines.append("")
        elif event == "return" and self._open and self._open[-1].frame is frame:
            call = self._open.pop()
            self.lines[call.line] = _line(call, len(self._open), value)


def _cursor_of(frame: FrameType) -> Cursor | None:
    from refsync.wire.cursor import Cursor

    code = frame.f_code
    if "refsync/" not in code.co_filename or code.co_filename.endswith("/cursor.py"):
        return None
    for name in code.co_varnames[: code.co_argcount]:
        found = frame.f_locals.get(name)
        if isinstance(found, Cursor):
            return found
    return None


def _line(call: _Call, depth: int, value: object) -> str:
    used = bytes(call.cursor.data[call.start : call.cursor.pos])
    shown = used[:MOST_BYTES].hex(" ") + (" ..." if len(used) > MOST_BYTES else "")
    code = call.frame.f_code
    clauses = ", ".join(dict.fromkeys(_CLAUSE.findall(_docstring(call.frame))))
    what = f"{value!r:.100}"
    if not used and value is None:
        what = "more is needed, it is refused, or there is nothing"
    where = f"{call.start}..{call.cursor.pos}" if used else f"{call.start}"
    named = f" [{clauses}]" if clauses else ""
    return f"{'  ' * depth}{where}: {shown or '-'} = {code.co_qualname}{named}: {what}"


def _docstring(frame: FrameType) -> str:
    consts = frame.f_code.co_consts
    return consts[0] if consts and isinstance(consts[0], str) else ""


def annotated(target: Target, data: bytes) -> str:
    """The input in hexadecimal, what read which of its bytes, and how it ended."""
    lines = [f"{len(data)} bytes for {target.name}:"]
    before = b""
    for at in range(0, min(len(data), MOST_DUMPED), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        if row != before:
            lines.append(f"  {at:04x}  {row.hex(' '):47}  {text}")
        elif lines[-1] != "  *":
            lines.append("  *")
        before = row
    if len(data) > MOST_DUMPED:
        lines.append("  ...")
    watch = _Watch()
    kept = sys.getprofile()
    sys.setprofile(watch)
    try:
        found = triage.run(target, data)
    finally:
        sys.setprofile(kept)
    lines += [line for line in dict.fromkeys(watch.lines) if line]
    lines.append(f"ends with {found}" if found else "holds now")
    return "\n".join(lines) + "\n"
