"""Snapshots of trees, and the differences between two of them.

A snapshot holds what rsync promises to carry: type, content, mode, modification time, owner, link target,
device number, extended attributes, access lists and which names are one file. Access times and inode numbers
are left out, no transfer can keep them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from refsync_conformance.model import Finding
from refsync_conformance.trees import SECOND

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a snapshot knows of one name. ``group`` is the first name of a hard-linked file, empty for a
    single one.
    """

    kind: str
    mode: int
    mtime: int
    owner: tuple[int, int]
    size: int = 0
    content: str = ""
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    group: bytes = b""
    #: Extended attributes, access lists among them, as (name, value) in the order of names.
    extended: tuple[tuple[bytes, bytes], ...] = ()

    def show(self, aspect: str) -> str:
        """One aspect as a person reads it."""
        value = getattr(self, aspect)
        match aspect:
            case "mode":
                return f"{value:04o}"
            case "mtime":
                return f"{value // SECOND}.{value % SECOND:09d}"
            case "owner" | "device":
                return f"{value[0]}:{value[1]}"
            case "target" | "group":
                return printable(value) or "(none)"
            case "extended":
                return "\n".join(f"{printable(name)}={text.hex()[:200]}" for name, text in value) or "(none)"
            case _:
                return str(value)


ASPECTS = frozenset(one.name for one in fields(Facts))
Snapshot = Mapping[bytes, Facts]


def printable(name: bytes) -> str:
    """A name for a report: UTF-8 where it is, ``\\xNN`` elsewhere; control characters never raw."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def snapshot(root: bytes) -> dict[bytes, Facts]:
    """Facts by path relative to ``root``; the top is ``b"."``. An absent root gives an empty snapshot.

    A root that is no directory is one entry, ``b"."``. What may not be read is told as unreadable; other
    errors are raised.
    """
    found: dict[bytes, Facts] = {}
    inodes: dict[bytes, tuple[int, int]] = {}
    try:
        top = os.lstat(root)
    except FileNotFoundError:
        return found
    stack = [(b".", root, top)]
    while stack:
        name, path, status = stack.pop()
        found[name] = _facts(path, status)
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            inodes[name] = (status.st_dev, status.st_ino)
        if stat.S_ISDIR(status.st_mode):
            try:
                below_it = [(one, one.stat(follow_symlinks=False)) for one in os.scandir(path)]
            except PermissionError:
                found[name] = replace(found[name], content="(unreadable)")
                continue
            for entry, status in below_it:
                below = entry.name if name == b"." else name + b"/" + entry.name
                stack.append((below, entry.path, status))
    return _with_groups(found, inodes)


def _facts(path: bytes, status: os.stat_result) -> Facts:
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    content, target, device = "", b"", (0, 0)
    if kind == "file":
        try:
            with open(path, "rb") as stream:
                content = hashlib.file_digest(stream, "blake2b").hexdigest()[:32]
        except PermissionError:
            content = "(unreadable)"
    elif kind == "link":
        target = os.readlink(path)
    elif kind in ("char", "block"):
        device = (os.major(status.st_rdev), os.minor(status.st_rdev))
    return Facts(
        kind=kind,
        # A symlink's own mode means nothing on Linux.
        mode=0o777 if kind == "link" else stat.S_IMODE(status.st_mode),
        mtime=status.st_mtime_ns,
        owner=(status.st_uid, status.st_gid),
        size=status.st_size if kind in ("file", "link") else 0,
        content=content,
        target=target,
        device=device,
        extended=_extended(path),
    )


def _extended(path: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """None where the file system keeps none; a label that the system itself gives is not a file's."""
    try:
        names = sorted(os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False))
    except OSError:
        return ()
    found = []
    for name in names:
        if name in (b"security.selinux", b"security.ima", b"security.evm"):
            continue
        try:
            found.append((name, os.getxattr(path, name, follow_symlinks=False)))
        except PermissionError:
            found.append((name, b"(unreadable)"))
    return tuple(found)


def _with_groups(found: dict[bytes, Facts], inodes: dict[bytes, tuple[int, int]]) -> dict[bytes, Facts]:
    names: dict[tuple[int, int], list[bytes]] = {}
    for name in sorted(inodes):
        names.setdefault(inodes[name], []).append(name)
    for group in names.values():
        if len(group) > 1:
            for name in group:
                found[name] = replace(found[name], group=group[0])
    return {name: found[name] for name in sorted(found)}


def differences(
    expected: Snapshot,
    got: Snapshot,
    *,
    aspects: Iterable[str] = ASPECTS,
    whole_seconds: bool = False,
    what: str = "the destination",
) -> list[Finding]:
    """What isn't the same, as findings in the order of names.

    With ``whole_seconds`` (protocols below 31 carry no more) an expected time may also have arrived cut to
    the second; what was there before and agreed to the second keeps its fraction.
    """
    chosen = [one.name for one in fields(Facts) if one.name in frozenset(aspects)]
    findings: list[Finding] = []
    for name in sorted({*expected, *got}):
        shown = printable(name)
        if name not in got:
            findings.append(Finding(f"{what}: {shown}", expected[name].kind, "nothing there"))
            continue
        if name not in expected:
            findings.append(Finding(f"{what}: {shown}", "nothing there", got[name].kind))
            continue
        want, have = expected[name], got[name]
        if want.kind != have.kind:
            findings.append(Finding(f"{what}: kind of {shown}", want.kind, have.kind))
            continue
        for aspect in chosen:
            one, other = getattr(want, aspect), getattr(have, aspect)
            if aspect == "mtime" and whole_seconds and other == one // SECOND * SECOND:
                continue
            if one != other:
                findings.append(Finding(f"{what}: {aspect} of {shown}", want.show(aspect), have.show(aspect)))
    return findings


def undated(tree: Snapshot, since_ns: int) -> dict[bytes, Facts]:
    """The snapshot with every time from ``since_ns`` on set to zero.

    What a run stamped itself ("now") differs from run to run; two runs can still be compared after this.
    """
    soon = since_ns + 3600 * SECOND
    return {
        path: replace(facts, mtime=0) if since_ns <= facts.mtime < soon else facts
        for path, facts in tree.items()
    }
