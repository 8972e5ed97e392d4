"""Holes, files that are written over or appended to: the kernel's movers do what the twins do."""

from __future__ import annotations

import errno
import os
import pathlib
import random
import tempfile
from collections.abc import Iterator

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from refsync import native
from refsync.delta.apply import Reconstructor
from refsync.files.writer import HOLE, Writer
from refsync.session.bulk import Moved
from refsync.uring.ring import Ring
from refsync.wire.cursor import Cursor
from refsync.wire.integers import int32
from refsync.wire.sumhead import SumHead
from refsync.wire.tokens import PlainDecoder
from uring_tools import counted, heal, new_sum, opened, run_in, run_out, usable, wound

if not native.HAVE_BULK:
    pytest.skip("the kernel's movers were not built", allow_module_level=True)

from refsync.native.bulk import FileIn, FileOut
from refsync.uring.movers import RingIn, RingOut

BLOCK = 3000
COUNT = 40
NOISE = random.Random(5).randbytes(1 << 19)
#: What a destination has: noise with zeros in it.
OLD = NOISE[:30_000] + bytes(40_000) + NOISE[30_000:60_000] + bytes(20_000)
HEAD = SumHead(COUNT, BLOCK, 2, 0)

RINGS = [
    "without",
    pytest.param("over", marks=pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")),
]
#: Above zero that much noise, below so many zeros, a string: the block of that number.
OPS = st.lists(
    st.one_of(st.integers(1, 90_000), st.integers(-200_000, -1), st.integers(0, COUNT - 1).map(str)),
    max_size=10,
)


@pytest.fixture(params=RINGS)
def ring(request: pytest.FixtureRequest) -> Iterator[Ring | None]:
    heal()
    made = Ring() if request.param == "over" else None
    yield made
    heal()
    if made is not None:
        assert made.in_flight == 0 and made.groups[0] == 0
        made.close()


def payload_of(ops: list[int | str], *, in_place: bool) -> bytes:
    """A token stream that an honest sender might send; in place it names no block that is written over."""
    payload, at = b"", 0
    for op in ops:
        if isinstance(op, str):
            number = int(op)
            if in_place and number * BLOCK < at:
                continue
            if in_place and number % 3 and at % BLOCK == 0 and at // BLOCK < COUNT:
                number = at // BLOCK  # a block that stays where it is
            payload += int32(-number - 1)
            at += BLOCK
            continue
        data = bytes(-op) if op < 0 else NOISE[:op]
        at += len(data)
        for start in range(0, len(data), 32768):
            piece = data[start : start + 32768]
            payload += int32(len(piece)) + piece
    return payload + int32(0)


def by_the_twin(
    payload: bytes, old: pathlib.Path, new: pathlib.Path, *, sparse: bool, in_place: bool
) -> bytes:
    """The general loop: into ``new``; the digest."""
    total, decoder, cursor = new_sum(), PlainDecoder(), Cursor(payload)
    with opened(old, os.O_RDONLY) as basis, opened(new, os.O_RDWR | os.O_CREAT) as out:
        writer = Writer(out, sparse=sparse, existing=os.fstat(out).st_size)
        rebuilt = Reconstructor(HEAD, basis, writer, total, in_place=in_place)
        while (token := decoder.decode(cursor)) is not None:
            if isinstance(token, int):
                rebuilt.copy(token)
            else:
                rebuilt.literal(token)
        writer.finish()
    return total.digest()


def by_the_kernel(
    ring: Ring | None,
    payload: bytes,
    old: pathlib.Path,
    new: pathlib.Path,
    *,
    sparse: bool,
    in_place: bool,
    start: int = 0,
) -> tuple[Moved, bytes, int]:
    total = new_sum()
    with opened(old, os.O_RDONLY) as basis, opened(new, os.O_RDWR | os.O_CREAT) as out:
        writer = Writer(out, sparse=sparse, existing=os.fstat(out).st_size)
        rules = {
            "framed": False,
            "block": BLOCK,
            "count": COUNT,
            "last": BLOCK,
            "max_literal": 1 << 20,
            "sparse": sparse,
            "existing": writer.existing,
            "in_place": in_place,
        }
        job = RingIn(ring, out, basis, total, **rules) if ring else FileIn(out, basis, total, **rules)
        job.begin(b"", 0, 0, start)
        outcome = run_in(job, payload)
        job.rest()
        writer.advance(job.offset)
        error = job.error
        job.close()
        if outcome == Moved.DONE:
            writer.finish()
    return outcome, total.digest(), error


@settings(deadline=None, max_examples=60)
@given(OPS, st.booleans(), st.sampled_from(["new", "over an old file", "in place"]), st.booleans())
def test_any_file_is_written_as_the_twin_does(
    ops: list[int | str], sparse: bool, how: str, over_ring: bool
) -> None:
    in_place = how == "in place"
    payload = payload_of(ops, in_place=in_place)
    ring = Ring() if over_ring and not usable() else None
    with tempfile.TemporaryDirectory() as folder:
        one, other, old = (pathlib.Path(folder) / name for name in ("one", "other", "old"))
        for path in (old, *((one, other) if how != "new" else ())):
            path.write_bytes(OLD)
        digest = by_the_twin(payload, one if in_place else old, one, sparse=sparse, in_place=in_place)
        basis = other if in_place else old
        found = by_the_kernel(ring, payload, basis, other, sparse=sparse, in_place=in_place)
        assert found == (Moved.DONE, digest, 0)
        assert other.read_bytes() == one.read_bytes()
    if ring is not None:
        assert ring.in_flight == 0
        ring.close()


def room(path: pathlib.Path) -> int:
    return os.stat(path).st_blocks * 512


@pytest.mark.parametrize("how", ["new", "over", "place"])
def test_zeros_take_no_room(ring: Ring | None, tmp_path: pathlib.Path, how: str) -> None:
    """Literal zeros and zeros of the basis; where an older file was, holes are punched into it."""
    ops: list[int | str] = [4096, -(1 << 18), 4096, *map(str, range(13, 20))]
    for path in (tmp_path / "one", tmp_path / "other", tmp_path / "old"):
        path.write_bytes(OLD + b"x" * (1 << 18) if path.name == "old" or how != "new" else b"")
    place = how == "place"
    payload = payload_of(ops, in_place=False)
    by_the_twin(payload, tmp_path / "old", tmp_path / "one", sparse=True, in_place=place)
    found = by_the_kernel(ring, payload, tmp_path / "old", tmp_path / "other", sparse=True, in_place=place)
    assert found[0] == Moved.DONE
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert room(tmp_path / "other") < 1 << 16
    assert abs(room(tmp_path / "other") - room(tmp_path / "one")) <= 2 * 4096


def test_a_block_in_its_place_is_not_written(ring: Ring | None, tmp_path: pathlib.Path) -> None:
    """Its zeros become a hole all the same."""
    path = tmp_path / "f"
    path.write_bytes(OLD)
    payload = b"".join(int32(-number - 1) for number in range(COUNT)) + int32(0)
    assert by_the_kernel(ring, payload, path, path, sparse=False, in_place=True)[0] == Moved.DONE
    if ring is not None:
        assert counted(ring, "write-copy").submitted == 0 and counted(ring, "read-basis").submitted > 0
    full = room(path)
    assert by_the_kernel(ring, payload, path, path, sparse=True, in_place=True)[0] == Moved.DONE
    assert path.read_bytes() == OLD
    assert room(path) <= full - 40_000


def test_appending_starts_where_the_old_file_ends(ring: Ring | None, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(OLD)
    payload = payload_of([100_000, -50_000], in_place=False)
    outcome, digest, _ = by_the_kernel(ring, payload, path, path, sparse=False, in_place=True, start=len(OLD))
    added = NOISE[:100_000] + bytes(50_000)
    assert outcome == Moved.DONE and digest == xxhash.xxh3_128_digest(added)[::-1]
    assert path.read_bytes() == OLD + added


@pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")
@pytest.mark.parametrize("wounds", [{"limit": 100}, {"result": -errno.EINTR}, {"result": -errno.EAGAIN}])
@pytest.mark.parametrize("site", ["write-literal", "write-copy", "read-basis"])
def test_what_is_cut_among_holes_goes_on(tmp_path: pathlib.Path, site: str, wounds: dict[str, int]) -> None:
    """Several writes of one copy, and of one buffer, each short."""
    heal()
    ring = Ring()
    wound(site, **wounds, times=4)
    striped = b"".join(NOISE[at : at + 2048] + bytes(2048) for at in range(0, COUNT * BLOCK, 4096))
    (tmp_path / "old").write_bytes(striped)
    literal = striped[:30_000]
    payload = int32(len(literal)) + literal + b"".join(int32(-n - 1) for n in range(COUNT)) + int32(0)
    found = by_the_kernel(ring, payload, tmp_path / "old", tmp_path / "new", sparse=True, in_place=False)
    assert found[0] == Moved.DONE and counted(ring, site).submitted > 4
    assert (tmp_path / "new").read_bytes() == literal + striped[: COUNT * BLOCK]
    heal()
    ring.close()


@pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_write_of_a_copy_that_fails_among_others_fails_the_file(
    tmp_path: pathlib.Path, number: int
) -> None:
    heal()
    ring = Ring()
    wound("write-copy", result=-number, at=2)
    (tmp_path / "old").write_bytes(
        b"".join(NOISE[at : at + 2048] + bytes(2048) for at in range(0, 120_000, 4096))
    )
    payload = b"".join(int32(-n - 1) for n in range(COUNT)) + int32(0)
    found = by_the_kernel(ring, payload, tmp_path / "old", tmp_path / "new", sparse=True, in_place=False)
    assert (found[0], found[2]) == (Moved.FILE_FAILED, number)
    assert ring.in_flight == 0
    heal()
    ring.close()


def sent(ring: Ring | None, path: pathlib.Path, length: int, start: int = 0) -> tuple[bytes, int, bytes]:
    total = new_sum()
    with opened(path, os.O_RDONLY) as fd:
        job = (
            RingOut(ring, fd, length, total, framed=False)
            if ring
            else FileOut(fd, length, total, framed=False)
        )
        job.start_at(start, 0)
        outcome, stream = run_out(job)
        error = job.file_error
        job.close()
    assert outcome == Moved.DONE
    decoder, cursor, made = PlainDecoder(), Cursor(stream), b""
    while cursor.remaining():
        piece = decoder.decode(cursor)
        assert isinstance(piece, bytes)
        made += piece
    return made, error, total.digest()


def sparse_file(path: pathlib.Path, parts: list[tuple[int, bytes]], size: int) -> bytes:
    with path.open("wb") as out:
        for at, data in parts:
            out.seek(at)
            out.write(data)
        out.truncate(size)
    return path.read_bytes()


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 100_000)), max_size=4),
    st.integers(0, 3_200_000),
    st.integers(0, 400_000),
    st.booleans(),
)
def test_a_source_with_holes_is_sent_as_it_reads(
    parts: list[tuple[int, int]], size: int, start: int, over_ring: bool
) -> None:
    ring = Ring() if over_ring and not usable() else None
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "f"
        data = sparse_file(path, [(at, NOISE[:count]) for at, count in parts], size)
        start = min(start, size)
        wanted = data[start:]
        assert sent(ring, path, size, start) == (wanted, 0, xxhash.xxh3_128_digest(wanted)[::-1])
    if ring is not None:
        ring.close()


