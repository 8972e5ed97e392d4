"""``rsyncd.conf``: grammar, defaults, inclusion, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from refsync.daemon.config import Config, expand, load
from refsync.wire.errors import Exit, RefsyncError


def config(tmp_path: Path, text: str, said: list[str] | None = None, **kwargs: object) -> Config:
    path = tmp_path / "rsyncd.conf"
    path.write_text(text, encoding="utf-8")
    notes = said if said is not None else []
    return load(str(path), say=notes.append, **kwargs)  # type: ignore[arg-type]


def test_values_defaults_and_modules(tmp_path: Path) -> None:
    parsed = config(
        tmp_path,
        """
        # a comment
        ; another
        PidFile = /run/p.pid
          read   only = no
        motd\tfile=/etc/motd
        port = 8730 and more
        [ First   one ] ignored = x
            path = /srv/first///
            Comment = some  text = with signs
            list = False
        [second]
            path = /
            read only = yes
        """,
    )
    assert parsed.main.text("pid file") == "/run/p.pid"
    assert parsed.main.text("motd file") == "/etc/motd"
    assert parsed.main.number("port") == 8730
    first, second = parsed.modules
    assert (first.name, first.text("path"), first.text("comment")) == (
        "First one",
        "/srv/first",
        "some  text = with signs",
    )
    assert (first.flag("list"), first.flag("read only")) == (False, False)
    assert (second.text("path"), second.flag("read only"), second.flag("list")) == ("/", True, True)
    assert second.maybe("use chroot") is None
    assert parsed.module("second") is second
    assert parsed.module("Second") is None
    assert parsed.module("firstone") is None


def test_a_backslash_joins_lines(tmp_path: Path) -> None:
    parsed = config(tmp_path, "[m\\  \nod]\npath = /a\\\n/b\ncom\\\nment = one \\\n   two\r\n")
    module = parsed.modules[0]
    assert (module.name, module.text("path"), module.text("comment")) == ("mod", "/a/b", "one    two")


def test_a_section_of_the_same_name_goes_on(tmp_path: Path) -> None:
    parsed = config(tmp_path, "[a b]\npath=/x\n[global]\nlist=no\n[c]\npath=/c\n[AB]\ncomment=y\n")
    assert [module.name for module in parsed.modules] == ["a b", "c"]
    assert parsed.modules[0].text("comment") == "y"
    assert parsed.modules[0].flag("list") is True
    assert parsed.modules[1].flag("list") is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mod\npath=/x\n", "badly formed section name"),
        ("[ ]\n", "empty section name"),
        ("= x\n", "a value without a name"),
        ("[a/b]\n", "invalid section name"),
        ("&frob x\n", "Unknown directive: &frob."),
        ("&include /nonexistent/refsync\n", "unable to stat config file"),
    ],
)
def test_what_makes_the_rest_meaningless_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RefsyncError, match=words) as caught:
        config(tmp_path, text)
    assert caught.value.code == Exit.SYNTAX


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RefsyncError, match="unable to open config file") as caught:
        load(str(tmp_path / "none"))
    assert caught.value.code == Exit.SYNTAX


def test_what_is_passed_over_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    parsed = config(
        tmp_path,
        "frobnicate = 1\nread only = maybe\nnonsense\n[m]\nport = 9\n",
        said,
    )
    assert parsed.modules[0].flag("read only") is True
    assert parsed.main.number("port") == 0
    assert len(said) == 4
    for note, words in zip(
        said,
        [
            'unknown parameter "frobnicate"',
            'boolean in configuration file: "maybe"',
            "badly formed line",
            "Global parameter port found in module section!",
        ],
        strict=True,
    ):
        assert words in note


def test_included_files(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "b.conf").write_text("[b]\npath=/b\n")
    (parts / "a.conf").write_text("list = no\n[a]\npath=/a\n")
    (parts / "c.inc").write_text("comment = merged\n[c]\npath=/c\n")
    (parts / "z.other").write_text("[z]\n")
    parsed = config(tmp_path, f"&include {parts}\n[d]\npath=/d\n&merge = {parts}\ncomment = last\n")
    by_name = {module.name: module for module in parsed.modules}
    assert list(by_name) == ["a", "b", "d", "c"]
    assert [by_name[name].flag("list") for name in "abd"] == [False, True, True]
    assert by_name["d"].text("comment") == "merged"
    assert by_name["c"].text("comment") == "last"


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    with pytest.raises(RefsyncError, match="without end"):
        config(tmp_path, f"&include {tmp_path / 'rsyncd.conf'}\n")


def test_the_command_line_outweighs_the_globals_alone(tmp_path: Path) -> None:
    parsed = config(
        tmp_path,
        "port = 1\nlist = yes\n[m]\npath=/x\n[n]\nlist = yes\n",
        overrides=[("port", " 2"), ("list", "no")],
    )
    assert parsed.main.number("port") == 2
    assert [module.flag("list") for module in parsed.modules] == [False, True]
    with pytest.raises(RefsyncError, match='Unknown parameter "nope"'):
        config(tmp_path, "", overrides=[("nope", "1")])


def test_variables_are_taken_when_a_text_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFSYNC_TEST_DIR", "/early")
    monkeypatch.setenv("REFSYNC_TEST_FLAG", "no")
    parsed = config(tmp_path, "[m]\npath = %REFSYNC_TEST_DIR%/x\nlist = %REFSYNC_TEST_FLAG%\n")
    monkeypatch.setenv("REFSYNC_TEST_DIR", "/late")
    monkeypatch.setenv("REFSYNC_TEST_FLAG", "yes")
    assert parsed.modules[0].text("path") == "/late/x"
    assert parsed.modules[0].flag("list") is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%HOME%/x", "/h/x"),
        ("%NOPE%/x", "%NOPE%/x"),
        ("100%", "100%"),
        ("%%HOME%", "%/h"),
        ("%home%", "%home%"),
        ("%HOME", "%HOME"),
        ("%A%HOME%", "%A/h"),
    ],
)
def test_what_is_no_variable_stays(text: str, expected: str) -> None:
    assert expand(text, {"HOME": "/h", "home": "/no"}) == expected
