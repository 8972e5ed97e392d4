"""The writer: the same bytes whichever way they are written, holes where they belong, errors said."""

from __future__ import annotations

import errno
import os
import resource
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.files import writer as writer_module
from refsync.files.writer import GATHER, HOLE, Writer

PIECES = st.lists(
    st.one_of(
        st.binary(max_size=50),
        st.integers(0, 5000).map(bytes),
        st.tuples(st.integers(1, 3000), st.integers(0, 255)).map(lambda pair: bytes([pair[1]]) * pair[0]),
    ),
    max_size=12,
)


@given(PIECES, st.booleans(), st.binary(max_size=40).map(lambda seed: seed * 300), st.data())
def test_any_pieces_any_mode(pieces: list[bytes], sparse: bool, old: bytes, data: st.DataObject) -> None:
    """What is written, kept or a hole: the file is the pieces joined."""
    wanted = b"".join(pieces)
    with tempfile.TemporaryFile() as file:
        fd = file.fileno()
        keeps = []
        at = 0
        before = bytearray(old)
        for piece in pieces:  # some pieces are in their places already, as in an update in place
            keep = data.draw(st.booleans()) and at + len(piece) <= len(before)
            if keep:
                before[at : at + len(piece)] = piece
            keeps.append(keep)
            at += len(piece)
        os.pwrite(fd, before, 0)
        writer = Writer(fd, sparse=sparse, existing=len(before))
        for piece, keep in zip(pieces, keeps, strict=True):
            if keep:
                writer.keep(piece)
            else:
                writer.write(memoryview(piece))
        writer.finish()
        assert writer.offset == len(wanted)
        assert os.fstat(fd).st_size == len(wanted)
        assert os.pread(fd, len(wanted) + 1, 0) == wanted
        assert writer.written == sum(
            len(piece) for piece, keep in zip(pieces, keeps, strict=True) if not keep
        )


def test_large_and_small_writes(tmp_path: Path) -> None:
    blocks = [os.urandom(size) for size in (1, GATHER - 1, 1, GATHER, GATHER + 1, 5, 3 * GATHER, 0, 7)]
    with open(tmp_path / "f", "wb+") as file:
        writer = Writer(file.fileno())
        for block in blocks:
            writer.write(block)
        writer.finish()
    assert (tmp_path / "f").read_bytes() == b"".join(blocks)


def test_zeros_become_holes(tmp_path: Path) -> None:
    content = b"start" + bytes(1 << 20) + b"end" + bytes(1 << 20)
    with open(tmp_path / "f", "wb+") as file:
        writer = Writer(file.fileno(), sparse=True)
        for at in range(0, len(content), 32000):
            writer.write(content[at : at + 32000])
        writer.finish()
    status = os.stat(tmp_path / "f")
    assert status.st_size == len(content)
    assert status.st_blocks * 512 < 200_000
    assert (tmp_path / "f").read_bytes() == content


def test_without_sparse_zeros_are_written(tmp_path: Path) -> None:
    with open(tmp_path / "f", "wb+") as file:
        writer = Writer(file.fileno())
        writer.write(bytes(1 << 20))
        writer.finish()
    assert os.stat(tmp_path / "f").st_blocks * 512 >= 1 << 20


@pytest.mark.parametrize("punches", [True, False])
def test_zeros_over_old_data(tmp_path: Path, punches: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no hole can be punched zeros are written: what was there must not shine through."""
    if not punches:
        monkeypatch.setattr(writer_module, "_punch", lambda fd, position, size: False)
    path = tmp_path / "f"
    path.write_bytes(b"x" * (1 << 20))
    content = b"a" + bytes((1 << 20) - 2 + 4096) + b"z"
    with open(path, "rb+") as file:
        writer = Writer(file.fileno(), sparse=True, existing=1 << 20)
        writer.write(content)
        writer.finish()
    assert path.read_bytes() == content


def test_a_kept_part_is_not_rewritten(tmp_path: Path) -> None:
    """``keep`` takes the caller's word: nothing of the data goes to the file."""
    path = tmp_path / "f"
    path.write_bytes(b"AAAA")
    with open(path, "rb+") as file:
        writer = Writer(file.fileno(), existing=4)
        writer.keep(b"aa")
        writer.write(b"bb")
        writer.finish()
    assert path.read_bytes() == b"AAbb"
    assert HOLE == 1024


def test_a_shorter_file_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 100)
    with open(path, "rb+") as file:
        Writer(file.fileno(), existing=100).finish()
    assert path.read_bytes() == b""


@pytest.mark.parametrize("sparse", [False, True])
def test_a_limit_is_an_error_with_its_reason(tmp_path: Path, sparse: bool) -> None:
    """A short write is taken up again, and the error that stopped it is raised (a child has the limit)."""
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, unlimited[1]))
            with open(tmp_path / "f", "wb+") as file:
                writer = Writer(file.fileno(), sparse=sparse)
                try:
                    writer.write(b"x" * GATHER)
                    writer.finish()
                except OSError as error:
                    code = 0 if error.errno == errno.EFBIG else 2
            # What is measured of this child is written on leaving, and must not be cut short.
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert os.stat(tmp_path / "f").st_size == 65536
