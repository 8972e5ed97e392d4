"""What the tests of the ring share: streams, movers and wounds."""

from __future__ import annotations

import os
import pathlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from refsync import native
from refsync.native.bulk import FileIn, FileOut, FileSum
from refsync.session.bulk import Moved
from refsync.uring.ring import Ring, RingRefused
from refsync.uring.sites import SITES

NUMBER = {site.name: number for number, site in enumerate(SITES)}


def usable() -> str:
    """Why there is no ring on this machine; empty if there is one."""
    if not native.HAVE_BULK:
        return "the C kernel is missing"
    try:
        Ring().close()
    except RingRefused as refused:
        return refused.reason
    return ""


def injury() -> Any:
    from refsync._kernel import lib

    return lib.refsync_ring_injury


def heal() -> None:
    from refsync._kernel import ffi

    ffi.memmove(ffi.addressof(injury()), bytes(ffi.sizeof("ring_injury")), ffi.sizeof("ring_injury"))


def wound(site: str, *, result: int = 0, limit: int = 0, at: int = 1, times: int = 1) -> None:
    """From the ``at``-th submission of a site on, so often: end with ``result``, or do ``limit`` bytes."""
    fault = injury().site[NUMBER[site]]
    fault.at, fault.times, fault.result, fault.limit = at, times, result, limit


def counted(ring: Ring, site: str) -> Any:
    return ring.counts()[NUMBER[site]]


def run_out(job: FileOut, *, pipe: bool = False) -> tuple[Moved, bytes]:
    """How the mover ended and all that it sent, read by a slow reader."""
    if pipe:
        theirs, ours = os.pipe()
    else:
        one, other = socket.socketpair()
        ours, theirs = one.detach(), other.detach()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    stream, outcome = b"", Moved.MORE
    while outcome in (Moved.MORE, Moved.AGAIN, Moved.OTHER_READY):
        outcome = Moved(job.run(ours, -1, 0))
        stream += read_all(theirs)
    os.close(ours)
    stream += read_all(theirs)
    os.close(theirs)
    return outcome, stream


def read_all(fd: int) -> bytes:
    pieces = []
    try:
        while piece := os.read(fd, 1 << 20):
            pieces.append(piece)
    except BlockingIOError:
        pass
    return b"".join(pieces)


def run_in(job: FileIn, stream: bytes, *, pipe: bool = False, close: bool = True) -> Moved:
    """How the mover ended when it was given ``stream`` bit by bit."""
    if pipe:
        theirs, ours = os.pipe()
    else:
        one, other = socket.socketpair()
        ours, theirs = one.detach(), other.detach()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    outcome, at = Moved.MORE, 0
    try:
        for _ in range(10_000):
            if at < len(stream):
                try:
                    at += os.write(ours, stream[at : at + 100_000])
                except BlockingIOError:
                    pass
            elif close and ours >= 0:
                os.close(ours)
                ours = -1
            outcome = Moved(job.run(theirs, -1, 0))
            if outcome not in (Moved.MORE, Moved.AGAIN):
                return outcome
        pytest.fail("the mover never ended")
    finally:
        os.close(theirs)
        if ours >= 0:
            os.close(ours)


@contextmanager
def opened(path: pathlib.Path, flags: int) -> Iterator[int]:
    fd = os.open(path, flags, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def new_sum() -> FileSum:
    return FileSum("xxh128")
