"""What this process may do on the receiving side, or pretends to be able to.

Clauses FAKE-1, FS-4; upstream ``options.c:am_root``.
"""

from __future__ import annotations

import os

from ..options.model import Options

#: ``--fake-super`` keeps what only root may set in attributes; ``--super`` lets anybody try.
FAKE, ORDINARY, ROOT, SUPER = -1, 0, 1, 2


def rank(options: Options) -> int:
    """As upstream counts: what is not ``ORDINARY`` acts like root, what is below ``ROOT`` isn't root."""
    if options.fake_super:
        return FAKE
    if options.super_user is None:
        return ROOT if os.geteuid() == 0 else ORDINARY
    return SUPER if options.super_user else ORDINARY
