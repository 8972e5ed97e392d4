"""The hot loops: a small C kernel where it could be built, and Python twins that say what it does.

Every function has the same signature in both. ``HAVE_KERNEL`` tells which is in use.
"""

from __future__ import annotations

from . import md4, twins

try:
    from .kernel import Md4, SumTable, block_weak_sums, weak_sum
except ImportError:  # no compiler when this was installed: slower, the same results
    HAVE_KERNEL = False
    Md4, SumTable = md4.Md4, twins.SumTable  # type: ignore[misc, assignment]
    block_weak_sums, weak_sum = twins.block_weak_sums, twins.weak_sum
else:
    HAVE_KERNEL = True

__all__ = ["HAVE_KERNEL", "Md4", "SumTable", "block_weak_sums", "describe", "weak_sum"]


def describe() -> str:
    """For ``--version``: which parts are native."""
    return (
        "native: rolling search, block sums, MD4"
        if HAVE_KERNEL
        else "native: none (built without a C compiler)"
    )
