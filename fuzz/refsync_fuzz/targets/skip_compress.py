"""Which files are not worth compressing.

Input: a client's list of suffixes and a module's patterns, each behind its length, then a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from refsync.engine.skip_compress import DEFAULT_SUFFIXES, SkipList, default_patterns, parse_suffixes
from refsync.filters.wildmatch import wildmatch

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("COMP-11",),
    code=("refsync.engine.skip_compress",),
    oracle="EMD",
    dictionary={
        "star": b"*",
        "any_gz": b"*.gz",
        "bracket": b"[34]",
        "open": b"[",
        "slash": b"/",
        "name": b"a.tar.gz",
    },
    max_length=400,
)


def _expression(word: bytes) -> bytes:
    """A suffix as a regular expression: brackets that hold something are sets, all else is itself."""

    def part(found: re.Match[bytes]) -> bytes:
        inside = found[1]
        return b"[" + b"".join(b"\\x%02x" % byte for byte in inside) + b"]" if inside else re.escape(found[0])

    return re.sub(rb"(?s)\[([^\]]+)\]|.", part, word)


def fuzz_one(data: bytes) -> None:
    """Oracle: a name is skipped exactly if an independent model says so, in upper case or lower.

    The model makes regular expressions of the suffixes and takes each pattern on its own.
    """
    choices = Choices(data)
    suffixes, patterns, name = choices.text(), choices.text(), choices.rest()
    for places in parse_suffixes(suffixes):
        expect(places and all(places), "a place that takes nothing")
    skips = SkipList(suffixes, patterns)
    got = skips(name)
    base = name.rpartition(b"/")[2].lower()
    found = re.fullmatch(rb"(?s).+\.([^.]+)", base)
    wanted = b"*" in patterns.split()
    if found:
        words = [word for word in suffixes.lower().split(b"/") if word]
        wanted |= any(re.fullmatch(_expression(word), found[1]) for word in words)
    for pattern in patterns.lower().split():
        plain = re.fullmatch(rb"(?s)\*\.([^.?*\[\\]+)", pattern)
        wanted |= bool(found and found[1] == plain[1]) if plain else wildmatch(pattern, base)
    same(got, wanted, "whether the file is skipped")
    same(skips(b"dir.gz/" + name.upper()), got, "in upper case, elsewhere")


def seeds() -> Iterator[tuple[str, bytes]]:
    """The default list and lists with brackets, names at the edges."""

    def put(suffixes: bytes, patterns: bytes, name: bytes) -> bytes:
        return bytes((len(suffixes),)) + suffixes + bytes((len(patterns),)) + patterns + name

    yield "suffix", put(b"gz/mp[34]/[", b"", b"a/song.MP3")
    yield "default", put(b"", default_patterns()[:250], b"x." + DEFAULT_SUFFIXES.split()[3].encode())
    yield "all", put(b"", b"*.x *", b"a")
    yield "hidden", put(b"gz", b"*.gz", b".gz")
    yield "two_dots", put(b"gz/tar.gz", b"*.tar.gz a*", b"b.tar.gz")
    yield "brackets", put(b"[]]/[a/a]/[]x/[*?]", b"*.[ab] *.\\c", b"n.[]x")
