"""The error of a wrong use of options."""

from __future__ import annotations

from ..wire.errors import Exit, RefsyncError


def wrong(text: str, code: Exit = Exit.SYNTAX) -> RefsyncError:
    """OPT-5: exit 1, or ``code``, with what was wrong."""
    error = RefsyncError(text, code)
    error.early = True
    return error
