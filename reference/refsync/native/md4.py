"""MD4 (RFC 1320), which OpenSSL 3 no longer offers: native if the kernel was built, else the twin below."""

from __future__ import annotations

import struct

try:
    from .kernel import md4_blocks
except ImportError:
    md4_blocks = None  # type: ignore[assignment]

_MASK = 0xFFFFFFFF


def _rotate(value: int, count: int) -> int:
    value &= _MASK
    return (value << count | value >> 32 - count) & _MASK


def compress(state: tuple[int, int, int, int], block: bytes | memoryview) -> tuple[int, int, int, int]:
    """One block of 64 bytes."""
    x = struct.unpack("<16I", block)
    a, b, c, d = state
    for i in range(0, 16, 4):
        a = _rotate(a + (b & c | ~b & d) + x[i], 3)
        d = _rotate(d + (a & b | ~a & c) + x[i + 1], 7)
        c = _rotate(c + (d & a | ~d & b) + x[i + 2], 11)
        b = _rotate(b + (c & d | ~c & a) + x[i + 3], 19)
    for i in range(4):
        a = _rotate(a + (b & c | b & d | c & d) + x[i] + 0x5A827999, 3)
        d = _rotate(d + (a & b | a & c | b & c) + x[i + 4] + 0x5A827999, 5)
        c = _rotate(c + (d & a | d & b | a & b) + x[i + 8] + 0x5A827999, 9)
        b = _rotate(b + (c & d | c & a | d & a) + x[i + 12] + 0x5A827999, 13)
    for i in (0, 2, 1, 3):
        a = _rotate(a + (b ^ c ^ d) + x[i] + 0x6ED9EBA1, 3)
        d = _rotate(d + (a ^ b ^ c) + x[i + 8] + 0x6ED9EBA1, 9)
        c = _rotate(c + (d ^ a ^ b) + x[i + 4] + 0x6ED9EBA1, 11)
        b = _rotate(b + (c ^ d ^ a) + x[i + 12] + 0x6ED9EBA1, 15)
    return (
        (state[0] + a) & _MASK,
        (state[1] + b) & _MASK,
        (state[2] + c) & _MASK,
        (state[3] + d) & _MASK,
    )


def _blocks(state: list[int], data: bytes | memoryview) -> list[int]:
    if md4_blocks is not None:
        return md4_blocks(state, data)
    return twin_blocks(state, data)


def twin_blocks(state: list[int], data: bytes | memoryview) -> list[int]:
    """``compress`` over each whole block: the twin of the kernel's loop."""
    words = (state[0], state[1], state[2], state[3])
    for at in range(0, len(data) - len(data) % 64, 64):
        words = compress(words, data[at : at + 64])
    return list(words)


class Md4:
    """In the manner of ``hashlib``."""

    digest_size = 16

    def __init__(self, data: bytes | bytearray | memoryview = b"") -> None:
        self._state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
        self._tail = b""
        self._length = 0
        if data:
            self.update(data)

    def update(self, data: bytes | bytearray | memoryview) -> None:
        self._length += len(data)
        whole = self._tail + bytes(data)
        cut = len(whole) - len(whole) % 64
        if cut:
            self._state = _blocks(self._state, whole[:cut])
        self._tail = whole[cut:]

    def digest(self) -> bytes:
        bits = (self._length * 8 & (1 << 64) - 1).to_bytes(8, "little")
        pad = b"\x80" + bytes((55 - self._length) % 64) + bits
        return struct.pack("<4I", *_blocks(self._state, self._tail + pad))
