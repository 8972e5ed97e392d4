"""Whether a rule matches a name.

What part of a name a pattern is held against depends on the pattern alone:

* no slash and no ``**``: the last component;
* anchored (it starts with a slash): all of the name;
* a slash further in, no ``**``: as many last components as the pattern has;
* ``**`` somewhere but not at the start: all of it, or what follows any slash;
* ``**`` at the start: all of it, with a slash put before it.

An absolute rule sees the name below the module's root, or the file system's.

Clauses FILT-6, FILT-7 and FILT-9; upstream ``exclude.c:rule_matches``.
"""

from __future__ import annotations

from .rules import ABSOLUTE, DIRECTORY, NEGATE, Rule
from .wildmatch import Matcher, compile_pattern


class Plan:
    """What follows from a pattern alone, worked out when it is first held against a name."""

    __slots__ = ("components", "last_only", "leading", "match", "trailing")

    def __init__(self, rule: Rule) -> None:
        pattern = rule.pattern
        anchored = pattern.startswith(b"/")
        body = pattern[1:] if anchored else pattern
        double = b"**" in pattern
        wild = double or any(letter in pattern for letter in b"*?[")
        self.last_only = not rule.slashes and not double
        self.leading = pattern.startswith(b"**")
        self.trailing = double and pattern.endswith(b"***")
        anywhere = double and not anchored and not self.leading
        self.components = rule.slashes + 1 if wild and not double and not anchored and rule.slashes else 0
        self.match: Matcher
        if wild:
            self.match = compile_pattern(body, anywhere)
        elif anchored or self.last_only:
            self.match = body.__eq__
        else:
            tail = b"/" + body
            self.match = lambda text: text == body or text.endswith(tail)


def matches(rule: Rule, name: bytes, is_dir: bool, base: bytes = b"") -> bool:
    """Whether the rule is about ``name``, a path in the transfer.

    A name with a leading slash is taken as complete; to any other an absolute
    rule puts ``base``, the transfer's root without slashes at its ends, in front.
    """
    complete = name[:1] == b"/"
    text = name[1:] if complete else name
    if not text:
        return False
    flags = rule.flags
    negate = flags & NEGATE != 0
    if flags & DIRECTORY and not is_dir:
        return negate
    plan = rule.plan
    if plan is None:
        plan = rule.plan = Plan(rule)
    if plan.last_only:
        text = text[text.rfind(b"/") + 1 :]
    elif flags & ABSOLUTE and not complete and base:
        text = base + b"/" + text
    elif plan.leading and not complete:
        text = b"/" + text
    if is_dir and plan.trailing:
        text += b"/"
    if plan.components:
        part = last_components(text, plan.components)
        return (part is not None and plan.match(part)) != negate
    return plan.match(text) != negate


def last_components(text: bytes, count: int) -> bytes | None:
    """The last ``count`` components; None if there are fewer."""
    at = len(text)
    for _ in range(count):
        if at < 0:
            return None
        at = text.rfind(b"/", 0, at)
    return text[at + 1 :]
