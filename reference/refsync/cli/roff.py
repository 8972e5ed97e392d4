"""Writing manual pages in man(7)'s macros: text goes in, no part of it is taken for a command."""

from __future__ import annotations

import textwrap

_BY_SECTION = {1: "User Commands", 5: "File Formats"}


def escaped(text: str) -> str:
    """Text as roff has to see it to print just that: backslashes, typed hyphens, a control at the start."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


class Page:
    """A manual page; ``text`` is the whole, ending with a newline."""

    def __init__(self, name: str, section: int, version: str) -> None:
        title = escaped(name.upper())
        self._lines = [
            '.\\" Made by ci/man from the tables that the program reads. Do not edit.',
            f'.TH {title} {section} "" "refsync {escaped(version)}" "{_BY_SECTION[section]}"',
            ".nh",
        ]

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def section(self, title: str) -> None:
        self._lines.append(f".SH {title.upper()}")

    def subsection(self, title: str) -> None:
        self._lines.append(f".SS {title}")

    def paragraph(self, text: str) -> None:
        """Running text, filled by whoever formats the page."""
        self._lines.append(".PP")
        self._fill(text)

    def example(self, *lines: str) -> None:
        """Lines as they are, set off."""
        self._lines += [".PP", ".RS 4", ".nf", *map(escaped, lines), ".fi", ".RE"]

    def item(self, term: str, text: str) -> None:
        """A term in bold, and what it means."""
        self._lines += [".TP", f".B {_quoted(term)}"]
        self._fill(text)

    def _fill(self, text: str) -> None:
        self._lines += [escaped(line) for line in textwrap.wrap(text, 100, break_on_hyphens=False)]


def _quoted(text: str) -> str:
    """One argument of a macro."""
    return '"' + escaped(text).replace('"', "\\(dq") + '"'
