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
from .wildmatch import compile_pattern


def matches(rule: Rule, name: bytes, is_dir: bool, base: bytes = b"") -> bool:
    """Whether the rule is about ``name``, a path in the transfer.

    A name with a leading slash is taken as complete; to any other an absolute
    rule puts ``base``, the transfer's root without slashes at its ends, in front.
    """
    complete = name[:1] == b"/"
    text = name[1:] if complete else name
    if not text:
        return False
    flags, pattern = rule.flags, rule.pattern
    negate = bool(flags & NEGATE)
    if flags & DIRECTORY and not is_dir:
        return negate
    double = b"**" in pattern
    wild = double or b"*" in pattern or b"?" in pattern or b"[" in pattern
    if not rule.slashes and not double:
        text = text[text.rfind(b"/") + 1 :]
    elif flags & ABSOLUTE and not complete and base:
        text = base + b"/" + text
    elif pattern.startswith(b"**") and not complete:
        text = b"/" + text
    if is_dir and double and pattern.endswith(b"***"):
        text += b"/"

    anchored = pattern.startswith(b"/")
    body = pattern[1:] if anchored else pattern
    if not wild:
        found = text == body or (not anchored and text.endswith(b"/" + body))
    elif anchored or pattern.startswith(b"**"):
        found = compile_pattern(body)(text)
    elif double:
        found = compile_pattern(body, True)(text)
    else:
        part = last_components(text, rule.slashes + 1)
        found = part is not None and compile_pattern(body)(part)
    return found != negate


def last_components(text: bytes, count: int) -> bytes | None:
    """The last ``count`` components; None if there are fewer."""
    at = len(text)
    for _ in range(count):
        if at < 0:
            return None
        at = text.rfind(b"/", 0, at)
    return text[at + 1 :]
