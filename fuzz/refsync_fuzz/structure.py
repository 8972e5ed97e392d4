"""Mutations that know where the parts of an input are: frames, rules and lines, whole or broken on purpose.

A target whose input is more than bytes names its ``Shape``. Both engines then work on its parts: they
repeat, leave out, move and exchange them, change what is inside one and set its length right
again, or let the length lie. Two inputs cross over at the borders of parts.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

#: Changes some bytes, as an engine does it without knowing what they are.
Inner = Callable[[bytes], bytes]
#: What a length may lie about.
LIES = (0, 1, -1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF)
#: Parts are looked for so far; a longer input has its rest as one.
MOST_PARTS = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """How an input is cut: ``head`` bytes of choices, then parts.

    A part begins with its length in ``width`` bytes (little-endian) and ``more`` bytes that the length
    does not count, as the code of a frame. Without a width parts are lines.
    """

    head: Callable[[bytes], int]
    width: int = 0
    more: int = 0

    def cut(self, data: bytes) -> list[bytes]:
        """The head, then the parts; together they are the input."""
        at = min(self.head(data), len(data))
        parts = [data[:at]]
        while at < len(data) and len(parts) < MOST_PARTS:
            if not self.width:
                end = data.find(b"\n", at) + 1 or len(data)
            else:
                size = int.from_bytes(data[at : at + self.width], "little")
                end = min(at + self.width + self.more + size, len(data))
            parts.append(data[at:end])
            at = end
        if at < len(data):
            parts.append(data[at:])
        return parts

    def mend(self, part: bytes) -> bytes:
        """The part with the length that it has; one that is too short to have any stays."""
        begin = self.width + self.more
        if not self.width or len(part) < begin:
            return part
        size = (len(part) - begin) % (1 << 8 * self.width)
        return size.to_bytes(self.width, "little") + part[self.width :]

    def lie(self, part: bytes, chance: random.Random) -> bytes:
        """The part with a length that it does not have; a line loses its end."""
        if not self.width:
            return part.removesuffix(b"\n")
        size = int.from_bytes(part[: self.width], "little")
        size = chance.choice((size - 1, size + 1, *LIES)) % (1 << 8 * self.width)
        return size.to_bytes(self.width, "little") + part[self.width :]


def fixed(size: int) -> Callable[[bytes], int]:
    """A head that always has this many bytes."""
    return lambda data: size


def mutate(data: bytes, shape: Shape, most: int, chance: random.Random, inner: Inner) -> bytes:
    """One change to the parts of an input, up to ``most`` bytes."""
    parts = shape.cut(data)
    if len(parts) < 2:
        return inner(data)[:most]
    at = chance.randrange(1, len(parts))
    step = chance.randrange(8)
    if step == 0:
        parts[at:at] = [parts[at]] * chance.choice((1, 2, 8))
    elif step == 1:
        del parts[at]
    elif step == 2:
        other = chance.randrange(1, len(parts))
        parts[at], parts[other] = parts[other], parts[at]
    elif step == 3:
        parts[at] = shape.lie(parts[at], chance)
    elif step == 4:
        parts[0] = inner(parts[0])[: len(parts[0])].ljust(len(parts[0]), b"\0")
    elif step == 5:  # a part ends early, and what follows is read as its rest
        parts[at] = parts[at][: chance.randrange(len(parts[at]) + 1)]
    else:
        begin = min(shape.width + shape.more, len(parts[at]))
        parts[at] = shape.mend(parts[at][:begin] + inner(parts[at][begin:]))
    return b"".join(parts)[:most]


def cross(one: bytes, other: bytes, shape: Shape, most: int, chance: random.Random) -> bytes:
    """The first parts of one input with some of another's in or behind them."""
    ours, theirs = shape.cut(one), shape.cut(other)
    at = chance.randrange(1, len(ours) + 1)
    start = chance.randrange(1, len(theirs) + 1)
    end = chance.randrange(start, len(theirs) + 1)
    behind = ours[at:] if chance.getrandbits(1) else []
    return b"".join([*ours[:at], *theirs[start:end], *behind])[:most]
