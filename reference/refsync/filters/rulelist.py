"""Rules in order: the first that matches decides.

Clauses FILT-3, FILT-10; upstream ``exclude.c:check_filter``, ``parse_filter_file``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..wire.errors import Exit, RefsyncError
from .rules import Rule, parse_rule, rule_from_pattern

#: Merge files may name merge files; a loop ends here.
MAX_DEPTH = 32


class FilterList:
    """An ordered list of rules for one side ("s" sender, "r" receiver)."""

    def __init__(self, rules: Iterable[Rule] = (), side: str = "s") -> None:
        self.rules = list(rules)
        self._side = side
        self._active = [rule for rule in self.rules if side in rule.sides]

    @classmethod
    def from_options(cls, texts: Iterable[str | bytes], side: str = "s") -> FilterList:
        """From rule texts as the options gave them; merge files are read now."""
        rules: list[Rule] = []
        for text in texts:
            _add(rules, os.fsencode(text), 0)
        return cls(rules, side)

    def for_side(self, side: str) -> FilterList:
        """The same rules as the other side applies them."""
        return FilterList(self.rules, side)

    def extended(self, texts: Iterable[bytes]) -> FilterList:
        """These rules, then further ones as they came from the peer."""
        return FilterList([*self.rules, *FilterList.from_options(texts).rules], self._side)

    def check(self, name: bytes, is_dir: bool) -> int:
        """FILT-3: 1 included, -1 excluded, 0 if no rule matches."""
        for rule in self._active:
            if rule.matches(name, is_dir):
                return 1 if rule.include else -1
        return 0

    def __bool__(self) -> bool:
        return bool(self.rules)


def _add(rules: list[Rule], text: bytes, depth: int) -> None:
    parsed = parse_rule(text)
    if isinstance(parsed, Rule):
        rules.append(parsed)
    elif isinstance(parsed, str):
        rules.clear()
    else:
        if depth >= MAX_DEPTH:
            raise RefsyncError(f"merge files are nested too deeply: {os.fsdecode(parsed[1])}", Exit.SYNTAX)
        for line in read_lines(parsed[1]):
            _add(rules, line, depth + 1)


def read_lines(path: bytes) -> list[bytes]:
    """The rules of a file: one a line, comments (``#``, ``;``) and empty lines left out."""
    try:
        if path == b"-":
            data = os.fdopen(0, "rb", closefd=False).read()
        else:
            with open(path, "rb") as file:
                data = file.read()
    except OSError as error:
        shown = os.fsdecode(path)
        raise RefsyncError(
            f"failed to open exclude file {shown}: {error.strerror} ({error.errno})", Exit.FILE_IO
        ) from None
    lines = (line.rstrip(b"\r") for line in data.split(b"\n"))
    return [line for line in lines if line and line[:1] not in (b"#", b";")]


def read_patterns(path: bytes, include: bool) -> list[bytes]:
    """FILT-5: the lines of an ``--exclude-from`` or ``--include-from`` file as rule texts."""
    texts = (rule_from_pattern(line, include) for line in read_lines(path))
    return [text for text in texts if text is not None]
