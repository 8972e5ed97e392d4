"""One rule: what it is made of, how its text reads, and how it is written back.

A rule is ``KIND[,]MODIFIERS`` and, behind a space or an underscore, a pattern::

    - exclude    + include    H hide     S show      P protect   R risk
    . merge      : dir-merge  ! clear

The modifiers are ``/`` (match from the root), ``!`` (negate), ``C`` (CVS
ignores), ``s`` and ``r`` (sender's or receiver's side), ``p`` (perishable), ``x``
(attribute names); of merge rules also ``-`` and ``+`` (lines are patterns), ``e``
(exclude the file itself), ``n`` (not inherited), ``w`` (split at white space).

Clauses FILT-4, FILT-5, FILT-11; upstream ``exclude.c:parse_rule_tok``, ``add_rule``,
``get_rule_prefix``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..typed import TYPE_CHECKING
from ..wire.errors import Exit, RefsyncError

if TYPE_CHECKING:
    from .matching import Plan

INCLUDE = 1 << 0
ABSOLUTE = 1 << 1
NEGATE = 1 << 2
DIRECTORY = 1 << 3
CVS = 1 << 4
SENDER = 1 << 5
RECEIVER = 1 << 6
PERISHABLE = 1 << 7
XATTR = 1 << 8
MERGE = 1 << 9
PER_DIR = 1 << 10
NO_PREFIXES = 1 << 11
EXCLUDE_SELF = 1 << 12
NO_INHERIT = 1 << 13
WORDS = 1 << 14
CLEAR = 1 << 15

SIDES = SENDER | RECEIVER
#: What the rules in a merged file take from the rule that merges it.
INHERITED = ABSOLUTE | INCLUDE | DIRECTORY | NEGATE | PERISHABLE

_SPACE = b" \t\n\v\f\r"
_NAMES = {
    b"clear": b"!",
    b"dir-merge": b":",
    b"exclude": b"-",
    b"hide": b"H",
    b"include": b"+",
    b"merge": b".",
    b"protect": b"P",
    b"risk": b"R",
    b"show": b"S",
}
_INITIALS = frozenset(name[0] for name in _NAMES)
_KINDS = {
    b"-": 0,
    b"+": INCLUDE,
    b".": MERGE,
    b":": MERGE | PER_DIR,
    b"H": SENDER,
    b"S": SENDER | INCLUDE,
    b"P": RECEIVER,
    b"R": RECEIVER | INCLUDE,
    b"!": CLEAR,
}
_ANY_RULE = {
    b"/": ABSOLUTE,
    b"!": NEGATE,
    b"C": NO_PREFIXES | WORDS | NO_INHERIT | CVS,
    b"e": EXCLUDE_SELF,
    b"n": NO_INHERIT,
    b"p": PERISHABLE,
    b"r": RECEIVER,
    b"s": SENDER,
    b"w": WORDS,
    b"x": XATTR,
    b"-": NO_PREFIXES,
    b"+": NO_PREFIXES | INCLUDE,
}
_MERGE_ONLY = b"-+enw"


class Rule:
    """A rule in a list: ``pattern`` without the slash that made it a rule for directories.

    ``applies`` holds the sides (``SENDER``, ``RECEIVER``) on which it counts at this
    end of the connection; a list's ``settle`` decides that.
    """

    __slots__ = ("applies", "flags", "pattern", "plan", "slashes")

    def __init__(self, flags: int, pattern: bytes) -> None:
        self.flags = flags
        self.pattern = pattern
        self.slashes = pattern.count(b"/")
        self.applies = SIDES
        self.plan: Plan | None = None  # of ``matching``

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rule):
            return NotImplemented
        return self.flags == other.flags and self.pattern == other.pattern

    def __hash__(self) -> int:
        return hash((self.flags, self.pattern))

    def __repr__(self) -> str:
        return f"<Rule {format_rule(self)!r}>"

    @property
    def include(self) -> bool:
        return bool(self.flags & INCLUDE)


def split_slash(flags: int, text: bytes) -> tuple[int, bytes]:
    """Flags and pattern: a slash at the end of more than itself makes it a rule for directories."""
    if len(text) > 1 and text.endswith(b"/"):
        return flags | DIRECTORY, text[:-1]
    return flags, text


def as_bytes(text: str | bytes) -> bytes:
    """A rule's bytes, up to the first NUL, where every C peer stops reading."""
    raw = os.fsencode(text) if isinstance(text, str) else bytes(text)
    return raw.split(b"\0", 1)[0]


def parse_rules(
    text: bytes, template: int = 0, *, old_prefixes: bool = False, delete_excluded: bool = False
) -> Iterator[tuple[int, bytes]]:
    """The flags and patterns that a text holds: one, or with ``WORDS`` in ``template`` one for each word.

    ``template`` holds the flags of the merge rule that brought the text, 0 for
    an option's. ``old_prefixes`` reads it as ``--exclude`` does: nothing but ``+ ``,
    ``- `` and a lone ``!`` are special. With ``delete_excluded`` a rule without a side
    is the sender's. ``RefsyncError`` (exit 1) names a rule that does not parse.
    """
    text = as_bytes(text)
    pos = 0
    while True:
        if template & WORDS:
            while text[pos : pos + 1] and text[pos] in _SPACE:
                pos += 1
        if pos >= len(text):
            return
        flags, start = _parse_prefix(text, pos, template, old_prefixes)
        shown = text[pos:]
        if template & SIDES:
            if flags & SIDES:
                raise _fault("specified-side merge file contains specified-side filter: ", shown)
            flags |= template & SIDES
        end = len(text)
        if template & WORDS:
            end = start
            while end < len(text) and text[end] not in _SPACE:
                end += 1
        pattern = text[start:end]
        if flags & CLEAR:
            if pattern and not flags & NO_PREFIXES and not old_prefixes:
                raise _fault("'!' rule has trailing characters: ", shown)
            if len(pattern) > 1:
                flags &= ~CLEAR
        elif not pattern and not flags & CVS:
            raise _fault("unexpected end of filter rule: ", shown)
        if delete_excluded and not flags & (SIDES | MERGE):
            flags |= SENDER
        yield flags, pattern
        pos = end