def test_holes_are_not_read(ring: Ring | None, tmp_path: pathlib.Path) -> None:
    data = sparse_file(tmp_path / "f", [(1 << 20, NOISE[:65536])], 1 << 23)
    if room(tmp_path / "f") > 1 << 20:
        pytest.skip("this file system has no holes")
    assert sent(ring, tmp_path / "f", 1 << 23)[0] == data
    if ring is not None:
        assert counted(ring, "read-source").bytes == 65536


def test_a_sparse_file_that_has_shrunk_is_told(ring: Ring | None, tmp_path: pathlib.Path) -> None:
    """Beyond its end there is no hole, though the zeros look like one."""
    sparse_file(tmp_path / "f", [(0, b"x" * 4096)], 1 << 20)
    made, error, _ = sent(ring, tmp_path / "f", 1 << 21)
    assert error == errno.ENODATA
    assert made == b"x" * 4096 + bytes((1 << 21) - 4096)


def test_a_front_that_could_not_be_read_makes_all_up(ring: Ring | None, tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_bytes(NOISE[:100_000])
    total = new_sum()
    with opened(tmp_path / "f", os.O_RDONLY) as fd:
        job = (
            RingOut(ring, fd, 100_000, total, framed=False)
            if ring
            else FileOut(fd, 100_000, total, framed=False)
        )
        job.start_at(40_000, errno.EIO)
        outcome, stream = run_out(job)
        assert (outcome, job.file_error, job.position) == (Moved.DONE, errno.EIO, 100_000)
        job.close()
    assert stream == int32(32768) + bytes(32768) + int32(60_000 - 32768) + bytes(60_000 - 32768)


def test_a_file_is_summed_as_far_as_it_goes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_bytes(NOISE)
    total = new_sum()
    with opened(tmp_path / "f", os.O_RDONLY) as fd:
        assert total.add_file(fd, 7, 300_000) == (300_000, 0)
        assert total.add_file(fd, 300_007, 1 << 30) == (len(NOISE) - 300_007, 0)
    assert total.digest() == xxhash.xxh3_128_digest(NOISE[7:])[::-1]
    assert new_sum().add_file(-1, 0, 5) == (0, errno.EBADF)
    assert HOLE == 1024  # as in holes.c
