"""Which files are not worth compressing.

By suffix: the client's ``--skip-compress``, letters of one place in brackets,
or else the default list; a daemon adds its patterns, ``dont compress``. Case
does not count. Only the sender looks at them. Clause COMP-11; upstream
``token.c:set_compression``, whose 3.x releases read the lists and then act on
the pattern ``*`` alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..filters.wildmatch import wildmatch
from .session import Session

#: Suffixes of what is compressed already.
DEFAULT_SUFFIXES = (
    "3g2 3gp 7z aac ace apk avi bz2 deb dmg ear f4v flac flv gpg gz iso jar jpeg jpg lrz lz lz4 lzma "
    "lzo m1a m1v m2a m2ts m2v m4a m4b m4p m4r m4v mka mkv mov mp1 mp2 mp3 mp4 mpa mpeg mpg mpv mts odb "
    "odf odg odi odm odp ods odt oga ogg ogm ogv ogx opus otg oth otp ots ott oxt png qt rar rpm rz "
    "rzip spx squashfs sxc sxd sxg sxm sxw sz tbz tbz2 tgz tlz ts txz tzo vob war webm webp xz z zip "
    "zst"
)


def parse_suffixes(text: bytes) -> list[list[frozenset[int]]]:
    """``gz/mp[34]``: for each suffix, which letters each of its places takes.

    A bracket that is empty or has no end is a letter like any other, and so are ``*`` and ``?``.
    """
    return [_places(word) for word in text.lower().split(b"/") if word]


def _places(word: bytes) -> list[frozenset[int]]:
    places = []
    at = 0
    while at < len(word):
        end = word.find(b"]", at + 1) if word[at : at + 1] == b"[" else -1
        if end > at + 1:
            places.append(frozenset(word[at + 1 : end]))
            at = end + 1
        else:
            places.append(frozenset(word[at : at + 1]))
            at += 1
    return places


class SkipList:
    """Tells of a name whether its file is to be compressed as little as possible."""

    def __init__(self, suffixes: bytes, patterns: bytes) -> None:
        self._suffixes = parse_suffixes(suffixes)
        words = patterns.lower().split()
        self._everything = b"*" in words
        self._ends = frozenset(word[2:] for word in words if _is_suffix(word))
        self._patterns = [word for word in words if not _is_suffix(word)]

    @classmethod
    def of(cls, session: Session) -> SkipList:
        """What counts in one session: the module's patterns add to the client's suffixes."""
        given, module = session.options.skip_compress, session.module
        if module is not None:
            patterns = os.fsencode(module.dont_compress)
        else:
            patterns = b"" if given is not None else default_patterns()
        return cls(os.fsencode(given or ""), patterns)

    def __call__(self, name: bytes) -> bool:
        if self._everything:
            return True
        name = name.rpartition(b"/")[2].lower()
        stem, dot, suffix = name.rpartition(b".")
        if dot and stem and suffix:
            if suffix in self._ends:
                return True
            if any(_fits(places, suffix) for places in self._suffixes):
                return True
        return any(wildmatch(pattern, name) for pattern in self._patterns)


def _is_suffix(word: bytes) -> bool:
    return word.startswith(b"*.") and len(word) > 2 and not any(letter in word[2:] for letter in b".?*[\\")


def _fits(places: Sequence[frozenset[int]], suffix: bytes) -> bool:
    return len(places) == len(suffix) and all(
        letter in place for letter, place in zip(suffix, places, strict=True)
    )


def default_patterns() -> bytes:
    """The default of ``dont compress``."""
    return b" ".join(b"*." + suffix.encode() for suffix in DEFAULT_SUFFIXES.split())
