"""The error of a wrong use of options."""

from __future__ import annotations

from ..wire.errors import Exit, RefsyncError


def wrong(text: str) -> RefsyncError:
    """OPT-5: exit 1, with what was wrong."""
    error = RefsyncError(text, Exit.SYNTAX)
    error.early = True
    return error
