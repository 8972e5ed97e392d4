"""Receiving over the ring does what receiving without it does, whatever goes wrong on the way."""

from __future__ import annotations

import errno
import os
import pathlib
import random
import socket
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refsync.native import bulk
from refsync.native.bulk import FileIn
from refsync.session.bulk import Moved
from refsync.uring import movers
from refsync.uring.movers import RingIn
from refsync.uring.ring import Ring
from refsync.wire import mux
from refsync.wire.integers import int32
from uring_tools import counted, heal, injury, new_sum, opened, run_in, usable, wound

pytestmark = pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")

NOISE = random.Random(1).randbytes(1_500_000)
BLOCK = 40_000
BASIS = random.Random(2).randbytes(20 * BLOCK)


@pytest.fixture
def ring() -> Iterator[Ring]:
    heal()
    made = Ring()
    yield made
    heal()
    assert made.in_flight == 0 and made.groups[0] == 0  # every mover has let go of everything
    made.close()


OPS = st.lists(st.one_of(st.integers(1, 200_000), st.integers(-20, -1)), max_size=12)


def payload_of(ops: list[int], cut: int = 32768) -> tuple[bytes, bytes]:
    """A token stream and the file that it makes: literal runs of that size, blocks below zero."""
    payload, made = b"", b""
    for op in ops:
        if op > 0:
            for start in range(0, op, cut):
                piece = NOISE[start : min(start + cut, op)]
                payload += int32(len(piece)) + piece
            made += NOISE[:op]
        else:
            payload += int32(op)
            made += BASIS[(-op - 1) * BLOCK : -op * BLOCK]
    return payload + int32(0), made


def in_frames(payload: bytes, sizes: list[int]) -> bytes:
    stream, at = b"", 0
    for size in [*sizes, len(payload)]:
        stream += mux.encode(mux.DATA, payload[at : at + size])
        at += size
    return stream


def received(ring: Ring | None, place: pathlib.Path, stream: bytes, *, framed: bool, pipe: bool = False):  # type: ignore[no-untyped-def]
    """Outcome, file, digest, counters and what was left."""
    total = new_sum()
    (place / "basis").write_bytes(BASIS)
    with (
        opened(place / "made", os.O_RDWR | os.O_CREAT | os.O_TRUNC) as out,
        opened(place / "basis", 0) as basis,
    ):
        size = {"block": BLOCK, "count": 20, "last": BLOCK, "max_literal": 1 << 20}
        job = (
            RingIn(ring, out, basis, total, framed=framed, **size)
            if ring
            else FileIn(out, basis, total, framed=framed, **size)
        )
        job.begin(b"", 0, 0, 0)
        outcome = run_in(job, stream, pipe=pipe)
        token, raw, frame_left, token_left = job.rest()
        counts = job.offset, job.literal, job.matched, job.taken, job.bad, job.error
        job.close()
    return outcome, (place / "made").read_bytes(), total.digest(), counts, token, raw, frame_left, token_left


def the_same(one, other) -> bool:  # type: ignore[no-untyped-def]
    """``raw`` may be read ahead to a different length."""
    return one[:5] == other[:5] and one[6:] == other[6:]


@settings(deadline=None, max_examples=60)
@given(
    OPS, st.lists(st.integers(1, 200_000), max_size=8), st.booleans(), st.booleans(), st.binary(max_size=9)
)
def test_a_file_comes_in_as_without_a_ring(
    ops: list[int], cuts: list[int], framed: bool, pipe: bool, tail: bytes
) -> None:
    payload, made = payload_of(ops)
    stream = in_frames(payload + tail, cuts) if framed else payload + tail
    ring = Ring()
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        plain = received(None, place, stream, framed=framed, pipe=pipe)
        over = received(ring, place, stream, framed=framed, pipe=pipe)
    assert plain[:2] == (Moved.DONE, made)
    assert the_same(over, plain)
    assert ring.in_flight == 0
    ring.close()


def test_what_comes_behind_the_file_is_handed_back_in_order(ring: Ring, tmp_path: pathlib.Path) -> None:
    """Several buffers of it, which a receive that goes on by itself has filled meanwhile."""
    payload, made = payload_of([100_000])
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    stream = payload + NOISE[:100_000]
    assert ours.send(stream) == len(stream)
    with opened(tmp_path / "made", os.O_RDWR | os.O_CREAT) as out:
        job = RingIn(ring, out, -1, new_sum(), framed=False, block=0, count=0, last=0, max_literal=1 << 20)
        job.begin(b"", 0, 0, 0)
        assert job.run(theirs.fileno(), -1, 0) == Moved.DONE
        raw = job.rest()[1]
        assert NOISE.startswith(raw)
        job.close()
    rest = raw
    try:
        rest += theirs.recv(1 << 20)
    except BlockingIOError:
        pass
    assert rest == NOISE[:100_000]
    assert (tmp_path / "made").read_bytes() == made
    ours.close()
    theirs.close()


