"""Binds a target to atheris: what each stub calls.

The reference is instrumented while it is imported, so nothing of it may have
been imported before.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

from . import structure
from .structure import Shape


def main(name: str) -> None:
    """Fuzz the target of that name with libFuzzer's arguments from the command line; never returns."""
    import atheris

    with atheris.instrument_imports(include=["refsync"]):
        from .target import load

        target = load(name)
    shape = target.surface.shape
    atheris.Setup(sys.argv, target.fuzz_one, **({} if shape is None else _by_parts(shape)))
    atheris.Fuzz()


def _by_parts(shape: Shape) -> dict[str, Callable[..., bytes]]:
    """Every second mutation is the engine's own, which finds values; the others keep to the parts."""
    import atheris

    def mutator(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.getrandbits(1):
            return bytes(atheris.Mutate(data, most))

        def inner(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, len(part) + 16))

        return structure.mutate(data, shape, most, chance, inner)

    def crossover(one: bytes, other: bytes, most: int, seed: int) -> bytes:
        return structure.cross(one, other, shape, most, random.Random(seed))

    return {"custom_mutator": mutator, "custom_crossover": crossover}
