"""Shell patterns: the table of what they match, and an independent matcher that must agree."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.filters.wildmatch import compile_pattern, wildmatch

TABLE = [
    (b"foo", b"foo", True),
    (b"foo", b"foo/", False),
    (b"", b"", True),
    (b"*", b"a/b", False),
    (b"**", b"a/b", True),
    (b"*", b"", True),
    (b"a*", b"a", True),
    (b"?", b"/", False),
    (b"*/foo", b"a/b/foo", False),
    (b"**/foo", b"a/b/foo", True),
    (b"**/foo", b"foo", False),
    (b"a/**/z", b"a/b/c/z", True),
    (b"a/**/z", b"a/z", False),
    (b"dir/***", b"dir/", True),
    (b"dir/***", b"dir", False),
    (b"[a-c]x", b"bx", True),
    (b"[!a-c]x", b"bx", False),
    (b"[^a-c]x", b"dx", True),
    (b"[!a]", b"/", False),
    (b"[]a]", b"]", True),
    (b"[a-]", b"-", True),
    (b"[\\]]", b"]", True),
    (b"[[:digit:][:upper:]]", b"Q", True),
    (b"[[:digit:]]", b"q", False),
    (b"[[:nosuch:]q]", b"q", False),
    (b"[[:x]", b":", True),
    (b"[ab", b"a", False),
    (b"\\*", b"*", True),
    (b"\\*", b"x", False),
    (b"x\\", b"x\\", False),
    (b"*.\xff", b"a.\xff", True),
    (b"a\nb*", b"a\nbc\nd", True),
    (b"**a/b*c", b"a/bxxa/b/c", False),
    (b"*a*b", b"xayab", True),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), TABLE)
def test_table(pattern: bytes, text: bytes, expected: bool) -> None:
    assert wildmatch(pattern, text) is expected


def _slow(pattern: bytes, text: bytes) -> bool:
    """The definition, tried in every way: stars, question marks and plain bytes only."""
    if not pattern:
        return not text
    if pattern.startswith(b"*"):
        rest = pattern.lstrip(b"*")
        double = len(pattern) - len(rest) > 1
        for length in range(len(text) + 1):
            if b"/" in text[:length] and not double:
                return False
            if _slow(rest, text[length:]):
                return True
        return False
    if not text or (pattern[:1] == b"?" and text[:1] == b"/"):
        return False
    return pattern[0] in (0x3F, text[0]) and _slow(pattern[1:], text[1:])


_LETTERS = st.lists(st.sampled_from([b"a", b"b", b"/", b"*", b"**", b"?"]), max_size=8).map(b"".join)
_TEXTS = st.lists(st.sampled_from([b"a", b"b", b"/"]), max_size=9).map(b"".join)


@given(_LETTERS, _TEXTS)
def test_agrees_with_the_definition(pattern: bytes, text: bytes) -> None:
    assert wildmatch(pattern, text) is _slow(pattern, text)


@given(_LETTERS, _TEXTS)
def test_anywhere_is_the_start_or_behind_a_slash(pattern: bytes, text: bytes) -> None:
    starts = [0] + [at + 1 for at, letter in enumerate(text) if letter == 0x2F]
    assert compile_pattern(pattern, True)(text) is any(_slow(pattern, text[at:]) for at in starts)


@given(st.binary(max_size=12).filter(lambda raw: b"\0" not in raw), st.binary(max_size=12))
def test_any_bytes_are_a_pattern(pattern: bytes, text: bytes) -> None:
    assert wildmatch(pattern, text) in (True, False)


@pytest.mark.parametrize("star", [b"*", b"**"])
def test_many_stars_take_no_exponential_time(star: bytes) -> None:
    began = time.perf_counter()
    assert not wildmatch((star + b"a") * 30 + b"b", b"a" * 300)
    assert time.perf_counter() - began < 2