MIXED = [150_000, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, 90_000, -1, -20, 5]


@pytest.mark.parametrize("pipe", [False, True])
@pytest.mark.parametrize("wounds", [{"limit": 1000}, {"result": -errno.EINTR}, {"result": -errno.EAGAIN}])
@pytest.mark.parametrize("site", ["write-literal", "write-copy", "read-basis", "recv", "read-pipe", "cancel"])
def test_what_is_cut_or_interrupted_goes_on(
    ring: Ring, tmp_path: pathlib.Path, site: str, wounds: dict[str, int], pipe: bool
) -> None:
    stream, made = payload_of(MIXED)
    if site in ("recv", "cancel") and "limit" in wounds:
        return  # they have no length
    wound(site, **wounds, at=1, times=2)
    over = received(ring, tmp_path, stream, framed=False, pipe=pipe)
    assert over[:2] == (Moved.DONE, made)
    assert the_same(over, received(None, tmp_path, stream, framed=False, pipe=pipe))
    if "limit" in wounds and counted(ring, site).submitted:
        assert counted(ring, site).short or site == "write-literal"


@pytest.mark.parametrize("site", ["write-literal", "write-copy"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, 0])
@pytest.mark.parametrize("at", [1, 3])
def test_a_write_that_fails_fails_the_file(
    ring: Ring, tmp_path: pathlib.Path, site: str, number: int, at: int
) -> None:
    """Zero bytes are an error; whatever else was in flight has ended before it is told."""
    wound(site, result=-number, at=at)
    over = received(ring, tmp_path, payload_of(MIXED)[0], framed=False)
    assert over[0] == Moved.FILE_FAILED
    assert over[3][5] == (number or errno.EIO)
    assert ring.in_flight == 0


def test_a_basis_that_cannot_be_read_fails_the_file(ring: Ring, tmp_path: pathlib.Path) -> None:
    wound("read-basis", result=-errno.EIO, at=2)
    over = received(ring, tmp_path, payload_of(MIXED)[0], framed=False)
    assert over[0] == Moved.FILE_FAILED and over[3][5] == errno.EIO


def test_a_basis_that_has_shrunk_reads_as_zeros(ring: Ring, tmp_path: pathlib.Path) -> None:
    wound("read-basis", result=0)
    outcome, made, *_ = received(ring, tmp_path, payload_of([-1, 10])[0], framed=False)
    assert (outcome, made) == (Moved.DONE, bytes(BLOCK) + NOISE[:10])


@pytest.mark.parametrize(
    ("result", "outcome"),
    [(-errno.ECONNRESET, Moved.CLOSED), (0, Moved.CLOSED), (-errno.EIO, Moved.FAILED)],
)
@pytest.mark.parametrize(("site", "pipe"), [("recv", False), ("read-pipe", True)])
def test_a_connection_that_ends_is_told(
    ring: Ring, tmp_path: pathlib.Path, site: str, pipe: bool, result: int, outcome: Moved
) -> None:
    wound(site, result=result)
    over = received(ring, tmp_path, payload_of(MIXED)[0], framed=False, pipe=pipe)
    assert over[0] == outcome
    assert over[3][5] == (-result if outcome == Moved.FAILED else 0)


@pytest.mark.parametrize(
    "what", ["no multishot", "no buffer ring", "no buffers left", "no registered memory"]
)
def test_an_older_kernel_receives_all_the_same(tmp_path: pathlib.Path, what: str) -> None:
    heal()
    if what == "no registered memory":
        injury().memory = errno.ENOMEM
    ring = Ring()
    assert ring.registered == (what != "no registered memory")
    if what == "no multishot":
        injury().no_multishot = 1
    elif what == "no buffer ring":
        injury().groups = errno.EINVAL
    elif what == "no buffers left":
        wound("recv", result=-errno.ENOBUFS, times=3)
    stream, made = payload_of(MIXED)
    over = received(ring, tmp_path, stream, framed=False)
    assert over[:2] == (Moved.DONE, made)
    used = counted(ring, "recv").bytes, counted(ring, "read-pipe").bytes
    assert (used[0] == 0) == (what == "no buffer ring") and (used[1] == 0) == (what != "no buffer ring")
    if what == "no registered memory":
        assert counted(ring, "read-basis").opcode == "READ" and counted(ring, "write-copy").opcode == "WRITE"
    else:
        assert counted(ring, "read-basis").opcode == "READ_FIXED"
    heal()
    ring.close()


