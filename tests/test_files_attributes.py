"""Attributes: what is chosen, what is compared, what is set, what is told when it cannot be set."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from refsync.files import attributes, ids
from refsync.files.attributes import Attributes, dest_mode, same_mtime, same_time
from refsync.files.destination import Destination
from refsync.options.model import Options
from refsync.wire.entry import FileEntry

ROOT = os.geteuid() == 0
SECOND = 1_000_000_000
Make = Callable[..., Attributes]


@pytest.fixture
def failures() -> list[bytes]:
    return []


@pytest.fixture
def make(tmp_path: Path, failures: list[bytes]) -> Iterator[Make]:
    """A factory of ``Attributes`` over ``tmp_path`` with the given options."""
    dest = Destination(os.fsencode(tmp_path))
    yield lambda **options: Attributes(dest, Options(**options), failures.append, umask=0o022)
    dest.close()


def entry_for(path: Path, **changes: int) -> FileEntry:
    """An entry that says what ``path`` has, but for ``changes``."""
    status = os.lstat(path)
    entry = FileEntry(os.fsencode(path.name), status.st_mode, status.st_size, status.st_mtime_ns // SECOND)
    entry.nsec = status.st_mtime_ns % SECOND
    entry.uid, entry.gid = status.st_uid, status.st_gid
    for name, value in changes.items():
        setattr(entry, name, value)
    return entry


@pytest.mark.parametrize(
    ("window", "a", "b", "same"),
    [
        (0, (5, 1), (5, 2), True),
        (0, (5, 0), (6, 0), False),
        (-1, (5, 1), (5, 2), False),
        (-1, (5, 1), (5, 1), True),
        (2, (5, 0), (7, 999), True),
        (2, (7, 999), (5, 0), True),
        (2, (5, 0), (8, 0), False),
        (0, (-1, 999_999_999), (-1, 0), True),
    ],
)
def test_same_time(window: int, a: tuple[int, int], b: tuple[int, int], same: bool) -> None:
    assert same_time(*a, *b, window) is same


def test_same_mtime_before_1970(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch()
    os.utime(path, ns=(0, -1))  # one nanosecond before: second -1, nanosecond 999999999
    entry = FileEntry(b"f", 0o100644, 0, -1)
    assert same_mtime(entry, os.stat(path), Options())
    assert not same_mtime(entry, os.stat(path), Options(modify_window=-1))
    entry.nsec = 999_999_999
    assert same_mtime(entry, os.stat(path), Options(modify_window=-1))
    entry.mtime = 0
    assert not same_mtime(entry, os.stat(path), Options())


@pytest.mark.parametrize(
    ("umask", "mode", "expected"),
    [
        (0o022, 0o100666, 0o100644),
        (0o077, 0o100755, 0o100700),
        (0o022, 0o106777, 0o100755),
        (0o002, 0o041777, 0o040775),
        (0, 0o107777, 0o100777),
    ],
)
def test_mode_of_what_is_new(umask: int, mode: int, expected: int) -> None:
    assert dest_mode(mode, None, umask, Options()) == expected


@pytest.mark.parametrize(
    ("here", "theirs", "executability", "expected"),
    [
        (0o640, 0o755, False, 0o640),
        (0o4711, 0o644, False, 0o4711),
        (0o640, 0o755, True, 0o750),
        (0o644, 0o100, True, 0o755),
        (0o755, 0o644, True, 0o644),
        (0o710, 0o755, True, 0o710),
    ],
)
def test_mode_of_what_exists(
    tmp_path: Path, here: int, theirs: int, executability: bool, expected: int
) -> None:
    path = tmp_path / "f"
    path.touch()
    os.chmod(path, here)
    mode = dest_mode(stat.S_IFREG | theirs, os.stat(path), 0o022, Options(executability=executability))
    assert mode == stat.S_IFREG | expected


def test_a_directory_does_not_become_executable(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)
    assert dest_mode(0o040600, os.stat(tmp_path), 0o022, Options(executability=True)) == 0o040700


@pytest.mark.parametrize("through_fd", [False, True])
def test_mode_and_times(tmp_path: Path, make: Make, failures: list[bytes], through_fd: bool) -> None:
    path = tmp_path / "f"
    path.touch()
    fd = os.open(path, os.O_RDONLY) if through_fd else -1
    entry = entry_for(path, mode=0o100741, mtime=1_000_000_001, nsec=123_456_789)
    subject = make(perms=True, times=True)
    assert subject.apply(b"f", entry, fd=fd)
    status = os.stat(path)
    assert stat.S_IMODE(status.st_mode) == 0o741
    assert status.st_mtime_ns == 1_000_000_001_123_456_789
    assert not subject.apply(b"f", entry, fd=fd)
    assert failures == []
    if through_fd:
        os.close(fd)


def test_only_what_is_asked_for_is_set(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "f"
    path.touch()
    before = os.stat(path)
    entry = entry_for(path, mtime=5, atime=6, uid=before.st_uid + 1, gid=before.st_gid + 1)
    assert not make().apply(b"f", entry, before)
    assert not make(times=True).apply(b"f", entry, before, set_times=False)
    after = os.stat(path)
    assert (after.st_mtime_ns, after.st_uid, after.st_gid) == (
        before.st_mtime_ns,
        before.st_uid,
        before.st_gid,
    )


def test_nanoseconds_of_an_existing_file(tmp_path: Path, make: Make) -> None:
    """The same second is the same time, unless the file is new here or content was compared."""
    path = tmp_path / "f"
    path.touch()
    os.utime(path, ns=(7, 5 * SECOND + 1))
    entry = entry_for(path, nsec=2)
    status = os.stat(path)
    assert not make(times=True).apply(b"f", entry, status)
    assert make(times=True, checksum=True).apply(b"f", entry, status)
    assert os.stat(path).st_mtime_ns == 5 * SECOND + 2
    entry.nsec = 3
    assert make(times=True).apply(b"f", entry)
    entry.nsec = 4
    assert make(times=True).apply(b"f", entry, os.stat(path), created=True)
    entry.nsec = 5
    assert make(times=True, modify_window=-1).apply(b"f", entry, os.stat(path))
    assert os.stat(path).st_mtime_ns == 5 * SECOND + 5
    assert os.stat(path).st_atime_ns == 7


def test_access_times(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "f"
    path.touch()
    os.utime(path, ns=(50 * SECOND + 9, 60 * SECOND + 9))
    entry = entry_for(path, atime=50)
    subject = make(times=True, atimes=1)
    assert not subject.apply(b"f", entry, os.stat(path))
    entry.atime = 51
    assert subject.apply(b"f", entry, os.stat(path))
    assert (os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns) == (51 * SECOND, 60 * SECOND + 9)


def test_symlinks(tmp_path: Path, make: Make, failures: list[bytes]) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    os.chmod(victim, 0o600)
    link = tmp_path / "link"
    link.symlink_to("victim")
    before = os.stat(victim).st_mtime_ns
    entry = entry_for(link, mtime=77, nsec=8, mode=stat.S_IFLNK | 0o644)
    assert not make(times=True, perms=True, omit_link_times=True).apply(b"link", entry)
    assert make(times=True, perms=True).apply(b"link", entry)
    assert os.lstat(link).st_mtime_ns == 77 * SECOND + 8
    assert os.stat(victim).st_mtime_ns == before
    assert stat.S_IMODE(os.stat(victim).st_mode) == 0o600
    assert failures == []


def test_directories(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "d"
    path.mkdir()
    entry = entry_for(path, mtime=77, mode=0o040750)
    assert make(times=True, perms=True, omit_dir_times=True).apply(b"d", entry)
    status = os.stat(path)
    assert stat.S_IMODE(status.st_mode) == 0o750
    assert status.st_mtime_ns // SECOND != 77
    subject = make(times=True, perms=True)
    assert subject.apply(b"d", entry)
    (path / "f").touch()
    subject.touch_up(b"d", entry)
    assert os.stat(path).st_mtime_ns // SECOND == 77
    make(times=True, omit_dir_times=True).touch_up(b"d", entry_for(path, mtime=5))
    assert os.stat(path).st_mtime_ns // SECOND == 77
    subject.touch_up(b"absent", entry)
    subject.touch_up(b"d/f", entry)
    assert os.stat(path / "f").st_mtime_ns // SECOND != 77


def test_an_inherited_group_stays(tmp_path: Path, make: Make) -> None:
    """A directory made in a set-group-id one has the bit; without ``-p`` the sender's mode leaves it."""
    path = tmp_path / "d"
    path.mkdir()
    os.chmod(path, 0o2755)
    entry = entry_for(path, mode=0o040755)
    assert not make().apply(b"d", entry)
    assert os.stat(path).st_mode & stat.S_ISGID
    assert make(perms=True).apply(b"d", entry)
    assert not os.stat(path).st_mode & stat.S_ISGID


