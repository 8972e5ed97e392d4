"""Binds a target to atheris: what each stub calls.

The reference is instrumented while it is imported, so nothing of it may have
been imported before.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import structure
from .structure import Shape

if TYPE_CHECKING:
    from .target import Target


def main(name: str) -> None:
    """Fuzz the target of that name with libFuzzer's arguments from the command line; never returns."""
    import atheris

    with atheris.instrument_imports(include=["refsync"]):
        target = loaded(name)
        shape = target.surface.shape
        atheris.Setup(sys.argv, target.fuzz_one, **({} if shape is None else _by_parts(shape)))
        atheris.Fuzz()


def loaded(name: str) -> Target:
    """The target of that name with every module that it answers for.

    The reference imports some of its modules when they are first needed. That is too late here: a module
    which is imported in the middle of a run is not instrumented, and the fuzzer is blind in it.
    """
    from .target import load

    target = load(name)
    for module in target.surface.code:
        importlib.import_module(module)
    return target


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
