"""One filter rule: its text, its meaning, what it matches.

Clauses FILT-4 to FILT-10; upstream ``exclude.c:parse_rule_tok``,
``add_rule``, ``rule_matches``, ``get_rule_prefix``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..wire.errors import Exit, RefsyncError
from .wildmatch import Matcher, compile_pattern

_LONG_NAMES = {
    "exclude": "-",
    "include": "+",
    "clear": "!",
    "hide": "H",
    "show": "S",
    "protect": "P",
    "risk": "R",
    "merge": ".",
    "dir-merge": ":",
}
#: hide, show, protect, risk: whether it includes, and the one side that it is for
_SIDED = {"H": (False, "s"), "S": (True, "s"), "P": (False, "r"), "R": (True, "r")}


@dataclass(frozen=True, slots=True)
class Rule:
    """Include or exclude what ``pattern`` matches.

    ``sides`` holds "s" and "r": where the rule counts, on the sender, on the
    receiver. ``perishable`` rules do not protect what is in a directory that
    is itself deleted.
    """

    include: bool
    pattern: bytes
    sides: str = "sr"
    negated: bool = False
    perishable: bool = False

    def matches(self, name: bytes, is_dir: bool) -> bool:
        """FILT-6: whether the rule is about ``name``, a path without a leading slash."""
        return self._matches(name, is_dir) != self.negated

    def _matches(self, name: bytes, is_dir: bool) -> bool:
        pattern = self.pattern
        if pattern.endswith(b"/") and len(pattern) > 1:
            if not is_dir:
                return False
            pattern = pattern[:-1]
        wild = any(char in pattern for char in b"*?[")
        deep = b"**" in pattern
        anchored = pattern.startswith(b"/")
        slashes = pattern.count(b"/")
        if anchored:
            pattern = pattern[1:]
        subject = name
        if not slashes and not deep:
            subject = name[name.rfind(b"/") + 1 :]
        if not wild:
            if anchored or not slashes:
                return subject == pattern
            return subject == pattern or subject.endswith(b"/" + pattern)
        if is_dir and pattern.endswith(b"/***"):
            subject += b"/"
        matches = compile_pattern(pattern)
        if anchored or not slashes and not deep:
            return matches(subject)
        if pattern.startswith(b"**"):
            return matches(b"/" + subject)
        if deep:
            return _at_any_start(matches, subject)
        parts = subject.split(b"/")
        return len(parts) > slashes and matches(b"/".join(parts[-slashes - 1 :]))

    def to_wire(self, *, prefixes: bool, modern: bool) -> bytes | None:
        """FILT-11: the rule as sent; None if the peer's version has no words for it.

        Below protocol 29 there are only bare patterns and ``+ ``.
        """
        plain = self.sides == "sr" and not self.negated and not self.perishable
        if not prefixes:
            if not plain:
                return None
            if self.include:
                return b"+ " + self.pattern
            return (b"- " if self.pattern[:2] in (b"- ", b"+ ") else b"") + self.pattern
        if self.perishable and not modern:
            return None
        modifiers = "!" if self.negated else ""
        modifiers += self.sides if self.sides != "sr" else ""
        modifiers += "p" if self.perishable else ""
        return b"%c%s %s" % (b"+" if self.include else b"-", modifiers.encode(), self.pattern)


def _at_any_start(matches: Matcher, subject: bytes) -> bool:
    """A pattern with ``**`` that is not anchored may start at any component."""
    start = 0
    while True:
        if matches(subject[start:]):
            return True
        cut = subject.find(b"/", start)
        if cut < 0:
            return False
        start = cut + 1


def parse_rule(text: bytes) -> Rule | str | tuple[str, bytes]:
    """FILT-4: a rule, ``"clear"``, or ``("merge", file name)``; ``RefsyncError`` (exit 1) names what is wrong."""
    shown = text.decode("utf-8", "backslashreplace")
    head, rest = text[:1].decode("latin-1"), text[1:]
    for name, letter in _LONG_NAMES.items():
        if text.startswith(name.encode()) and not text[len(name) : len(name) + 1].isalnum():
            head, rest = letter, text[len(name) :]
            break
    if head == "!":
        if rest.strip():
            raise RefsyncError(f"trailing characters after '!': {shown}", Exit.SYNTAX)
        return "clear"
    if head not in "-+.:HSPR" or not head:
        raise RefsyncError(f"Unknown filter rule: `{shown}'", Exit.SYNTAX)
    if rest[:1] == b",":
        rest = rest[1:]
    cut = next((at for at, byte in enumerate(rest) if byte in b" _"), len(rest))
    modifiers, pattern = rest[:cut].decode("latin-1"), rest[cut + 1 :]
    if head == ":":
        raise RefsyncError(f"per-directory merge files are not supported yet: {shown}", Exit.SYNTAX)
    if not pattern:
        raise RefsyncError(f"unexpected end of filter rule: {shown}", Exit.SYNTAX)
    if head == ".":
        if modifiers:
            raise RefsyncError(f"modifiers of merge files are not supported yet: {shown}", Exit.SYNTAX)
        return "merge", pattern
    include, sides = _SIDED.get(head, (head == "+", ""))
    negated = perishable = False
    for letter in modifiers:
        if letter == "!" and head in "-+":
            negated = True
        elif letter in "sr" and head in "-+":
            sides += letter
        elif letter == "p":
            perishable = True
        elif letter in "/Cx":
            raise RefsyncError(f"filter modifier '{letter}' is not supported yet: {shown}", Exit.SYNTAX)
        else:
            raise RefsyncError(f"invalid modifier '{letter}' in filter rule: {shown}", Exit.SYNTAX)
    return Rule(include, pattern, "".join(sorted(set(sides), reverse=True)) or "sr", negated, perishable)


def rule_from_pattern(pattern: bytes, include: bool) -> bytes | None:
    """FILT-5: the rule text for ``--include`` and ``--exclude``; None for an empty line or a comment of a file."""
    if pattern in (b"!", b""):
        return pattern or None
    if pattern[:2] in (b"- ", b"+ "):
        return pattern
    return (b"+ " if include else b"- ") + pattern
