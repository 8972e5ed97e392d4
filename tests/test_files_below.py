"""Sources are reached from the directory that the user named on, and no symlink is followed after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from refsync.files.below import Below
from refsync.files.beneath import Beneath
from refsync.files.sources import PLAIN
from refsync.options.model import Options

FLAGS = os.O_RDONLY | os.O_NOFOLLOW


@pytest.fixture
def root(tmp_path: Path) -> Iterator[bytes]:
    (tmp_path / "real/d/e").mkdir(parents=True)
    (tmp_path / "real/d/e/f").write_bytes(b"inside")
    (tmp_path / "outside/e").mkdir(parents=True)
    (tmp_path / "outside/e/f").write_bytes(b"outside")
    (tmp_path / "named").symlink_to("real")
    yield os.fsencode(tmp_path / "named")


def read(fd: int) -> bytes:
    with os.fdopen(fd, "rb") as file:
        return file.read()


def turn(root: bytes) -> None:
    """The directory ``d`` becomes a symlink to another with the same names."""
    os.rename(root + b"/d", root + b"/was")
    os.symlink(b"../outside", root + b"/d")


def test_the_users_own_way_may_have_symlinks(root: bytes) -> None:
    below = Below(PLAIN, Options())
    assert below.held
    assert read(below.open(root, b"d/e/f", FLAGS)) == b"inside"
    assert below.lstat(root, b"d/e/f").st_size == 6
    for name, names in ((b"", [b"d"]), (b"d", [b"e"]), (b"d/e", [b"f"])):
        fd = os.open(b".", os.O_RDONLY, dir_fd=(held := below.open_directory(root, name)))
        assert [os.fsencode(one) for one in os.listdir(fd)] == names
        os.close(fd)
        os.close(held)


def test_a_symlink_below_it_is_not_followed(root: bytes) -> None:
    turn(root)
    below = Below(PLAIN, Options())
    for act in (
        lambda: below.open(root, b"d/e/f", FLAGS),
        lambda: below.open_directory(root, b"d/e"),
        lambda: below.lstat(root, b"d/e/f"),
        lambda: below.unlink(root, b"d/e/f"),
    ):
        with pytest.raises(OSError, match="Not a directory"):
            act()
    assert os.path.exists(os.path.dirname(root) + b"/outside/e/f")


def test_what_was_opened_stays_what_it_was(root: bytes) -> None:
    below = Below(PLAIN, Options())
    below.lstat(root, b"d/e/f")
    turn(root)
    assert read(below.open(root, b"d/e/f", FLAGS)) == b"inside"
    below.unlink(root, b"d/e/f")
    assert not os.path.exists(root + b"/was/e/f")


@pytest.mark.parametrize("option", ["copy_links", "copy_unsafe_links", "copy_dirlinks", "relative"])
def test_options_that_follow_have_paths_as_they_are(root: bytes, option: str) -> None:
    turn(root)
    options = Options()
    setattr(options, option, 1)
    below = Below(PLAIN, options)
    assert not below.held
    assert read(below.open(root, b"d/e/f", os.O_RDONLY)) == b"outside"
    os.close(below.open_directory(root, b"d/e"))
    assert below.lstat(root, b"d/e/f").st_size == 7
    below.unlink(root, b"d/e/f")


def test_a_module_opens_by_itself(root: bytes) -> None:
    files = Beneath(os.path.realpath(root))
    below = Below(files, Options())
    assert not below.held
    assert read(below.open(os.path.realpath(root), b"d/e/f", FLAGS)) == b"inside"
    files.close()


def test_one_root_after_another(root: bytes) -> None:
    below = Below(PLAIN, Options())
    for place in (root, root + b"/d", root):
        name = b"e/f" if place.endswith(b"/d") else b"d/e/f"
        assert read(below.open(place, name, FLAGS)) == b"inside"
