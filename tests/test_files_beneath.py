"""What lies below a directory, and nothing else: openat2, its stand-in, Landlock."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from refsync.files import beneath, landlock
from refsync.files.beneath import Beneath
from refsync.files.sources import PLAIN, is_dir, is_link, is_there, read_all


@pytest.fixture(params=["openat2", "steps"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the system call and without it."""
    if request.param == "steps":
        monkeypatch.setattr(beneath, "have_openat2", lambda: False)
    elif not beneath.have_openat2():
        pytest.skip("the kernel has no openat2")
    return str(request.param)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    inside = tmp_path / "module"
    (inside / "d/e").mkdir(parents=True)
    (inside / "f").write_text("inside\n")
    (inside / "d/e/g").write_text("deep\n")
    (tmp_path / "secret").write_text("outside\n")
    (tmp_path / "module2").mkdir()
    for name, target in (
        ("out", "../secret"),
        ("up", ".."),
        ("absolute", str(tmp_path)),
        ("proc", "/proc/self/root"),
        ("down", "d/e"),
        ("d/back", "../f"),
        ("gone", "nowhere"),
    ):
        (inside / name).symlink_to(target)
    return inside


def below(root: Path, name: str) -> bytes:
    return os.fsencode(root / name)


@pytest.mark.parametrize(
    "name",
    [
        "out",
        "up/secret",
        "absolute/secret",
        "proc/etc/passwd",
        "../secret",
        "d/../../secret",
        "up/module2",
        "d/..",
    ],
)
def test_nothing_outside_is_reached(kernel: str, root: Path, name: str) -> None:
    files = Beneath(os.fsencode(root))
    inside = name == "d/.." and kernel == "openat2"  # which is the module itself
    for call in (files.stat, files.listdir, lambda path: files.open(path, os.O_RDONLY)):
        if inside:
            call(below(root, name))
            continue
        with pytest.raises(OSError) as caught:
            call(below(root, name))
        assert caught.value.errno in (errno.EXDEV, errno.ELOOP, errno.ENOTDIR)
    if "/" in name and not inside:
        for change in (files.lstat, files.unlink, files.mkdir, files.readlink, files.attribute_path):
            if name == "d/..":
                continue
            with pytest.raises(OSError):
                change(below(root, name))
    assert (root.parent / "secret").read_text() == "outside\n"


def test_other_paths_do_not_exist(kernel: str, root: Path) -> None:
    files = Beneath(os.fsencode(root))
    for path in (b"/etc/passwd", os.fsencode(root) + b"2", os.fsencode(root.parent), b"relative"):
        assert not is_there(files, path)
        with pytest.raises(OSError) as caught:
            files.open(path, os.O_RDONLY)
        assert caught.value.errno == errno.EXDEV


def test_what_is_inside_is_as_ever(kernel: str, root: Path) -> None:
    files = Beneath(os.fsencode(root) + b"/")
    top = os.fsencode(root)
    assert files.listdir(top) == PLAIN.listdir(top) == files.listdir(top + b"/.")
    assert files.listdir(below(root, "d/e")) == [b"g"]
    assert read_all(files, below(root, "d//e/g")) == b"deep\n"
    assert files.lstat(below(root, "down")) == os.lstat(root / "down")
    assert files.lstat(top).st_ino == files.stat(top + b"/").st_ino == os.stat(root).st_ino
    assert files.readlink(below(root, "out")) == b"../secret"
    assert (is_dir(files, below(root, "d")), is_dir(files, below(root, "f"))) == (True, False)
    assert (is_link(files, below(root, "out")), is_link(files, below(root, "f"))) == (True, False)
    assert files.readable(below(root, "f")) and not files.readable(below(root, "gone"))
    files.mkdir(below(root, "new/"))
    files.unlink(below(root, "f"))
    assert (root / "new").is_dir() and not (root / "f").exists()


def test_symlinks_inside_are_followed_where_the_kernel_can(root: Path) -> None:
    if not beneath.have_openat2():
        pytest.skip("the kernel has no openat2")
    files = Beneath(os.fsencode(root))
    assert files.listdir(below(root, "down")) == [b"g"]
    assert read_all(files, below(root, "d/back")) == b"inside\n"


def test_attributes_are_read_by_a_way_that_stays_inside(kernel: str, root: Path) -> None:
    files = Beneath(os.fsencode(root))
    try:
        os.setxattr(root / "d/e/g", "user.x", b"value")
    except OSError:
        pytest.skip("no extended attributes here")
    way = files.attribute_path(below(root, "d/e/g"))
    os.rename(root / "d", root / "was")
    (root / "d").symlink_to(root.parent)  # too late: the directory is held
    assert os.getxattr(way, "user.x", follow_symlinks=False) == b"value"


def test_a_directory_that_flips_to_a_symlink_never_leads_out(kernel: str, root: Path) -> None:
    (root.parent / "module2/g").write_text("outside\n")
    flip = f"""
import os
for _ in range(3000):
    os.rename({str(root / "d/e")!r}, {str(root / "d/kept")!r})
    os.symlink({str(root.parent / "module2")!r}, {str(root / "d/e")!r})
    os.unlink({str(root / "d/e")!r})
    os.rename({str(root / "d/kept")!r}, {str(root / "d/e")!r})
"""
    flipper = subprocess.Popen([sys.executable, "-c", flip])
    seen: set[bytes | int | None] = set()
    while flipper.poll() is None:
        files = Beneath(os.fsencode(root))
        try:
            seen.add(read_all(files, below(root, "d/e/g")))
        except OSError as error:
            seen.add(error.errno)
        files.close()
    assert flipper.returncode == 0
    assert b"outside\n" not in seen
    assert b"deep\n" in seen


LANDLOCK = """
import os, sys
from refsync.files import landlock
root, outside = sys.argv[1:]
os.makedirs(root + "/closed/place")
os.chmod(root + "/closed", 0)  # to all but root
landlock.restrict([root], ["/usr", "/no/such/place", root + "/closed/place"])
os.chmod(root + "/closed", 0o700)
def tried(call):
    try:
        call()
    except OSError as error:
        return error.errno
    return 0
print([
    tried(lambda: open(root + "/f").read()),
    tried(lambda: open(root + "/new", "w").write("x")),
    tried(lambda: os.rename(root + "/new", root + "/d/new")),
    tried(lambda: open(outside + "/secret").read()),
    tried(lambda: open(outside + "/made", "w")),
    tried(lambda: os.rename(root + "/f", outside + "/f")),
    tried(lambda: os.listdir(outside)),
    tried(lambda: os.listdir("/usr")),
])
"""


def test_landlock_is_a_second_wall(root: Path) -> None:
    if not landlock.available():
        pytest.skip("the kernel has no Landlock")
    done = subprocess.run(
        [sys.executable, "-c", LANDLOCK, str(root), str(root.parent)], stdout=subprocess.PIPE, check=True
    )
    denied = errno.EACCES
    inside, outside = [0, 0, 0], [denied, denied, errno.EXDEV, denied]
    said = done.stdout.decode().strip()
    assert said in (str([*inside, *outside, 0]), str([*inside, denied, denied, denied, denied, 0]))
