"""Binds a target to atheris: what each stub calls.

The reference is instrumented while it is imported, so nothing of it may have
been imported before.
"""

from __future__ import annotations

import sys


def main(name: str) -> None:
    """Fuzz the target of that name with libFuzzer's arguments from the command line; never returns."""
    import atheris

    with atheris.instrument_imports(include=["refsync"]):
        from .target import load

        target = load(name)
    atheris.Setup(sys.argv, target.fuzz_one)
    atheris.Fuzz()
