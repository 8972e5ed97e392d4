"""The mutations of the plain runner: for Pythons that the coverage-guided fuzzer doesn't support.

Deterministic for one seed, so that a finding can be had again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from . import structure
from .structure import Shape

#: Integers at the edges of the wire's forms.
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Mutator:
    """Makes new inputs out of a corpus and a dictionary."""

    def __init__(
        self,
        corpus: Sequence[bytes],
        words: Sequence[bytes],
        max_length: int,
        seed: int,
        shape: Shape | None = None,
    ) -> None:
        self._corpus = list(corpus) or [b""]
        self._words = list(words)
        self._max_length = max_length
        self._shape = shape
        self._random = random.Random(seed)
        self._steps: tuple[Callable[[bytearray], None], ...] = (
            self._flip_bit,
            self._set_byte,
            self._nudge_byte,
            self._set_integer,
            self._delete,
            self._insert_noise,
            self._insert_word,
            self._repeat,
            self._splice,
            self._truncate,
        )

    def next(self) -> bytes:
        """One new input."""
        data = bytearray(self._random.choice(self._corpus))
        if self._shape is not None and self._random.getrandbits(1):
            return self._by_parts(bytes(data), self._shape)
        for _ in range(1 + min(self._random.getrandbits(3), self._random.getrandbits(3))):
            self._random.choice(self._steps)(data)
        return bytes(data[: self._max_length])

    def _by_parts(self, data: bytes, shape: Shape) -> bytes:
        for _ in range(1 + min(self._random.getrandbits(2), self._random.getrandbits(2))):
            if self._random.getrandbits(2):
                data = structure.mutate(data, shape, self._max_length, self._random, self._inner)
            else:
                other = self._random.choice(self._corpus)
                data = structure.cross(data, other, shape, self._max_length, self._random)
        return data

    def _inner(self, part: bytes) -> bytes:
        data = bytearray(part)
        self._random.choice(self._steps)(data)
        return bytes(data)

    def _place(self, data: bytearray) -> int:
        return self._random.randrange(len(data)) if data else 0

    def _flip_bit(self, data: bytearray) -> None:
        if data:
            data[self._place(data)] ^= 1 << self._random.randrange(8)

    def _set_byte(self, data: bytearray) -> None:
        if data:
            data[self._place(data)] = self._random.getrandbits(8)

    def _nudge_byte(self, data: bytearray) -> None:
        if data:
            at = self._place(data)
            data[at] = (data[at] + self._random.choice((-2, -1, 1, 2))) & 0xFF

    def _set_integer(self, data: bytearray) -> None:
        at, size = self._place(data), self._random.choice((1, 2, 4, 8))
        value = (self._random.choice(INTERESTING) + self._random.choice((-1, 0, 0, 1))) % (1 << 8 * size)
        data[at : at + size] = value.to_bytes(size, self._random.choice(("little", "little", "big")))

    def _delete(self, data: bytearray) -> None:
        at = self._place(data)
        del data[at : at + 1 + self._random.getrandbits(self._random.choice((1, 3, 6)))]

    def _insert_noise(self, data: bytearray) -> None:
        at = self._place(data)
        data[at:at] = self._random.randbytes(self._random.choice((1, 2, 4, 16)))

    def _insert_word(self, data: bytearray) -> None:
        if self._words:
            at = self._place(data)
            word = self._random.choice(self._words)
            data[at : at + self._random.choice((0, len(word)))] = word

    def _repeat(self, data: bytearray) -> None:
        at, size = self._place(data), 1 + self._random.getrandbits(4)
        data[at:at] = data[at : at + size] * self._random.choice((1, 2, 8))

    def _splice(self, data: bytearray) -> None:
        other = self._random.choice(self._corpus)
        if other:
            start = self._random.randrange(len(other))
            data[self._place(data) :] = other[start:]

    def _truncate(self, data: bytearray) -> None:
        del data[self._place(data) :]
