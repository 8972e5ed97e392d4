"""Shell patterns as rsync reads them, on bytes.

======================  ====================================================
``*``                   any run of bytes without a slash
``**`` (and more)       any run of bytes
``?``                   one byte, not a slash
``[a-z]`` ``[!a]``      one byte of a set, never a slash; ``[^`` negates too
``[[:alpha:]]``         a set by name, of ASCII
``\\x``                  ``x`` itself; at the very end it matches nothing
======================  ====================================================

A pattern becomes a regular expression in which every star but the last of a
run is atomic: the earliest place for what follows a star is always as good as
any later one, so nothing is gained by trying again and the time stays
polynomial whatever the pattern. A set that is not well formed matches nothing,
and neither does any pattern that gets that far.

Clause FILT-8; upstream ``lib/wildmatch.c:dowild``, ``wildmatch_array``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[bytes], bool]

_STAR, _DOUBLE_STAR, _QUESTION, _OPEN, _CLOSE = b"*", b"**", 0x3F, 0x5B, 0x5D
_BACKSLASH, _SLASH, _DASH, _COLON, _ASTERISK = 0x5C, 0x2F, 0x2D, 0x3A, 0x2A
_NEVER = b"(?!)"

_LOWER = frozenset(range(0x61, 0x7B))
_UPPER = frozenset(range(0x41, 0x5B))
_DIGIT = frozenset(range(0x30, 0x3A))
_GRAPH = frozenset(range(0x21, 0x7F))

#: The named sets, as the C locale has them.
NAMED_SETS: dict[bytes, frozenset[int]] = {
    b"alnum": _LOWER | _UPPER | _DIGIT,
    b"alpha": _LOWER | _UPPER,
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset(range(0x20)) | {0x7F},
    b"digit": _DIGIT,
    b"graph": _GRAPH,
    b"lower": _LOWER,
    b"print": _GRAPH | {0x20},
    b"punct": _GRAPH - _LOWER - _UPPER - _DIGIT,
    b"space": frozenset(b" \t\n\v\f\r"),
    b"upper": _UPPER,
    b"xdigit": _DIGIT | frozenset(b"abcdefABCDEF"),
}


def wildmatch(pattern: bytes, text: bytes) -> bool:
    """Whether ``pattern`` matches all of ``text``."""
    return compile_pattern(pattern)(text)


@lru_cache(maxsize=4096)
def compile_pattern(pattern: bytes, anywhere: bool = False) -> Matcher:
    """A function that tells whether a text matches; ``anywhere``: from its start or after any slash in it."""
    if not any(letter in pattern for letter in b"*?[\\"):
        if not anywhere:
            return pattern.__eq__
        tail = b"/" + pattern
        return lambda text: text == pattern or text.endswith(tail)
    import re  # only a run that has wildcards pays for it

    body = translate(pattern)
    if anywhere:
        find = re.compile(rb"(?s:(?:\A|(?<=/))" + body + rb"\Z)").search
    else:
        find = re.compile(rb"(?s:" + body + rb"\Z)").match
    return lambda text: find(text) is not None


def translate(pattern: bytes) -> bytes:
    """The regular expression, without its end anchor, of a pattern."""
    pieces = _split_at_stars(pattern)
    out = [pieces[0][1]]
    # Each "**" opens a run that lasts to the next one. Within a run a "*" need not be tried
    # twice, and a run that was found need not be looked for again once the next is reached.
    runs: list[list[tuple[bytes, bytes]]] = [[]]
    for star, piece in pieces[1:]:
        if star == _DOUBLE_STAR:
            runs.append([])
        runs[-1].append((star, piece))
    for number, run in enumerate(runs):
        last_run = number == len(runs) - 1
        text = []
        for index, (star, piece) in enumerate(run):
            last = last_run and index == len(run) - 1
            if star == _DOUBLE_STAR:
                text.append((b".*" if last else b".*?") + piece)
            elif last:
                text.append(b"[^/]*" + piece)
            else:
                text.append(b"(?>[^/]*?" + piece + b")")
        joined = b"".join(text)
        out.append(joined if last_run or not run else b"(?>" + joined + b")")
    return b"".join(out)


def _split_at_stars(pattern: bytes) -> list[tuple[bytes, bytes]]:
    """The expressions of the parts between stars, each with the star before it."""
    pieces: list[tuple[bytes, bytes]] = []
    star, piece = b"", bytearray()
    pos, end = 0, len(pattern)
    while pos < end:
        letter = pattern[pos]
        pos += 1
        if letter == _ASTERISK:
            pieces.append((star, bytes(piece)))
            piece.clear()
            star = _STAR
            while pos < end and pattern[pos] == _ASTERISK:
                star = _DOUBLE_STAR
                pos += 1
        elif letter == _QUESTION:
            piece += b"[^/]"
        elif letter == _OPEN:
            members, pos = _parse_set(pattern, pos)
            piece += _set_expression(members)
        elif letter == _BACKSLASH:
            if pos == end:
                piece += _NEVER
            else:
                piece += _literal(pattern[pos])
                pos += 1
        else:
            piece += _literal(letter)
    pieces.append((star, bytes(piece)))
    return pieces


def _literal(letter: int) -> bytes:
    return b"\\x%02x" % letter


def _set_expression(members: frozenset[int]) -> bytes:
    if not members:
        return _NEVER
    return b"[" + b"".join(_literal(member) for member in sorted(members)) + b"]"


def _parse_set(pattern: bytes, pos: int) -> tuple[frozenset[int], int]:
    """The bytes of the set that opened before ``pos``, and where the pattern goes on.

    A set that is not closed, or names a set that does not exist, is empty and
    takes the rest of the pattern with it.
    """
    end = len(pattern)
    nothing: tuple[frozenset[int], int] = (frozenset(), end)
    negated = pos < end and pattern[pos] in b"!^"
    pos += negated
    members: set[int] = set()
    previous = 0  # the member that a dash would start a range from; 0: none
    first = True
    while True:
        if pos >= end:
            return nothing
        letter = pattern[pos]
        if letter == _CLOSE and not first:
            break
        first = False
        if letter == _BACKSLASH:
            pos += 1
            if pos >= end:
                return nothing
            previous = pattern[pos]
            members.add(previous)
        elif letter == _DASH and previous and pos + 1 < end and pattern[pos + 1] != _CLOSE:
            pos += 1
            if pattern[pos] == _BACKSLASH:
                pos += 1
                if pos >= end:
                    return nothing
            members.update(range(previous, pattern[pos] + 1))
            previous = 0
        elif letter == _OPEN and pattern[pos + 1 : pos + 2] == b":":
            close = pattern.find(b"]", pos + 2)
            if close < 0:
                return nothing
            if close == pos + 2 or pattern[close - 1] != _COLON:
                previous = letter  # no ":]": the bracket stands for itself
                members.add(letter)
            else:
                named = NAMED_SETS.get(pattern[pos + 2 : close - 1])
                if named is None:
                    return nothing
                members |= named
                previous = 0
                pos = close
        else:
            previous = letter
            members.add(letter)
        pos += 1
    if negated:
        members = set(range(1, 256)) - members
    return frozenset(members - {_SLASH}), pos + 1
