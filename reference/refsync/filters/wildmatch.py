"""rsync's wildcards: ``*`` and ``?`` stop at a slash, ``**`` does not.

Clauses FILT-6 to FILT-9; upstream ``lib/wildmatch.c``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[bytes], bool]

_POSIX = {
    b"alnum": b"0-9A-Za-z",
    b"alpha": b"A-Za-z",
    b"blank": b" \\t",
    b"cntrl": b"\\x00-\\x1f\\x7f",
    b"digit": b"0-9",
    b"graph": b"!-~",
    b"lower": b"a-z",
    b"print": b" -~",
    b"punct": b"!-/:-@\\[-`{-~",
    b"space": b"\\t-\\r ",
    b"upper": b"A-Z",
    b"xdigit": b"0-9A-Fa-f",
}


@lru_cache(maxsize=4096)
def compile_pattern(pattern: bytes) -> Matcher:
    """A function that tells whether the whole of a name matches; a malformed class matches nothing."""
    import re

    source = _translate(pattern)
    if source is None:
        return lambda name: False
    found = re.compile(source, re.DOTALL).fullmatch
    return lambda name: found(name) is not None


def _translate(pattern: bytes) -> bytes | None:
    out: list[bytes] = []
    at = 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        at += 1
        if char == b"*":
            stars = 1
            while pattern[at : at + 1] == b"*":
                stars += 1
                at += 1
            out.append(b"[^/]*" if stars == 1 else b".*")
        elif char == b"?":
            out.append(b"[^/]")
        elif char == b"[":
            found = _class(pattern, at)
            if found is None:
                return None
            text, at = found
            out.append(text)
        else:
            if char == b"\\" and at < len(pattern):
                char = pattern[at : at + 1]
                at += 1
            out.append(_literal(char[0]))
    return b"".join(out)


def _literal(byte: int) -> bytes:
    return b"\\x%02x" % byte


def _class(pattern: bytes, at: int) -> tuple[bytes, int] | None:
    """The expression of a bracket class that starts behind ``[``, and where it ends; None if it never ends."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    parts: list[bytes] = []
    previous = -1
    first = True
    while True:
        if at >= len(pattern):
            return None
        byte = pattern[at]
        if byte == 0x5D and not first:
            break
        first = False
        if byte == 0x5B and pattern[at + 1 : at + 2] == b":":
            end = pattern.find(b":]", at + 2)
            if end >= 0:
                name = pattern[at + 2 : end]
                if name not in _POSIX:
                    return None
                parts.append(_POSIX[name])
                at, previous = end + 2, -1
                continue
        if byte == 0x2D and previous >= 0 and at + 1 < len(pattern) and pattern[at + 1] != 0x5D:
            at += 1
            last = pattern[at]
            if last == 0x5C and at + 1 < len(pattern):
                at += 1
                last = pattern[at]
            if last >= previous:
                parts.append(_literal(previous) + b"-" + _literal(last))
            at, previous = at + 1, -1
            continue
        if byte == 0x5C:
            at += 1
            if at >= len(pattern):
                return None
            byte = pattern[at]
        parts.append(_literal(byte))
        previous = byte
        at += 1
    body = b"".join(parts)
    if not body:
        return (b"[^/]" if negated else b"(?!)"), at + 1
    return (b"[^/" + body + b"]" if negated else b"(?!/)[" + body + b"]"), at + 1