def _parse_prefix(text: bytes, pos: int, template: int, old_prefixes: bool) -> tuple[int, int]:
    """The flags that a rule's prefix gives it, and where its pattern starts."""
    flags = template & INHERITED
    if template & NO_PREFIXES:
        if text[pos] == 0x21 and template & CVS:
            flags |= CLEAR
        return flags, pos
    if old_prefixes:
        two = text[pos : pos + 2]
        if two == b"- ":
            return flags & ~INCLUDE, pos + 2
        if two == b"+ ":
            return flags | INCLUDE, pos + 2
        return (flags | CLEAR if text[pos] == 0x21 else flags), pos

    kind, at = _parse_kind(text, pos)
    if kind not in _KINDS:
        raise _fault("Unknown filter rule: `", text[pos:], "'")
    flags |= _KINDS[kind]
    if kind != b"!":
        sided = kind in b"HSPR"
        while at < len(text) and text[at] not in b" _":
            if template & WORDS and text[at] in _SPACE:
                return flags, at
            letter = text[at : at + 1]
            if not _allowed(letter, flags, sided):
                where = f"at position {at - pos} in filter rule: "
                raise _fault(f"invalid modifier '{os.fsdecode(letter)}' {where}", text[pos:])
            flags |= _ANY_RULE[letter]
            at += 1
        at = min(at + 1, len(text))
    return flags, at


def _parse_kind(text: bytes, pos: int) -> tuple[bytes, int]:
    """The letter of a rule's kind, and where its modifiers start."""
    if text[pos] in _INITIALS:
        for name, letter in _NAMES.items():
            if text.startswith(name, pos):
                end = pos + len(name)
                after = text[end : end + 1]
                if not after or after in _SPACE or after == b"_":
                    return letter, end
                if after == b",":
                    return letter, end + 1
        return b"", pos
    comma = text[pos + 1 : pos + 2] == b","
    return text[pos : pos + 1], pos + 1 + comma


def _allowed(letter: bytes, flags: int, sided: bool) -> bool:
    """Whether a modifier may stand behind what the prefix has said so far."""
    if letter not in _ANY_RULE:
        return False
    if letter in _MERGE_ONLY and not flags & MERGE:
        return False
    if letter in b"-+":
        return not flags & NO_PREFIXES
    if letter == b"!":
        return not flags & MERGE
    if letter == b"C":
        return not flags & NO_PREFIXES and not sided
    return not (letter in b"rs" and sided)


def _fault(before: str, shown: bytes, after: str = "") -> RefsyncError:
    return RefsyncError(before + shown.decode("utf-8", "surrogateescape") + after, Exit.SYNTAX)


def modifiers(flags: int, *, sides: int = SIDES, perishable: bool = True) -> bytes:
    """The modifiers that say ``flags``; ``sides`` and ``perishable`` tell which of those may be said."""
    out = b""
    if flags & ABSOLUTE:
        out += b"/"
    if flags & NEGATE:
        out += b"!"
    if flags & CVS:
        out += b"C"
    else:
        if flags & NO_INHERIT:
            out += b"n"
        if flags & WORDS:
            out += b"w"
        if flags & NO_PREFIXES:
            out += b"+" if flags & INCLUDE else b"-"
    if flags & EXCLUDE_SELF:
        out += b"e"
    if flags & XATTR:
        out += b"x"
    if flags & sides & SENDER:
        out += b"s"
    if flags & sides & RECEIVER:
        out += b"r"
    if flags & PERISHABLE and perishable:
        out += b"p"
    return out


def kind_of(flags: int) -> bytes:
    """The letter that a rule's text starts with, if it is not to clear the list."""
    if flags & PER_DIR:
        return b":"
    if flags & MERGE:
        return b"."
    return b"+" if flags & INCLUDE else b"-"


def format_rule(rule: Rule) -> bytes:
    """The rule's text in the modern grammar, with sides as modifiers; it parses to an equal rule."""
    if rule.flags & CLEAR:
        return b"!"
    return kind_of(rule.flags) + modifiers(rule.flags) + b" " + tail_of(rule)


def tail_of(rule: Rule) -> bytes:
    """The pattern as it is written: with its slash again, if the rule is for directories."""
    return rule.pattern + b"/" if rule.flags & DIRECTORY else rule.pattern


def parse_rule(text: str | bytes) -> Rule | None:
    """The one rule of an option's text; None if the text is empty."""
    for flags, pattern in parse_rules(as_bytes(text)):
        return Rule(*split_slash(flags, pattern))
    return None


def rule_from_pattern(pattern: str | bytes, include: bool) -> str:
    """What ``--exclude=pattern`` or ``--include=pattern`` is as a rule; empty for an empty pattern.

    The pattern may itself begin with ``+ `` or ``- ``, and a lone ``!`` clears the list.
    ``RefsyncError`` (exit 1) for a prefix without a pattern.
    """
    for flags, found in parse_rules(as_bytes(pattern), INCLUDE if include else 0, old_prefixes=True):
        return os.fsdecode(b"!" if flags & CLEAR else kind_of(flags) + b" " + found)
    return ""
