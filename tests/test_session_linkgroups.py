"""Groups of hard links: who leads, who waits, who takes whose place."""

from __future__ import annotations

import pytest
from refsync.session.linkgroups import LinkGroups, Member, State
from refsync.session.lists import FileList
from refsync.wire.entry import HLINKED, FileEntry
from refsync.wire.errors import ProtocolError


def listing(start: int, *groups: int) -> FileList:
    entries = []
    for place, group in enumerate(groups):
        entry = FileEntry(b"%d" % (start + place), 0o100644)
        entry.flags |= HLINKED
        entry.hlink = group
        entries.append(entry)
    return FileList(start, entries, -1)


def member(groups: LinkGroups, ndx: int) -> Member:
    found = groups.find(ndx)
    assert found is not None
    return found


def test_all_but_the_last_are_put_off_and_linked_last_first() -> None:
    groups, files = LinkGroups(True), listing(1, 1, 1, 1)
    groups.add(files)
    first, second, third = (member(groups, ndx) for ndx in (1, 2, 3))
    assert groups.hold(first) and groups.hold(second) and not groups.hold(third)
    assert files.held == 2
    groups.ask(third)
    assert groups.finish(third, b"3", -1) == [second, first]
    assert files.held == 0 and groups.find(1) is None


def test_names_that_wait_come_before_those_put_off() -> None:
    groups, files = LinkGroups(True), listing(1, 1, 1, 1, 1)
    groups.add(files)
    first, leader, third, fourth = (member(groups, ndx) for ndx in (1, 2, 3, 4))
    groups.hold(first)
    groups.ask(leader)
    groups.wait(third)
    groups.wait(fourth)
    assert groups.finish(leader, b"2", -1) == [third, fourth, first]


def test_a_later_list_makes_an_earlier_name_no_longer_the_last() -> None:
    groups = LinkGroups(True)
    groups.add(listing(1, 1))
    groups.add(listing(3, 1))
    assert groups.hold(member(groups, 1))
    assert not groups.hold(member(groups, 3))


def test_the_last_name_is_skipped_and_the_one_before_takes_its_place() -> None:
    groups, files = LinkGroups(True), listing(1, 1, 1, 1)
    groups.add(files)
    first, second, third = (member(groups, ndx) for ndx in (1, 2, 3))
    groups.hold(first)
    assert groups.skip(second) is None  # the third may be there
    assert groups.skip(third) is first
    assert files.held == 0 and first.state is State.OPEN
    assert not groups.hold(first)


def test_a_leader_fails_and_one_that_waits_takes_its_place() -> None:
    groups, files = LinkGroups(True), listing(1, 1, 1, 1)
    groups.add(files)
    leader, second, third = (member(groups, ndx) for ndx in (1, 2, 3))
    groups.ask(leader)
    groups.wait(second)
    groups.wait(third)
    assert groups.skip(leader) is second
    assert not groups.hold(second)
    groups.ask(second)
    assert groups.finish(second, b"2", -1) == [third]


def test_a_group_outlives_its_lists() -> None:
    groups = LinkGroups(True)
    groups.add(listing(1, 1))
    groups.finish(member(groups, 1), b"1", -1)
    groups.add(listing(50, 1))
    assert member(groups, 50).group.done == b"1"


def test_a_group_that_no_list_has_named_is_refused() -> None:
    groups = LinkGroups(True)
    groups.add(listing(1, 1))
    with pytest.raises(ProtocolError) as caught:
        groups.add(listing(10, 5))
    assert caught.value.clause == "HLINK-1"


def test_directories_and_removed_duplicates_have_no_group() -> None:
    groups, files = LinkGroups(False), listing(0, 0, 0)
    files.entries[0].mode = 0o040755
    groups.add(files)
    assert groups.find(0) is None
    assert not groups.hold(member(groups, 1))
