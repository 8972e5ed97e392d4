"""Trees are built as described, snapshots see all that is promised, and differences are told by aspect."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from refsync_conformance import compare, trees
from refsync_conformance.trees import (
    EPOCH_NS,
    SECOND,
    Noise,
    fifo,
    file,
    folder,
    hardlink,
    symlink,
    unix_socket,
)

TREE = (
    file("a", b"content", mode=0o640),
    file("d/e/f", Noise(1, 5000), mode=0o4755, mtime_ns=EPOCH_NS + 5),
    folder("d", mode=0o711, mtime_ns=7 * SECOND),
    symlink("l", b"\xff/x"),
    hardlink("d/h", "a"),
    fifo("p", mode=0o600),
    unix_socket("s" * 150),
    file(b"\xfe\n", b"raw"),
)


def place(tmp_path: Path, name: str) -> bytes:
    return os.fsencode(tmp_path / name)


def test_a_tree_is_what_it_says(tmp_path: Path) -> None:
    root = place(tmp_path, "t")
    trees.build(root, TREE)
    found = compare.snapshot(root)
    names = [b".", b"a", b"d", b"d/e", b"d/e/f", b"d/h", b"l", b"p", b"s" * 150, b"\xfe\n"]
    assert list(found) == names
    assert (found[b"a"].mode, found[b"a"].size, found[b"a"].group) == (0o640, 7, b"a")
    assert found[b"d/h"].group == b"a"
    assert (found[b"d/e/f"].mode, found[b"d/e/f"].mtime) == (0o4755, EPOCH_NS + 5)
    assert (found[b"d"].mode, found[b"d"].mtime) == (0o711, 7 * SECOND)
    assert found[b"d/e"].mtime == EPOCH_NS
    assert (found[b"l"].kind, found[b"l"].target, found[b"l"].mtime) == ("link", b"\xff/x", EPOCH_NS)
    assert [found[name].kind for name in (b"p", b"s" * 150)] == ["fifo", "socket"]


def test_noise_is_the_same_for_the_same_seed() -> None:
    assert Noise(4, 100).data() == Noise(4, 100).data() != Noise(5, 100).data()


def test_the_same_tree_has_no_differences(tmp_path: Path) -> None:
    one, two = place(tmp_path, "one"), place(tmp_path, "two")
    trees.build(one, TREE)
    trees.build(two, TREE)
    assert compare.differences(compare.snapshot(one), compare.snapshot(two)) == []


def rewritten(root: bytes) -> None:
    with open(root + b"/d/e/f", "r+b") as stream:
        stream.write(b"?")


def retargeted(root: bytes) -> None:
    os.unlink(root + b"/l")
    os.symlink(b"other", root + b"/l")


def replaced(root: bytes) -> None:
    os.unlink(root + b"/p")
    os.mkdir(root + b"/p")


def relinked(root: bytes) -> None:
    os.unlink(root + b"/d/h")
    os.link(root + b"/\xfe\n", root + b"/d/h")


@pytest.mark.parametrize(
    ("change", "aspect"),
    [
        (lambda root: os.chmod(root + b"/a", 0o600), "mode of a"),
        (lambda root: os.utime(root + b"/a", ns=(0, EPOCH_NS + 1)), "mtime of a"),
        (lambda root: os.utime(root, ns=(0, 0)), "mtime of ."),
        (lambda root: os.unlink(root + b"/p"), "p"),
        (lambda root: os.mkdir(root + b"/new"), "new"),
        (rewritten, "content of d/e/f"),
        (retargeted, "target of l"),
        (replaced, "kind of p"),
        (relinked, "content of d/h"),
    ],
)
def test_every_change_is_told(tmp_path: Path, change: Callable[[bytes], None], aspect: str) -> None:
    one, two = place(tmp_path, "one"), place(tmp_path, "two")
    trees.build(one, TREE)
    trees.build(two, TREE)
    change(two)
    found = compare.differences(compare.snapshot(one), compare.snapshot(two))
    assert f"the destination: {aspect}" in [finding.what for finding in found]


def test_a_second_hard_link_is_told(tmp_path: Path) -> None:
    one, two = place(tmp_path, "one"), place(tmp_path, "two")
    trees.build(one, [file("a", b"x"), hardlink("b", "a")])
    trees.build(two, [file("a", b"x"), file("b", b"x")])
    found = compare.differences(compare.snapshot(one), compare.snapshot(two))
    assert [finding.what for finding in found] == [f"the destination: group of {name}" for name in "ab"]


def test_whole_seconds_forgive_the_fraction_only(tmp_path: Path) -> None:
    one, two = place(tmp_path, "one"), place(tmp_path, "two")
    trees.build(one, [file("a"), file("b")])
    trees.build(two, [file("a", mtime_ns=EPOCH_NS // SECOND * SECOND), file("b", mtime_ns=EPOCH_NS + 1)])
    found = compare.differences(compare.snapshot(one), compare.snapshot(two), whole_seconds=True)
    assert [finding.what for finding in found] == ["the destination: mtime of b"]


def test_undated_forgets_the_present_alone(tmp_path: Path) -> None:
    root = place(tmp_path, "t")
    trees.build(root, [file("old"), file("new", mtime_ns=EPOCH_NS + 50), file("far", mtime_ns=EPOCH_NS * 2)])
    found = compare.undated(compare.snapshot(root), EPOCH_NS + 10)
    assert (found[b"old"].mtime, found[b"new"].mtime, found[b"far"].mtime) == (EPOCH_NS, 0, EPOCH_NS * 2)


def test_an_absent_tree_is_empty_and_a_file_is_one_entry(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    assert compare.snapshot(place(tmp_path, "no")) == {}
    assert list(compare.snapshot(place(tmp_path, "f"))) == [b"."]


def test_names_are_printable_in_reports() -> None:
    assert compare.printable(b"a\nb\xff\x1b\xc3\xbc") == "a\\nb\\xff\\x1b\u00fc"


def test_removal_gets_through_closed_directories(tmp_path: Path) -> None:
    root = place(tmp_path, "t")
    trees.build(root, [file("d/e/f", b"x"), folder("d/e", mode=0o000), folder("d", mode=0o500)])
    trees.remove(root)
    assert not os.path.exists(root)
    trees.remove(root)


@pytest.mark.parametrize("modes", [(0o555, 0o555), (0o555, 0o000), (0o000, 0o755), (0o755, 0o555)])
def test_an_ordinary_user_s_locked_directories_are_removed(modes: tuple[int, int]) -> None:
    """Directories that only hold directories, too."""
    with tempfile.TemporaryDirectory() as room:
        os.chmod(room, 0o777)
        child = os.fork()
        if not child:
            code = 1
            try:
                if os.getuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                root = os.fsencode(room) + b"/d"
                os.makedirs(root + b"/e/f")
                os.close(os.open(root + b"/e/file", os.O_CREAT | os.O_WRONLY))
                os.chmod(root + b"/e", modes[1])
                os.chmod(root, modes[0])
                trees.remove(root)
                code = int(os.path.lexists(root))
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
