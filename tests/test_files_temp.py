"""Temporary files: their names, and that each ends in one way or another."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.files import temp as temp_module
from refsync.files.destination import Destination
from refsync.files.temp import discard_all, keep_under_its_name, temp_base, temp_stem, unique_base
from refsync.files.writer import GATHER


@pytest.fixture
def dest(tmp_path: Path) -> Iterator[Destination]:
    destination = Destination(os.fsencode(tmp_path))
    yield destination
    destination.close()


@pytest.mark.parametrize(
    ("base", "stem"),
    [
        (b"name", b".name"),
        (b".profile", b".profile"),
        (b"..x", b"..x"),
        (b"end.", b".end"),
        (b"...", b".."),
        (b"x" * 246, b"." + b"x" * 246),
        (b"x" * 255, b"." + b"x" * 246),
        ("é".encode() * 127, b"."[:0]),  # one run of non-ASCII bytes, cut: nothing of it is left
        (b"a" * 200 + "é".encode() * 27, b"." + b"a" * 200),
        (b"a" * 244 + "é".encode(), b"." + b"a" * 244 + "é".encode()),
    ],
)
def test_stems(base: bytes, stem: bytes) -> None:
    assert temp_stem(base) == stem


@given(st.binary(min_size=1, max_size=255).filter(lambda base: base not in (b".", b"..")))
def test_temporary_names_are_valid_names(base: bytes) -> None:
    for name in (temp_base(base), unique_base(base, 3)):
        assert 1 < len(name) <= 255
        assert name.startswith(b".")
        assert name not in (b".", b"..")
    assert temp_base(base)[:-6] == temp_stem(base) + b"."
    assert temp_base(base)[-6:].isalnum()


def test_a_file_is_private_until_it_is_committed(dest: Destination, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    temp = dest.create_temp(b"f", mode=0o100777)
    assert temp.name.startswith(b".f.")
    assert stat.S_IMODE(os.fstat(temp.fd).st_mode) == 0o700
    temp.writer.write(b"new")
    temp.writer.finish()
    assert (tmp_path / "f").read_bytes() == b"old"
    assert temp.live
    temp.commit()
    assert not temp.live
    assert (tmp_path / "f").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["f"]


def test_the_owner_may_always_write(dest: Destination) -> None:
    temp = dest.create_temp(b"f", mode=0o444)
    assert stat.S_IMODE(os.fstat(temp.fd).st_mode) == 0o600
    temp.discard()


def test_a_discarded_file_leaves_nothing(dest: Destination, tmp_path: Path) -> None:
    dest.mkdir(b"d")
    temp = dest.create_temp(b"d/f")
    temp.writer.write(b"data")
    temp.discard()
    assert os.listdir(tmp_path / "d") == []


def test_a_name_that_is_taken_is_not_used(
    dest: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = iter([b"\0" * 6, b"\0" * 6, b"\1" * 6])
    monkeypatch.setattr("refsync.files.temp.os.urandom", lambda count: next(choices))
    first = dest.create_temp(b"f")
    second = dest.create_temp(b"f")
    assert (first.name, second.name) == (b".f.aaaaaa", b".f.bbbbbb")
    first.discard()
    second.discard()


def test_a_planted_symlink_is_not_written_through(
    dest: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refsync.files.temp.os.urandom", lambda count: b"\0" * count)
    (tmp_path / ".f.aaaaaa").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        dest.create_temp(b"f")
    assert not (tmp_path / "victim").exists()


def test_commit_onto_a_directory_fails_and_can_be_cleaned_up(dest: Destination, tmp_path: Path) -> None:
    dest.mkdir(b"f")
    temp = dest.create_temp(b"f")
    with pytest.raises(IsADirectoryError):
        temp.commit()
    temp.discard()
    assert os.listdir(tmp_path) == ["f"]


def test_temp_names_for_what_is_made_at_once(dest: Destination) -> None:
    name = dest.temp_name(b"link")
    dest.symlink(b"to", name)
    other = dest.temp_name(b"link")
    assert name != other
    dest.rename(name, b"link")
    assert dest.readlink(b"link") == b"to"


def test_an_interrupted_run_leaves_nothing(dest: Destination, tmp_path: Path) -> None:
    for number in range(3):
        dest.create_temp(b"f%d" % number).writer.write(b"data")
    discard_all()
    assert os.listdir(tmp_path) == []


def test_an_interrupted_run_keeps_parts_that_were_asked_for(dest: Destination, tmp_path: Path) -> None:
    temp = dest.create_temp(b"part", rescue=keep_under_its_name)
    temp.writer.write(b"first half")
    empty = dest.create_temp(b"empty", rescue=keep_under_its_name)
    discard_all()
    assert not temp.live
    assert not empty.live
    assert os.listdir(tmp_path) == ["part"]
    assert (tmp_path / "part").read_bytes() == b"first half"
    assert os.stat(tmp_path / "part").st_mtime_ns == 0  # so that --update does not take it for newer


def test_a_part_that_cannot_be_kept_is_removed(dest: Destination, tmp_path: Path) -> None:
    dest.mkdir(b"part")
    dest.create_temp(b"part", rescue=keep_under_its_name).writer.write(b"x")
    discard_all()
    assert os.listdir(tmp_path) == ["part"]


def test_closing_the_destination_ends_its_files_only(dest: Destination, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Destination(os.fsencode(tmp_path / "other"))
    mine = dest.create_temp(b"mine")
    theirs = other.create_temp(b"theirs")
    other.close()
    assert not theirs.live
    assert mine.live
    assert os.listdir(tmp_path / "other") == []
    mine.commit()


def test_a_forked_copy_leaves_the_parents_file_alone(dest: Destination, tmp_path: Path) -> None:
    temp = dest.create_temp(b"f")
    child = os.fork()
    if not child:
        code = 1
        try:
            discard_all()
            code = 0 if not temp.live else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert temp.live
    assert os.listdir(tmp_path) == [os.fsdecode(temp.name)]
    temp.discard()


def test_keeping_a_part_at_will(dest: Destination, tmp_path: Path) -> None:
    temp = dest.create_temp(b"f", sparse=True)
    temp.writer.write(b"x" + bytes(5000))
    temp.keep_partial()
    assert (tmp_path / "f").read_bytes() == b"x" + bytes(5000)
    assert os.stat(tmp_path / "f").st_mtime_ns > 0


def test_in_place_the_file_stays_whatever_happens(dest: Destination, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    temp = dest.open_inplace(b"f")
    assert temp.name == temp.target == b"f"
    temp.writer.write(b"abc")
    temp.writer.finish()
    temp.discard()
    assert (tmp_path / "f").read_bytes() == b"abc"
    again = dest.open_inplace(b"f")
    again.writer.keep(b"abc")
    again.writer.write(b"d")
    again.writer.finish()
    again.commit()
    assert (tmp_path / "f").read_bytes() == b"abcd"
    new = dest.open_inplace(b"new")
    assert stat.S_IMODE(os.fstat(new.fd).st_mode) == 0o600
    new.commit()
    assert temp_module._live == {}


def full(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_part_is_kept_though_the_disk_is_full(
    dest: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temp = dest.create_temp(b"f", rescue=keep_under_its_name)
    temp.writer.write(b"x" * GATHER)
    temp.writer.write(b"never fits")
    monkeypatch.setattr("refsync.files.writer.os.pwrite", full)
    discard_all()
    assert (tmp_path / "f").read_bytes() == b"x" * GATHER


def test_an_error_of_closing_is_said_at_commit_and_not_at_discard(
    dest: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = dest.create_temp(b"first"), dest.create_temp(b"second")
    descriptors = [first.fd, second.fd]
    with monkeypatch.context() as patch:
        patch.setattr("refsync.files.temp.os.close", full)
        with pytest.raises(OSError, match="No space left"):
            first.commit()
        first.discard()
        second.discard()
    for fd in descriptors:
        os.close(fd)
    assert os.listdir(tmp_path) == []


def test_a_file_that_somebody_removed_is_discarded_quietly(dest: Destination, tmp_path: Path) -> None:
    temp = dest.create_temp(b"f")
    os.unlink(tmp_path / os.fsdecode(temp.name))
    temp.discard()
    assert not temp.live


def test_cleaning_up_goes_on_after_an_error(
    dest: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest.mkdir(b"d")
    dest.create_temp(b"d/f")
    other = dest.create_temp(b"g")
    monkeypatch.setattr(Destination, "unlink", full)
    discard_all()
    assert not other.live
    assert temp_module._live == {}


def test_in_place_where_the_kernel_refuses_o_creat(
    dest: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """protected_regular: an existing file of somebody else's in a sticky directory opens without O_CREAT."""
    (tmp_path / "f").write_bytes(b"old")
    real = os.open

    def protected(path: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr("refsync.files.destination.os.open", protected)
    temp = dest.open_inplace(b"f")
    temp.writer.write(b"new!")
    temp.writer.finish()
    temp.commit()
    assert (tmp_path / "f").read_bytes() == b"new!"


def test_no_free_temporary_name(dest: Destination, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refsync.files.destination.unique_base", lambda base, number: b"taken")
    dest.mkdir(b"taken")
    with pytest.raises(FileExistsError):
        dest.temp_name(b"f")


def test_what_may_not_be_made_in_place_says_so(dest: Destination, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second try is for files that are there; without one it has nothing to say."""
    original = os.open

    def refusing(path: bytes, flags: int, *rest: int, **where: int) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return original(path, flags, *rest, **where)

    dest.open_inplace(b"there").commit()
    monkeypatch.setattr(os, "open", refusing)
    dest.open_inplace(b"there").discard()
    with pytest.raises(PermissionError):
        dest.open_inplace(b"missing")
