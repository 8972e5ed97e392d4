"""The grammar of ``rsyncd.conf``: from its text to sections, parameters and directives.

A line is blank, a comment (``#`` or ``;``), ``[section]``, ``name = value`` or
``&directive value``. A backslash at a line's end, white space aside, joins
the next line. White space in names counts as one space. Clause DAEMON-1;
upstream ``params.c:Parse``, ``Section``, ``Parameter``.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..records import dataclass
from ..wire.errors import Exit, RefsyncError

_SPACE = " \t\v\f\r"


@dataclass(frozen=True, slots=True)
class Statement:
    """``kind`` is "section", "parameter", "directive" or "bad" (``value`` says why it means nothing)."""

    kind: str
    name: str
    value: str = ""
    line: int = 0


def statements(text: str, source: str) -> Iterator[Statement]:
    """The statements of a file; ``RefsyncError`` (exit 1) where the rest has no meaning."""
    text = text.partition("\0")[0]  # as upstream: a NUL is an end of file
    at = line = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        start = at
        while start < end and text[start] in _SPACE:
            start += 1
        first = text[start : start + 1] if start < end else ""
        line += 1
        if first in ("", ";", "#"):
            at = end + 1
        elif first == "\\":
            at = start + 1  # a stray backslash is nothing; what follows it is read on its own
            line -= 1
        elif first == "[":
            statement, at = _section(text, start + 1, line, source)
            line = text.count("\n", 0, at)
            yield statement
        else:
            logical, at = _logical_line(text, start)
            yield _directive(logical, line) if first == "&" else _parameter(logical, line, source)
            line = text.count("\n", 0, at)


def _logical_line(text: str, at: int) -> tuple[str, int]:
    """A line with those that it goes on in, backslashes taken out, and where the next one starts."""
    parts: list[str] = []
    while True:
        end = text.find("\n", at)
        if end < 0:
            return "".join(parts) + text[at:], len(text)
        part = text[at:end]
        bare = part.rstrip()
        at = end + 1
        if not bare.endswith("\\"):
            return "".join(parts) + part, at
        parts.append(bare[:-1])


def _section(text: str, at: int, line: int, source: str) -> tuple[Statement, int]:
    logical, after = _logical_line(text, at)
    name, bracket, _ = logical.partition("]")
    if not bracket:
        raise RefsyncError(f"{source}, line {line}: badly formed section name: [{name.strip()}", Exit.SYNTAX)
    name = " ".join(name.split())
    if not name:
        raise RefsyncError(f"{source}, line {line}: empty section name", Exit.SYNTAX)
    # The rest of the physical line that holds the bracket is a comment, whatever it ends in.
    close = text.index("]", at)
    end = text.find("\n", close)
    return Statement("section", name, "", line), min(after, end + 1) if end >= 0 else len(text)


def _parameter(logical: str, line: int, source: str) -> Statement:
    name, equal, value = logical.partition("=")
    name = " ".join(name.split())
    if not equal:
        return Statement("bad", name, "no value", line)
    if not name:
        raise RefsyncError(f"{source}, line {line}: a value without a name", Exit.SYNTAX)
    return Statement("parameter", name, value.replace("\r", "").strip(), line)


def _directive(logical: str, line: int) -> Statement:
    """The name ends at the first white space or equals sign."""
    end = min((place for place in (logical.find(mark) for mark in " \t=") if place >= 0), default=-1)
    if end < 0:
        return Statement("bad", logical.strip(), "no value", line)
    value = logical[end:].lstrip().removeprefix("=")
    return Statement("directive", logical[:end], value.replace("\r", "").strip(), line)
