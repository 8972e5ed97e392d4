"""A file's data moved by the C kernel, off the connection and onto it.

Input: as ``_bulk`` says.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync import native

from ..choices import Choices
from ..target import Surface
from . import _bulk

SURFACE = Surface(
    priority=1,
    clauses=("MUX-1", "TOK-2", "TOK-3"),
    code=("refsync.native.bulk",),
    oracle="MD",
    dictionary=_bulk.DICTIONARY,
    max_length=800,
)


def fuzz_one(data: bytes) -> None:
    """Oracle: the bytes, the reason to stop and the rest of a model that takes frames apart first.

    What is sent says the file, with zeros for what is no longer there. Without the kernel's
    movers there is nothing to compare.
    """
    if not native.HAVE_BULK:
        return
    from refsync.native.bulk import FileIn, FileOut

    choices = Choices(data)
    if choices.byte() & 1:
        _bulk.outgoing(choices, FileOut)
    else:
        _bulk.incoming(choices, FileIn)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Both directions; see ``_bulk``."""
    yield from _bulk.seeds()