def test_a_missing_file_is_told(tmp_path: Path, make: Make, failures: list[bytes]) -> None:
    assert not make(times=True).apply(b"gone", FileEntry(b"gone", 0o100644))
    assert failures == [b'stat "%s/gone" failed: No such file or directory (2)' % os.fsencode(tmp_path)]


def test_what_cannot_be_set_is_told(
    tmp_path: Path, make: Make, failures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*arguments: object, **named: object) -> None:
        raise PermissionError(1, "denied")

    path = tmp_path / "f"
    path.touch()
    shown = b'"%s/f"' % os.fsencode(tmp_path)
    entry = entry_for(path, mode=0o100711, mtime=5)
    monkeypatch.setattr(Destination, "chmod", deny)
    assert not make(perms=True).apply(b"f", entry)
    assert failures == [b"failed to set permissions on " + shown + b": Operation not permitted (1)"]
    failures.clear()
    assert make().apply(b"f", entry)  # nobody asked for the mode, so nobody is told
    assert failures == []
    monkeypatch.setattr(Destination, "utime_ns", deny)
    assert not make(perms=True, times=True).apply(b"f", entry)
    assert failures == [b"failed to set times on " + shown + b": Operation not permitted (1)"]


def test_a_time_that_no_file_can_have(tmp_path: Path, make: Make, failures: list[bytes]) -> None:
    path = tmp_path / "f"
    path.touch()
    make(times=True).apply(b"f", entry_for(path, mtime=1 << 80))
    assert len(failures) == 1
    assert failures[0].startswith(b"failed to set times on ")


