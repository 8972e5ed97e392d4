"""Trees of files as data, and the builder that puts one on disk.

A tree is a sequence of nodes; directories that a node's path needs are made with default attributes. Times
are set last and deepest first, so that a directory keeps the time it was given.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

# : The modification time of a node that names none: 2020-09-13, with a fraction that only nanoseconds can
# hold.
EPOCH_NS = 1_600_000_000_123_456_789
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Noise:
    """``size`` bytes that don't compress, the same for the same seed."""

    seed: int
    size: int

    def data(self) -> bytes:
        return random.Random(self.seed).randbytes(self.size)


@dataclass(frozen=True, slots=True)
class Node:
    """One file-system object. ``target`` is a symlink's text, or the path of the file that a hard link
    joins.
    """

    kind: str
    path: bytes
    mode: int | None = None
    mtime_ns: int = EPOCH_NS
    content: bytes | Noise = b""
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    owner: tuple[int, int] | None = None
    xattrs: tuple[tuple[str, bytes], ...] = ()


Tree = Sequence[Node]


def as_bytes(path: str | bytes) -> bytes:
    return path if isinstance(path, bytes) else os.fsencode(path)


def folder(path: str | bytes, *, mode: int = 0o755, mtime_ns: int = EPOCH_NS) -> Node:
    return Node("dir", as_bytes(path), mode, mtime_ns)


def file(
    path: str | bytes, content: bytes | Noise = b"", *, mode: int = 0o644, mtime_ns: int = EPOCH_NS
) -> Node:
    return Node("file", as_bytes(path), mode, mtime_ns, content)


def symlink(path: str | bytes, target: str | bytes, *, mtime_ns: int = EPOCH_NS) -> Node:
    return Node("link", as_bytes(path), None, mtime_ns, target=as_bytes(target))


def hardlink(path: str | bytes, target: str | bytes) -> Node:
    return Node("hard", as_bytes(path), target=as_bytes(target))


def fifo(path: str | bytes, *, mode: int = 0o644, mtime_ns: int = EPOCH_NS) -> Node:
    return Node("fifo", as_bytes(path), mode, mtime_ns)


def unix_socket(path: str | bytes, *, mode: int = 0o755, mtime_ns: int = EPOCH_NS) -> Node:
    return Node("socket", as_bytes(path), mode, mtime_ns)


def device(path: str | bytes, kind: str, major: int, minor: int, *, mode: int = 0o600) -> Node:
    """A device node; ``kind`` is ``char`` or ``block``. Building one needs root."""
    return Node(kind, as_bytes(path), mode, device=(major, minor))


def owned(node: Node, uid: int, gid: int) -> Node:
    """The same node with an owner; building it needs root."""
    return replace(node, owner=(uid, gid))


def attributed(node: Node, attributes: Mapping[str, bytes]) -> Node:
    """The same node with extended attributes, which the file system has to be able to keep."""
    return replace(node, xattrs=(*node.xattrs, *attributes.items()))


ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def access_list(text: str) -> bytes:
    """An access list as the kernel keeps it, of words like ``u::6 u:1000:7 g::4 m::7 o::0``."""
    tags = {"u:": 1, "u": 2, "g:": 4, "g": 8, "m:": 16, "o:": 32}
    entries = []
    for word in text.split():
        kind, who, access = word.split(":")
        entries.append((tags[kind if who else kind + ":"], int(access), int(who) if who else 0xFFFFFFFF))
    entries.sort(key=lambda entry: (entry[0], entry[2]))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def build(root: bytes, tree: Iterable[Node], *, top_mtime_ns: int = EPOCH_NS) -> None:
    """Make ``tree`` below ``root``, which is created. Paths must be relative and new, or directories.

    Modes are set without regard to the umask. Raises ``OSError`` as the system does.
    """
    os.makedirs(root, exist_ok=True)
    nodes = list(tree)
    for node in nodes:
        path = os.path.join(root, node.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _create(root, path, node)
    # Owners first: chown clears the set-id bits that chmod puts there. Directories' modes last and deepest
    # first: they may close the way to what is below.
    for node in nodes:
        if node.owner is not None:
            os.chown(os.path.join(root, node.path), *node.owner, follow_symlinks=False)
    for node in nodes:
        if node.mode is not None and node.kind != "dir":
            os.chmod(os.path.join(root, node.path), node.mode)
    for node in nodes:
        for name, value in node.xattrs:
            os.setxattr(os.path.join(root, node.path), name, value, follow_symlinks=False)
    _settle_times(root, nodes, top_mtime_ns)
    for node in sorted(nodes, key=lambda one: one.path.count(b"/"), reverse=True):
        if node.mode is not None and node.kind == "dir":
            os.chmod(os.path.join(root, node.path), node.mode)


def _create(root: bytes, path: bytes, node: Node) -> None:
    match node.kind:
        case "dir":
            os.makedirs(path, exist_ok=True)
        case "file":
            with open(path, "wb") as stream:
                stream.write(node.content.data() if isinstance(node.content, Noise) else node.content)
        case "link":
            os.symlink(node.target, path)
        case "hard":
            os.link(os.path.join(root, node.target), path, follow_symlinks=False)
        case "fifo":
            os.mkfifo(path)
        case "socket":
            # Not bound: a bound socket's name may have 107 bytes at most.
            os.mknod(path, stat.S_IFSOCK | 0o600)
        case "char" | "block":
            kind = stat.S_IFCHR if node.kind == "char" else stat.S_IFBLK
            os.mknod(path, kind | 0o600, os.makedev(*node.device))
        case other:
            raise ValueError(f"unknown kind of node: {other}")


def _settle_times(root: bytes, nodes: Sequence[Node], top_mtime_ns: int) -> None:
    given = {node.path: node.mtime_ns for node in nodes if node.kind != "hard"}
    for node in nodes:
        parent = os.path.dirname(node.path)
        while parent:
            given.setdefault(parent, EPOCH_NS)
            parent = os.path.dirname(parent)
    for path in sorted(given, key=lambda one: one.count(b"/"), reverse=True):
        when = given[path]
        os.utime(os.path.join(root, path), ns=(when, when), follow_symlinks=False)
    os.utime(root, ns=(top_mtime_ns, top_mtime_ns))


def remove(root: bytes) -> None:
    """Delete a tree whatever the modes of its directories; nothing happens if it isn't there."""
    if os.path.isdir(root) and not os.path.islink(root):
        try:
            _remove(root)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            shutil.rmtree(root)  # slower: it goes down by descriptors
    elif os.path.lexists(root):
        os.unlink(root)


def _remove(folder: bytes) -> None:
    try:
        _empty(folder)
    except PermissionError:
        # Only the owner gets here, and he may give himself all rights; what is gone by then is not met again.
        if stat.S_IMODE(os.lstat(folder).st_mode) & 0o700 == 0o700:
            raise
        os.chmod(folder, 0o700)
        _empty(folder)
    os.rmdir(folder)


def _empty(folder: bytes) -> None:
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            _remove(entry.path)


def copy(source: bytes, target: bytes) -> None:
    """Copy a tree with modes, times, links and (as root) owners; hard links become files of their own."""
    shutil.copytree(os.fsdecode(source), os.fsdecode(target), symlinks=True)
    if os.geteuid() == 0:
        for folder_path, names, files in os.walk(source):
            for name in [b".", *names, *files]:
                path = os.path.join(folder_path, name)
                status = os.lstat(path)
                twin = os.path.join(target, os.path.relpath(path, source))
                os.chown(twin, status.st_uid, status.st_gid, follow_symlinks=False)
