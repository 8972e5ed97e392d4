"""A module's own filter rules, from the parameters that state them.

In the order ``filter``, ``include from``, ``include``, ``exclude from``,
``exclude``; the first that matches decides, before any rule of the client's.
To exclude a directory is to exclude what is in it. Clause DAEMON-7; upstream
``clientserver.c:rsync_module``, ``exclude.c:parse_rule_tok`` (``XFLG_DIR2WILD3``).
"""

from __future__ import annotations

import os

from ..filters.rulelist import FilterList, read_lines
from ..filters.rules import Rule, parse_rule
from .config import Section

_CLEAR = ("!", "clear")
_PREFIXES = ("-", "+", ".", ":", "H", "S", "P", "R")
_LONG_PREFIXES = ("exclude", "include", "merge", "dir-merge", "hide", "show", "protect", "risk")
#: Merge files may name merge files; a loop ends here.
_MAX_DEPTH = 16


def module_rules(section: Section) -> list[str]:
    """DAEMON-7: the rules as texts; ``RefsyncError`` if one is wrong or a file can't be read."""
    rules: list[str] = []
    for text in split_rules(section.text("filter")):
        _add(rules, text, 0)
    for name, sign in (("include", "+"), ("exclude", "-")):
        path = section.text(f"{name} from")
        if path:
            for line in read_lines(os.fsencode(path)):
                _add(rules, _with_sign(os.fsdecode(line), sign), 0)
        for text in split_patterns(section.text(name), sign):
            _add(rules, text, 0)
    FilterList.from_options(rules)  # says what is wrong before a client comes
    return rules


def split_rules(text: str) -> list[str]:
    """The rules of a line of ``filter``: sign, space or underscore, pattern; white space parts them."""
    words = iter(text.split())
    rules = []
    for word in words:
        sign, underscore, pattern = word.partition("_")
        if word in _CLEAR or not _is_sign(sign):
            rules.append(word)
        elif underscore:
            rules.append(f"{sign} {pattern}")
        else:
            rules.append(f"{sign} {next(words, '')}")
    return rules


def split_patterns(text: str, sign: str) -> list[str]:
    """The patterns of a line of ``include`` or ``exclude``; a lone sign is that of the next pattern."""
    words = iter(text.split())
    return [
        f"{word} {next(words, '')}" if word in ("-", "+") else word if word == "!" else f"{sign} {word}"
        for word in words
    ]


def _is_sign(word: str) -> bool:
    return word[:1] in _PREFIXES or word.split(",")[0] in _LONG_PREFIXES


def _with_sign(line: str, sign: str) -> str:
    return line if line[:2] in ("- ", "+ ") or line == "!" else f"{sign} {line}"


def _add(rules: list[str], text: str, depth: int) -> None:
    parsed = parse_rule(os.fsencode(text))
    if isinstance(parsed, tuple) and depth < _MAX_DEPTH:
        for line in read_lines(parsed[1]):
            _add(rules, os.fsdecode(line), depth + 1)
    elif parsed == "clear":
        rules.clear()
    elif isinstance(parsed, Rule) and not parsed.include and parsed.pattern.endswith(b"/"):
        rules.append(f"{text}***")
    elif parsed is not None:
        rules.append(text)
