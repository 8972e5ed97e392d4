"""Small files in one call: what the general loops would do, or nothing at all."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync import native
from refsync.delta.checksums import LENGTHS, new_hasher
from refsync.wire import sumhead
from refsync.wire.integers import int32

if not native.HAVE_BULK:
    pytest.skip("the C kernel is missing", allow_module_level=True)

from refsync.native.small import MOST, SmallReader, SmallWriter

NAMES = ("xxh128", "xxh3", "xxh64")
MTIME = (1_600_000_000, 123_456_789)


def digest_of(name: str, data: bytes) -> bytes:
    state = new_hasher(name)
    state.update(data)
    return state.digest()


@given(st.binary(max_size=5000), st.sampled_from(NAMES))
def test_a_file_is_read_as_it_stands_on_the_wire(data: bytes, name: str) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        read = SmallReader(name).read(os.fsencode(file.name), os.O_RDONLY, MOST)
    assert read is not None and read[1] == len(data)
    tokens = int32(len(data)) + data if data else b""
    assert bytes(read[0]) == tokens + int32(0) + digest_of(name, data)


def test_what_is_no_small_file_is_left_to_others(tmp_path: pathlib.Path) -> None:
    reader = SmallReader("xxh3")
    place = os.fsencode(tmp_path)
    (tmp_path / "f").write_bytes(bytes(101))
    (tmp_path / "l").symlink_to("f")
    assert reader.read(place + b"/f", os.O_RDONLY, 101) is not None
    assert reader.read(place + b"/f", os.O_RDONLY, 100) is None
    assert reader.read(place + b"/gone", os.O_RDONLY, MOST) is None
    assert reader.read(place, os.O_RDONLY, MOST) is None
    assert reader.read(place + b"/l", os.O_RDONLY | os.O_NOFOLLOW, MOST) is None
    assert reader.read(place + b"/f\0x", os.O_RDONLY, MOST) is None


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Iterator[tuple[pathlib.Path, int]]:
    fd = os.open(tmp_path, os.O_RDONLY)
    yield tmp_path, fd
    os.close(fd)


def write(
    stream: bytes,
    directory: int,
    *,
    name: bytes = b"f",
    sum_name: str = "xxh128",
    start: int = 0,
    mode: int = 0o640,
) -> tuple[int, int]:
    return SmallWriter(sum_name).write(
        bytearray(stream), start, directory, b".f.", name, mode, uid=-1, gid=-1, mtime=MTIME
    )


def stream_of(runs: list[bytes], name: str = "xxh128") -> bytes:
    tokens = b"".join(int32(len(run)) + run for run in runs)
    return sumhead.encode(sumhead.NO_SUMS) + tokens + int32(0) + digest_of(name, b"".join(runs))


@given(
    st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.sampled_from(NAMES), st.binary(max_size=40)
)
def test_a_file_is_made_from_all_that_has_come(runs: list[bytes], name: str, tail: bytes) -> None:
    stream = stream_of(runs, name)
    with tempfile.TemporaryDirectory() as folder:
        fd = os.open(folder, os.O_RDONLY)
        used = write(b"before" + stream + tail, fd, sum_name=name, start=6)
        os.close(fd)
        assert used == (len(stream), sum(map(len, runs)))
        assert os.listdir(folder) == ["f"]
        made = pathlib.Path(folder) / "f"
        assert made.read_bytes() == b"".join(runs)
        assert made.stat().st_mtime_ns == MTIME[0] * 10**9 + MTIME[1]
        assert made.stat().st_mode & 0o7777 == 0o640


@given(st.data())
def test_what_is_not_whole_or_not_right_leaves_nothing(data: st.DataObject) -> None:
    stream = stream_of([b"one", b"two" * 50])
    kind = data.draw(st.sampled_from(["cut", "changed", "noise"]))
    if kind == "cut":
        bad = stream[: data.draw(st.integers(0, len(stream) - 1))]
    elif kind == "changed":
        at = data.draw(st.integers(0, len(stream) - 1))
        bad = stream[:at] + bytes([stream[at] ^ data.draw(st.integers(1, 255))]) + stream[at + 1 :]
    else:
        bad = data.draw(st.binary(max_size=200))
    with tempfile.TemporaryDirectory() as folder:
        fd = os.open(folder, os.O_RDONLY)
        used = write(bad, fd)
        os.close(fd)
        assert used == (0, 0) and os.listdir(folder) == []


def test_what_cannot_take_its_name_is_taken_back(place: tuple[pathlib.Path, int]) -> None:
    where, fd = place
    (where / "d").mkdir()
    assert write(stream_of([b"x"]), fd, name=b"d") == (0, 0)
    assert os.listdir(where) == ["d"]
    assert write(stream_of([b"x"]), fd, name=b"e" * 255) != (0, 0)
    assert write(stream_of([b"x"]), fd, name=b"e" * 256) == (0, 0)
    assert sorted(os.listdir(where)) == ["d", "e" * 255]


def test_a_file_replaces_what_had_its_name_and_special_bits_survive(place: tuple[pathlib.Path, int]) -> None:
    where, fd = place
    (where / "real").write_bytes(b"kept")
    (where / "f").symlink_to("real")
    assert write(stream_of([]), fd, mode=0o4751) != (0, 0)
    assert not (where / "f").is_symlink() and (where / "f").read_bytes() == b""
    assert (where / "f").stat().st_mode & 0o7777 == 0o4751
    assert (where / "real").read_bytes() == b"kept"


def test_lengths_are_those_of_the_table() -> None:
    assert [SmallWriter(name).digest_length for name in NAMES] == [LENGTHS[name] for name in NAMES]
