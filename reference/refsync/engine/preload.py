"""Imports what a run imports only once it needs it: in a chroot it could not be found any more."""

from __future__ import annotations

import ctypes
import re

from .. import native
from ..session import auth
from ..uring import choice

__all__ = ["auth", "choice", "ctypes", "re"]

if native.HAVE_BULK:
    from ..native import small
    from ..uring import movers

    __all__ += ["movers", "small"]
