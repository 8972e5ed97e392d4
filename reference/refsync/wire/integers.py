"""The integer and short string forms of the wire.

========  =====================================================  ==================
form      bytes                                                  upstream ``io.c``
========  =====================================================  ==================
byte      1, unsigned                                            ``read_byte``
shortint  2, little-endian, unsigned                             ``read_shortint``
int       4, little-endian, signed                               ``read_int``
longint   int, or FF FF FF FF and 8 bytes little-endian          ``read_longint``
varint    1 to 5: the leading byte's high bits count the rest    ``read_varint``
varlong   ``min_bytes`` to 9: as varint, of 64 bits              ``read_varlong``
vstring   a length of 1 or 2 bytes, then that many bytes         ``read_vstring``
========  =====================================================  ==================

Clauses INT-1 to INT-7. Encoders raise ``ValueError`` for a value that the
form cannot hold: that is a fault of the caller, never of the peer.
"""

from __future__ import annotations

import struct

from .cursor import Cursor
from .errors import Exit, NeedMoreData, ProtocolError

_INT = struct.Struct("<i")
_SHORT = struct.Struct("<H")
_LONG = struct.Struct("<q")

#: How many bytes follow the leading byte, by its upper six bits (INT-5).
EXTRA_BYTES = bytes([0] * 32 + [1] * 16 + [2] * 8 + [3] * 4 + [4] * 2 + [5, 6])
_EXTRA_BY_BYTE = bytes(EXTRA_BYTES[lead // 4] for lead in range(256))

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1


def read_byte(cursor: Cursor) -> int:
    """INT-1: one unsigned byte."""
    return cursor.byte()


def read_shortint(cursor: Cursor) -> int:
    """INT-2: an unsigned 16-bit integer."""
    return int.from_bytes(cursor.take(2), "little")


def shortint(value: int) -> bytes:
    """INT-2."""
    if not 0 <= value <= 0xFFFF:
        raise ValueError(f"{value} does not fit a shortint")
    return _SHORT.pack(value)


def read_int32(cursor: Cursor) -> int:
    """INT-3: a signed 32-bit integer."""
    return int.from_bytes(cursor.take(4), "little", signed=True)


def int32(value: int) -> bytes:
    """INT-3."""
    if not INT32_MIN <= value <= INT32_MAX:
        raise ValueError(f"{value} does not fit an int")
    return _INT.pack(value)


def read_longint(cursor: Cursor) -> int:
    """INT-4: an int, or the escape FF FF FF FF and a signed 64-bit integer."""
    start = cursor.pos
    value = read_int32(cursor)
    if value != -1:
        return value
    try:
        return int.from_bytes(cursor.take(8), "little", signed=True)
    except NeedMoreData:
        cursor.pos = start
        raise


def longint(value: int) -> bytes:
    """INT-4: values from 0 to 2^31 - 1 take the short form, all others the long."""
    if 0 <= value <= INT32_MAX:
        return _INT.pack(value)
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError(f"{value} does not fit a longint")
    return b"\xff\xff\xff\xff" + _LONG.pack(value)


def read_varint(cursor: Cursor) -> int:
    """INT-5: a signed 32-bit integer in 1 to 5 bytes.

    A leading byte that announces 5 or 6 more is an overflow (exit 12). The
    four spare bits of a five-byte form carry no value and are ignored.
    """
    data, pos = cursor.data, cursor.pos
    if pos >= len(data):
        raise NeedMoreData
    lead = data[pos]
    if lead < 0x80:
        cursor.pos = pos + 1
        return lead
    extra = _EXTRA_BY_BYTE[lead]
    if extra > 4:
        raise ProtocolError("varint is too long", clause="INT-5", offset=pos, code=Exit.STREAM_IO)
    end = pos + 1 + extra
    if end > len(data):
        raise NeedMoreData
    value = int.from_bytes(data[pos + 1 : end], "little")
    if extra < 4:
        value |= (lead & ((1 << (8 - extra)) - 1)) << (8 * extra)
    cursor.pos = end
    return value - (1 << 32) if value > INT32_MAX else value


def varint(value: int) -> bytes:
    """INT-5: the shortest form; a negative value always takes five bytes."""
    if 0 <= value < 0x80:
        return bytes((value,))
    if not INT32_MIN <= value <= INT32_MAX:
        raise ValueError(f"{value} does not fit a varint")
    return _pack_variable(value & 0xFFFFFFFF, 4, 1)


def read_varint30(cursor: Cursor, varints: bool) -> int:
    """INT-6: a varint from protocol 30, an int before."""
    return read_varint(cursor) if varints else read_int32(cursor)


def varint30(value: int, varints: bool) -> bytes:
    """INT-6."""
    return varint(value) if varints else int32(value)


def read_varlong(cursor: Cursor, min_bytes: int) -> int:
    """INT-7: a signed 64-bit integer in ``min_bytes`` to 9 bytes (exit 12 if it claims more)."""
    data, pos = cursor.data, cursor.pos
    if pos + min_bytes > len(data):
        raise NeedMoreData
    lead = data[pos]
    extra = _EXTRA_BY_BYTE[lead]
    if min_bytes + extra > 9:
        raise ProtocolError("varlong is too long", clause="INT-7", offset=pos, code=Exit.STREAM_IO)
    end = pos + min_bytes + extra
    if end > len(data):
        raise NeedMoreData
    value = int.from_bytes(data[pos + 1 : end], "little")
    low_bits = 8 * (min_bytes - 1 + extra)
    if low_bits < 64:
        value |= (lead & ((1 << (8 - extra)) - 1)) << low_bits
    cursor.pos = end
    value &= 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value > INT64_MAX else value


def varlong(value: int, min_bytes: int) -> bytes:
    """INT-7: the shortest form of at least ``min_bytes`` bytes; those of 1 and 2 cannot hold every value."""
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError(f"{value} does not fit a varlong")
    return _pack_variable(value & 0xFFFFFFFFFFFFFFFF, 8, min_bytes)


def _pack_variable(value: int, width: int, min_bytes: int) -> bytes:
    """The value's low bytes behind a lead byte that holds their count and, if it fits, the top byte."""
    count = max((value.bit_length() + 7) // 8, min_bytes)
    raw = value.to_bytes(width, "little")
    top = raw[count - 1]
    if count - min_bytes > 6:
        raise ValueError(f"{value} does not fit a varlong of {min_bytes} bytes and six more")
    bit = 1 << (7 - count + min_bytes)  # the lowest bit that the count leaves no room for
    if top >= bit:
        if count - min_bytes == 6:
            raise ValueError(f"{value} does not fit a varlong of {min_bytes} bytes and six more")
        return bytes((~(bit - 1) & 0xFF,)) + raw[:count]
    if count > min_bytes:
        return bytes((top | (~(bit * 2 - 1) & 0xFF),)) + raw[: count - 1]
    return bytes((top,)) + raw[: count - 1]


def read_vstring(cursor: Cursor, limit: int, clause: str = "INT-8") -> bytes:
    """INT-8: a string of fewer than ``limit`` bytes behind a length of one or two bytes."""
    start = cursor.pos
    length = cursor.byte()
    try:
        if length & 0x80:
            length = (length & 0x7F) << 8 | cursor.byte()
        if length >= limit:
            raise ProtocolError(
                f"string of {length} bytes, at most {limit - 1} are allowed", clause=clause, offset=start
            )
        return cursor.take(length)
    except NeedMoreData:
        cursor.pos = start
        raise


def vstring(text: bytes) -> bytes:
    """INT-8: up to 32767 bytes."""
    length = len(text)
    if length > 0x7FFF:
        raise ValueError(f"{length} bytes do not fit a vstring")
    if length > 0x7F:
        return bytes((0x80 | length >> 8, length & 0xFF)) + text
    return bytes((length,)) + text
