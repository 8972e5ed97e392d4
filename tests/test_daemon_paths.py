"""What a module's paths mean: clamped, expanded, hidden, and how they are shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.daemon.config import Section
from refsync.daemon.paths import expand_arguments, sanitize
from refsync.daemon.rules import module_rules
from refsync.engine.module import ModuleContext, first_hidden
from refsync.wire.errors import RefsyncError


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"", b"."),
        (b"/", b"."),
        (b"a", b"a"),
        (b"/a//b", b"a/b"),
        (b"a/", b"a/"),
        (b"../../etc/passwd", b"etc/passwd"),
        (b"a/../../b", b"b"),
        (b"a/..", b"."),
        (b"a/b/..", b"a/"),
        (b"./a", b"./a"),
        (b"a/.", b"a/."),
        (b"a/./../../..", b"."),
        (b"..a/...", b"..a/..."),
    ],
)
def test_paths_never_leave_the_module(path: bytes, expected: bytes) -> None:
    assert sanitize(path) == expected


@given(st.lists(st.sampled_from([b"..", b".", b"", b"a", b"b..", b"*"]), max_size=8).map(b"/".join))
def test_no_path_leads_above_the_root(path: bytes) -> None:
    clean = sanitize(path)
    assert b".." not in clean.split(b"/")
    assert not clean.startswith(b"/")
    assert sanitize(clean) == clean


@pytest.fixture
def module(tmp_path: Path) -> bytes:
    root = tmp_path / "module"
    for name in ("one/x.txt", "one/y.c", "two/x.txt", "a b/z", "hidden/x.txt", ".dot/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.txt").write_text("secret")
    (root / "leak").symlink_to(outside)
    (root / "inner").symlink_to("one")
    return os.fsencode(root)


def expand(root: bytes, *arguments: bytes) -> list[bytes]:
    return expand_arguments(arguments, b"mod", root, lambda name, is_dir: name.split(b"/")[0] == b"hidden")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((b"mod/",), [b"."]),
        ((b"mod",), []),
        ((b"mod/one",), [b"one"]),
        ((b"one/",), [b"one/"]),
        ((b"mod/one mod/two",), [b"one", b"two"]),
        ((b"mod/a[ ]b/z",), [b"a b/z"]),
        # as upstream: what follows the last wildcard need not be there
        (
            (b"mod/*/x.txt",),
            [b".dot/x.txt", b"a b/x.txt", b"inner/x.txt", b"one/x.txt", b"two/x.txt"],
        ),
        ((b"mod/o*/",), [b"one/"]),
        ((b"mod/one/?.c", b"mod/two/"), [b"one/y.c", b"two/"]),
        ((b"mod/none*",), [b"none*"]),
        ((b"mod/hid*",), [b"hid*"]),
        ((b"mod/hidden/*",), [b"hidden/*"]),
        ((b"mod/leak/*",), [b"leak/*"]),
        ((b"mod/.d*/x",), [b".dot/x"]),
        ((b"mod/./one/*.c",), [b"./one/y.c"]),
        ((b"mod/../../t*/one",), [b"two/one"]),
    ],
)
def test_arguments(module: bytes, arguments: tuple[bytes, ...], expected: list[bytes]) -> None:
    assert expand(module, *arguments) == expected


def section(**values: str) -> Section:
    return Section("mod", {name.replace("_", ""): value for name, value in values.items()})


def test_a_modules_rules_come_from_all_of_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# comment\n*.from\n+ kept.from\n")
    rules = module_rules(
        section(
            filter="+_core* - *.o",
            exclude_from=str(tmp_path / "list"),
            include="*.c",
            exclude="secret/ *.bak",
        )
    )
    context = ModuleContext("mod", os.fsencode(tmp_path), filters=rules)
    checked = context.rules(sender=True)
    verdicts = {
        name: checked.check(name, is_dir)
        for name, is_dir in [
            (b"core.o", False),
            (b"x.o", False),
            (b"x.c", False),
            (b"x.from", False),
            (b"x.bak", False),
            (b"secret", True),
            (b"a/secret/deep", False),
            (b"other", False),
        ]
    }
    assert verdicts == {
        b"core.o": 1,
        b"x.o": -1,
        b"x.c": 1,
        b"x.from": -1,
        b"x.bak": -1,
        b"secret": -1,
        b"a/secret/deep": -1,
        b"other": 0,
    }


def test_rules_that_are_wrong_are_found_before_a_client_comes(tmp_path: Path) -> None:
    with pytest.raises(RefsyncError, match="Unknown filter rule"):
        module_rules(section(filter="frob x"))
    with pytest.raises(RefsyncError, match="none"):
        module_rules(section(exclude_from=str(tmp_path / "none")))


def test_a_hidden_directory_hides_what_is_asked_for_below_it(tmp_path: Path) -> None:
    context = ModuleContext("mod", os.fsencode(tmp_path), filters=["- /a/b", "- *.key"])
    rules = context.rules(sender=True)
    assert first_hidden(rules, b"a/b/c/d", False) == b"a/b"
    assert first_hidden(rules, b"./a//b/", True) == b"a/b"
    assert first_hidden(rules, b"x/y.key", False) == b"x/y.key"
    assert first_hidden(rules, b"b/a", False) is None
    assert first_hidden(rules, b".", True) is None


@pytest.mark.parametrize(
    ("root", "text", "expected"),
    [
        (b"/srv/m", b'open "/srv/m/a/b" failed', b'open "/a/b" (in mod) failed'),
        (b"/srv/m", b'stat "/srv/m/a" failed', b'stat "a" (in mod) failed'),
        (b"/srv/m", b'stat "/srv/m" failed', b'stat "/" (in mod) failed'),
        (b"/srv/m", b'stat "/srv/mine/a" failed', b'stat "/srv/mine/a" failed'),
        (b"/srv/m", b'"/srv/m/a" and "/srv/m/b/c"', b'"a" (in mod) and "/b/c" (in mod)'),
        (b"/srv/m", b'no "/srv/m end', b'no "/srv/m end'),
        (b"/", b'open "/a" failed', b'open "/a" (in mod) failed'),
    ],
)
def test_messages_show_paths_as_clients_know_them(root: bytes, text: bytes, expected: bytes) -> None:
    assert ModuleContext("mod", root).shown(text) == expected
