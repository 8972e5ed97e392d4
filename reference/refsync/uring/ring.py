"""The ring of this process: made on first use, behind the last fork; its limits, its ledger, its end."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence

from .. import native
from ..wire.errors import Exit, RefsyncError
from .sites import NEEDED, NUMBERS, SITES, Count

#: Operations in flight, unless the user says something else: by the number of processors.
LEAST_DEPTH, MOST_DEPTH = 8, 64
#: From this part of a ring's buffer groups on a warning is due, at most once in so many seconds.
WARN_PART, WARN_EVERY = 0.5, 30.0
_SQPOLL = 2
_SINGLE_ISSUER, _COOP_TASKRUN = 1 << 12, 1 << 8


class RingRefused(RefsyncError):
    """There is no ring to be had; ``reason`` says why in a few words."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"io_uring cannot be used here: {reason}; leave out --io-uring=require to go on without it",
            Exit.UNSUPPORTED,
        )


class BufferGroupsExhausted(Exception):
    """All buffer group ids of a ring are taken: the connection is read plainly. ``used`` is how many."""

    def __init__(self, used: int) -> None:
        self.used = used
        super().__init__(f"all {used} buffer groups of the ring are in use")


class RingBroken(RefsyncError):
    """The ring itself failed; ``held`` operations had not ended, so that their memory stays as it is."""

    def __init__(self, number: int, held: int) -> None:
        self.held = held
        super().__init__(
            f"io_uring failed: {os.strerror(number)} ({number}), {held} operations had not ended",
            Exit.FILE_IO,
        )


def default_depth(cpus: int | None = None) -> int:
    """Operations in flight: four a processor, within bounds."""
    count = cpus if cpus is not None else len(os.sched_getaffinity(0))
    return max(LEAST_DEPTH, min(count * 4, MOST_DEPTH))


def why_refused(number: int) -> str:
    """What an errno value of io_uring_setup means to a user."""
    known = {
        errno.ENOSYS: "the kernel has none, or one that is too old",
        errno.EPERM: "it is not allowed (seccomp, or kernel.io_uring_disabled)",
        errno.ENOMEM: "too little memory may be locked (ulimit -l)",
    }
    return f"{known.get(number, os.strerror(number))} ({errno.errorcode.get(number, number)})"


class Ring:
    """One io_uring of one process. ``RingRefused`` where there is none, or none with what is needed."""

    def __init__(self, depth: int = 0, *, sqpoll: bool = False) -> None:
        self.closed = True
        if not native.HAVE_BULK:
            raise RingRefused("the C kernel is missing")
        from refsync._kernel import ffi, lib

        self._ffi, self._lib = ffi, lib
        if not lib.refsync_ring_built():
            raise RingRefused("built without liburing (install liburing-dev and build again)")
        error = ffi.new("int *")
        raw = lib.refsync_ring_new(depth or default_depth(), _SQPOLL if sqpoll else 0, error)
        if raw == ffi.NULL:
            raise RingRefused(why_refused(error[0]))
        self.raw = raw
        self.closed = False
        self.pid = os.getpid()
        self._warned = 0.0
        missing = [name for name in NEEDED if not self.has(name)]
        if missing:
            self.close()
            raise RingRefused("the kernel lacks " + ", ".join(missing))

    def has(self, opcode: str) -> bool:
        """Whether the kernel offers an operation, by its own word."""
        return bool(self._lib.refsync_ring_has(self.raw, NUMBERS[opcode]))

    def _facts(self) -> list[int]:
        out = self._ffi.new("int64_t[16]")
        self._lib.refsync_ring_facts(self.raw, out)
        return [int(value) for value in out]

    @property
    def setup(self) -> str:
        """The flags that the kernel took."""
        flags = self._facts()[0]
        if flags & _SQPOLL:
            return "SQPOLL"
        if flags & _SINGLE_ISSUER:
            return "SINGLE_ISSUER|DEFER_TASKRUN"
        return "COOP_TASKRUN" if flags & _COOP_TASKRUN else "plain"

    @property
    def depth(self) -> int:
        return self._facts()[1]

    @property
    def registered(self) -> bool:
        """Whether its memory is registered, so that the ``_FIXED`` operations serve."""
        return bool(self._facts()[2])

    @property
    def memory_error(self) -> int:
        """Why it is not: an errno value."""
        return self._facts()[3]

    @property
    def in_flight(self) -> int:
        return self._facts()[4]

    @property
    def groups(self) -> tuple[int, int, int]:
        """Buffer groups in use, the most that ever were, and how many there can be."""
        facts = self._facts()
        return facts[5], facts[6], facts[9]

    @property
    def interrupted(self) -> int:
        """Waits that a signal ended."""
        return self._facts()[8]

    def take_group(self) -> int:
        """A buffer group id that nobody on this ring has. ``BufferGroupsExhausted`` if there is none."""
        number = int(self._lib.refsync_ring_group_take(self.raw))
        if number < 0:
            raise BufferGroupsExhausted(self.groups[0])
        return number

    def give_group(self, number: int) -> None:
        """The id is free again; a second time does nothing."""
        self._lib.refsync_ring_group_give(self.raw, number)

    def group_warning(self, now: float | None = None) -> str:
        """What to say if many groups are in use; empty if not, or if it was said a short time ago."""
        used, _, limit = self.groups
        moment = time.monotonic() if now is None else now
        if used < limit * WARN_PART or (self._warned and moment - self._warned < WARN_EVERY):
            return ""
        self._warned = moment
        return f"{used} of {limit} buffer groups of the ring are in use"

    def fsync(self, fds: Sequence[int]) -> list[int]:
        """Have the files on the disk, many at a time; an errno value for each, 0 for good. ``RingBroken``."""
        results = self._ffi.new("int[]", len(fds))
        number = self._lib.refsync_ring_fsync(self.raw, self._ffi.new("int[]", list(fds)), results, len(fds))
        if number:
            raise RingBroken(number, self.in_flight)
        return [
            fsync_plainly(fd)
            if result in (errno.EINTR, errno.EAGAIN)
            else int(result)  # which says nothing of the file
            for fd, result in zip(fds, results, strict=True)
        ]

    def counts(self) -> list[Count]:
        """The ledger, in the order of ``SITES``."""
        out = self._ffi.new("ring_site *")
        found = []
        for number in range(len(SITES)):
            self._lib.refsync_ring_count(self.raw, number, out)
            name = {value: key for key, value in NUMBERS.items()}.get(out.opcode, "")
            found.append(
                Count(
                    int(out.submitted),
                    int(out.completed),
                    int(out.shortened),
                    int(out.failed),
                    int(out.bytes),
                    name,
                )
            )
        return found

    def close(self) -> None:
        """The end of the ring; every mover has let go of it. Only the process that made it does that."""
        if not self.closed and self.pid == os.getpid():
            self._lib.refsync_ring_free(self.raw)
        self.closed = True


def fsync_plainly(fd: int) -> int:
    """Without a ring; an errno value, 0 for good."""
    try:
        os.fsync(fd)
    except OSError as error:
        return error.errno or 0
    return 0
