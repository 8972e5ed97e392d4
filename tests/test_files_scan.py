"""Entries made from files, and ids with names."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from refsync.files import ids as ids_module
from refsync.files.ids import IdMap, IdNames, may_set_group
from refsync.files.scan import stat_entry
from refsync.files.sources import PLAIN
from refsync.options.model import Options


def test_a_regular_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    os.chmod(path, 0o640)
    os.utime(path, ns=(3_000_000_004, 1_000_000_002))
    entry = stat_entry(os.fsencode(path), b"dir/f", Options(atimes=1), IdNames())
    assert (entry.name, entry.mode, entry.size) == (b"dir/f", 0o100640, 5)
    assert (entry.mtime, entry.nsec, entry.atime) == (1, 2, 3)
    assert (entry.link, entry.uname, entry.gname) == (None, None, None)


def test_a_time_before_1970(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch()
    os.utime(path, ns=(0, -1_500_000_000))
    entry = stat_entry(os.fsencode(path), b"f", Options(), IdNames())
    assert (entry.mtime, entry.nsec) == (-2, 500_000_000)


def test_a_symlink_is_not_followed(tmp_path: Path) -> None:
    os.symlink(b"to \xff nowhere", os.fsencode(tmp_path) + b"/l")
    entry = stat_entry(os.fsencode(tmp_path) + b"/l", b"l", Options(links=True), IdNames())
    assert entry.is_link
    assert entry.link == b"to \xff nowhere"
    assert entry.size == 12


def test_special_files_have_no_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    entry = stat_entry(os.fsencode(tmp_path / "fifo"), b"fifo", Options(), IdNames())
    assert entry.is_special
    assert entry.size == 0
    device = stat_entry(b"/dev/null", b"null", Options(), IdNames())
    assert device.is_device
    assert (device.rdev_major, device.rdev_minor, device.size) == (1, 3, 0)


def test_a_given_status_is_taken(tmp_path: Path) -> None:
    """As for a directory that a user reached through a symlink."""
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to("d")
    path = os.fsencode(tmp_path / "l")
    assert stat_entry(path, b"l", Options(), IdNames(), os.stat(path)).is_dir
    assert stat_entry(path, b"l", Options(), IdNames()).is_link


def test_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch()
    status = os.stat(path)
    names = SimpleNamespace(user_name=lambda uid: b"u%d" % uid, group_name=lambda gid: b"g%d" % gid)
    entry = stat_entry(os.fsencode(path), b"f", Options(owner=True, group=True), names)  # type: ignore[arg-type]
    assert (entry.uid, entry.gid) == (status.st_uid, status.st_gid)
    assert (entry.uname, entry.gname) == (b"u%d" % status.st_uid, b"g%d" % status.st_gid)


def test_a_file_that_has_vanished(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        stat_entry(os.fsencode(tmp_path / "gone"), b"gone", Options(), IdNames())


def test_listdir(tmp_path: Path) -> None:
    for name in (b"b", b"\xff", b"a", b".hidden"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
            pass
    assert PLAIN.listdir(os.fsencode(tmp_path)) == [b".hidden", b"a", b"b", b"\xff"]
    with pytest.raises(NotADirectoryError):
        PLAIN.listdir(os.fsencode(tmp_path) + b"/a")


def test_names_of_ids() -> None:
    names = IdNames()
    assert names.user_name(0) == os.fsencode(pwd.getpwuid(0).pw_name)
    assert names.group_name(0) == os.fsencode(grp.getgrgid(0).gr_name)
    assert names.user_name(4_000_000_000) is None
    assert names.group_name(4_000_000_000) is None
    assert names.user_name(1 << 40) is None
    numeric = IdNames(numeric=True)
    assert numeric.user_name(0) is None
    assert numeric.group_name(0) is None


def test_names_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def look(number: int) -> bytes | None:
        asked.append(number)
        return b"someone" if number == 5 else None

    monkeypatch.setattr(ids_module, "user_name", look)
    monkeypatch.setattr(ids_module, "group_name", look)
    names = IdNames()
    assert [names.user_name(5), names.user_name(5), names.user_name(6), names.user_name(6)] == [
        b"someone",
        b"someone",
        None,
        None,
    ]
    assert names.group_name(5) == names.group_name(5) == b"someone"
    assert asked == [5, 6, 5]


def test_ids_are_mapped_by_name() -> None:
    root_user = os.fsencode(pwd.getpwuid(0).pw_name)
    root_group = os.fsencode(grp.getgrgid(0).gr_name)
    mapping = IdMap()
    assert mapping.user(1234, root_user) == 0
    assert mapping.group(1234, root_group) == 0
    assert mapping.user(1234, b"no such user here") == 1234
    assert mapping.group(1234, b"no such group here") == 1234
    assert mapping.user(1234, None) == 1234
    assert mapping.user(1234, b"") == 1234
    assert mapping.user(1234, b"a\0b") == 1234
    assert mapping.group(1234, b"\xff\xfe") == 1234
    assert IdMap(numeric=True).user(1234, root_user) == 1234


def test_id_0_is_never_mapped() -> None:
    other = next((user.pw_name for user in pwd.getpwall() if user.pw_uid), None)
    assert IdMap().user(0, os.fsencode(other or "daemon")) == 0
    assert IdMap().group(0, b"daemon") == 0


def test_groups_that_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    ids_module._own_groups.cache_clear()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 1001)
    monkeypatch.setattr(os, "getgroups", lambda: [4, 20])
    assert [gid for gid in (0, 4, 20, 1000, 1001) if may_set_group(gid, 0)] == [4, 20, 1001]
    assert may_set_group(31337, 1)
    assert may_set_group(31337, -1)
    ids_module._own_groups.cache_clear()


def test_modes_are_whole(tmp_path: Path) -> None:
    entry = stat_entry(os.fsencode(tmp_path), b".", Options(), IdNames())
    assert stat.S_ISDIR(entry.mode)
    assert entry.mode == os.stat(tmp_path).st_mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_measured_where_paths_are_resolved(tmp_path: Path) -> None:
    """A module's files are opened below its root, those whose size has to be looked for among them."""
    path = os.fsencode(tmp_path / "d")
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    asked: list[bytes] = []

    def opened(path: bytes, flags: int) -> int:
        asked.append(path)
        raise PermissionError

    files = SimpleNamespace(lstat=os.lstat, open=opened)
    entry = stat_entry(path, b"d", Options(copy_devices=True), IdNames(), files=files)
    assert (asked, entry.size, stat.S_IFMT(entry.mode)) == ([path], 0, stat.S_IFREG)
