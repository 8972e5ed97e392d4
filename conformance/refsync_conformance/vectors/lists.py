"""Vectors of whole file lists: one tree, in every form that the versions have for it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any

from refsync.wire.dialect import Dialect, build
from refsync.wire.entry import CONTENT_DIR, TOP_DIR, FileEntry
from refsync.wire.flist import Preserve
from refsync.wire.flist_encode import FlistEncoder

from .model import Group, Vector

FORMS: tuple[tuple[int, int], ...] = ((27, 0), (28, 0), (29, 0), (30, 0), (30, 0x1FE), (31, 0), (32, 0x1FE))
"""Protocol versions and compatibility flags."""


def _file(name: str, size: int, mtime: int, *, nsec: int = 0, mode: int = 0o644) -> FileEntry:
    entry = FileEntry(name.encode(), stat.S_IFREG | mode, size, mtime)
    entry.nsec = nsec
    return entry


def _tree() -> list[FileEntry]:
    root = FileEntry(b".", stat.S_IFDIR | 0o755, 4096, 1_700_000_000)
    root.flags |= TOP_DIR | CONTENT_DIR
    link = FileEntry(b"link", stat.S_IFLNK | 0o777, 6, 1_700_000_000)
    link.link = b"target"
    device = FileEntry(b"null", stat.S_IFCHR | 0o666, 0, 1_700_000_000)
    device.rdev_major, device.rdev_minor = 1, 3
    pipe = FileEntry(b"pipe", stat.S_IFIFO | 0o600, 0, 1_700_000_000)
    owned = _file("owned", 5, 1_700_000_000)
    owned.uid, owned.gid = 1000, 100
    return [
        root,
        _file("a", 0, 1_700_000_000),
        _file("a-long-common-prefix-1", 1, 1_700_000_001, nsec=1),
        _file("a-long-common-prefix-2", (1 << 32) + 1, 1_700_000_001, nsec=999_999_999),
        link,
        device,
        owned,
        pipe,
        _file("x" * 256, 7, 0, mode=0o4755),
    ]


def list_groups() -> Iterator[Group]:
    """The same list for each form, with all that ``-a`` preserves."""
    preserve = Preserve(links=True, uid=True, gid=True, devices=True, specials=True, recurse=True)
    for protocol, flags in FORMS:
        dialect = build(protocol, flags)
        yield Group(
            f"file-list-{protocol}" + ("-varint" if dialect.flist_flags_varint else ""),
            "FLIST-3",
            "A file list with -a, entry by entry, each as it differs from the last, and its end",
            tuple(_vectors(dialect, preserve)),
            {"protocol": protocol, "compat_flags": flags, "options": "-a --numeric-ids"},
        )


def _vectors(dialect: Dialect, preserve: Preserve) -> Iterator[Vector]:
    encoder = FlistEncoder(dialect, preserve)
    for number, entry in enumerate(_tree()):
        yield Vector(encoder.encode(entry, number, 0), _value(entry, dialect))
    yield Vector(encoder.encode_end(0), {"end": True, "io_error": 0})


def _value(entry: FileEntry, dialect: Dialect) -> dict[str, Any]:
    value: dict[str, Any] = {
        "name": entry.name.decode(),
        "mode": entry.mode,
        "size": entry.size,
        "mtime": entry.mtime,
        "uid": entry.uid,
        "gid": entry.gid,
    }
    if dialect.nanoseconds:
        value["nsec"] = entry.nsec
    if entry.link is not None:
        value["target"] = entry.link.decode()
    if entry.is_device:
        value["device"] = [entry.rdev_major, entry.rdev_minor]
    return value
