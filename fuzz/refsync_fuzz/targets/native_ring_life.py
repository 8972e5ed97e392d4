"""A ring from its setup to its end: what a kernel refuses, groups, syncing, sockets, failing operations.

Input: bytes for what is refused and injured; how many operations on groups, each a byte; how many files to
sync, each a byte; then what ``_bulk`` says, for a connection that is a socket.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

from refsync import native
from refsync.uring.ring import BufferGroupsExhausted, Ring, RingRefused
from refsync.uring.sites import NEEDED, NUMBERS, SITES

from ..choices import Choices
from ..oracle import Violation, expect, same
from ..target import Surface
from . import _bulk
from ._files import memory_file

#: What a kernel answers to a setup: the first has it ask again with fewer flags.
REFUSALS = (errno.EINVAL, errno.EPERM, errno.ENOMEM, errno.ENOSYS)
DEPTHS = (1, 2, 8, 64)
#: How an operation ends that is injured; the last falls short instead.
ENDS = (errno.EIO, errno.EINTR, errno.EAGAIN, errno.ECONNRESET, errno.ENOSPC, errno.EPIPE, errno.EINVAL, 0)
FSYNC = next(number for number, site in enumerate(SITES) if site.name == "fsync")

SURFACE = Surface(
    priority=1,
    clauses=("MUX-1", "TOK-2", "XFER-19"),
    code=("refsync.uring.ring", "refsync.uring.movers"),
    oracle="DMS",
    dictionary=_bulk.DICTIONARY,
    max_length=800,
    slow="a ring is made for each input, with all its memory",
)


def fuzz_one(data: bytes) -> None:
    """Oracle: a ring is made where the kernel allows all that is needed; groups and files as in a model.

    A mover that meets no error moves what ``_bulk`` says; one that meets some ends, lets go of everything,
    and
    says that all is well only if it is. Without a ring there is nothing to compare.
    """
    if not native.HAVE_BULK:
        return
    from refsync._kernel import ffi, lib

    choices = Choices(data)
    injury = lib.refsync_ring_injury
    try:
        if not lib.refsync_ring_built():
            return
        ring = _made(choices, injury)
        if ring is None:
            return
        try:
            _groups(choices, ring, lib.refsync_ring_limit_groups)
            _fsync(choices, ring, injury)
            _move(choices, ring, injury)
            same((ring.in_flight, ring.groups[0]), (0, 0), "operations in flight, and groups of buffers")
            for count in ring.counts():
                expect(
                    count.completed >= count.submitted or count.opcode == "RECV", f"completions of {count}"
                )
        finally:
            ring.close()
    finally:
        ffi.memmove(ffi.addressof(injury), bytes(ffi.sizeof("ring_injury")), ffi.sizeof("ring_injury"))


def _made(choices: Choices, injury: object) -> Ring | None:
    """A ring, where it must be had; None where it must not, or where this machine has none."""
    setups, missing = choices.byte(), choices.byte()
    times, number = setups & 3, REFUSALS[setups >> 2 & 3]
    lacking = sorted(NUMBERS)[missing % len(NUMBERS)] if missing & 0x80 else ""
    injury.setup, injury.setup_times = number, times  # type: ignore[attr-defined]
    injury.memory = errno.ENOMEM if setups & 16 else 0  # type: ignore[attr-defined]
    injury.missing = 1 << NUMBERS[lacking] if lacking else 0  # type: ignore[attr-defined]
    refused = lacking in NEEDED or times == 3 or bool(times and number != errno.EINVAL)
    try:
        ring = Ring(DEPTHS[setups >> 5 & 3], sqpoll=setups == 0x80)
    except RingRefused as error:
        expect(refused or _no_ring(), f"refused: {error.reason}")
        return None
    expect(not refused, f"a ring in spite of {setups:#x} {lacking}")
    expect(not (setups & 16 and ring.registered), "memory is registered")
    expect(ring.depth > 0 and ring.setup and ring.in_flight == 0, "facts")
    return ring


def _no_ring() -> bool:
    try:
        Ring(1).close()
    except RingRefused:
        return True
    return False


def _groups(choices: Choices, ring: Ring, limit_to: Callable[[object, int], None]) -> None:
    """Taking and giving, against a model: the last that was given is the next that is taken."""
    limit = choices.byte() % 9
    limit_to(ring.raw, limit)
    free: list[int] = []
    used: set[int] = set()
    fresh = 0
    for _ in range(choices.byte() % 24):
        step = choices.byte()
        if step & 1:
            number = step >> 1
            ring.give_group(number)
            if number in used:
                used.remove(number)
                free.append(number)
            continue
        expected = free.pop() if free else fresh
        try:
            taken = ring.take_group()
        except BufferGroupsExhausted as error:
            expect(
                expected >= limit and expected == fresh, f"no group, though {len(used)} of {limit} are in use"
            )
            same(error.used, len(used), "groups in use")
            continue
        same(taken, expected, "the group")
        fresh = max(fresh, taken + 1)
        used.add(taken)
        expect(
            (ring.group_warning(1.0) == "") == (len(used) * 2 < limit) or ring.group_warning(1.5) == "",
            "warning",
        )
    same(ring.groups[0], len(used), "groups in use")
    for number in used:
        ring.give_group(number)
    limit_to(ring.raw, 1 << 16)


def _fsync(choices: Choices, ring: Ring, injury: object) -> None:
    """Each descriptor's own answer, whatever its place."""
    switches = choices.byte()
    kinds = [choices.byte() % 3 for _ in range(switches % 20)]
    injury.interrupts = switches >> 5  # type: ignore[attr-defined]
    taken, given = os.pipe()
    with memory_file(b"") as file:
        try:
            descriptors = [(file, taken, -1)[kind] for kind in kinds]
            found = ring.fsync(descriptors)
            same(found, [(0, errno.EINVAL, errno.EBADF)[kind] for kind in kinds], "results")
            fault = injury.site[FSYNC]  # type: ignore[attr-defined]
            fault.at, fault.times, fault.result = 1, 1, -errno.EIO
            if kinds:
                same(ring.fsync(descriptors)[0], errno.EIO, "an error of the disk")
            fault.at = fault.times = 0
        finally:
            os.close(taken)
            os.close(given)


