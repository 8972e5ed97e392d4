"""The grammar of rules: what parses, what is refused in which words, and the way back to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.filters.lines import MAX_LINE, parse_lines, rules_from_file
from refsync.filters.module import module_texts
from refsync.filters.rules import (
    ABSOLUTE,
    CLEAR,
    CVS,
    DIRECTORY,
    INCLUDE,
    MERGE,
    NEGATE,
    NO_INHERIT,
    NO_PREFIXES,
    PER_DIR,
    PERISHABLE,
    RECEIVER,
    SENDER,
    WORDS,
    Rule,
    format_rule,
    parse_rule,
    parse_rules,
    rule_from_pattern,
)
from refsync.filters.source import Source
from refsync.wire.errors import RefsyncError

CVS_FLAGS = CVS | NO_PREFIXES | WORDS | NO_INHERIT


@pytest.mark.parametrize(
    ("text", "flags", "pattern"),
    [
        ("- foo", 0, b"foo"),
        ("+_foo", INCLUDE, b"foo"),
        ("-  foo", 0, b" foo"),
        ("exclude foo/", DIRECTORY, b"foo"),
        ("include,!p foo", INCLUDE | NEGATE | PERISHABLE, b"foo"),
        ("hide x", SENDER, b"x"),
        ("S x", SENDER | INCLUDE, b"x"),
        ("protect x", RECEIVER, b"x"),
        ("R,p x", RECEIVER | INCLUDE | PERISHABLE, b"x"),
        ("-sr x", SENDER | RECEIVER, b"x"),
        ("-/ /x", ABSOLUTE, b"/x"),
        ("- /", 0, b"/"),
        ("dir-merge,n .f", MERGE | PER_DIR | NO_INHERIT, b".f"),
        (":+ .f", MERGE | PER_DIR | NO_PREFIXES | INCLUDE, b".f"),
        (":C", MERGE | PER_DIR | CVS_FLAGS, b""),
        ("-C", CVS_FLAGS, b""),
        ("clear", CLEAR, b""),
    ],
)
def test_rule(text: str, flags: int, pattern: bytes) -> None:
    assert parse_rule(text) == Rule(flags, pattern)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bad", "Unknown filter rule: `bad'"),
        ("excludes x", "Unknown filter rule: `excludes x'"),
        ("-", "unexpected end of filter rule: -"),
        ("- ", "unexpected end of filter rule: - "),
        ("-n x", "invalid modifier 'n' at position 1 in filter rule: -n x"),
        ("Hs x", "invalid modifier 's' at position 1 in filter rule: Hs x"),
        (":! x", "invalid modifier '!' at position 1 in filter rule: :! x"),
        ("-CC", "invalid modifier 'C' at position 2 in filter rule: -CC"),
        ("!x", "'!' rule has trailing characters: !x"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(RefsyncError) as caught:
        parse_rule(text)
    assert (caught.value.message, caught.value.code) == (message, 1)


def test_merge_rule_gives_its_side_to_what_it_merges() -> None:
    assert list(parse_rules(b"- x", SENDER)) == [(SENDER, b"x")]
    with pytest.raises(RefsyncError, match="specified-side merge file contains specified-side filter: -r x"):
        list(parse_rules(b"-r x", SENDER))


def test_words() -> None:
    assert list(parse_rules(b" *.o\tcore ", WORDS | NO_PREFIXES)) == [(0, b"*.o"), (0, b"core")]
    assert list(parse_rules(b"- a + b", WORDS)) == [(0, b"a"), (INCLUDE, b"b")]


@pytest.mark.parametrize(
    ("pattern", "include", "expected"),
    [
        ("*.o", False, "- *.o"),
        ("*.o", True, "+ *.o"),
        ("+ x", False, "+ x"),
        ("- x", True, "- x"),
        ("!", False, "!"),
        ("!x", False, "- !x"),
        ("-x", False, "- -x"),
        ("", True, ""),
        ("\udcff", False, "- \udcff"),
    ],
)
def test_pattern_of_an_option(pattern: str, include: bool, expected: str) -> None:
    assert rule_from_pattern(pattern, include) == expected


_RULES = st.builds(
    lambda kind, modifiers, pattern: kind + "".join(sorted(modifiers)) + " " + pattern,
    st.sampled_from(["-", "+", ":", "."]),
    st.sets(st.sampled_from("/prsx")),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8),
)


@given(_RULES)
def test_written_and_read_again(text: str) -> None:
    rule = parse_rule(text)
    assert rule is not None
    assert parse_rule(format_rule(rule)) == rule


@given(st.binary(max_size=30))
def test_any_text_parses_or_is_refused(text: bytes) -> None:
    try:
        list(parse_rules(text))
    except RefsyncError as error:
        assert error.code == 1


def test_lines_of_a_file() -> None:
    data = b"a\r\n# no\n;no\n\n - b\n" + b"x" * (MAX_LINE + 1) + b"\nlast"
    dropped: list[bytes] = []
    assert list(parse_lines(data, overlong=dropped.append)) == [b"a", b" - b", b"last"]
    assert dropped == [b"x" * MAX_LINE]
    assert list(parse_lines(b"a\nb\0#c\0d", from0=True)) == [b"a\nb", b"d"]
    assert list(parse_lines(b"a #b\tc\n", words=True)) == [b"a", b"#b", b"c"]
    assert rules_from_file(b"a\n- b\n!\n", True) == ["+ a", "- b", "!"]


def test_module_parameters() -> None:
    source = Source(read={b"/list": b"top/\n+ keep\n"}.__getitem__)
    texts = module_texts(
        rules="- a/b + c", include="inc", exclude="dir/ /x P", exclude_from="/list", source=source
    )
    assert texts == ["-/ a/b", "+ c", "+ inc", "- top/***", "+ keep", "- dir/***", "-/ /x", "- P"]
