"""Names and texts between a character set and UTF-8, and lists whose sides sort differently.

Input: a byte for the set, then names parted by NULs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from refsync.files.charset import WIRE, Charset, Converter, Unconvertible, lenient
from refsync.files.iconv import Codec, Iconv
from refsync.session.lists import FileLists
from refsync.wire import order
from refsync.wire.entry import UNNAMED, FileEntry
from refsync.wire.limits import MAX_PATH

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("ICONV-1", "ICONV-3", "ICONV-4", "ICONV-5"),
    code=("refsync.files.charset", "refsync.files.iconv", "refsync.session.lists"),
    oracle="ERMD",
    dictionary={
        "half": b"\xe2\x82",
        "euro": "\u20ac".encode(),
        "long": b"\xc0\xaf",
        "surrogate": b"\xed\xa0\x80",
        "bom": b"\xef\xbb\xbf",
        "cyrillic": "\u044f".encode(),
    },
    max_length=1024,
    slow="every name goes through the C library's iconv, called from Python, and through a model",
)

#: Opened once: each is a handle of the C library's.
charset_of, fast_of, plain_of = cache(Charset), cache(Iconv), cache(Codec)
#: Sets of which the C library and Python's codecs have the same idea.
SETS = ("UTF-8", "ISO-8859-1", "KOI8-R", "ASCII", "ISO-8859-2", "ISO-8859-15", "CP1251", "CP1252")


def fuzz_one(data: bytes) -> None:
    """Oracle: iconv(3) does what Python's codecs do, step by step; what was converted comes back as it was.

    A lenient conversion is that of a model that goes character by character, an escaped one is all text.
    In a list of converted names each index is that of one entry, in the order in which they were sent.
    """
    choices = Choices(data)
    name = choices.pick(SETS)
    names = choices.rest().split(b"\0")
    charset = charset_of(name)
    for to, source in ((WIRE, name), (name, WIRE)):
        fast, plain = fast_of(to, source), plain_of(to, source)
        for text in names:
            if source == WIRE and any(byte >= 0xF4 for byte in text):
                continue  # glibc takes what lies beyond Unicode
            _same_step(fast, plain, text)
            same(lenient(fast, text), _model(text, source, to), f"{text!r} from {source} to {to}")
            shown = lenient(fast, text, shown=True)
            expect(_is_text(fast_of(source, to), shown), f"{shown!r} is no text in {to}")
    entries = []
    for text in names:
        entry = FileEntry(text, 0o100644)
        try:
            entry.name = charset.from_wire(text)
        except Unconvertible:
            entry.name = b""
            entry.flags |= UNNAMED
        else:
            expect(len(entry.name) < MAX_PATH, "a name no longer than a path")
            same(charset.to_wire(entry.name), text, f"the way back of {text!r}")
        entries.append(entry)
    _numbered(entries)


def _is_text(how: Converter, text: bytes) -> bool:
    """Whether a text is converted to its end."""
    _, taken, number = how.step(text)
    return taken == len(text) and not number


def _same_step(fast: Converter, plain: Converter, text: bytes) -> None:
    """All but which error it is: half a character to the one may be a wrong one to the other."""
    one, other = fast.step(text), plain.step(text)
    same((*one[:2], bool(one[2])), (*other[:2], bool(other[2])), f"a step on {text!r}")


def _model(text: bytes, source: str, to: str) -> bytes:
    """One character after the other, each by itself; a byte that begins none stays."""
    out, at = b"", 0
    while at < len(text):
        for size in range(1, 5):
            try:
                out += text[at : at + size].decode(source).encode(to)
            except UnicodeError:
                continue
            at += min(size, len(text) - at)
            break
        else:
            out += text[at : at + 1]
            at += 1
    return out


def _numbered(sent: list[FileEntry]) -> None:
    entries = list(sent)
    order.sort(entries, True)
    lists = FileLists(True)
    listing = lists.add(entries, -1, sent)
    numbers = {id(entry): ndx for ndx, entry in listing.numbered()}
    same([numbers[id(entry)] for entry in sent], list(range(1, len(sent) + 1)), "numbers")
    same(
        [entry is one for entry, (_, one) in zip(entries, listing.numbered(), strict=True)].count(False),
        0,
        "order",
    )
    for ndx, entry in enumerate(sent, 1):
        expect(entries[listing.place(ndx)] is entry, f"the place of {ndx}")
        if entry.active:
            expect(lists.entry(ndx) == (listing, entry), f"the entry of {ndx}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Names that sort otherwise when converted, halves of characters, what a set lacks, wrong bytes."""
    texts = {
        "western": "caf\u00e9\0\u00fcber\0na\u00efve",
        "cyrillic": "\u044f\0\u0430\0\u0446\0\u0431",
        "lacking": "10 \u20ac\0\u65e5\u672c\0\u00df",
        "astral": "\U0001f4be",
    }
    for at, charset in enumerate(SETS):
        for name, text in texts.items():
            yield f"{name}.{charset.lower()}", bytes((at,)) + text.encode()
            yield f"{name}.in-{charset.lower()}", bytes((at,)) + text.encode(charset, "replace")
    yield "half", b"\1a\xe2\x82\0\xc3"
    yield "wrong", b"\0\xc0\xaf\0\xed\xa0\x80\0\xff\xfe\0\x80"
    yield "mixed", b"\2\xe2\x82A\xd1\x8f\xff"
    yield "mark", b"\3\xef\xbb\xbfx"
    yield "empty", b""
