"""The order of a file list, and what becomes of names that it holds twice.

Input: a byte of switches, then entries: a byte of type and flags, a name behind its length.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from functools import cmp_to_key

from refsync.wire import order
from refsync.wire.entry import CLEARED, CONTENT_DIR, TOP_DIR, FileEntry

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("FLIST-17", "FLIST-18", "FLIST-19", "FLIST-20", "FLIST-26", "FLIST-27"),
    code=("refsync.wire.order",),
    oracle="RDS",
    dictionary={"slash": b"/", "dot": b"\1.", "below": b"a/b", "before_slash": b"a.b", "after_slash": b"a0b"},
    max_length=600,
)

#: Few names and bytes around the slash: the interesting orders are among neighbours.
ALPHABET = b"aab.-/0\x01\xff"


def _entries(choices: Choices) -> list[FileEntry]:
    entries: list[FileEntry] = []
    while choices and len(entries) < 40:
        kind = choices.byte()
        raw = choices.take(1 + kind % 7)
        if kind & 0x80:
            raw = bytes(ALPHABET[byte % len(ALPHABET)] for byte in raw)
        parts = [part for part in raw.replace(b"\0", b"_").split(b"/") if part not in (b"", b".", b"..")]
        is_dir = kind >> 3 & 1 or not parts
        if is_dir and kind & 0x40 and parts:
            parts.append(b".")  # as --relative sends a directory that was named with it
        entry = FileEntry(b"/".join(parts) or b".", (stat.S_IFDIR if is_dir else stat.S_IFREG) | 0o644)
        if is_dir:
            entry.flags = (CONTENT_DIR if kind & 0x10 else 0) | (TOP_DIR if kind & 0x20 else 0)
        entries.append(entry)
    return entries


def _compare(one: FileEntry, other: FileEntry) -> int:
    """Walk both paths side by side: at the first component that differs, a file goes before a
    directory; two directories compare as if each name ended in a slash. A directory goes before
    what is in it, its own dot first, the root before all.
    """
    if one.name == b"." or other.name == b".":
        return (one.name != b".") - (other.name != b".")
    paths = [entry.name.split(b"/") for entry in (one, other)]
    for depth in range(min(map(len, paths))):
        ranks = []
        for entry, path in zip((one, other), paths, strict=True):
            directory = path[depth] != b"." and (entry.is_dir or depth < len(path) - 1)
            component = b"" if path[depth] == b"." else path[depth]
            ranks.append((directory, component + (b"/" if directory else b"")))
        if ranks[0] != ranks[1]:
            return 1 if ranks[0] > ranks[1] else -1
    return len(paths[0]) - len(paths[1])


def _kept(entries: list[FileEntry]) -> set[int]:
    """What a receiver keeps of each name: its first directory, else its first entry."""
    kept: dict[bytes, FileEntry] = {}
    for entry in entries:
        other = kept.get(entry.name)
        if other is None or (entry.is_dir and not other.is_dir):
            kept[entry.name] = entry
    return {id(entry) for entry in kept.values()}


def fuzz_one(data: bytes) -> None:
    """Oracle: the order of a model that compares component by component; equal names stay in place.

    Sorting again changes nothing, nor does the order of arrival change the
    order of names. A receiver keeps one entry a name, the model's; a sender
    keeps all; marking twice marks the same.
    """
    choices = Choices(data)
    switches = choices.byte()
    files_first = switches & 1 == 0
    entries = _entries(choices)
    ordered = list(entries)
    order.sort(ordered, files_first)
    if files_first:
        model = sorted(entries, key=cmp_to_key(_compare))
    else:
        model = sorted(entries, key=lambda entry: entry.name)
    same([id(entry) for entry in ordered], [id(entry) for entry in model], "the order")
    backwards = entries[::-1]
    order.sort(backwards, files_first)
    key = order.sort_key(files_first)
    same([key(entry) for entry in backwards], [key(entry) for entry in ordered], "sorted from the other end")
    sender = switches & 2 == 2
    order.mark_duplicates(ordered, files_first, sender=sender)
    active = [entry for entry in ordered if entry.active]
    if sender:
        same(len(active), len(ordered), "entries of a sender")
    else:
        same({id(entry) for entry in active}, _kept(model), f"kept of {[e.name for e in ordered]}")
    before = [entry.flags for entry in ordered]
    order.mark_duplicates(ordered, files_first, sender=sender)
    same([entry.flags for entry in ordered], before, "marked twice")
    expect(len({entry.name for entry in active}) == len({entry.name for entry in ordered}), "a name is lost")
    expect(all(not entry.flags & CLEARED for entry in active), "active and cleared")
    _pruned(ordered, switches & 4 == 4)
    _without_root(active)


def _pruned(entries: list[FileEntry], some_are_kept: bool) -> None:
    """A directory stays if it or anything below it is kept or no directory; all else stays anyway."""

    def keeps(name: bytes) -> bool:
        return some_are_kept and name.endswith(b"a")

    active = [entry for entry in entries if entry.active]
    order.prune_empty(entries, keeps)
    files = [entry.name for entry in active if not entry.is_dir]
    held = [entry.name for entry in active if entry.is_dir and keeps(entry.name)]
    for entry in active:
        full = entry.name in held or any(name.startswith(entry.name + b"/") for name in files + held)
        wanted = full or not entry.is_dir or entry.name == b"."
        same(entry.active, wanted, f"{entry!r} of {files} and {held}, pruned")


def _without_root(entries: list[FileEntry]) -> None:
    names = [entry.name for entry in entries]
    for at, entry in enumerate(entries):
        entry.name = b"/" * (at % 3) + (b"" if at % 3 and entry.name == b"." else entry.name)
    order.strip_root(entries)
    same([entry.name for entry in entries], names, "names without the root's slash")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Neighbours of the slash, files and directories of one name, the root."""

    def pack(*names: bytes) -> bytes:
        out = b""
        for name in names:
            is_dir, dot = name.endswith((b"/", b"/.")), name.endswith(b"/.")
            name = name.removesuffix(b".").rstrip(b"/")[:7]
            out += bytes((_head(len(name), is_dir) | 0x40 * dot,)) + name
        return out

    for switches in (*range(4), 5, 6):
        head = bytes((switches,))
        yield (
            f"neighbours.{switches}",
            head + pack(b"a/", b"a.b/", b"a", b"a0/", b"a/b", b"a.b/c", b"a/b/", b"a0"),
        )
        yield f"twice.{switches}", head + pack(b"a", b"a/", b"a", b"a/", b"a/b", b"a/b")
        yield (
            f"empty.{switches}",
            head + pack(b"./", b"a/", b"a/b/", b"c/", b"c/d", b"e", b"-/", b"-/a/", b"-/b/"),
        )
        yield f"dots.{switches}", head + pack(b"a/", b"a/.", b"a/-", b"-/.", b"a/-/", b"a/-/.", b"a/.")
        yield f"root.{switches}", head + pack(b"./", b"b", b"./", b"a/", b"a/x", b"-")


def _head(length: int, is_dir: bool) -> int:
    """A byte of type that asks for so many bytes of name."""
    return next(kind for kind in range(128) if kind % 7 == length - 1 and kind >> 3 & 1 == is_dir)