def test_a_signal_ends_the_wait_and_nothing_else(ring: Ring, tmp_path: pathlib.Path) -> None:
    stream, made = payload_of(MIXED)
    injury().interrupts = 5
    over = received(ring, tmp_path, stream, framed=False)
    assert over[:2] == (Moved.DONE, made) and ring.interrupted == 5


def test_a_mover_that_is_dropped_in_the_middle_leaves_nothing_behind(
    ring: Ring, tmp_path: pathlib.Path
) -> None:
    stream, made = payload_of([200_000])
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    ours.send(stream[:120_000])
    with opened(tmp_path / "made", os.O_RDWR | os.O_CREAT) as out:
        job = RingIn(ring, out, -1, new_sum(), framed=False, block=0, count=0, last=0, max_literal=1 << 20)
        job.begin(b"", 0, 0, 0)
        while job.moved < 120_000:
            assert job.run(theirs.fileno(), -1, 0) in (Moved.AGAIN, Moved.MORE)
        assert ring.in_flight > 0  # the receive goes on
        assert job.rest()[3] == 32768 - (120_000 - 3 * (32768 + 4) - 4)
        assert ring.in_flight == 0
        job.close()
    assert made.startswith((tmp_path / "made").read_bytes())
    ours.close()
    theirs.close()


def test_the_other_direction_of_a_receiver(ring: Ring, tmp_path: pathlib.Path) -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with opened(tmp_path / "made", os.O_RDWR | os.O_CREAT) as out:
        job = RingIn(ring, out, -1, new_sum(), framed=True, block=0, count=0, last=0, max_literal=1 << 20)
        job.begin(b"", 0, 0, 0)
        outcomes = {Moved(job.run(theirs.fileno(), theirs.fileno(), 0)) for _ in range(3)}
        assert Moved.OTHER_READY in outcomes
        ours.send(mux.encode(mux.INFO, b"words"))
        for _ in range(3):
            outcome = Moved(job.run(theirs.fileno(), -1, 0))
            if outcome == Moved.MESSAGE:
                break
        assert outcome == Moved.MESSAGE and job.rest()[1] == mux.encode(mux.INFO, b"words")
        job.close()
    ours.close()
    theirs.close()


@pytest.mark.parametrize("by_ring", [False, True], ids=["plain", "ring"])
def test_copies_of_a_basis_come_back_for_others(
    tmp_path: pathlib.Path, ring: Ring, by_ring: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few bytes name a whole basis: the job comes back each time that its budget is spent."""
    mib, times = 1024 * 1024, 20
    for module in (bulk, movers):
        monkeypatch.setattr(module, "BUDGET", mib)
    (tmp_path / "basis").write_bytes(BASIS)
    stream = b"".join(int32(-(index + 1)) for index in range(20)) * times + int32(0) + b"more"
    (tmp_path / "stream").write_bytes(stream)
    total, size = new_sum(), {"block": BLOCK, "count": 20, "last": BLOCK, "max_literal": 1 << 20}
    with (
        opened(tmp_path / "stream", 0) as came,
        opened(tmp_path / "basis", 0) as basis,
        opened(tmp_path / "made", os.O_RDWR | os.O_CREAT) as made,
    ):
        job: FileIn = (
            RingIn(ring, made, basis, total, framed=False, **size)
            if by_ring
            else FileIn(made, basis, total, framed=False, **size)
        )
        job.begin(b"", 0, 0, 0)
        came_back = 0
        while (outcome := Moved(job.run(came, -1, 0))) in (Moved.MORE, Moved.AGAIN):
            came_back += outcome == Moved.MORE
            assert job.offset <= (came_back + 1) * 2 * mib
        assert outcome == Moved.DONE
        assert came_back >= len(BASIS) * times // (2 * mib) - 1
        assert job.rest()[1] == b"more"
        assert job.offset == job.matched == times * len(BASIS)
        job.close()
    whole = new_sum()
    whole.update(BASIS * times)
    assert (tmp_path / "made").read_bytes() == BASIS * times
    assert total.digest() == whole.digest()
