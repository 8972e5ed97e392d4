"""File data over the ring: as ``native.bulk``'s movers, which say what these do and serve without a ring."""

from __future__ import annotations

import errno

from refsync._kernel import ffi, lib

from ..native.bulk import BUDGET, FileIn, FileOut, FileSum
from ..typed import TYPE_CHECKING
from .ring import BufferGroupsExhausted

if TYPE_CHECKING:
    from .ring import Ring

ZERO_COPY = {"off": 0, "on": 1, "auto": 2}


class RingOut(FileOut):
    """``FileOut`` with reads ahead of what is sent. ``zero_copy`` "auto": to another machine."""

    def __init__(
        self, ring: Ring, fd: int, length: int, total: FileSum, *, framed: bool, zero_copy: str = "off"
    ) -> None:
        job = lib.refsync_ring_out_new(ring.raw, fd, length, framed, total.state, ZERO_COPY[zero_copy])
        if job == ffi.NULL:
            raise MemoryError("no memory to send a file")
        self._job = ffi.gc(job, lib.refsync_ring_out_free)
        self._out = lib.refsync_ring_out_base(job)
        self._total, self._ring = total, ring  # the kernel points to both

    def start_at(self, offset: int, error: int) -> None:
        lib.refsync_ring_out_start(self._job, offset, error)

    @property
    def at_boundary(self) -> bool:
        return bool(lib.refsync_ring_out_at_boundary(self._job))

    def run(self, fd_out: int, fd_in: int, milliseconds: int, *, finish: bool = False) -> int:
        return int(lib.refsync_ring_out_run(self._job, fd_out, fd_in, milliseconds, BUDGET, finish))

    def close(self) -> None:
        ffi.release(self._job)


class RingIn(FileIn):
    """``FileIn`` with receives that go on by themselves and writes that are not waited for.

    ``BufferGroupsExhausted`` if the ring has no id left for its buffers.
    """

    def __init__(
        self,
        ring: Ring,
        fd: int,
        basis: int,
        total: FileSum,
        *,
        framed: bool,
        block: int,
        count: int,
        last: int,
        max_literal: int,
        sparse: bool = False,
        existing: int = 0,
        in_place: bool = False,
    ) -> None:
        error = ffi.new("int *")
        job = lib.refsync_ring_in_new(
            ring.raw, fd, basis, framed, total.state, block, count, last, max_literal, error
        )
        if job == ffi.NULL:
            if error[0] == errno.ENOSPC:
                raise BufferGroupsExhausted(ring.groups[0])
            raise MemoryError("no memory to receive a file")
        self._job = ffi.gc(job, lib.refsync_ring_in_free)
        self._in = lib.refsync_ring_in_base(job)
        lib.refsync_in_manner(self._in, sparse, existing, in_place)
        self._total, self._ring = total, ring

    def begin(self, raw: bytes, frame_left: int, token_left: int, offset: int) -> None:
        if not lib.refsync_ring_in_begin(
            self._job, ffi.from_buffer(raw), len(raw), frame_left, token_left, offset
        ):
            raise MemoryError("no memory for what was received")

    def rest(self) -> tuple[bytes, bytes, int, int]:
        lib.refsync_ring_in_stop(self._job)
        return super().rest()

    def run(self, fd_in: int, fd_out: int, milliseconds: int) -> int:
        return int(lib.refsync_ring_in_run(self._job, fd_in, fd_out, milliseconds, BUDGET))

    def close(self) -> None:
        ffi.release(self._job)
