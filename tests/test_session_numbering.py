"""Indexes of lists that the two sides sort differently."""

from __future__ import annotations

import pytest
from refsync.session.linkgroups import LinkGroups
from refsync.session.lists import FileLists
from refsync.wire.entry import HLINKED, UNNAMED, FileEntry
from refsync.wire.errors import ProtocolError


def entries(*names: bytes) -> list[FileEntry]:
    return [FileEntry(name, 0o100644) for name in names]


def test_indexes_count_what_crossed_the_wire() -> None:
    sent = entries(b"c", b"a", b"b")
    lists = FileLists(inc_recurse=True)
    listing = lists.add(sorted(sent, key=lambda entry: entry.name), -1, sent)
    assert [lists.entry(ndx)[1].name for ndx in (1, 2, 3)] == [b"c", b"a", b"b"]
    assert [(ndx, entry.name) for ndx, entry in listing.numbered()] == [(2, b"a"), (3, b"b"), (1, b"c")]
    assert [listing.place(ndx) for ndx in (0, 1, 2, 3)] == [-1, 2, 0, 1]


def test_without_conversion_they_count_what_is_sorted() -> None:
    listing = FileLists(inc_recurse=False).add(entries(b"a", b"b"), -1)
    assert [(ndx, entry.name) for ndx, entry in listing.numbered()] == [(0, b"a"), (1, b"b")]
    assert [listing.place(ndx) for ndx in (0, 1)] == [0, 1]


def test_a_name_that_cannot_be_had_keeps_its_number_and_nothing_else() -> None:
    lists = FileLists(inc_recurse=False)
    sent = entries(b"x", b"")
    sent[1].flags |= UNNAMED
    lists.add(sorted(sent, key=lambda entry: entry.name), -1, sent)
    assert lists.entry(0)[1].name == b"x"
    with pytest.raises(ProtocolError):
        lists.entry(1)


def test_other_names_of_a_file_whose_first_cannot_be_had_are_a_group() -> None:
    lists = FileLists(inc_recurse=True)
    first, second = entries(b"", b"later")
    first.flags |= UNNAMED | HLINKED
    second.flags |= HLINKED
    first.hlink = second.hlink = 1
    groups = LinkGroups(inc_recurse=True)
    groups.add(lists.add([first], -1, [first]))
    groups.add(lists.add([second], -1, [second]))
    member = groups.find(3)
    assert member is not None and [one.entry.name for one in member.group.members] == [b"later"]


def test_the_list_of_a_directory_without_a_name_may_come() -> None:
    lists = FileLists(inc_recurse=True)
    directory = FileEntry(b"", 0o040755)
    directory.flags |= UNNAMED
    lists.dirs.append(directory)
    assert lists.directory(0) is directory
