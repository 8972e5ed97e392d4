"""A file's data moved over io_uring by the C kernel, off the connection and onto it.

Input: as ``_bulk`` says; the other bits of the first byte are a place of the ring that does only
so much of what it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from refsync import native
from refsync.uring.ring import Ring, RingRefused
from refsync.uring.sites import SITES

from ..choices import Choices
from ..oracle import same
from ..target import Surface
from . import _bulk

SURFACE = Surface(
    priority=1,
    clauses=("MUX-1", "TOK-2", "TOK-3"),
    code=("refsync.uring.movers",),
    oracle="MDS",
    dictionary=_bulk.DICTIONARY,
    max_length=800,
    slow="two descriptors and a pipe for each input",
)

_rings: list[Ring | None] = []


def _ring() -> Ring | None:
    """One a process, made when it is first needed; None where there is none to be had."""
    if not _rings:
        try:
            _rings.append(Ring(8))
        except RingRefused:
            _rings.append(None)
    return _rings[0]


def fuzz_one(data: bytes) -> None:
    """Oracle: as ``native_bulk``, also where an operation does less than it was asked for.

    Each mover lets go of all buffers and operations. Without a ring there is nothing to compare.
    """
    ring = _ring() if native.HAVE_BULK else None
    if ring is None:
        return
    from refsync._kernel import ffi, lib
    from refsync.uring.movers import RingIn, RingOut

    choices = Choices(data)
    switches = choices.byte()
    injury = lib.refsync_ring_injury
    fault = injury.site[(switches >> 1) % len(SITES)]
    if switches & 0x80:
        fault.at, fault.times, fault.limit = 1, 3, 1 + switches % 7
    try:
        if switches & 1:
            _bulk.outgoing(choices, partial(RingOut, ring))
        else:
            _bulk.incoming(choices, partial(RingIn, ring))
    finally:
        ffi.memmove(ffi.addressof(injury), bytes(ffi.sizeof("ring_injury")), ffi.sizeof("ring_injury"))
    same((ring.in_flight, ring.groups[0]), (0, 0), "operations in flight, and groups of buffers")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Both directions, and each with every place of the ring that falls short."""
    made = dict(_bulk.seeds())
    yield from made.items()
    for number, site in enumerate(SITES):
        for name in ("framed", "plain", "sent_framed"):
            data = made[name]
            yield f"{name}.{site.name}", bytes((data[0] | 0x80 | number << 1,)) + data[1:]
