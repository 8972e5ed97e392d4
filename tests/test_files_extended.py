"""Attributes and access lists of real files, as root and as an ordinary user; what --fake-super keeps."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.engine.attached import digest_of
from refsync.files import acls, fakesuper
from refsync.files.attributes import Attributes
from refsync.files.destination import Destination
from refsync.files.extended import Extended
from refsync.files.ids import IdNames
from refsync.files.scan import stat_entry
from refsync.files.xattrs import XattrNames, read
from refsync.options.model import Options
from refsync.wire.acl import ACCESS, DEFAULT, NO_ENTRY, Acl, Named
from refsync.wire.entry import FileEntry
from refsync.wire.errors import RefsyncError
from refsync.wire.xattr import Xattr, make


def keeps_attributes(path: Path) -> bool:
    try:
        os.setxattr(path, "user.test", b"1")
        os.removexattr(path, "user.test")
    except OSError:
        return False
    return True


@pytest.fixture(autouse=True)
def place(tmp_path: Path) -> Path:
    if not keeps_attributes(tmp_path):
        pytest.skip("the file system of the temporary directory keeps no extended attributes")
    return tmp_path


def over(path: Path, said: list[bytes], **fields: object) -> tuple[Attributes, Extended]:
    options = Options()
    for name, value in fields.items():
        setattr(options, name, value)
    dest = Destination(os.fsencode(path))
    if options.fake_super:
        dest.fake_super(said.append)
    names = XattrNames(options, sender=False)
    extended = Extended(dest, options, said.append, said.append, names=names, digest_of=digest_of)
    return Attributes(dest, options, said.append, umask=0o022, extended=extended), extended


def entry_for(path: Path, **fields: object) -> FileEntry:
    entry = stat_entry(os.fsencode(path), os.fsencode(path.name), Options(), IdNames())
    for name, value in fields.items():
        setattr(entry, name, value)
    return entry


ANY_NAMES = [b"user.a", b"trusted.t", b"security.s", b"system.x", b"user.rsync.%stat", b"user.rsync.t"]


@pytest.mark.parametrize(
    ("fields", "sender", "taken", "kept"),
    [
        ({"super_user": True}, True, [0, 1, 2, 5], []),
        ({"super_user": True, "xattrs": 2}, True, [0, 1, 2, 4, 5], []),
        ({"super_user": False}, True, [0, 1, 2, 5], []),
        ({"super_user": False}, False, [0, 4, 5], [0, 5]),
        ({"super_user": False, "xattrs": 2}, False, [0, 4, 5], [0, 4, 5]),
        ({"super_user": True}, False, [0, 1, 2, 4, 5], [0, 1, 2, 3, 5]),
        ({"fake_super": True}, False, [0, 1, 2, 5], [0, 1, 2, 3, 5]),
    ],
)
def test_names_that_take_part(
    fields: dict[str, object], sender: bool, taken: list[int], kept: list[int]
) -> None:
    options = Options(xattrs=1)
    for name, value in fields.items():
        setattr(options, name, value)
    names = XattrNames(options, sender=sender)
    assert [at for at, name in enumerate(ANY_NAMES) if names.taken(name)] == taken
    if not sender:
        assert [at for at, name in enumerate(ANY_NAMES) if names.kept(name) is not None] == kept


def test_rules_replace_name_spaces() -> None:
    options = Options(xattrs=1, super_user=False)
    names = XattrNames(options, sender=False, excluded=lambda name: name == b"user.no")
    assert names.taken(b"trusted.t") and not names.taken(b"user.no")
    assert names.kept(b"user.no") is None and names.kept(b"trusted.t") == b"user.rsync.trusted.t"
    assert names.removed(b"security.s") and not names.removed(b"user.no")


def test_fake_super_hides_and_restores_name_spaces() -> None:
    names = XattrNames(Options(fake_super=True, xattrs=1), sender=True)
    assert names.kept(b"trusted.t") == b"user.rsync.trusted.t"
    assert names.sent(b"user.rsync.trusted.t") == b"trusted.t"
    assert names.sent(b"user.rsync.%x") == b"user.rsync.%x"
    assert not names.removed(b"user.rsync.%aacl")


def test_attributes_are_set_found_and_removed(place: Path) -> None:
    said: list[bytes] = []
    path, basis = place / "f", place / "basis"
    path.touch()
    basis.touch()
    os.setxattr(path, "user.old", b"o")
    os.setxattr(basis, "user.long", b"L" * 40)
    attributes, extended = over(place, said, xattrs=1)
    wanted = [make(b"user.long", b"L" * 40, digest_of, 1), make(b"user.s", b"s", digest_of, 2)]
    lost = Xattr(b"user.z", 50, None, bytes(16), 3)
    attributes.apply(b"f", entry_for(path, xattrs=[*wanted, lost]), xattrs_of=b"basis")
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == {
        "user.long": b"L" * 40,
        "user.s": b"s",
    }
    assert said == [b'Missing abbreviated xattr value, user.z, for "%s"' % os.fsencode(path)]
    assert wanted[0].value == b"L" * 40
    here = extended.xattrs_here(b"f", path.stat().st_mode)
    assert extended.missing(wanted, here) == (False, [])
    assert extended.missing([*wanted, lost], here) == (True, [lost])


def test_a_symlink_in_the_place_of_a_file_is_not_followed(place: Path) -> None:
    said: list[bytes] = []
    (place / "outside").touch()
    (place / "link").symlink_to("outside")
    attributes, _ = over(place, said, xattrs=1, links=True)
    entry = entry_for(place / "link", xattrs=[make(b"user.x", b"x", digest_of, 1)])
    attributes.apply(b"link", entry, xattrs_of=b"link")
    assert os.listxattr(place / "outside") == []
    assert said and b"lsetxattr" in said[0]


ACLS = st.builds(
    Acl,
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(0, 7),
    st.lists(
        st.builds(Named, st.integers(0, 2**32 - 2), st.integers(0, 7), st.booleans()),
        max_size=5,
        unique_by=lambda one: (one.is_user, one.id),
    ).map(lambda names: tuple(sorted(names, key=lambda one: (not one.is_user, one.id)))),
)


@given(ACLS)
def test_the_forms_that_are_stored_give_back_a_list(acl: Acl) -> None:
    assert acls.unpack(acls.pack(acl)) == acl
    assert acls.unpack_fake(acls.pack_fake(acl), 0) == acl


@pytest.mark.parametrize("raw", [b"", b"\2\0\0\0x", b"\1\0\0\0"])
def test_what_is_no_access_list(raw: bytes) -> None:
    with pytest.raises(ValueError, match="ACL"):
        acls.unpack(raw)
    with pytest.raises(ValueError, match="ACL"):
        acls.unpack_fake(raw, 0)


def test_nobody_gets_in_while_set_id_bits_have_to_go() -> None:
    acl = Acl(names=(Named(1, 7, True),), mask=7)
    assert acls.merged(acl, 0o104755, 0o100755)[0].mask == 0
    assert acls.merged(acl, 0o100755, 0o104755)[0].mask == 5
    assert acls.merged(acl, 0o40755, 0o41755)[0].other == 0
    assert acls.merged(acl, 0o41755, 0o41755)[0].other == 5


def test_access_lists_of_files(place: Path) -> None:
    said: list[bytes] = []
    folder = place / "d"
    folder.mkdir(mode=0o755)
    attributes, extended = over(place, said, acls=1, perms=True)
    acl = Acl(mask=5, names=(Named(12345, 7, True),))
    entry = entry_for(folder, mode=stat.S_IFDIR | 0o750, acl=acl, default_acl=Acl(7, 5, 5, 0, acl.names))
    assert extended.acls_differ(entry, b"d", folder.stat())
    try:
        acls.write(os.fsencode(folder), ACCESS, acls.merged(acl, 0o40755, 0o40750)[0])
    except OSError:
        pytest.skip("the file system of the temporary directory keeps no ACLs")
    attributes.apply(b"d", entry)
    assert said == []
    assert acls.read(os.fsencode(folder), ACCESS, 0) == Acl(7, 5, 5, 0, acl.names)
    assert acls.default_permissions(os.fsencode(folder), 0o022) == 0o750
    assert not extended.acls_differ(
        entry_for(folder, acl=acl, default_acl=entry.default_acl), b"d", folder.stat()
    )
    attributes.apply(b"d", entry_for(folder, mode=stat.S_IFDIR | 0o700, acl=Acl(), default_acl=Acl()))
    assert os.listxattr(folder) == []
    assert acls.read(os.fsencode(folder), DEFAULT, 0).user == NO_ENTRY
    assert acls.default_permissions(os.fsencode(folder), 0o022) == 0o755


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"100644 0,0 5:6", (0o100644, 0, 0, 5, 6)),
        (b"20660  1,3 4294967294:7 more", (0o20660, 1, 3, 4294967294, 7)),
        (b"100644 0,0 -1:6", (0o100644, 0, 0, 0xFFFFFFFF, 6)),
        (b"+7 +1,-2 3:4", (7, 1, 0xFFFFFFFE, 3, 4)),
        (b"1000,0 5:6", None),
        (b"100644 0,056:6", None),
        (b"", None),
        (b"100648 0,0 5:6", None),
        (b"100644 0,0 5", None),
    ],
)
def test_what_a_file_is_said_to_be(text: bytes, said: tuple[int, ...] | None) -> None:
    assert fakesuper.parse(text) == said


def test_fake_super_writes_and_reads(place: Path) -> None:
    said: list[bytes] = []
    attributes, _ = over(place, said, fake_super=True, owner=True, group=True, perms=True, devices=True)
    dest = Destination(os.fsencode(place))
    dest.fake_super(said.append)
    dest.mknod(b"dev", stat.S_IFBLK | 0o660, os.makedev(7, 300))
    device = FileEntry(b"dev", stat.S_IFBLK | 0o660)
    device.rdev_major, device.rdev_minor, device.uid, device.gid = 7, 300, 8, 9
    attributes.apply(b"dev", device)
    dest.symlink(b"target", b"link")
    link = FileEntry(b"link", stat.S_IFLNK | 0o777)
    attributes.apply(b"link", link)
    assert os.getxattr(place / "dev", "user.rsync.%stat") == b"60660 7,300 8:9"
    status = dest.lstat(b"dev")
    assert status is not None
    assert (status.st_mode, status.st_rdev, status.st_uid) == (0o60660, os.makedev(7, 300), 8)
    assert (place / "link").read_bytes() == dest.readlink(b"link") == b"target"
    sent = stat_entry(os.fsencode(place / "link"), b"link", Options(fake_super=True), IdNames())
    assert sent.is_link and sent.link == b"target"
    plain = place / "plain"
    plain.touch()
    os.setxattr(plain, "user.rsync.%stat", b"104755 0,0 1:1")
    own = entry_for(plain, mode=0o100644)
    attributes.apply(b"plain", own)
    assert os.listxattr(plain) == []
    assert said == []


def test_a_corrupt_word_about_a_file_ends_the_run(place: Path) -> None:
    (place / "f").touch()
    os.setxattr(place / "f", "user.rsync.%stat", b"nonsense")
    dest = Destination(os.fsencode(place))
    dest.fake_super(lambda text: None)
    with pytest.raises(RefsyncError, match="Corrupt") as caught:
        dest.lstat(b"f")
    assert caught.value.code == 11


def test_reading_numbers_ascends_by_name(place: Path) -> None:
    (place / "f").touch()
    for name in ("user.c", "user.a", "user.b"):
        os.setxattr(place / "f", name, b"x")
    names = XattrNames(Options(xattrs=1), sender=True)
    got = read(os.fsencode(place / "f"), b'"f"', names, digest_of)
    assert [(one.number, one.name) for one in got] == [(1, b"user.a"), (2, b"user.b"), (3, b"user.c")]