def test_an_ordinary_user_changes_no_owner(
    tmp_path: Path, make: Make, failures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.touch()
    before = os.stat(path)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(attributes, "may_set_group", lambda gid, rank: False)
    entry = entry_for(path, uid=before.st_uid + 1, gid=before.st_gid + 1)
    assert not make(owner=True, group=True).apply(b"f", entry)
    assert (os.stat(path).st_uid, os.stat(path).st_gid) == (before.st_uid, before.st_gid)
    assert failures == []


@pytest.mark.parametrize("through_fd", [False, True])
def test_a_new_owner_does_not_cost_set_id_bits(
    tmp_path: Path, make: Make, failures: list[bytes], through_fd: bool
) -> None:
    path = tmp_path / "f"
    path.touch()
    os.chmod(path, 0o4755)
    fd = os.open(path, os.O_RDONLY) if through_fd else -1
    # an ordinary user has nobody to give the file to: there the owner stays, and so do the bits
    uid, gid = (1234, 4321) if ROOT else (os.geteuid(), os.getegid())
    entry = entry_for(path, uid=uid, gid=gid, mode=0o104755)
    make(owner=True, group=True, perms=True).apply(b"f", entry, fd=fd)
    status = os.stat(path)
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (uid, gid, 0o4755)
    assert failures == []
    if through_fd:
        os.close(fd)


@pytest.mark.parametrize(
    ("options", "uid", "gid", "calls", "texts"),
    [
        ({"owner": True, "group": True}, 7, 8, [(7, 8)], []),
        ({"owner": True}, 7, 8, [(7, -1)], []),
        ({"group": True}, 7, 8, [(-1, 8)], []),
        ({}, 7, 8, [], []),
        ({"owner": True}, ids.NO_ID, 8, [(-1, -1)], [b"uid 4294967295 (-1) is impossible to set on "]),
        ({"group": True}, 7, ids.NO_ID, [(-1, -1)], [b"gid 4294967295 (-1) is impossible to set on "]),
    ],
)
def test_chown_arguments(
    tmp_path: Path,
    make: Make,
    failures: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, bool],
    uid: int,
    gid: int,
    calls: list[tuple[int, int]],
    texts: list[bytes],
) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Destination, "chown", lambda self, name, uid, gid: seen.append((uid, gid)))
    (tmp_path / "f").touch()
    make(**options).apply(b"f", entry_for(tmp_path / "f", uid=uid, gid=gid))
    assert seen == calls
    assert [text.split(b'"')[0] for text in failures] == texts


@pytest.mark.parametrize(
    ("options", "text"),
    [({"owner": True, "group": True}, b"chown "), ({"group": True}, b"chgrp ")],
)
def test_an_owner_that_cannot_be_set_is_told_and_ends_it(
    tmp_path: Path,
    make: Make,
    failures: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, bool],
    text: bytes,
) -> None:
    """The mode might hold set-id bits, which must not go to the wrong owner's file."""

    def deny(*arguments: object, **named: object) -> None:
        raise PermissionError(1, "denied")

    path = tmp_path / "f"
    path.touch()
    before = os.stat(path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Destination, "chown", deny)
    entry = entry_for(path, uid=7, gid=8, mode=0o106755, mtime=5)
    assert not make(times=True, perms=True, **options).apply(b"f", entry)
    assert failures == [text + b'"%s" failed: Operation not permitted (1)' % os.fsencode(path)]
    assert os.stat(path).st_mode == before.st_mode
    assert os.stat(path).st_mtime_ns == before.st_mtime_ns


def test_a_file_that_vanishes_in_between_is_told(
    tmp_path: Path, make: Make, failures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.touch()
    os.chmod(path, 0o4755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Destination, "chown", lambda self, name, uid, gid: os.unlink(path))
    assert make(owner=True).apply(b"f", entry_for(path, uid=7))
    assert failures == [b'stat "%s" failed: No such file or directory (2)' % os.fsencode(path)]


def test_a_symlink_on_the_way_is_told(tmp_path: Path, make: Make, failures: list[bytes]) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").touch()
    (tmp_path / "l").symlink_to("d")
    entry = entry_for(tmp_path / "d" / "f", mtime=5)
    subject = make(times=True)
    assert not subject.apply(b"l/f", entry)
    subject.touch_up(b"l/f", entry)  # silent: it comes after all has been told
    assert failures == [b'stat "%s/l/f" failed: Not a directory (20)' % os.fsencode(tmp_path)]
    assert os.stat(tmp_path / "d" / "f").st_mtime_ns // SECOND != 5


def test_touching_up_restores_what_files_needed(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary user's read-only directory was opened up for its files; the mode comes back."""
    path = tmp_path / "d"
    path.mkdir()
    os.chmod(path, 0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    make(times=True, perms=True).touch_up(b"d", entry_for(path, mode=0o040500))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o500
    os.chmod(path, 0o700)
