"""The hot loops: a small C kernel where it could be built, and Python twins that say what it does.

Every function has the same signature in both. ``HAVE_KERNEL`` tells which is in use, ``HAVE_BULK`` whether
file data can be moved without Python (``native.bulk``).
``REFSYNC_NATIVE=off`` has the twins serve, for comparing.
"""

from __future__ import annotations

import os

from . import md4, twins

HAVE_KERNEL = HAVE_BULK = False
try:
    if os.environ.get("REFSYNC_NATIVE") == "off":
        raise ImportError("switched off")
    from .kernel import Md4, SumTable, block_weak_sums, weak_sum
except ImportError:  # no compiler when this was installed: slower, the same results
    Md4, SumTable = md4.Md4, twins.SumTable  # type: ignore[misc, assignment]
    block_weak_sums, weak_sum = twins.block_weak_sums, twins.weak_sum
else:
    HAVE_KERNEL = True
    try:
        from . import bulk
    except ImportError:  # without libxxhash's header
        pass
    else:
        HAVE_BULK = True

__all__ = ["HAVE_BULK", "HAVE_KERNEL", "Md4", "SumTable", "block_weak_sums", "describe", "weak_sum"]


def describe() -> str:
    """For ``--version``: which parts are native."""
    if not HAVE_KERNEL:
        return "native: none (built without a C compiler, or switched off)"
    parts = "native: rolling search, block sums, MD4" + (", file data" if HAVE_BULK else "")
    return parts + (", io_uring" if HAVE_BULK and bulk.HAVE_RING else "")
