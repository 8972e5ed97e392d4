"""Sending over the ring does what sending without it does, whatever goes wrong on the way."""

from __future__ import annotations

import errno
import os
import pathlib
import random
import signal
import socket
import threading
from collections.abc import Iterator

import pytest
from refsync.native.bulk import FileOut
from refsync.session.bulk import Moved
from refsync.uring.movers import RingOut
from refsync.uring.ring import Ring
from uring_tools import counted, heal, injury, new_sum, opened, read_all, run_out, usable, wound

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


def sent(ring: Ring | None, path: pathlib.Path, length: int, *, framed: bool = True, pipe: bool = False):  # type: ignore[no-untyped-def]
    """Outcome, stream, the file's error, the digest."""
    total = new_sum()
    with opened(path, os.O_RDONLY) as fd:
        job = (
            RingOut(ring, fd, length, total, framed=framed)
            if ring
            else FileOut(fd, length, total, framed=framed)
        )
        outcome, stream = run_out(job, pipe=pipe)
        result = outcome, stream, job.file_error, total.digest(), job.moved
        job.close()
    return result


@pytest.mark.parametrize("pipe", [False, True])
@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("size", [0, 1, 32768, 32769, 262144, 700_001])
def test_a_file_goes_out_as_without_a_ring(
    ring: Ring, tmp_path: pathlib.Path, size: int, framed: bool, pipe: bool
) -> None:
    (tmp_path / "f").write_bytes(NOISE[:size])
    plain = sent(None, tmp_path / "f", size, framed=framed, pipe=pipe)
    assert plain[0] == Moved.DONE
    assert sent(ring, tmp_path / "f", size, framed=framed, pipe=pipe) == plain
    assert counted(ring, "read-source").bytes == size
    assert counted(ring, "write-pipe" if pipe else "send").bytes == len(plain[1])


@pytest.mark.parametrize("pipe", [False, True])
@pytest.mark.parametrize("result", [0, -errno.EINTR, -errno.EAGAIN])
def test_a_read_or_send_that_is_cut_goes_on_where_it_ended(
    ring: Ring, tmp_path: pathlib.Path, result: int, pipe: bool
) -> None:
    (tmp_path / "f").write_bytes(NOISE[:700_001])
    plain = sent(None, tmp_path / "f", 700_001, pipe=pipe)
    limit = 0 if result else 1000
    way = "write-pipe" if pipe else "send"
    wound("read-source", result=result, limit=limit, at=2, times=9)
    wound(way, result=result, limit=limit, at=1, times=3)
    assert sent(ring, tmp_path / "f", 700_001, pipe=pipe) == plain
    assert injury().site[0].times == 0
    if limit:
        assert counted(ring, "read-source").short == 9
        assert counted(ring, way).short >= 3


@pytest.mark.parametrize("number", [errno.EIO, errno.ENODATA])
def test_what_cannot_be_read_goes_out_as_zeros(ring: Ring, tmp_path: pathlib.Path, number: int) -> None:
    """From the first bad byte to the end, as without a ring, whatever could be read behind it."""
    (tmp_path / "f").write_bytes(NOISE[:500_000])
    wound("read-source", result=-number if number == errno.EIO else 0, at=4)
    outcome, stream, error, digest, _ = sent(ring, tmp_path / "f", 500_000, framed=False)
    assert (outcome, error) == (Moved.DONE, number)
    with opened(tmp_path / "f", os.O_RDWR) as fd:
        os.ftruncate(fd, 3 * 32768)
    plain = sent(None, tmp_path / "f", 500_000, framed=False)
    assert (stream, digest) == (plain[1], plain[3])


@pytest.mark.parametrize(
    ("result", "outcome"),
    [(-errno.EPIPE, Moved.PEER_GONE), (-errno.ECONNRESET, Moved.PEER_GONE), (-errno.EIO, Moved.FAILED)],
)
def test_a_send_that_fails_ends_it(ring: Ring, tmp_path: pathlib.Path, result: int, outcome: Moved) -> None:
    (tmp_path / "f").write_bytes(NOISE[:700_001])
    wound("send", result=result, at=2)
    with opened(tmp_path / "f", os.O_RDONLY) as fd:
        job = RingOut(ring, fd, 700_001, new_sum(), framed=True)
        assert run_out(job)[0] == outcome
        assert job.error == -result
        assert ring.in_flight == 0
        job.close()


