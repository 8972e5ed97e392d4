"""The integer forms of the wire: byte, shortint, int, longint, varint, varlong, vstring.

Input: one byte that chooses the form, then wire bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from refsync.wire import integers
from refsync.wire.cursor import Cursor
from refsync.wire.errors import Exit

from ..choices import Choices
from ..oracle import MORE, Outcome, Refused, Value, check_decoder, expect, outcome, refuses, same
from ..target import Surface

#: Values at which some form changes its length or its sign.
EDGES = (-1, 0x7F, 0x80, 0x4000, 0x7FFFFFFF, 0x80000000, -0x40000000)

SURFACE = Surface(
    priority=0,
    clauses=("INT-1", "INT-2", "INT-3", "INT-4", "INT-5", "INT-6", "INT-7", "INT-8"),
    code=("refsync.wire.integers",),
    oracle="ERBTD",
    dictionary={
        "longint_escape": b"\xff\xff\xff\xff",
        "int_min": integers.int32(integers.INT32_MIN),
        "int_max": integers.int32(integers.INT32_MAX),
        "varint_min": integers.varint(integers.INT32_MIN),
        "varint_max": integers.varint(integers.INT32_MAX),
        "varint_minus_one": integers.varint(-1),
        "varint_overflow_5": b"\xf8\0\0\0\0\0",
        "varint_overflow_6": b"\xff\0\0\0\0\0\0",
        "varlong_max": integers.varlong(integers.INT64_MAX, 3),
        "varlong_min": integers.varlong(integers.INT64_MIN, 3),
        "vstring_255": b"\x80\xff",
        "vstring_256": b"\x81\x00",
    },
    max_length=300,
)


def _model_fixed(size: int, signed: bool, data: bytes) -> Outcome:
    """Sum of bytes times powers of 256."""
    if len(data) < size:
        return MORE
    value = sum(byte * 256**place for place, byte in enumerate(data[:size]))
    if signed and value >= 256**size // 2:
        value -= 256**size
    return Value(value, size)


def _model_longint(data: bytes) -> Outcome:
    short = _model_fixed(4, True, data)
    if short != Value(-1, 4):
        return short
    long = _model_fixed(8, True, data[4:])
    return Value(long.value, 12) if isinstance(long, Value) else MORE


def _model_variable(min_bytes: int, width: int, clause: str, data: bytes) -> Outcome:
    """Counts the leading ones of the first byte; the rest of it are the value's top bits.

    ``width`` is the value's size in bytes; a form longer than its size and the
    lead byte overflows, and bits above it are dropped.
    """
    if len(data) < min_bytes:
        return MORE
    bits = f"{data[0]:08b}"
    extra = min(len(bits) - len(bits.lstrip("1")), 6)
    if min_bytes + extra > width + 1:
        return Refused(clause, Exit.STREAM_IO, 0)
    if len(data) < min_bytes + extra:
        return MORE
    low = data[1 : min_bytes + extra]
    top = int(bits[extra:], 2)
    number = int("".join(f"{byte:08b}" for byte in (top, *reversed(low))), 2) % (1 << 8 * width)
    if number >> (8 * width - 1):
        number -= 1 << 8 * width
    return Value(number, min_bytes + extra)


def _capacity(min_bytes: int, width: int) -> list[int]:
    """Unsigned bits that each number of extra bytes has room for."""
    room = [8 * (min_bytes - 1 + extra) + (7 - extra) for extra in range(7) if min_bytes - 1 + extra < width]
    if min_bytes - 1 + len(room) == width and len(room) < 7:
        room.append(8 * width)  # the lead byte only counts
    return room


def _model_length(value: int, min_bytes: int, width: int) -> int | None:
    """Bytes of the shortest form, None if there is none."""
    need = (value % (1 << 8 * width)).bit_length()
    for extra, room in enumerate(_capacity(min_bytes, width)):
        if need <= room:
            return min_bytes + extra
    return None


def _model_vstring(limit: int, data: bytes) -> Outcome:
    if not data:
        return MORE
    length, head = data[0], 1
    if length > 127:
        if len(data) < 2:
            return MORE
        length, head = (length - 128) * 256 + data[1], 2
    if length >= limit:
        return Refused("INT-8", Exit.PROTOCOL, 0)
    return Value(data[head : head + length], head + length) if len(data) >= head + length else MORE


@dataclass(frozen=True, slots=True)
class Form:
    """One form: its codec, its model, the shortest length of a value, the values it holds."""

    name: str
    decode: Callable[[Cursor], object]
    encode: Callable[..., bytes]
    model: Callable[[bytes], Outcome]
    length: Callable[[int], int | None]
    low: int = 0
    high: int = 0


def _varint_length(value: int) -> int | None:
    return _model_length(value, 1, 4)


def _forms() -> Iterator[Form]:
    i32, i64 = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1)
    fixed, codec = partial(partial, _model_fixed), integers
    varint = partial(_model_variable, 1, 4, "INT-5")
    new, old = partial(codec.read_varint30, varints=True), partial(codec.read_varint30, varints=False)
    new_write, old_write = partial(codec.varint30, varints=True), partial(codec.varint30, varints=False)
    yield Form("byte", codec.read_byte, lambda v: bytes((v,)), fixed(1, False), lambda v: 1, 0, 255)
    yield Form("shortint", codec.read_shortint, codec.shortint, fixed(2, False), lambda v: 2, 0, 65535)
    yield Form("int", codec.read_int32, codec.int32, fixed(4, True), lambda v: 4, *i32)
    longint_length = {True: 4, False: 12}
    yield Form("longint", codec.read_longint, codec.longint, _model_longint,
               lambda v: longint_length[0 <= v < 2**31], *i64)  # fmt: skip
    yield Form("varint", codec.read_varint, codec.varint, varint, _varint_length, *i32)
    yield Form("varint30", new, new_write, varint, _varint_length, *i32)
    yield Form("varint30 of 29", old, old_write, fixed(4, True), lambda v: 4, *i32)
    for least in range(1, 9):
        decode, encode = partial(codec.read_varlong, min_bytes=least), partial(codec.varlong, min_bytes=least)
        length = partial(_model_length, min_bytes=least, width=8)
        yield Form(
            f"varlong {least}", decode, encode, partial(_model_variable, least, 8, "INT-7"), length, *i64
        )
    for limit in (256, 4096):
        string = partial(codec.read_vstring, limit=limit)
        yield Form(f"vstring {limit}", string, codec.vstring, partial(_model_vstring, limit), lambda v: None)


FORMS = tuple(_forms())


def fuzz_one(data: bytes) -> None:
    """Oracle: every form decodes as an independent model says (value, bytes used, or refusal).

    A strict prefix wants more. What is decoded re-encodes to the shortest
    form, which decodes to the same and re-encodes to itself. Encoders refuse
    exactly the values that the form can't hold.
    """
    choices = Choices(data)
    form = choices.pick(FORMS)
    wire = choices.rest()
    got = check_decoder(lambda: form.decode, wire)
    same(got, form.model(wire), f"{form.name} of {wire[:16].hex()}")
    if isinstance(got, Value) and isinstance(got.value, int):
        # a negative longint may come short, but is sent long
        short = form.name == "longint" and got.value < 0
        _encodes(form, got.value, None if short else got.consumed)
    elif isinstance(got, Value):
        refuses(lambda: integers.vstring(bytes(0x8000)), "a string past the limit")
        canonical = form.encode(got.value)
        expect(len(canonical) <= got.consumed, "longer than what was decoded")
        same(outcome(form.decode, canonical), Value(got.value, len(canonical)), "re-encoded string")
    if form.high:
        _encodes(form, int.from_bytes(wire[:9], "little", signed=True), None)


def _encodes(form: Form, value: int, longest: int | None) -> None:
    length = form.length(value) if form.low <= value <= form.high else None
    try:
        canonical = form.encode(value)
    except ValueError:
        # a lead byte that counts six more has a bit that decoders read and encoders can't set
        expect(length is None, f"{form.name} refuses {value}, which it holds")
        return
    expect(length is not None, f"{form.name} encodes {value}, which it can't hold")
    same(len(canonical), length, f"bytes of {form.name} {value}")
    expect(longest is None or len(canonical) <= longest, "longer than what was decoded")
    same(outcome(form.decode, canonical), Value(value, len(canonical)), f"{form.name} {value} re-encoded")


def seeds() -> Iterator[tuple[str, bytes]]:
    """The edges of each form, the overflows, strings at the limits."""
    for number, form in enumerate(FORMS):
        head, name = bytes((number,)), form.name.replace(" ", "_")
        if form.high:
            for value in {*EDGES, form.low, form.high}:
                if form.low <= value <= form.high and form.length(value) is not None:
                    yield f"{name}.{'m' if value < 0 else ''}{abs(value):x}", head + form.encode(value)
        else:
            yield f"{name}.empty", head + b"\0"
            yield f"{name}.127", head + integers.vstring(b"x" * 127)
            yield f"{name}.255", head + integers.vstring(b"y" * 255)
            yield f"{name}.256", head + b"\x81\x00" + b"z" * 256
    for number, form in enumerate(FORMS):
        if form.name.startswith("varlong ") and (extra := 10 - int(form.name[8:])) <= 6:
            lead = 0xFF << (8 - extra) & 0xFF if extra < 6 else 0xFC
            yield f"{form.name.replace(' ', '_')}.ten", bytes((number, lead)) + b"\1" * 15
    for name, lead in (("overflow_5", 0xF8), ("overflow_6", 0xFC)):
        yield f"varint.{name}", bytes((4, lead)) + bytes(8)
        yield f"varlong_8.{name}", bytes((14, lead)) + bytes(16)
