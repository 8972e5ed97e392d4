"""Levels of --info and --debug, formats of lines, and what follows from options together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refsync.options.levels import debug_levels, info_levels
from refsync.options.logformat import expand, has
from refsync.options.parse import parse
from refsync.options.server_args import build
from refsync.options.words import DEBUG, INFO, SERVER
from refsync.wire.errors import RefsyncError


def test_what_the_user_says_wins_over_verbosity() -> None:
    for arguments in (["-vv", "--info=name0"], ["--info=NAME0", "-vv"]):
        options, _ = parse([*arguments, "a", "b"])
        assert options.info["NAME"] == 0
        assert options.info["SKIP"] == 1
        assert options.debug["DELTASUM"] == 1


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("name", 1),
        ("NAME2", 2),
        ("name9", 4),
        ("all", 1),
        ("all3", 3),
        ("none", 0),
        ("none7", 0),
        (",,name0", 0),
    ],
)
def test_words(words: str, level: int) -> None:
    levels = info_levels()
    assert not levels.choose(words)
    assert levels["NAME"] == level


def test_unknown_words_are_refused_but_by_a_server() -> None:
    with pytest.raises(RefsyncError, match='Unknown --info item: "nonesuch"'):
        parse(["--info=name,nonesuch3", "a", "b"])
    options, _ = parse(["--server", "--info=nonesuch,del", ".", "b"])
    assert options.info["DEL"] == 1


def test_help_ends_the_parsing() -> None:
    options, _ = parse(["--debug=help", "--nonesuch"])
    assert options.help_on == "debug"
    text = list(options.debug.help_lines())
    assert text[2].startswith("ACL        Debug")
    assert text[-1] == "5) CHDIR,DELTASUM4,FLIST4,FUZZY2,HASH,HLINK"
    assert list(options.info.help_lines())[-2:] == [
        "1) COPY,DEL,FLIST,MISC,NAME,STATS,SYMSAFE",
        "2) BACKUP,MISC2,MOUNT,NAME2,REMOVE,SKIP",
    ]


def test_a_limit_takes_away_what_fewer_would_not_give() -> None:
    levels = info_levels()
    levels.choose("all4")
    levels.limit(1)
    assert (levels["NAME"], levels["SKIP"], levels["PROGRESS"]) == (1, 0, 0)
    levels.limit(6)
    assert levels["NAME"] == 1


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([word.name for word in INFO]), st.integers(0, 4)), min_size=1, max_size=13
    ),
    st.booleans(),
    st.integers(1, 15),
)
def test_what_a_server_is_told_sets_the_same_levels(
    chosen: list[tuple[str, int]], everything: bool, sides: int
) -> None:
    here, there = info_levels(), info_levels()
    if everything:
        here.choose("all")
    here.choose(",".join(f"{name}{level}" for name, level in chosen))
    told = here.for_server(sides)
    if told is not None:
        there.choose(told.removeprefix("--info="))
    named = {name for name, _ in chosen}
    for word in INFO:
        if word.sides & sides and (everything or word.name in named):
            assert there[word.name] == here[word.name]


def test_debug_words_stay_with_the_client() -> None:
    options, _ = parse(["-a", "--debug=all", "--info=none", "a", "b"])
    sent = build(options, inc_recurse=True)
    assert "--info=NONE" in sent
    assert not any(word.startswith("--debug") for word in sent)
    assert debug_levels().for_server(SERVER) is None
    assert len([word for word in DEBUG if word.sides]) == 24  # and one that only we have


@pytest.mark.parametrize(
    ("arguments", "before", "has_i", "form"),
    [
        (["-v"], True, 0, "%n%L"),
        (["-i"], True, 1, "%i %n%L"),
        (["-ii"], True, 2, "%i %n%L"),
        (["--out-format=%i%C"], False, 1, "%i%C"),
        (["--out-format=%n", "-i"], True, 0, "%n"),
        (["--progress"], True, 0, "%n%L"),
        ([], False, 0, None),
    ],
)
def test_formats_of_options(arguments: list[str], before: bool, has_i: int, form: str | None) -> None:
    options, _ = parse([*arguments, "a", "b"])
    assert (options.log_before, options.format_has_i, options.out_format) == (before, has_i, form)


def _shown(pattern: bytes) -> bytes:
    values = {"n": b"name", "l": b"12", "U": b"7", "L": b" -> to", "i": b">f"}
    return expand(pattern, lambda letter, quotes, wide: values.get(letter))


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (b"%n", b"name"),
        (b"%6n|%-6n|", b"  name|name  |"),
        (b"%03U %03l", b"007  12"),
        (b"%'l %''5l", b"12    12"),
        (b"%z %%n %", b"%z %name %"),
        (b"%6L|%L", b" ->     to| -> to"),
        (b"100%", b"100%"),
    ],
)
def test_expansion(pattern: bytes, line: bytes) -> None:
    assert _shown(pattern) == line + b"\n"


def test_a_line_has_a_limit() -> None:
    with pytest.raises(RefsyncError, match="WAY too long"):
        _shown(b"x" * 5000)
    with pytest.raises(RefsyncError, match="buffer overflow expanding %n"):
        _shown(b"%4095n" * 2)


def test_letters_are_found_as_they_are_expanded() -> None:
    assert has("%'-10n", "n")
    assert not has("%", "n")
    assert has("%%n", "n")
    assert not has(None, "n")
