"""Names in the user's character set, and the same names in UTF-8 as they travel.

``iconv(3)`` of the C library converts, so that a name of a set means what it means to every other program
here, ``//TRANSLIT`` and all. Where there is none, Python's codecs do. Clauses ICONV-1 to ICONV-5; upstream
``rsync.c:setup_iconv``, ``iconvbufs``.
"""

from __future__ import annotations

import errno
import os

from ..typed import Protocol
from ..wire.errors import Exit, RefsyncError
from ..wire.limits import MAX_PATH

#: What travels.
WIRE = "UTF-8"


class Unconvertible(Exception):
    """``reason`` is the system's text for ``number``: EILSEQ, EINVAL for half a character, E2BIG."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.reason = os.strerror(number)
        super().__init__(self.reason)


class Converter(Protocol):
    """One direction. ``step`` converts ``text`` up to the first character that it can't take.

    Returns (converted, how many bytes were taken, 0 or the error's number). It starts anew each time.
    """

    def step(self, text: bytes) -> tuple[bytes, int, int]: ...


def converter(to: str, source: str) -> Converter:
    """``LookupError`` if one of the sets is not known. What it takes is loaded when names are converted."""
    from .iconv import Codec, Iconv, NoIconv

    try:
        return Iconv(to, source)
    except NoIconv:
        return Codec(to or "utf-8", source or "utf-8")


def strict(how: Converter, text: bytes) -> bytes:
    """The whole text or ``Unconvertible``; a result that is longer than a path can be is no result."""
    out, _, number = how.step(text)
    if number:
        raise Unconvertible(number)
    if len(out) >= MAX_PATH:
        raise Unconvertible(errno.E2BIG)
    return out


def lenient(how: Converter, text: bytes, *, shown: bool = False) -> bytes:
    """What can't be converted stays as it is, byte by byte, or with ``shown`` becomes ``\\#ooo``."""
    out: list[bytes] = []
    at = 0
    while at < len(text):
        converted, taken, number = how.step(text[at:])
        out.append(converted)
        at += taken
        if number and at < len(text):
            out.append(b"\\#%03o" % text[at] if shown else text[at : at + 1])
            at += 1
        elif not taken:
            break
    return b"".join(out)


class Charset:
    """The set of this side's names. ``RefsyncError`` (exit 4) for one that is not known (ICONV-2)."""

    def __init__(self, name: str) -> None:
        self.name = own_charset() if name in ("", ".") else name
        try:
            self._out = converter(WIRE, self.name)
        except LookupError:
            raise _unknown(WIRE, self.name) from None
        try:
            self._in = converter(self.name, WIRE)
        except LookupError:
            raise _unknown(self.name, WIRE) from None

    def to_wire(self, name: bytes) -> bytes:
        """ICONV-1: a name of ours in UTF-8, or ``Unconvertible``."""
        return strict(self._out, name)

    def from_wire(self, name: bytes) -> bytes:
        """ICONV-1: a name that came, in our set, or ``Unconvertible``."""
        return strict(self._in, name)

    def text_to_wire(self, text: bytes) -> bytes:
        """ICONV-5, ICONV-6: a message or an argument in UTF-8 as far as it can be."""
        return lenient(self._out, text)

    def text_from_wire(self, text: bytes) -> bytes:
        """ICONV-5, ICONV-6: the way back."""
        return lenient(self._in, text)

    def shown(self, text: bytes) -> bytes:
        """A message of the peer's for a person: what our set lacks is escaped."""
        return lenient(self._in, text, shown=True)


def own_charset() -> str:
    """That of the locale, by the name that the C library has for it."""
    import locale

    try:
        return locale.nl_langinfo(locale.CODESET)
    except AttributeError:  # no such thing on this system
        return "UTF-8"


def wanted(spec: str | None, *, server: bool) -> str | None:
    """ICONV-2: of ``LOCAL,REMOTE`` the part of this side; None if nothing is to be converted.

    A server is given its own part only, a client's dash turns off what the environment asks for.
    """
    if spec is None or (spec == "-" and not server):
        return None
    ours, comma, theirs = spec.partition(",")
    return theirs if server and comma else ours


def open_charset(spec: str | None, *, server: bool) -> Charset | None:
    """The set that ``--iconv`` names, None without it."""
    name = wanted(spec, server=server)
    return None if name is None else Charset(name)


def _unknown(to: str, source: str) -> RefsyncError:
    return RefsyncError(f'iconv_open("{to}", "{source}") failed', Exit.UNSUPPORTED)
