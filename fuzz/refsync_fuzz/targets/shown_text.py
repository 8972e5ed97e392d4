"""Names and a peer's words as a terminal and a log get them: nothing in them moves a cursor.

Input: a byte of switches, then the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from refsync.cli.messages import escape
from refsync.files.charset import Charset
from refsync.files.log import printable

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("OUT-7", "OUT-14"),
    code=("refsync.cli.messages", "refsync.files.log"),
    oracle="RMS",
    dictionary={
        "escape": b"\x1b[2J", "csi": b"\xc2\x9b", "written": b"\\#033", "almost": b"\\#03", "return": b"\r",
        "bell": b"\7",
        "utf8": b"\xc3\xa9", "cut": b"\xc3", "surrogate": b"\xed\xa0\x80", "delete": b"\x7f", "tab": b"\t",
        "line": "\u2028".encode(), "order": "\u202e".encode(),
    },
    max_length=200,
)  # fmt: skip
_ESCAPED = re.compile(rb"\\#([0-3][0-7]{2})")
#: Besides the newline at the end and tabs. The second are those of C1, as UTF-8.
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_utf8 = Charset("UTF-8")


def _plain(text: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes((int(found[1], 8),)), text)


def fuzz_one(data: bytes) -> None:
    """Oracle: what is shown has no control characters but tabs and the newline at its end; nothing is lost.

    Written out again, the escapes give the text that was meant, whichever of its bytes could be shown.
    """
    choices = Choices(data)
    switches = choices.byte()
    text = choices.rest()
    end = b"\n" if text.endswith(b"\n") else b""
    shown = escape(text)
    body = shown.removesuffix(b"\n")
    same(shown[len(body) :], end, "the newline at the end")
    expect(not _CONTROL.search(body) and not _C1.search(body), f"{text!r} is shown as {shown!r}")
    same(_plain(body) + end, text, f"what {shown!r} means")
    expect(len(shown) <= 5 * len(text), "length")
    bare = escape(text, eight_bit=True)
    rest = bare[: len(bare) - len(end)]
    expect(not re.search(rb"[\x00-\x08\x0a-\x1f]", rest), f"{text!r} is shown as {bare!r}")
    same(_plain(rest) + end, text, f"what {bare!r} means")
    if switches & 1:
        named = escape(text, charset=_utf8)
        expect(not re.search(rb"[\x00-\x08\x0a-\x1f]", named[: len(named) - len(end)]), f"shown as {named!r}")
    line = text.decode("utf-8", "surrogateescape").replace("\n", " ")
    logged = printable(line).encode("utf-8", "surrogateescape")
    expect(not _CONTROL.search(logged), f"{text!r} is logged as {logged!r}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """What a terminal would obey, and what only looks like an escape."""
    texts = (
        b"plain name\n", b"\x1b]0;title\7", b"caf\xc3\xa9", b"\xc3", b"\\#033 literal", b"\\#33",
        b"a\tb\r\n", b"\x7f\x80\x9b",
        b"\xc2\x9b2J", b"\xed\xa0\x80", "\u202egnp.exe".encode(), "\u2028".encode(), b"", b"\n", b"\n\n",
        b"\\\\#001", b"\\#400",
        b"\xf0\x9f\x92\xa9", b"\0", "\\#\u0661\u0662\u0663".encode(),
    )  # fmt: skip
    for number, text in enumerate(texts):
        yield f"text.{number}", bytes((number & 1,)) + text
