"""Directories that their owner is not to use, made by an ordinary user who has to fill them first."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from refsync.cli.main import main
from refsync_conformance.differential.warm import load_everything

SOMEBODY = 65534


def as_somebody(place: Path, *words: str) -> int:
    """The exit code of a run there by an ordinary user, whoever we are."""
    load_everything()  # he may not be able to read the modules
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        os.chdir(place)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
            os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)
        os._exit(main(list(words)))
    finally:
        os._exit(70)


def shut(place: Path) -> dict[str, str]:
    """The permissions of all directories below it; they are opened to be looked into by whoever we are."""
    found, left = {}, [place]
    while left:
        directory = left.pop()
        found[str(directory.relative_to(place))] = f"{stat.S_IMODE(directory.stat().st_mode):o}"
        directory.chmod(0o700)
        left += [path for path in directory.iterdir() if path.is_dir() and not path.is_symlink()]
    return found


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that anybody gets to."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        here.chmod(0o755)
        yield here


@pytest.mark.parametrize("how", ["-ai", "-ai --no-inc-recursive", "-ai --delete-delay"])
@pytest.mark.parametrize("mode", ["600", "0", "500", "300"])
def test_a_directory_is_shut_once_all_is_in_it(place: Path, how: str, mode: str) -> None:
    (place / "src/d/e").mkdir(parents=True)
    for name in ("f", "d/f", "d/e/f"):
        (place / "src" / name).write_text(name)
    (place / "src/d/link").symlink_to("f")
    for name in ("d/e", "d", ""):
        os.utime(place / "src" / name, (10**9, 10**9))
    (place / "dst").mkdir()
    if os.geteuid() == 0:
        for path in (place, *place.rglob("*")):
            os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    assert as_somebody(place, *how.split(), f"--chmod=D{mode}", "--no-g", "src/", "dst/") == 0
    assert shut(place / "dst") == {".": mode, "d": mode, "d/e": mode}
    assert {(place / "dst" / name).stat().st_mtime for name in ("", "d", "d/e")} == {10**9}
    for name in ("f", "d/f", "d/e/f"):
        assert (place / "dst" / name).read_text() == name
