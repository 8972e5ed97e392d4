"""Decisions of a filter list: order, sides, anchors, and the files of directories."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.filters.rulelist import FilterList, read_patterns
from refsync.filters.rules import RECEIVER, SENDER
from refsync.filters.source import Source
from refsync.wire.errors import RefsyncError


def tree(files: dict[bytes, bytes], home: bytes | None = None) -> Source:
    """A file system that holds nothing but these files."""

    def read(path: bytes) -> bytes:
        if path not in files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return files[path]

    return Source(read=read, cwd=lambda: b"/cwd", home=lambda: home, cvsignore=lambda: b"envword")


def made(*rules: str, files: dict[bytes, bytes] | None = None, delete_excluded: bool = False) -> FilterList:
    return FilterList.from_options(rules, source=tree(files or {}, b"/home"), delete_excluded=delete_excluded)


@pytest.mark.parametrize(
    ("rule", "name", "is_dir", "expected"),
    [
        ("- *.o", b"a/b.o", False, -1),
        ("- b", b"a/b", False, -1),
        ("- b", b"ab", False, 0),
        ("- /b", b"a/b", False, 0),
        ("- /b", b"b", True, -1),
        ("- a/b", b"x/a/b", False, -1),
        ("- a/b", b"xa/b", False, 0),
        ("- a/*", b"x/a/b", False, -1),
        ("- a/*", b"a/b/c", False, 0),
        ("- /a/**", b"a/b/c", False, -1),
        ("- a/**/c", b"x/a/b/c", False, -1),
        ("- **/b", b"b", False, -1),
        ("- **b", b"a/xb", False, -1),
        ("- b/", b"b", False, 0),
        ("- b/", b"b", True, -1),
        ("- b/***", b"b", True, -1),
        ("- b/***", b"b", False, 0),
        ("- b/***", b"x/b/c", False, -1),
        ("-! b", b"c", False, -1),
        ("-! b", b"b", False, 0),
        ("-! b/", b"b", False, -1),
        ("+ b", b"b", False, 1),
        ("- [b]", b"b", False, -1),
        ("- b\\c", b"b\\c", False, -1),
        ("-x b", b"b", False, 0),
    ],
)
def test_one_rule(rule: str, name: bytes, is_dir: bool, expected: int) -> None:
    assert made(rule).check(name, is_dir) == expected


def test_first_match_decides_and_clear_forgets() -> None:
    filters = made("- lost", "!", "+ *.c", "- *")
    assert [filters.check(name, False) for name in (b"a.c", b"lost", b"x.o")] == [1, -1, -1]
    assert len(filters.rules) == 2


def test_sides() -> None:
    filters = made("H hidden", "P kept", "-sr both", "- plain")
    filters.settle(SENDER)
    names = (b"hidden", b"kept", b"both", b"plain")
    assert [filters.check(name, False) for name in names] == [-1, 0, -1, -1]
    assert [filters.check(name, False, RECEIVER) for name in names] == [0, -1, -1, -1]


def test_delete_excluded_makes_a_plain_rule_the_senders() -> None:
    filters = made("- x", "P y", delete_excluded=True)
    filters.settle(RECEIVER)
    assert filters.check(b"x", False) == 0
    assert filters.check(b"y", False) == -1
    assert filters.check_for_sender(b"x", False) == -1


def test_perishable() -> None:
    filters = made("-p x")
    assert filters.check(b"x", False) == -1
    filters.ignore_perishable = True
    assert filters.check(b"x", False) == 0


def test_absolute_rules_see_the_root() -> None:
    filters = made("-/ /srv/data/x")
    filters.set_root(b"/srv/data")
    assert filters.check(b"x", False) == -1
    filters.set_root(b"/srv")
    assert filters.check(b"x", False) == 0
    assert filters.check(b"/srv/data/x", False) == -1


def test_directory_files_are_inherited_and_left() -> None:
    files = {b"/src/.f": b"- a\n- /top\n", b"/src/sub/.f": b"+ a\n", b"/src/sub/deep/.f": b"!\n"}
    filters = made(": .f", files=files)
    filters.enter_dir(b"/src", b".")
    assert filters.check(b"a", False) == filters.check(b"top", False) == -1
    assert filters.check(b"sub/top", False) == 0
    filters.enter_dir(b"/src/sub", b"sub")
    assert filters.check(b"sub/a", False) == 1
    filters.enter_dir(b"/src/sub/deep", b"sub/deep")
    assert filters.check(b"sub/deep/a", False) == 0
    filters.leave_to(b"sub")
    assert filters.check(b"sub/a", False) == 1
    filters.enter_dir(b"/src/other", b"other")
    assert filters.check(b"other/a", False) == -1
    filters.leave_all()
    assert filters.check(b"a", False) == 0


def test_not_inherited_and_excluding_itself() -> None:
    filters = made(":en .f", files={b"/src/.f": b"- a\n"})
    filters.enter_dir(b"/src", b".")
    assert filters.check(b"a", False) == filters.check(b".f", False) == -1
    filters.enter_dir(b"/src/sub", b"sub")
    assert filters.check(b"sub/a", False) == 0


def test_files_above_the_transfer() -> None:
    files = {b"/.f": b"- far\n", b"/up/.f": b"- /src/near\n- far2\n", b"/up/src/.f": b"- here\n"}
    filters = made(": /up/.f", files=files)
    filters.enter_dir(b"/up/src", b".")
    found = [filters.check(name, False) for name in (b"far", b"far2", b"near", b"here")]
    assert found == [0, -1, -1, -1]


def test_a_directory_file_may_name_another() -> None:
    files = {b"/src/.f": b": .g\n", b"/src/.g": b"- g\n", b"/src/sub/.g": b"- h\n"}
    filters = made(": .f", files=files)
    filters.enter_dir(b"/src", b".")
    assert filters.check(b"g", False) == -1
    filters.enter_dir(b"/src/sub", b"sub")
    assert filters.check(b"sub/h", False) == filters.check(b"sub/g", False) == -1
    filters.enter_dir(b"/else", b".")
    assert filters.check(b"g", False) == 0


def test_rules_for_the_other_side_in_a_directory_are_dropped() -> None:
    filters = made(": .f", files={b"/src/.f": b"H h\nP p\n"})
    filters.settle(RECEIVER)
    filters.enter_dir(b"/src", b".")
    assert [filters.check(b"h", False), filters.check(b"p", False)] == [0, -1]
    assert filters.trusts_sender
    assert filters.check_for_sender(b"h", False) == 0


def test_merge_file() -> None:
    filters = made(". /rules", ".- list", files={b"/rules": b"# x\n+ k\n", b"list": b"a b\n*.o\n"})
    assert [filters.check(name, False) for name in (b"k", b"a b", b"x.o", b"b")] == [1, -1, -1, 0]
    with pytest.raises(RefsyncError, match="failed to open exclude file /none: No such file") as caught:
        made(". /none")
    assert caught.value.code == 11


def test_merge_file_that_merges_itself_ends() -> None:
    with pytest.raises(RefsyncError, match="nested too deeply"):
        made(". /loop", files={b"/loop": b". /loop\n"})


def test_cvs_rules() -> None:
    filters = made("-C", files={b"/home/.cvsignore": b"homeword other"})
    excluded = [b"x.o", b"core", b"homeword", b"envword", b"d/y~"]
    assert [filters.check(name, False) for name in excluded] == [-1] * len(excluded)
    assert (filters.check(b".git", True), filters.check(b".git", False)) == (-1, 0)
    filters.ignore_perishable = True
    assert (filters.check(b"x.o", False), filters.check(b"homeword", False)) == (0, -1)


def test_cvs_file_of_a_directory() -> None:
    filters = made(":C", files={b"/src/.cvsignore": b"one two\n"})
    filters.enter_dir(b"/src", b".")
    assert filters.check(b"two", False) == -1
    filters.enter_dir(b"/src/d", b"d")
    assert filters.check(b"d/two", False) == 0


def test_module_rules_come_first_and_hide_merge_files() -> None:
    files = {b"/mod/secret/f": b"- seen\n", b"/mod/open": b"- seen\n"}
    own = FilterList.from_options(["- secret/***", "+ x"], source=tree(files), module_root=b"/mod")
    client = own.extended([b"- x", b". /open"])
    assert client.check(b"secret", True) == client.check(b"x", False) == client.check(b"seen", False) == -1
    with pytest.raises(RefsyncError, match="failed to open"):
        own.extended([b". secret/f"])
    with pytest.raises(RefsyncError, match="failed to open"):
        own.extended([b". /../../mod/secret/f"])


def test_no_merge_file_outside_of_a_module() -> None:
    own = FilterList(source=tree({b"/etc/f": b"- x\n", b"/mod/etc/f": b"- y\n"}), module_root=b"/mod")
    filters = own.extended([b". /../etc/f"])
    assert (filters.check(b"x", False), filters.check(b"y", False)) == (0, -1)


def test_patterns_from_a_file() -> None:
    source = tree({b"list": b"a\0+ b\n\0"})
    assert read_patterns(b"list", False, from0=True, source=source) == ["- a", "+ b\n"]
    with pytest.raises(RefsyncError, match="failed to open include file none"):
        read_patterns(b"none", True, source=source)


_PARTS = st.lists(st.sampled_from(["a", "b", "*", "**", "?", "[ab]"]), min_size=1, max_size=3).map("/".join)
_NAMES = st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=4).map(b"/".join)


@given(_PARTS, _NAMES, st.booleans())
def test_negation_is_the_opposite(pattern: str, name: bytes, is_dir: bool) -> None:
    assert made(f"- {pattern}").check(name, is_dir) + made(f"-! {pattern}").check(name, is_dir) == -1


@given(_PARTS, _NAMES, st.booleans())
def test_what_is_anchored_matches_no_more_than_what_is_not(pattern: str, name: bytes, is_dir: bool) -> None:
    if made(f"- /{pattern}").check(name, is_dir):
        assert made(f"- {pattern}").check(name, is_dir) == -1
