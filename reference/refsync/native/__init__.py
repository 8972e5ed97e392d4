"""The hot loops: a small C kernel where it could be built, and Python twins that say what it does.

Every function has the same signature in both. ``HAVE_KERNEL`` tells which is in use.
"""

from __future__ import annotations

from . import twins

try:
    from .kernel import SumTable, block_weak_sums, weak_sum
except ImportError:  # no compiler when this was installed: slower, the same results
    HAVE_KERNEL = False
    SumTable, block_weak_sums, weak_sum = twins.SumTable, twins.block_weak_sums, twins.weak_sum  # type: ignore[misc, assignment]
else:
    HAVE_KERNEL = True

__all__ = ["HAVE_KERNEL", "SumTable", "block_weak_sums", "describe", "weak_sum"]


def describe() -> str:
    """For ``--version``: which parts are native."""
    return (
        "native: rolling search, block sums, MD4"
        if HAVE_KERNEL
        else "native: none (built without a C compiler)"
    )
