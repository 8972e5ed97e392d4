"""The confined destination: what it does, and that nothing leads out of it."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.files.destination import Destination
from refsync.files.walk import CACHED, Directories
from refsync.wire.errors import RefsyncError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def dest(root: Path) -> Iterator[Destination]:
    destination = Destination(os.fsencode(root))
    yield destination
    destination.close()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory that nothing may touch, with a file in it."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "file").write_bytes(b"precious")
    os.utime(path / "file", ns=(1, 1))
    os.utime(path, ns=(1, 1))
    return path


def untouched(outside: Path) -> bool:
    status = os.stat(outside / "file")
    return (
        os.listdir(outside) == ["file"]
        and (outside / "file").read_bytes() == b"precious"
        and status.st_mtime_ns == 1
        and os.stat(outside).st_mtime_ns == 1
    )


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


NAMES = [
    b"",
    b"..",
    b"../x",
    b"a/../b",
    b"/etc/passwd",
    b"a//b",
    b"a/",
    b"./a",
    b"a/.",
    b"a/..",
    b"a\0b",
    b"/",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_unclean_name_is_refused_by_every_operation(dest: Destination, root: Path, name: bytes) -> None:
    (root / "a").mkdir()
    operations: list[Callable[[], object]] = [
        lambda: dest.lstat(name),
        lambda: dest.readlink(name),
        lambda: dest.listdir(name),
        lambda: dest.open_read(name),
        lambda: dest.mkdir(name),
        lambda: dest.symlink(b"x", name),
        lambda: dest.mknod(name, stat.S_IFIFO | 0o600),
        lambda: dest.link(b"a", name),
        lambda: dest.link(name, b"new"),
        lambda: dest.rename(b"a", name),
        lambda: dest.rename(name, b"new"),
        lambda: dest.unlink(name),
        lambda: dest.rmdir(name),
        lambda: dest.chmod(name, 0o777),
        lambda: dest.chown(name, -1, -1),
        lambda: dest.utime_ns(name, 1, 1),
        lambda: dest.open_inplace(name),
        lambda: dest.create_temp(name),
    ]
    for operation in operations:
        with pytest.raises(RefsyncError):
            operation()
    assert os.listdir(root) == ["a"]


@given(st.binary(max_size=20))
def test_a_name_is_refused_or_stays_below_the_root(name: bytes) -> None:
    directories = Directories(b"/")
    try:
        fd, base = directories.parent(name)
    except (RefsyncError, OSError):
        return
    finally:
        directories.close()
    assert b"/" not in base
    assert base not in (b"", b"..")
    assert base != b"." or name == b"."
    assert fd >= 0


def test_a_symlink_on_the_way_is_not_followed(dest: Destination, root: Path, outside: Path) -> None:
    (root / "way").symlink_to(outside)
    operations: list[Callable[[], object]] = [
        lambda: dest.lstat(b"way/file"),
        lambda: dest.listdir(b"way"),
        lambda: dest.open_read(b"way/file"),
        lambda: dest.mkdir(b"way/new"),
        lambda: dest.symlink(b"x", b"way/new"),
        lambda: dest.mknod(b"way/new", stat.S_IFIFO | 0o600),
        lambda: dest.unlink(b"way/file"),
        lambda: dest.rename(b"way/file", b"stolen"),
        lambda: dest.chmod(b"way/file", 0),
        lambda: dest.chown(b"way/file", -1, -1),
        lambda: dest.utime_ns(b"way/file", 5, 5),
        lambda: dest.open_inplace(b"way/file"),
        lambda: dest.create_temp(b"way/file"),
        lambda: dest.rmdir(b"way"),
    ]
    for operation in operations:
        with pytest.raises(OSError) as caught:
            operation()
        assert caught.value.errno in (errno.ENOTDIR, errno.ELOOP)
    assert untouched(outside)


def test_a_symlink_at_the_end_is_operated_on_itself(dest: Destination, root: Path, outside: Path) -> None:
    link = root / "link"
    link.symlink_to(outside / "file")
    status = dest.lstat(b"link")
    assert status is not None
    assert stat.S_ISLNK(status.st_mode)
    with pytest.raises(OSError, match="symbolic links"):
        dest.open_read(b"link")
    with pytest.raises(OSError, match="symbolic links"):
        dest.open_inplace(b"link")
    with pytest.raises(OSError, match="symbolic links"):
        dest.chmod(b"link", 0o777)
    dest.chown(b"link", -1, -1)
    dest.utime_ns(b"link", None, 7_000_000_009)
    assert os.lstat(link).st_mtime_ns == 7_000_000_009
    assert dest.readlink(b"link") == os.fsencode(outside / "file")
    dest.link(b"link", b"second")
    assert os.readlink(root / "second") == str(outside / "file")
    temp = dest.create_temp(b"link")
    temp.writer.write(b"mine")
    temp.writer.finish()
    temp.commit()
    assert link.read_bytes() == b"mine"
    assert not link.is_symlink()
    assert untouched(outside)


def test_a_directory_that_turns_into_a_symlink_leads_nowhere(
    tmp_path: Path, root: Path, outside: Path
) -> None:
    """A thread swaps a directory with a symlink to the outside; what succeeds, succeeds inside."""
    (root / "d").mkdir()
    (root / "d" / "file").write_bytes(b"mine")
    (tmp_path / "trap").symlink_to(outside)
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            os.rename(root / "d", tmp_path / "real")
            os.rename(tmp_path / "trap", root / "d")
            os.rename(root / "d", tmp_path / "trap")
            os.rename(tmp_path / "real", root / "d")

    flipper = threading.Thread(target=flip)
    flipper.start()
    done = 0
    try:
        for number in range(4000):
            if number >= 400 and done:
                break  # a busy machine may give the flipper the upper hand for long
            dest = Destination(os.fsencode(root))
            try:
                name = b"d/n%d" % number
                for operation in (
                    partial(dest.chmod, b"d/file", 0o640),
                    partial(dest.utime_ns, b"d/file", 9, 9),
                    partial(dest.unlink, b"d/absent"),
                    partial(dest.mkdir, name),
                    partial(dest.open_inplace, b"d/file"),
                    partial(dest.create_temp, name),
                ):
                    try:
                        made = operation()
                        if made is not None:
                            made.commit()
                        done += 1
                    except OSError:
                        pass
            finally:
                dest.close()
    finally:
        stop.set()
        flipper.join()
    assert untouched(outside)
    assert done > 0


def test_the_root_itself(dest: Destination, root: Path) -> None:
    dest.chmod(b".", 0o711)
    dest.utime_ns(b".", 1, 2)
    status = dest.lstat(b".")
    assert status is not None
    assert stat.S_IMODE(status.st_mode) == 0o711
    assert status.st_mtime_ns == 2
    assert dest.listdir(b".") == []
    for operation in (
        partial(dest.rmdir, b"."),
        partial(dest.unlink, b"."),
        partial(dest.rename, b".", b"x"),
    ):
        with pytest.raises(OSError):
            operation()
    assert root.is_dir()


def test_a_root_that_is_reached_through_a_symlink(tmp_path: Path, root: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    dest = Destination(os.fsencode(tmp_path / "alias"))
    dest.mkdir(b"d", 0o755)
    dest.close()
    assert (root / "d").is_dir()


def test_a_root_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        Destination(os.fsencode(tmp_path / "file"))
    with pytest.raises(FileNotFoundError):
        Destination(os.fsencode(tmp_path / "absent"))


def test_missing_names_and_parents(dest: Destination) -> None:
    assert dest.lstat(b"absent") is None
    assert dest.lstat(b"absent/child") is None
    with pytest.raises(FileNotFoundError):
        dest.open_read(b"absent")


def test_every_kind_of_file(dest: Destination, root: Path) -> None:
    dest.mkdir(b"d", 0o750)
    dest.symlink(b"\xff target", b"d/link")
    dest.mknod(b"d/fifo", stat.S_IFIFO | 0o600)
    dest.mknod(b"d/socket", stat.S_IFSOCK | 0o600)
    dest.create_temp(b"d/f\xfcr").commit()
    dest.link(b"d/f\xfcr", b"other")
    assert dest.listdir(b"d") == [b"fifo", b"f\xfcr", b"link", b"socket"]
    assert dest.readlink(b"d/link") == b"\xff target"
    status = dest.lstat(b"other")
    assert status is not None
    assert status.st_nlink == 2
    for name in (b"d/fifo", b"d/socket", b"d/link", b"d"):
        with pytest.raises(OSError):
            dest.open_read(name)
        with pytest.raises(OSError):
            dest.open_inplace(name)
    dest.chmod(b"d/fifo", 0o644)
    assert stat.S_IMODE(os.lstat(root / "d" / "fifo").st_mode) == 0o644


def test_opening_a_fifo_does_not_wait(dest: Destination) -> None:
    dest.mknod(b"fifo", stat.S_IFIFO | 0o600)
    before = open_fds()
    with pytest.raises(OSError, match="Invalid argument"):
        dest.open_read(b"fifo")
    with pytest.raises(OSError):  # ENXIO: nobody reads it
        dest.open_inplace(b"fifo")
    assert open_fds() == before


def test_a_directory_without_read_permission_takes_files(dest: Destination, root: Path) -> None:
    dest.mkdir(b"drop", 0o300)
    dest.create_temp(b"drop/in").commit()
    os.chmod(root / "drop", 0o700)
    assert os.listdir(root / "drop") == ["in"]


def test_renamed_and_removed_directories_are_not_remembered(dest: Destination, root: Path) -> None:
    dest.mkdir(b"a")
    dest.mkdir(b"a/b")
    dest.create_temp(b"a/b/one").commit()
    dest.rename(b"a", b"z")
    assert dest.lstat(b"a/b/one") is None
    dest.mkdir(b"a")
    dest.mkdir(b"a/b")
    dest.create_temp(b"a/b/two").commit()
    assert os.listdir(root / "a" / "b") == ["two"]
    dest.unlink(b"a/b/two")
    dest.rmdir(b"a/b")
    dest.mkdir(b"a/b")
    dest.create_temp(b"a/b/three").commit()
    assert os.listdir(root / "a" / "b") == ["three"]
    assert os.listdir(root / "z" / "b") == ["one"]


def test_renaming_between_directories(dest: Destination, root: Path) -> None:
    dest.mkdir(b"a")
    dest.mkdir(b"b")
    (root / "a" / "f").write_bytes(b"new")
    (root / "b" / "f").write_bytes(b"old")
    dest.rename(b"a/f", b"b/f")
    assert (root / "b" / "f").read_bytes() == b"new"
    assert os.listdir(root / "a") == []


def test_few_descriptors_are_held_however_many_directories(dest: Destination, root: Path) -> None:
    before = open_fds()
    for number in range(3 * CACHED):
        dest.mkdir(b"d%d" % number)
        dest.mkdir(b"d%d/e" % number)
        dest.create_temp(b"d%d/e/f" % number).commit()
        dest.link(b"d%d/e/f" % number, b"d%d/g%d" % (number // 2, number))
    assert open_fds() - before <= CACHED
    dest.close()
    assert open_fds() <= before
    assert len(list(root.glob("*/e/f"))) == 3 * CACHED


def test_a_deep_path_that_is_longer_than_the_system_takes_at_once(dest: Destination, root: Path) -> None:
    name = b"x" * 200
    path = name
    for _ in range(25):
        dest.mkdir(path)
        path += b"/" + name
    dest.create_temp(path).commit()
    assert len(dest.path(path)) > 4096
    status = dest.lstat(path)
    assert status is not None
    assert stat.S_ISREG(status.st_mode)
    while path:
        dest.rmdir(path) if stat.S_ISDIR(status.st_mode) else dest.unlink(path)
        path = path.rpartition(b"/")[0]
        found = dest.lstat(path) if path else None
        if found is None:
            break
        status = found
    assert os.listdir(root) == []


def test_paths_for_messages(root: Path) -> None:
    dest = Destination(b"/")
    assert (dest.path(b"."), dest.path(b"a/b")) == (b"/", b"/a/b")
    dest.close()
    other = Destination(os.fsencode(root))
    assert other.path(b"a") == os.fsencode(root) + b"/a"
    assert other.path(b".") == os.fsencode(root)
    other.close()


def test_chmod_without_proc(dest: Destination, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some containers and chroots have no /proc."""

    def missing(*arguments: object, **named: object) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    dest.mkdir(b"d")
    dest.create_temp(b"d/f").commit()
    dest.mknod(b"fifo", stat.S_IFIFO | 0o600)
    monkeypatch.setattr("refsync.files.destination.os.chmod", missing)
    dest.chmod(b"d/f", 0o640)
    dest.chmod(b"d", 0o710)
    assert stat.S_IMODE(os.stat(root / "d" / "f").st_mode) == 0o640
    assert stat.S_IMODE(os.stat(root / "d").st_mode) == 0o710
    with pytest.raises(OSError, match="not supported"):
        dest.chmod(b"fifo", 0o644)
