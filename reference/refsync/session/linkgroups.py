"""Which entries of the lists are names of one file, and what has become of each.

A group lives as long as the session: a name that comes in a later list is
linked to what an earlier one has become, even if that list is long gone.
Clauses HLINK-1 to HLINK-6; upstream ``hlink.c:match_gnums``, ``check_prior``,
``skip_hard_link``.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from ..wire.entry import HLINKED, UNNAMED, FileEntry
from ..wire.errors import ProtocolError
from .lists import FileList


class State(Enum):
    """Of one name of a group."""

    OPEN = auto()  # its turn has not come, or is now
    HELD = auto()  # missing here: a later name may be there already
    ASKED = auto()  # its data is on the way: the leader
    WAITING = auto()  # for the leader
    DONE = auto()
    SKIPPED = auto()  # nothing was made of it


class Member:
    """One name. ``urgent``: the next to be asked for, whether or not later names follow."""

    __slots__ = ("entry", "group", "listing", "ndx", "state", "urgent")

    def __init__(self, group: Group, listing: FileList, ndx: int, entry: FileEntry) -> None:
        self.group = group
        self.listing = listing
        self.ndx = ndx
        self.entry = entry
        self.state = State.OPEN
        self.urgent = False


class Group:
    """The names of one file, in the order of the lists.

    ``done`` is the first that was finished, and thereby what the others are
    linked to; ``origin`` the other directory in which it was found, or -1.
    """

    __slots__ = ("done", "held", "leader", "members", "origin", "waiting")

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.held: list[Member] = []
        self.waiting: deque[Member] = deque()
        self.leader: Member | None = None
        self.done: bytes | None = None
        self.origin = -1


class LinkGroups:
    """All groups of a session, by the number that came with their entries."""

    def __init__(self, inc_recurse: bool) -> None:
        self._inc_recurse = inc_recurse
        self._groups: dict[int, Group] = {}
        self._members: dict[int, Member] = {}

    def add(self, listing: FileList) -> None:
        """HLINK-1: the linked entries of a list that has arrived join their groups.

        A number from before the list must be one that an earlier list has given.
        """
        for ndx, entry in listing.numbered():
            if entry.flags & UNNAMED and entry.hlink == ndx:
                self._groups.setdefault(ndx, Group())  # others may be names of the same file
            if not entry.active or not entry.flags & HLINKED or entry.is_dir:
                continue
            group = self._groups.get(entry.hlink)
            if group is None:
                if self._inc_recurse and entry.hlink < listing.start:
                    raise ProtocolError(
                        f"hard link to index {entry.hlink}, which no list called linked", clause="HLINK-1"
                    )
                group = self._groups[entry.hlink] = Group()
            member = Member(group, listing, ndx, entry)
            group.members.append(member)
            self._members[member.ndx] = member

    def find(self, ndx: int) -> Member | None:
        """What an index is in its group, None for the only name of a file or one that is finished."""
        return self._members.get(ndx)

    # -- what happens to a name --------------------------------------------

    def wait(self, member: Member) -> None:
        """HLINK-3: its file is being transferred under another name."""
        member.state = State.WAITING
        member.listing.held += 1
        member.group.waiting.append(member)

    def hold(self, member: Member) -> bool:
        """HLINK-4: put off what is missing, while a later name may be there; False for the last."""
        if member.urgent or member.group.members[-1] is member:
            return False
        member.state = State.HELD
        member.listing.held += 1
        member.group.held.append(member)
        return True

    def ask(self, member: Member) -> None:
        """The data is requested under this name."""
        member.state = State.ASKED
        member.group.leader = member

    def finish(self, member: Member, name: bytes, origin: int) -> list[Member]:
        """HLINK-5: the file is here; returns the names to be linked to it, in their order."""
        group = member.group
        group.done, group.origin, group.leader = name, origin, None
        others = [*group.waiting, *reversed(group.held)]
        group.waiting.clear()
        group.held.clear()
        for other in others:
            other.listing.held -= 1
            self.end(other, State.DONE)
        self.end(member, State.DONE)
        group.members.clear()
        return others

    def end(self, member: Member, state: State) -> None:
        """Nothing more will become of this name."""
        member.state = state
        self._members.pop(member.ndx, None)

    def skip(self, member: Member) -> Member | None:
        """HLINK-6: nothing was made of this name; returns the one that is to be looked at in its place."""
        group = member.group
        self.end(member, State.SKIPPED)
        if group.leader is member:
            group.leader = None
        while group.members and group.members[-1].state is State.SKIPPED:
            group.members.pop()
        if group.done is not None or group.leader is not None:
            return None
        if group.waiting:
            chosen = group.waiting.popleft()
        elif group.held and group.members[-1] is group.held[-1]:
            chosen = group.held.pop()
        else:
            return None
        chosen.listing.held -= 1
        chosen.state, chosen.urgent = State.OPEN, True
        return chosen