def test_a_message_goes_between_two_frames(ring: Ring, tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_bytes(NOISE)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    with opened(tmp_path / "f", os.O_RDONLY) as fd:
        job = RingOut(ring, fd, len(NOISE), new_sum(), framed=True)
        while not job.moved:  # on some file systems reads are done by another thread
            job.run(ours.fileno(), -1, 10)
        stream = theirs.recv(1 << 16)
        while not job.at_boundary:
            job.run(ours.fileno(), -1, 0, finish=True)
            stream += read_all(theirs.fileno())
        assert job.run(ours.fileno(), -1, 0, finish=True) == Moved.MORE
        job.close()
    ours.close()
    stream += read_all(theirs.fileno())
    theirs.close()
    at = 0
    while at < len(stream):  # whole frames, and nothing behind the last
        at += 4 + int.from_bytes(stream[at : at + 3], "little")
    assert at == len(stream)


def test_the_other_direction_is_told_and_a_waiting_send_is_called_back(
    ring: Ring, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "f").write_bytes(NOISE)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with opened(tmp_path / "f", os.O_RDONLY) as fd:
        job = RingOut(ring, fd, len(NOISE), new_sum(), framed=True)
        theirs.send(b"something to read")
        outcomes = {Moved(job.run(ours.fileno(), ours.fileno(), 0)) for _ in range(20)}
        assert Moved.OTHER_READY in outcomes
        assert ring.in_flight > 0  # a send that nobody reads
        job.close()
    assert ring.in_flight == 0
    ours.close()
    theirs.close()


@pytest.mark.parametrize("kind", ["tcp", "unix", "no-opcode"])
def test_a_send_without_a_copy(ring: Ring, tmp_path: pathlib.Path, kind: str) -> None:
    """A local socket can't, and is sent to plainly; a slot is used again only after its notice."""
    (tmp_path / "f").write_bytes(NOISE)
    plain = sent(None, tmp_path / "f", len(NOISE))
    if kind == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
        ours = socket.create_connection(listener.getsockname())
        theirs = listener.accept()[0]
        listener.close()
    else:
        ours, theirs = socket.socketpair()
    if kind == "no-opcode":
        injury().missing = 1 << 47
    ours.setblocking(False)
    theirs.setblocking(False)
    stream, outcome = b"", Moved.MORE
    with opened(tmp_path / "f", os.O_RDONLY) as fd:
        job = RingOut(ring, fd, len(NOISE), new_sum(), framed=True, zero_copy="on")
        while outcome != Moved.DONE:
            outcome = Moved(job.run(ours.fileno(), -1, 1))
            assert outcome in (Moved.AGAIN, Moved.MORE, Moved.DONE)
            try:
                while piece := theirs.recv(1 << 20):
                    stream += piece
            except BlockingIOError:
                pass
        job.close()
    ours.close()
    theirs.setblocking(True)
    while piece := theirs.recv(1 << 20):
        stream += piece
    theirs.close()
    assert stream == plain[1]
    assert (counted(ring, "send-zc").bytes == len(stream)) == (kind == "tcp")
    assert (counted(ring, "send-zc").submitted == 0) == (kind == "no-opcode")


def test_a_signal_ends_a_wait_that_has_begun_with_a_send(ring: Ring, tmp_path: pathlib.Path) -> None:
    """The system then tells how much it was asked to do, not that the wait was cut: nobody may wait again."""
    (tmp_path / "f").write_bytes(NOISE)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    rescue = threading.Timer(20, theirs.close)
    rescue.start()
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    with opened(tmp_path / "f", os.O_RDONLY) as fd:
        job = RingOut(ring, fd, len(NOISE), new_sum(), framed=True)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert job.run(ours.fileno(), -1, -1) == Moved.AGAIN
        job.close()
    signal.signal(signal.SIGALRM, before)
    rescue.cancel()
    ours.close()
    theirs.close()
