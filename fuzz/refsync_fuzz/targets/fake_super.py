"""The attribute in which ``--fake-super`` keeps owner, mode and device numbers: anybody may have written it.

Input: a byte that chooses, then five numbers to write, or the text.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from refsync.files.fakesuper import parse, text_of

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=2,
    clauses=("FAKE-1",),
    code=("refsync.files.fakesuper",),
    oracle="DRM",
    dictionary={
        "usual": b"100644 0,0 1000:1000", "device": b"60660 8,1 0:6", "sign": b"-1", "plus": b"+7",
        "most": b"4294967295",
        "past": b"4294967296", "far": b"99999999999999999999", "blanks": b" \t\n\x0b\x0c\r", "nul": b"\0",
        "eight": b"8",
    },
    max_length=255,
)  # fmt: skip
_scan = ctypes.CDLL(None).sscanf


def _libc(text: bytes) -> tuple[int, int, int, int, int] | None:
    """What C's sscanf makes of the text, which is how upstream reads it."""
    numbers = [ctypes.c_uint32() for _ in range(5)]
    found = _scan(text, b"%o %d,%d %d:%d", *(ctypes.byref(number) for number in numbers))
    if found != 5:
        return None
    mode, major, minor, uid, gid = (number.value for number in numbers)
    return mode & 0xFFFF, major, minor, uid, gid


def fuzz_one(data: bytes) -> None:
    """Oracle: the C library's sscanf with upstream's format; what is written is read again.

    Numbers that fit no C int are left out: what becomes of them is not the same in each C library.
    """
    choices = Choices(data)
    if choices.byte() & 1:
        mode = choices.integer(2)
        major, minor, uid, gid = (choices.integer(4) for _ in range(4))
        same(parse(text_of(mode, major, minor, uid, gid)), (mode, major, minor, uid, gid), "read again")
        return
    text = choices.rest()[:255]
    found = parse(text)
    expect(found is None or all(0 <= number < 1 << 32 for number in found), f"{text!r}: {found}")
    numbers = "".join(chr(byte) if 0x30 <= byte <= 0x39 else " " for byte in text).split()
    if all(len(number.lstrip("0")) <= 9 for number in numbers):
        same(found, _libc(text), f"{text!r}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Attributes as they are written, and texts that are nearly one."""
    texts = (
        b"100644 0,0 1000:1000", b"60660 8,1 0:6", b" 100644\t0,0\n1000:1000 and more", b"-1 -1,-1 -1:-1",
        b"+7 +1,+2 +3:+4",
        b"", b"100644", b"100648 0,0 0:0", b"100644 0 ,0 0:0", b"100644 0, 0 0: 0", b"100644 0,0 0:",
        b"8 0,0 0:0",
        b"100644 0,0\0 0:0", b"0x7 0,0 0:0", b"1000644 0,0 4294967295:4294967295", b"100644,0,0 0:0",
        b"1000,0 0:0",
    )  # fmt: skip
    for number, text in enumerate(texts):
        yield f"text.{number}", b"\0" + text
    yield "numbers", b"\1\xa4\x81" + bytes(range(16))
    yield "most", b"\1" + b"\xff" * 18
