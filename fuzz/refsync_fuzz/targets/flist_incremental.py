"""The file lists of a session, as segments of an incremental recursion and as one list.

Input: a byte for the kind of recursion, then steps: a list arrives, an index or a
directory is named by the peer, the oldest list is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from stat import S_IFDIR, S_IFREG
from typing import TypeVar

from refsync.session import lists as session_lists
from refsync.session.lists import FileLists
from refsync.wire.entry import CLEARED, GOT_LIST, FileEntry
from refsync.wire.errors import ProtocolError
from refsync.wire.integers import INT32_MAX

from ..choices import Choices
from ..oracle import Violation, constants, expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("IREC-1", "IREC-3", "IREC-5", "IREC-6", "IREC-7", "NDX-5", "FLIST-20"),
    code=("refsync.session.lists",),
    oracle="EMS",
    max_length=200,
)

ADD, NAME, DIRECTORY, DROP = range(4)
T = TypeVar("T")
Model = list[tuple[int, list[FileEntry], int]]


def fuzz_one(data: bytes) -> None:
    """Oracle: a model that finds an index by looking through every live list.

    Each index belongs to one entry or, for the number before a list, to its
    directory; whatever else a peer names is refused, and changes nothing.
    A directory gets one list. What is live is counted, and has its limits.
    """
    choices = Choices(data)
    inc = bool(choices.byte() & 1)
    lists = FileLists(inc)
    same(lists.eof, not inc, "whether all lists have come")
    model: Model = []
    directories: list[FileEntry] = []
    following, steps = int(inc), 0
    while choices and steps < 60:
        steps += 1
        step = choices.byte()
        if step % 4 == ADD and (inc or not model):
            parent = choices.byte() % (len(directories) + 1) - 1
            entries = _entries(choices)
            found = lists.add(entries, parent)
            same((found.start, found.end), (following, following + len(entries)), "the numbers of a list")
            same(found.names, {one.name for one in entries if one.active}, "the names of a list")
            model.append((following, entries, parent))
            directories += [one for one in entries if one.is_dir]
            lists.dirs += [one for one in entries if one.is_dir]
            following += len(entries) + 1
        elif step % 4 == NAME:
            # near the lists, or anywhere
            ndx = choices.byte() - 3 if step & 4 else choices.integer(4, signed=True)
            _named(lists, model, directories, ndx, inc)
        elif step % 4 == DIRECTORY:
            _directory(lists, directories, choices.byte() - 2)
        elif model:
            start, entries, _ = model.pop(0)
            gone = lists.drop_first()
            same((gone.start, gone.entries), (start, entries), "the oldest list")
        same(lists.total, sum(len(entries) for _, entries, _ in model), "entries of the live lists")
        same(lists.next_start, following, "where the next list starts")
    for start, entries, _ in model:  # every number, the gaps and both ends
        for ndx in range(start - 2, start + len(entries) + 2):
            _named(lists, model, directories, ndx, inc)
    _limits(lists, following)
    for ndx in (-(1 << 31), -101, -1, INT32_MAX):
        _named(lists, model, directories, ndx, inc)


def _limits(lists: FileLists, following: int) -> None:
    """One more list, where entries or numbers have just run out (FLIST-1, NDX-4)."""
    one = [FileEntry(b"one", S_IFREG)]
    for name, room, clause in (
        ("MAX_FLIST_ENTRIES", lists.total + 1, "FLIST-1"),
        ("MAX_NDX", following + 2, "NDX-4"),
    ):
        other = copy(lists)
        other.live, other._starts = list(lists.live), list(lists._starts)
        with constants(session_lists, **{name: room}):
            expect(_allowed(partial(other.add, one, -1)) is not None, f"the last list within {name}")
            try:
                other.add(one, -1)
            except ProtocolError as error:
                same(error.clause, clause, f"refused past {name}")
            else:
                raise Violation(f"a list past {name} was taken")


def _entries(choices: Choices) -> list[FileEntry]:
    entries = []
    for number in range(choices.byte() % 6):
        bits = choices.byte()
        entry = FileEntry(b"n%d" % (number + bits % 3), S_IFDIR | 0o755 if bits & 4 else S_IFREG | 0o644)
        entry.flags = CLEARED if bits & 8 else 0
        entries.append(entry)
    return entries


def _named(lists: FileLists, model: Model, directories: list[FileEntry], ndx: int, inc: bool) -> None:
    wanted: tuple[int, FileEntry] | None = None
    for start, entries, parent in model:
        if start <= ndx < start + len(entries):
            wanted = start, entries[ndx - start]
        elif ndx == start - 1 and inc and parent >= 0:
            wanted = start, directories[parent]
    if wanted is not None and not wanted[1].active:
        wanted = None
    got = _allowed(lambda: lists.entry(ndx))
    expect((got is None) == (wanted is None), f"index {ndx}: {got}, expected {wanted}")
    if got is not None and wanted is not None:
        same(got[0].start, wanted[0], f"the list of index {ndx}")
        expect(got[1] is wanted[1], f"the entry of index {ndx}")
        same(got[0].before + len(got[0].entries), lists.checked, "entries up to the end of that list")


def _directory(lists: FileLists, directories: list[FileEntry], number: int) -> None:
    fresh = 0 <= number < len(directories) and directories[number].active
    fresh = fresh and not directories[number].flags & GOT_LIST
    got = _allowed(lambda: lists.directory(number))
    same(got is not None, fresh, f"whether directory {number} gets a list")
    if got is not None:
        expect(got is directories[number], f"directory {number}")
        same(_allowed(lambda: lists.directory(number)), None, "a second list for it")


def _allowed(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except ProtocolError as error:
        expect(error.clause, "a refusal without a clause")
        return None


def seeds() -> Iterator[tuple[str, bytes]]:
    """One list, lists of directories, empty ones, removed entries, lists that are done."""
    one = bytes((ADD, 0, 3, 0, 4, 0))
    yield "whole", b"\0" + one + bytes((NAME | 4, 3, NAME | 4, 2, NAME | 4, 6))
    yield "segments", b"\1" + one + bytes((DIRECTORY, 2, ADD, 1, 2, 0, 4, DIRECTORY, 2, DIRECTORY, 3))
    yield "removed", b"\1" + bytes((ADD, 0, 4, 0, 8, 12, 4, DIRECTORY, 2, DIRECTORY, 3, NAME | 4, 5))
    yield "empty", b"\1" + one + bytes((ADD, 1, 0, ADD, 1, 1, 0, NAME | 4, 7))
    yield "done", b"\1" + one + bytes((ADD, 1, 1, 0, DROP, NAME | 4, 4, NAME | 4, 8, DROP, NAME, 0, 0, 0, 0))
    yield "far", b"\1" + one + bytes((NAME,)) + b"\xff\xff\xff\x7f" + bytes((DIRECTORY, 255, DIRECTORY, 0))
