"""Small files that wait to be on the disk: no name before that, all that belongs to them with it."""

from __future__ import annotations

import errno
import os
import pathlib
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refsync import native
from refsync.uring.ring import Ring
from refsync.wire import items, sumhead
from refsync.wire.ndx import NdxCodec
from uring_tools import counted, heal, usable, wound

if not native.HAVE_BULK:
    pytest.skip("the C kernel is missing", allow_module_level=True)

from refsync.native.rowfiles import ANY, Files, Manner, Run
from refsync.native.rows import Rows
from refsync.native.small import SmallReader
from refsync.native.smallbatch import SmallBatch

OWN = Manner(times=True, mode=True, umask=0, uid=False, gid=False, group=ANY)
FIRST = 5


@pytest.fixture(
    params=[
        "without",
        pytest.param("over", marks=pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")),
    ]
)
def ring(request: pytest.FixtureRequest) -> Iterator[Ring | None]:
    heal()
    made = Ring() if request.param == "over" else None
    yield made
    heal()
    if made is not None:
        assert made.in_flight == 0
        made.close()


def raw(ring: Ring | None) -> object | None:
    return ring.raw if ring is not None else None


def sent(folder: str, sizes: list[int]) -> tuple[Rows, bytes]:
    """A list of files, and what its sender says of all of them behind the first index."""
    codec, reader, stream = NdxCodec(True), SmallReader("xxh3"), b""
    for number, size in enumerate(sizes):
        path = pathlib.Path(folder) / f"f{number:03}"
        path.write_bytes(bytes([number]) * size)
        os.utime(path, ns=(0, 10**9 * number + 7))
        path.chmod(0o640)
        read = reader.read(os.fsencode(path), os.O_RDONLY, 1000)
        assert read is not None
        attrs = items.ItemAttrs(items.TRANSFER | items.IS_NEW)
        head = items.encode(attrs) + sumhead.encode(sumhead.NO_SUMS)
        stream += codec.encode(FIRST + number) + head + read[0]
    fd = os.open(folder, os.O_RDONLY)
    rows = Rows.scan(fd, None, 0)
    os.close(fd)
    assert rows is not None
    return rows, stream[1:]


def take(rows: Rows, stream: bytes, folder: str, batch: SmallBatch) -> Run:
    fd = os.open(folder, os.O_RDONLY)
    try:
        files = Files("xxh3", 1000, 0, os.O_RDONLY)
        return files.take(rows, FIRST, FIRST, fd, stream, 0, OWN, batch)
    finally:
        os.close(fd)


def waiting(tmp_path: pathlib.Path, count: int, most: int) -> tuple[SmallBatch, pathlib.Path]:
    """A batch of files of seven bytes, and the directory that they are to be in."""
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    dest.mkdir()
    rows, stream = sent(str(source), [7] * count)
    batch = SmallBatch(most)
    take(rows, stream, str(dest), batch)
    return batch, dest


def shown(folder: str) -> dict[str, tuple[bytes, int, int]]:
    found = {}
    for path in pathlib.Path(folder).iterdir():
        status = path.stat()
        found[path.name] = path.read_bytes(), status.st_mtime_ns, status.st_mode
    return found


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=8), st.integers(1, 8), st.booleans())
def test_names_come_last(sizes: list[int], most: int, over_ring: bool) -> None:
    ring = Ring() if over_ring and not usable() else None
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as folder:
        rows, stream = sent(source, sizes)
        batch = SmallBatch(most)
        run = take(rows, stream, folder, batch)
        count = min(most, len(sizes))
        assert len(run.indexes) == len(batch) == count
        there = shown(folder)
        assert len(there) == count and all(name.startswith(".f") for name in there)
        assert batch.sync(raw(ring)) == (-1, 0)
        assert list(batch.commit()) == []
        batch.end(raw(ring))
        assert len(batch) == 0
        wanted = sorted(shown(source).items())[:count]
        assert sorted(shown(folder).items()) == wanted
        if count < len(sizes):  # the batch serves again
            rest = stream[run.used + 1 :]
            fd = os.open(folder, os.O_RDONLY)
            files = Files("xxh3", 1000, 0, os.O_RDONLY)
            assert files.take(rows, FIRST, FIRST + count, fd, rest, 0, OWN, batch).indexes
            os.close(fd)
            batch.drop()
            assert sorted(shown(folder).items()) == wanted
    if ring is not None:
        ring.close()


def test_many_are_in_flight_and_the_directory_is_synced(ring: Ring | None, tmp_path: pathlib.Path) -> None:
    batch, dest = waiting(tmp_path, 200, 200)
    assert batch.sync(raw(ring)) == (-1, 0) and list(batch.commit()) == []
    batch.end(raw(ring))
    assert len(shown(str(dest))) == 200
    if ring is not None:
        assert counted(ring, "fsync").completed == 201


@pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")
@pytest.mark.parametrize("number", [errno.EINTR, errno.EAGAIN])
def test_one_that_the_ring_was_interrupted_over_is_synced_without_it(
    tmp_path: pathlib.Path, number: int
) -> None:
    heal()
    ring = Ring()
    batch, dest = waiting(tmp_path, 9, 20)
    wound("fsync", result=-number, times=3)
    assert batch.sync(raw(ring)) == (-1, 0)
    assert list(batch.commit()) == []
    batch.end(None)
    assert len(shown(str(dest))) == 9
    heal()
    ring.close()


@pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_one_that_is_not_on_the_disk_is_named_and_none_stays(tmp_path: pathlib.Path, number: int) -> None:
    heal()
    ring = Ring()
    batch, dest = waiting(tmp_path, 9, 20)
    wound("fsync", result=-number, at=4)
    assert batch.sync(raw(ring)) == (3, number)
    batch.drop()
    assert shown(str(dest)) == {}
    heal()
    ring.close()


def test_one_that_cannot_have_its_name_is_handed_back(ring: Ring | None, tmp_path: pathlib.Path) -> None:
    """Open, with its data, under the temporary name; the others are in their places."""
    batch, dest = waiting(tmp_path, 5, 20)
    assert batch.sync(raw(ring)) == (-1, 0)
    (dest / "f002").mkdir()
    ((number, temp, fd, error),) = batch.commit()
    assert (number, error) == (2, 0)
    assert os.path.samestat(os.fstat(fd), (dest / os.fsdecode(temp)).stat())
    os.close(fd)
    batch.end(raw(ring))
    assert sorted(path.name for path in dest.iterdir() if path.is_file()) == [
        os.fsdecode(temp),
        "f000",
        "f001",
        "f003",
        "f004",
    ]
