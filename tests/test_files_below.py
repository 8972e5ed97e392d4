"""Sources are reached from the directory that the user named on, by held directories, no symlink between."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from refsync.files.below import Below
from refsync.files.beneath import Beneath
from refsync.files.sources import PLAIN, join
from refsync.options.model import Options

FLAGS = os.O_RDONLY | os.O_NOFOLLOW
LIST = os.O_RDONLY | os.O_DIRECTORY


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


def below(root: bytes, **options: int) -> Below:
    chosen = Options()
    for name, value in options.items():
        setattr(chosen, name, value)
    made = Below(PLAIN, chosen)
    made.begin(root, b".", through=True)
    return made


def test_the_users_own_way_may_have_symlinks(root: bytes) -> None:
    sources = below(root)
    assert read(sources.open(root + b"/d/e/f", FLAGS)) == b"inside"
    assert sources.lstat(root + b"/d/e/f").st_size == 6
    for name, names in ((b".", [b"d"]), (b"d", [b"e"]), (b"d/e", [b"f"])):
        assert sources.listdir(join(root, name)) == names
    assert os.readlink(sources.attribute_path(root + b"/d/e").rpartition(b"/")[0]).endswith(b"real/d")
    assert sources.readable(root + b"/d/e/f")


ACTS: list[Callable[[Below, bytes], object]] = [
    lambda sources, path: sources.open(path, FLAGS),
    lambda sources, path: sources.open(path, os.O_RDONLY),
    lambda sources, path: sources.open(os.path.dirname(path), LIST),
    lambda sources, path: sources.listdir(os.path.dirname(path)),
    lambda sources, path: sources.lstat(path),
    lambda sources, path: sources.stat(path),
    lambda sources, path: sources.unlink(path),
    lambda sources, path: sources.readlink(path),
    lambda sources, path: sources.readable(path),
    lambda sources, path: sources.attribute_path(path),
]


@pytest.mark.parametrize("act", ACTS)
def test_a_symlink_below_it_is_not_followed(root: bytes, act: Callable[[Below, bytes], object]) -> None:
    turn(root)
    with pytest.raises(OSError, match="Not a directory"):
        act(below(root), root + b"/d/e/f")
    assert os.path.exists(os.path.dirname(root) + b"/outside/e/f")


def test_nor_is_one_in_the_last_place(root: bytes) -> None:
    os.symlink(b"../outside/e/f", root + b"/l")
    turn(root)
    sources = below(root)
    with pytest.raises(OSError, match="Too many levels"):
        sources.open(root + b"/l", os.O_RDONLY)
    with pytest.raises(OSError, match="Not a directory"):
        sources.listdir(root + b"/d")
    assert sources.readlink(root + b"/d") == b"../outside"


def test_what_was_opened_stays_what_it_was(root: bytes) -> None:
    sources = below(root)
    sources.lstat(root + b"/d/e/f")
    turn(root)
    assert read(sources.open(root + b"/d/e/f", FLAGS)) == b"inside"
    sources.unlink(root + b"/d/e/f")
    assert not os.path.exists(root + b"/was/e/f")


@pytest.mark.parametrize("option", ["copy_links", "copy_unsafe_links", "copy_dirlinks"])
def test_options_have_symlinks_followed(root: bytes, option: str) -> None:
    turn(root)
    os.symlink(b"../outside/e/f", root + b"/l")
    os.symlink(b"was/e/f", root + b"/safe")
    sources = below(root, **{option: 1})
    assert read(sources.open(root + b"/d/e/f", FLAGS)) == b"outside"
    assert sources.listdir(root + b"/d") == [b"e"]
    assert sources.lstat(root + b"/d/e/f").st_size == 7
    for name, options in ((b"/l", ("copy_links", "copy_unsafe_links")), (b"/safe", ("copy_links",))):
        if option in options:
            os.close(sources.open(root + name, os.O_RDONLY))
        else:
            with pytest.raises(OSError, match="Too many levels"):
                sources.open(root + name, os.O_RDONLY)
    with pytest.raises(OSError, match="Too many levels"):  # who says so himself is not led on
        sources.open(root + b"/l", FLAGS)


def test_only_the_named_way_is_followed(root: bytes) -> None:
    turn(root)
    os.symlink(b"was", root + b"/other")
    sources = Below(PLAIN, Options())
    sources.begin(root, b"d/e/f", through=False)
    assert read(sources.open(root + b"/d/e/f", FLAGS)) == b"outside"
    with pytest.raises(OSError, match="Not a directory"):
        sources.lstat(root + b"/other/e/f")
    sources.begin(root, b"other", through=False)
    with pytest.raises(OSError, match="Not a directory"):
        sources.listdir(root + b"/other")
    sources.begin(root, b"other", through=True)
    assert sources.listdir(root + b"/other") == [b"e"]


def test_a_whole_path_begins_at_the_top(root: bytes) -> None:
    real = os.path.realpath(root)
    sources = Below(PLAIN, Options())
    sources.begin(b"", real + b"/d/e", through=False)
    assert read(sources.open(real + b"/d/e/f", FLAGS)) == b"inside"
    os.rename(real + b"/d/e", real + b"/d/was")
    os.symlink(b"../../outside/e", real + b"/d/e")
    assert read(sources.open(real + b"/d/e/f", FLAGS)) == b"inside"
    again = Below(PLAIN, Options())
    again.begin(b"", real + b"/d/e", through=False)
    with pytest.raises(OSError, match="Not a directory"):
        again.lstat(real + b"/d/e/f")


def test_a_module_leads_nowhere_but_below_it(root: bytes) -> None:
    module = os.path.realpath(root)
    os.symlink(b"d/e", module + b"/in")
    files = Beneath(module)
    sources = Below(files, Options(copy_links=1))
    sources.begin(module, b".", through=True)
    assert read(sources.open(module + b"/d/e/f", FLAGS)) == b"inside"
    assert read(sources.open(module + b"/in/f", FLAGS)) == b"inside"
    assert sources.stat(module + b"/in").st_ino == os.stat(module + b"/d/e").st_ino
    turn(module)
    sources = Below(files, Options(copy_links=1))
    sources.begin(module, b".", through=True)
    for path in (b"/d/e/f", b"/d"):
        with pytest.raises(OSError, match="Invalid cross-device link"):
            sources.open(module + path, os.O_RDONLY)
    with pytest.raises(OSError, match="Invalid cross-device link"):
        sources.stat(module + b"/d")
    files.close()


def test_roots_by_turns(root: bytes) -> None:
    sources = Below(PLAIN, Options())
    places = [root, root + b"/d", root + b"//d/.", root + b"/d/e/..", root + b"/d/e", os.path.dirname(root)]
    for place in places * 2:
        sources.begin(place, b".", through=True)
        assert sources.listdir(join(place, b"."))
        assert sources.stat(place).st_mode
    assert read(sources.open(root + b"/d/./e/f", FLAGS)) == b"inside"  # as the user has it
    assert sources.lstat(b"/").st_mode


def test_what_is_held_is_let_go_of(root: bytes) -> None:
    sources = below(root)
    before = len(os.listdir("/proc/self/fd"))
    sources.lstat(root + b"/d/e/f")
    assert len(os.listdir("/proc/self/fd")) == before + 3
    sources.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert sources.lstat(root + b"/d/e/f").st_size == 6
    sources.close()
