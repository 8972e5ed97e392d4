"""Whether this process moves data over a ring: what was asked for, what the machine offers, said once."""

from __future__ import annotations

import os

from .. import native
from ..records import dataclass
from .ring import Ring, RingRefused
from .sites import OPCODES, SITES, line


@dataclass(slots=True)
class _State:
    """Of one process; a fork begins anew, as a ring must not be shared."""

    pid: int = 0
    ring: Ring | None = None
    reason: str = ""  # why there is no ring


_state = _State()


def obtain(mode: str, depth: int = 0, *, sqpoll: bool = False) -> Ring | None:
    """The ring of this process, made on the first call; None where it is off or can't be had.

    ``RingRefused`` if ``mode`` is ``require`` and there is none.
    """
    global _state
    if mode == "off":
        return None
    if _state.pid != os.getpid():
        _state = _State(os.getpid())
        try:
            _state.ring = Ring(depth, sqpoll=sqpoll)
        except RingRefused as refused:
            _state.reason = refused.reason
    if _state.ring is None and mode == "require":
        raise RingRefused(_state.reason)
    return _state.ring


def require(depth: int = 0, *, sqpoll: bool = False) -> None:
    """``--io-uring=require``: ``RingRefused`` if a ring can't be had. It is let go of: a fork may follow."""
    Ring(depth, sqpoll=sqpoll).close()


def forget() -> None:
    """Let go of the ring; the next call of ``obtain`` makes another."""
    global _state
    if _state.ring is not None and _state.pid == os.getpid():
        _state.ring.close()
    _state = _State()


def told(mode: str) -> list[str]:
    """For ``--debug=uring``: what was used, and each site that has submitted something."""
    if mode == "off":
        return ["io_uring: off"]
    if _state.pid != os.getpid():
        return ["io_uring: not needed" if native.HAVE_BULK else "io_uring: not used: the C kernel is missing"]
    ring = _state.ring
    if ring is None:
        return [f"io_uring: not used: {_state.reason}"]
    memory = "registered" if ring.registered else f"not registered ({os.strerror(ring.memory_error)})"
    lines = [f"io_uring: {ring.setup}, depth {ring.depth}, memory {memory}"]
    lines += [line(site, count) for site, count in zip(SITES, ring.counts(), strict=True) if count.submitted]
    return lines


def offers() -> tuple[str, tuple[str, ...]]:
    """For ``--version``: what can be said of the ring here in a few words, and the opcodes there are."""
    try:
        ring = Ring()
    except RingRefused as refused:
        return f"not usable: {refused.reason}", ()
    try:
        memory = "registered memory" if ring.registered else "no registered memory"
        names = tuple(name for name in OPCODES.values() if name != "NOP" and ring.has(name))
        return f"{ring.setup}, depth {ring.depth}, {memory}", names
    finally:
        ring.close()
