"""The filter list on the wire: its form, its limits, which rules travel and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.filters.exchange import client_rules, server_rules
from refsync.filters.rulelist import FilterList
from refsync.filters.source import Source
from refsync.options.model import Options
from refsync.wire import dialect, filterlist
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError, RefsyncError
from refsync.wire.integers import int32
from refsync.wire.limits import MAX_FILTER_RULE

NOTHING = Source(home=lambda: None, cvsignore=lambda: None)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5))
def test_round_trip_and_every_prefix(texts: list[bytes]) -> None:
    wire = filterlist.encode(texts)
    cursor = Cursor(wire + b"next")
    assert filterlist.decode(cursor) == texts
    assert cursor.pos == len(wire)
    for end in range(len(wire)):
        cursor = Cursor(wire[:end])
        with pytest.raises(NeedMoreData):
            filterlist.decode(cursor)
        assert cursor.pos == 0
    assert len(filterlist.explain(texts)) == len(texts) + 1


@pytest.mark.parametrize("length", [-1, MAX_FILTER_RULE + 1, 1 << 30])
def test_wrong_length(length: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        filterlist.decode(Cursor(int32(length)))
    assert caught.value.code == 22


def test_longest_rule() -> None:
    longest = b"x" * MAX_FILTER_RULE
    assert filterlist.decode(Cursor(filterlist.encode([longest]))) == [longest]
    with pytest.raises(ValueError, match="cannot be sent"):
        filterlist.encode([longest + b"x"])


@pytest.mark.parametrize(
    ("prune", "delete", "excluded", "protocol", "wanted"),
    [
        (True, False, False, 31, True),
        (False, False, False, 31, False),
        (False, True, False, 28, True),
        (False, True, True, 28, False),
        (False, True, True, 29, True),
    ],
)
def test_who_wants_the_list(prune: bool, delete: bool, excluded: bool, protocol: int, wanted: bool) -> None:
    options = Options(prune_empty_dirs=prune, delete=delete, delete_excluded=excluded)
    spoken = dialect.build(protocol)
    assert filterlist.receiver_wants_filters(options, spoken) is wanted
    assert filterlist.list_travels(options, spoken, client_sends=True) is wanted
    assert filterlist.list_travels(options, spoken, client_sends=False)


def sent(protocol: int, rules: list[str], **settings: bool) -> list[bytes] | None:
    options = Options(**settings)  # type: ignore[arg-type]
    filters = FilterList.from_options(rules, source=NOTHING)
    wire = client_rules(filters, options, dialect.build(protocol), sender=options.sender)
    return None if wire is None else filterlist.decode(Cursor(wire))


def test_words_by_protocol() -> None:
    rules = ["- a/", "+ b", "- - c", "+ *"]
    assert sent(28, rules) == [b"a/", b"+ b", b"- - c", b"+ *"]
    assert sent(28, ["- a", "- !", "- !b", "- !/"]) == [b"a", b"- !", b"!b", b"!/"]  # a bare ! would clear it
    assert sent(29, rules) == [b"- a/", b"+ b", b"- - c", b"+ *"]
    assert sent(29, ["-p x", "-!/ y", ":n .f"]) == [b"- x", b"-/! y", b":n .f"]
    assert sent(30, ["-p x"]) == [b"-p x"]


@pytest.mark.parametrize("rule", ["-! x", "-/ x", ": .f"])
def test_no_words_below_29(rule: str) -> None:
    with pytest.raises(RefsyncError, match="filter rules are too modern for remote rsync") as caught:
        sent(28, [rule])
    assert caught.value.code == 2


def test_a_sender_may_not_lose_a_perishable_rule() -> None:
    with pytest.raises(RefsyncError, match="too modern"):
        sent(29, ["-p x"], sender=True, delete=True)


def test_what_the_other_side_does_not_need_stays() -> None:
    rules = ["H h", "P p", "-sr b", "- x"]
    assert sent(31, rules) == [b"-s h", b"-sr b", b"- x"]
    assert sent(31, rules, sender=True, delete=True) == [b"-r p", b"-sr b", b"- x"]
    assert sent(31, rules, sender=True, delete=True, delete_excluded=True) == [b"-r p", b"-sr b"]
    assert sent(31, rules, sender=True) is None


def test_cvs_exclude() -> None:
    assert sent(31, ["- x"], cvs_exclude=True) == [b"- x"]
    texts = sent(31, ["- x"], cvs_exclude=True, sender=True, delete=True)
    assert texts is not None
    assert texts[:3] == [b"- x", b":C .cvsignore", b"-p RCS"]
    assert texts[-1] == b"-p .bzr/"
    assert sent(29, ["-C"]) == [b"-C "]
    old = sent(28, ["-C"])
    assert old is not None
    assert old[0] == b"RCS"


def test_server_list() -> None:
    own = FilterList.from_options(["- secret"], source=NOTHING, module_root=b"/m")
    spoken = dialect.build(31)
    filters = server_rules(own, [b"- x", b"+ secret"], Options(cvs_exclude=True), spoken, sender=True)
    assert [filters.check(name, False) for name in (b"x", b"secret", b"core", b"y")] == [-1, -1, -1, 0]
    old = server_rules(own, [b"-x", b"+ y", b"*"], Options(), dialect.build(28), sender=True)
    assert [filters.check(b"core", False), old.check(b"-x", False), old.check(b"y", False)] == [-1, -1, 1]
