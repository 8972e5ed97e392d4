"""Paths of a configuration, and whose symlinks they may lead through."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from refsync.files.log import Log
from refsync.options.named import MAX_LINKS, open_named, read_named

ROOT = os.getuid() == 0


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").write_text("content")
    (tmp_path / "link").symlink_to("d/e/f")
    (tmp_path / "way").symlink_to(tmp_path / "d")
    (tmp_path / "d/up").symlink_to("../d/./e/")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("d/new")
    return tmp_path


@pytest.mark.parametrize("name", ["d/e/f", "link", "way/e/f", "way/up/f", "d//./e/../e/f", "way/../d/up/f"])
def test_ones_own_links_are_followed(place: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_named(f"{place}/{name}") == b"content"
    monkeypatch.chdir(place)
    assert read_named(os.fsencode(name)) == b"content"


def test_what_is_not_there(place: Path) -> None:
    for name, number in (
        ("d/none", errno.ENOENT),
        ("none/f", errno.ENOENT),
        ("d/e/f/g", errno.ENOTDIR),
        ("loop", errno.ELOOP),
        ("gone", errno.ENOENT),
    ):
        with pytest.raises(OSError) as caught:
            read_named(f"{place}/{name}")
        assert caught.value.errno == number, name
    for number in range(MAX_LINKS + 1):
        (place / f"chain{number}").symlink_to(f"chain{number + 1}" if number < MAX_LINKS else "link")
    with pytest.raises(OSError) as caught:
        read_named(f"{place}/chain0")
    assert caught.value.errno == errno.ELOOP


def test_files_are_made(place: Path) -> None:
    for name in ("made", "way/e/made", "gone"):
        os.close(open_named(f"{place}/{name}", os.O_WRONLY | os.O_CREAT, 0o640))
    assert (place / "d/new").exists() and (place / "d/e/made").exists()
    assert (place / "made").stat().st_mode & 0o777 == 0o640 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.skipif(not ROOT, reason="only root can give a symlink to somebody else")
@pytest.mark.parametrize("name", ["link", "way/e/f", "way", "gone"])
def test_somebody_elses_links_are_not(place: Path, name: str) -> None:
    os.chown(place / name.partition("/")[0], 12345, -1, follow_symlinks=False)
    for flags in (os.O_RDONLY, os.O_PATH | os.O_DIRECTORY, os.O_WRONLY | os.O_CREAT):
        with pytest.raises(OSError) as caught:
            open_named(f"{place}/{name}", flags)
        assert caught.value.errno == errno.EACCES
    assert not (place / "d/new").exists()


def test_links_of_the_system_are_followed(place: Path) -> None:
    fd = os.open(place / "d/e/f", os.O_RDONLY)
    try:
        assert read_named(f"/proc/self/fd/{fd}") == b"content"
        assert read_named("/proc/self/status").startswith(b"Name:")
    finally:
        os.close(fd)
    os.close(open_named("/", os.O_PATH | os.O_DIRECTORY))
    log = Log("/dev/null")
    log("nobody reads this")
    assert log.path == "/dev/null"
