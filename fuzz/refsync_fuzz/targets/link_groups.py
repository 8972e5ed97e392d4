"""Names of one file: which entries belong together, and what becomes of each as its turn comes.

Input: a byte of switches, then lists of entries, then what happens at each name's turn.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from refsync.session.linkgroups import LinkGroups, Member, State
from refsync.session.lists import FileList, FileLists
from refsync.wire.entry import CLEARED, HLINKED, UNNAMED, FileEntry
from refsync.wire.errors import ProtocolError

from ..choices import Choices
from ..oracle import Violation, expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("HLINK-1", "HLINK-2", "HLINK-3", "HLINK-4", "HLINK-5", "HLINK-6"),
    code=("refsync.session.linkgroups",),
    oracle="ES",
    dictionary={"linked": b"\1\0", "held": b"\2\2", "asked": b"\1\1", "failed": b"\x81"},
    max_length=160,
)

FINISH, ASK, HOLD, NOTHING = range(4)


def _entries(choices: Choices, start: int) -> list[FileEntry]:
    entries: list[FileEntry] = []
    for at in range(choices.byte() % 8):
        bits, link = choices.byte(), choices.byte()
        entry = FileEntry(b"n%d" % (start + at), stat.S_IFDIR if bits & 0x30 == 0x30 else stat.S_IFREG)
        if bits & 1:
            entry.flags = (
                HLINKED | (CLEARED if bits & 6 == 6 else 0) | (UNNAMED if bits & 0x18 == 0x18 else 0)
            )
            # of this list or one before it, seldom of none
            entry.hlink = link % (start + at + 1) if bits & 0xC0 else start + at
        entries.append(entry)
    return entries


class _Walk:
    """A generator that meets each name once, and the data that comes for those that it has asked for."""

    def __init__(self, groups: LinkGroups, choices: Choices) -> None:
        self.groups = groups
        self.choices = choices
        self.asked: list[Member] = []
        self.linked: list[int] = []
        self.skipped: list[int] = []

    def turn(self, ndx: int) -> None:
        """As ``engine.hardlinks``: link it, let it wait, or see what is there."""
        member = self.groups.find(ndx)
        if member is None:
            return
        group = member.group
        if group.done is not None:
            self.groups.end(member, State.DONE)
            self.linked.append(ndx)
        elif group.leader is not None and group.leader is not member:
            self.groups.wait(member)
        else:
            self._look(member)

    def _look(self, member: Member) -> None:
        what = self.choices.byte() % 4
        if what == HOLD and self.groups.hold(member):
            expect(not member.urgent, "put off, though it is to be asked for now")
            return
        if what == FINISH:
            self._finish(member)
        elif what == NOTHING:
            self._skip(member)
        else:
            self.groups.ask(member)
            self.asked.append(member)

    def arrive(self) -> None:
        """The data of the oldest request is there, or failed."""
        member = self.asked.pop(0)
        expect(self.groups.find(member.ndx) is member, "what was asked for is no longer known")
        same(member.state, State.ASKED, "the state of what was asked for")
        if self.choices.byte() & 0x80:
            self._skip(member)
        else:
            self._finish(member)

    def _finish(self, member: Member) -> None:
        others = self.groups.finish(member, member.entry.name, -1)
        expect(all(other.group is member.group for other in others), "a name of another file")
        self.linked += [member.ndx, *(other.ndx for other in others)]
        same({one.state for one in [member, *others]}, {State.DONE}, "the state of what is linked")

    def _skip(self, member: Member) -> None:
        self.skipped.append(member.ndx)
        following = self.groups.skip(member)
        if following is not None:
            expect(following.group is member.group and following.urgent, "not the next of its group")
            self.turn(following.ndx)


def fuzz_one(data: bytes) -> None:
    """Oracle: each name is linked to its file or left out, once; none is forgotten, and no list stays held.

    A number that no list has given is refused. In a group of which one name was
    finished only those are left out of which nothing came before. Who
    waits has a leader; nobody is put off who has no later name.
    """
    choices = Choices(data)
    inc = bool(choices.byte() & 1)
    lists, groups = FileLists(inc), LinkGroups(inc)
    walk = _Walk(groups, choices)
    known: set[int] = set()
    members: dict[int, int] = {}
    all_lists: list[FileList] = []
    for _ in range(1 + choices.byte() % 3 if inc else 1):
        entries = _entries(choices, lists.next_start)
        listing = lists.add(entries, -1)
        fresh = _joined(listing, known, inc)
        try:
            groups.add(listing)
        except ProtocolError as error:
            expect(fresh is None and error.clause == "HLINK-1", f"refused by {error.clause}: {error}")
            return
        if fresh is None:
            raise Violation("a link to what no list called linked was taken")
        members.update(fresh)
        all_lists.append(listing)
        for ndx, _entry in listing.numbered():
            same(groups.find(ndx) is not None, ndx in fresh, f"whether {ndx} is a name among others")
            walk.turn(ndx)
            while walk.asked and choices.byte() & 1:
                walk.arrive()
    while walk.asked:
        walk.arrive()
    _all_done(walk, members, all_lists)


def _joined(listing: FileList, known: set[int], inc: bool) -> dict[int, int] | None:
    """The group of each index of a list that has one; None if the list is to be refused."""
    found: dict[int, int] = {}
    for ndx, entry in listing.numbered():
        if entry.flags & UNNAMED and entry.hlink == ndx:
            known.add(ndx)
        if not entry.active or not entry.flags & HLINKED or entry.is_dir:
            continue
        if entry.hlink not in known and inc and entry.hlink < listing.start:
            return None
        known.add(entry.hlink)
        found[ndx] = entry.hlink
    return found


def _all_done(walk: _Walk, members: dict[int, int], lists: list[FileList]) -> None:
    ended = sorted(walk.linked + walk.skipped)
    same(ended, sorted(members), "names that were linked or left out")
    same([listing.held for listing in lists], [0] * len(lists), "names that lists still wait for")
    expect(all(walk.groups.find(ndx) is None for ndx in members), "a name is still known")


def seeds() -> Iterator[tuple[str, bytes]]:
    """A group in one list and over several, names put off and waiting, failures, strange numbers."""
    group = b"\4\1\0\x41\1\x41\1\x41\1"  # the first leads, three more refer to it
    whole = b"\0" + group
    segments = b"\1\2" + group
    more = b"\3\x41\1\x41\1\x41\1"
    for name, steps in {
        "finish": b"\0",
        "ask": b"\1" + b"\0\0\0\0\0",
        "ask_fail": b"\1\0\0\0\0" + b"\x80\1\x80\1\x80\1\x80",
        "hold": b"\2\2\2\0",
        "hold_last": b"\2\2\2\2\0",
        "hold_skip": b"\2\2\2\3\3\3\3\3",
        "hold_ask": b"\2\2\1\0\0\0\x80\0\1",
        "skip": b"\3\3\3\3",
        "now": b"\1\1\1\1\1\1",
    }.items():
        yield f"whole.{name}", whole.replace(b"\x41\1", b"\x41\0") + steps
        yield f"segments.{name}", segments + steps + more + steps[::-1] + more + steps
    yield "from_before", b"\1\1" + b"\1\0\0" + b"\0" + b"\2\x41\1\x41\1"
    yield "unnamed", b"\1\0" + b"\3\x19\0\x41\1\x31\0"
    yield "removed", b"\1\0" + b"\3\7\0\x41\1\1\0"