def _pair() -> tuple[int, int]:
    one, other = socket.socketpair()
    return one.detach(), other.detach()


def _move(choices: Choices, ring: Ring, injury: object) -> None:
    """A mover over a socket or a pipe, with one site that ends operations in its own way."""
    from refsync.uring.movers import RingIn, RingOut

    switches, end = choices.byte(), choices.byte()
    pair = _pair if switches & 1 else os.pipe
    number = ENDS[end & 7]
    injury.no_multishot, injury.groups = int(bool(switches & 4)), errno.EINVAL if switches & 8 else 0  # type: ignore[attr-defined]
    injury.interrupts = end >> 6  # type: ignore[attr-defined]
    site = SITES[(switches >> 4) % len(SITES)]
    harmless = number in (0, errno.EINTR, errno.EAGAIN) and site.name not in (
        "poll",
        "cancel",
        "recv",
        "fsync",
    )
    if end & 8:
        fault = injury.site[SITES.index(site)]  # type: ignore[attr-defined]
        fault.at, fault.times = ring.counts()[SITES.index(site)].submitted + 1 + (end >> 4 & 3), 2
        fault.result, fault.limit = -number, 0 if number else 1
    exact = not end & 8 or (harmless and site.name not in ("send-zc", "poll", "cancel"))
    zero_copy = "on" if switches & 2 and pair is _pair else "off"
    outgoing = bool(choices.byte() & 1)

    def out(*arguments: object, **named: object) -> RingOut:
        return RingOut(ring, *arguments, zero_copy=zero_copy, **named)  # type: ignore[arg-type]

    def into(*arguments: object, **named: object) -> RingIn:
        return RingIn(ring, *arguments, **named)  # type: ignore[arg-type]

    with suppress(*(() if exact else (Violation, OSError))):
        if outgoing:
            _bulk.outgoing(choices, out, pair=pair)
        else:
            _bulk.incoming(choices, into, pair=pair)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each refusal, each missing opcode; groups, files; sockets in both directions with each injury."""
    made = dict(_bulk.seeds())
    quiet = b"\0\0\0\0\0"
    groups = bytes((4, 11, 0, 0, 0, 0, 0, 5, 7, 0, 0, 5, 5))
    files = b"\x45\0\1\2\0\1"
    for number in range(16):
        yield f"refused.{number}", bytes((number,)) + quiet
    yield "unregistered", bytes((16, 0)) + groups + files + b"\1\0" + made["framed"]
    yield "polled", b"\x80\0" + groups + files
    for number, name in enumerate(sorted(NUMBERS)):
        yield f"missing.{name}", bytes((0x40, 0x80 | number, 0, 0, 0, 1, 0)) + made["sent_framed"]
    for name in (
        "framed",
        "plain",
        "parted",
        "message",
        "early",
        "past",
        "sent_framed",
        "sent_shrunk",
        "sent_empty",
    ):
        for switches in (1, 3, 5, 9, 0):
            yield f"{name}.{switches}", bytes((0x40, 0, 0, 0, 0, switches, 0xC0)) + made[name]
    for number, site in enumerate(SITES):
        for name in ("framed", "sent_framed"):
            for end in range(8):
                if (number + end) % 2 or end == 7:
                    head = bytes((0x40, 0, 0, 0, 0, 3 | number << 4 & 0xF0, 8 | end))
                    yield f"{name}.{site.name}.{end}", head + made[name]
