"""MD4 (RFC 1320) in Python, the twin of the kernel's; OpenSSL 3 no longer offers it.

Upstream ``lib/mdfour.c``, as from protocol 27 on.
"""

from __future__ import annotations

import struct

from .twins import Readable

_MASK = 0xFFFFFFFF
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_WORDS = struct.Struct("<16I")

State = tuple[int, int, int, int]


def _rotate(value: int, count: int) -> int:
    value &= _MASK
    return (value << count | value >> 32 - count) & _MASK


def compress(state: State, block: bytes) -> State:
    """The state after one more block of 64 bytes."""
    x = _WORDS.unpack(block)
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


class Md4:
    """In the manner of ``hashlib``: bytes may come in any pieces, ``digest`` may be asked for at any time."""

    digest_size = 16

    def __init__(self, data: Readable = b"") -> None:
        self._state: State = _START
        self._tail = b""
        self._length = 0
        if data:
            self.update(data)

    def update(self, data: Readable, /) -> None:
        self._length += len(data)
        whole = self._tail + bytes(data)
        cut = len(whole) - len(whole) % 64
        self._state = self._blocks(whole[:cut])
        self._tail = whole[cut:]

    def digest(self) -> bytes:
        bits = (self._length * 8 & (1 << 64) - 1).to_bytes(8, "little")
        pad = b"\x80" + bytes((55 - self._length) % 64) + bits
        return struct.pack("<4I", *self._blocks(self._tail + pad))

    def _blocks(self, data: bytes) -> State:
        state = self._state
        for at in range(0, len(data), 64):
            state = compress(state, data[at : at + 64])
        return state
