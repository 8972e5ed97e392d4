"""The two ways to convert between character sets: ``iconv(3)`` of the C library, and Python's codecs.

Clause ICONV-2; upstream ``rsync.c:iconvbufs``.
"""

from __future__ import annotations

import codecs
import ctypes
import errno
import os
import weakref

_FAILED = ctypes.c_size_t(-1).value
#: Bytes that a name may become, to begin with.
_ROOM = 512


class NoIconv(Exception):
    """The C library has none."""


class Iconv:
    """By ``iconv(3)``; ``NoIconv`` without it, ``LookupError`` for a set that it does not know."""

    def __init__(self, to: str, source: str) -> None:
        try:
            library = ctypes.CDLL(None, use_errno=True)
            opener, self._iconv, closer = library.iconv_open, library.iconv, library.iconv_close
        except (OSError, AttributeError):
            raise NoIconv from None
        opener.argtypes, opener.restype = (ctypes.c_char_p, ctypes.c_char_p), ctypes.c_void_p
        size = ctypes.POINTER(ctypes.c_size_t)
        places = ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_void_p)
        self._iconv.argtypes = (ctypes.c_void_p, places[0], size, places[1], size)
        self._iconv.restype = ctypes.c_size_t
        closer.argtypes = (ctypes.c_void_p,)
        handle = opener(os.fsencode(to), os.fsencode(source))
        if handle is None or handle == ctypes.c_void_p(-1).value:
            raise LookupError(f"{source} to {to}")
        self._handle = ctypes.c_void_p(handle)
        weakref.finalize(self, closer, self._handle)
        self._out = ctypes.create_string_buffer(_ROOM)  # kept, and made larger where it does not do

    def step(self, text: bytes) -> tuple[bytes, int, int]:
        while True:
            out, room = self._out, len(self._out)
            read, left = ctypes.c_char_p(text), ctypes.c_size_t(len(text))
            written, free = ctypes.c_void_p(ctypes.addressof(out)), ctypes.c_size_t(room)
            self._iconv(self._handle, None, None, None, None)
            ctypes.set_errno(0)
            result = self._iconv(
                self._handle,
                ctypes.byref(read),
                ctypes.byref(left),
                ctypes.byref(written),
                ctypes.byref(free),
            )
            number = ctypes.get_errno() if result == _FAILED else 0
            if number != errno.E2BIG:
                return ctypes.string_at(out, room - free.value), len(text) - left.value, number
            self._out = ctypes.create_string_buffer(room * 2)


class Codec:
    """By Python's codecs; ``LookupError`` for a set that they do not know."""

    def __init__(self, to: str, source: str) -> None:
        self._to, self._source = codecs.lookup(to), codecs.lookup(source)

    def step(self, text: bytes) -> tuple[bytes, int, int]:
        number = 0
        try:
            shown = self._source.decode(text)[0]
        except UnicodeDecodeError as error:
            number = (
                errno.EINVAL if error.reason.startswith(("unexpected end", "incomplete")) else errno.EILSEQ
            )
            text = text[: error.start]
            shown = self._source.decode(text)[0]
        try:
            return self._to.encode(shown)[0], len(text), number
        except UnicodeEncodeError as error:
            shown = shown[: error.start]
            return self._to.encode(shown)[0], len(self._source.encode(shown)[0]), errno.EILSEQ
