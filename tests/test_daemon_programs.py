"""The programs that a module runs, and the one that converts names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from refsync.daemon.config import Section, load
from refsync.daemon.converter import Converter
from refsync.daemon.programs import MAX_SAID, Hooks, Program
from refsync.session.daemon_server import Refused
from refsync.wire.errors import Exit, RefsyncError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a connection leaves in its own environment must not stay in this one."""
    monkeypatch.setenv("RSYNC_PID", "")
    monkeypatch.delenv("RSYNC_NO_XFER_EXEC", raising=False)
    monkeypatch.delenv("RSYNC_SHELL", raising=False)


def module(tmp_path: Path, text: str) -> Section:
    path = tmp_path / "rsyncd.conf"
    path.write_text(f"[m]\npath = /\n{text}\n")
    return load(str(path)).modules[0]


def ran(command: str, *words: bytes, early: bytes = b"") -> tuple[int, bytes]:
    program = Program(command, output=True)
    program.tell(b"m/x y", words, early)
    program.end_input()
    return program.outcome()


def test_a_program_knows_the_request_and_the_arguments() -> None:
    said = ran(
        'echo "$RSYNC_REQUEST|$RSYNC_ARG0|$RSYNC_ARG1|$RSYNC_ARG2"; cat', b"rsyncd", b"$(x)\n;", early=b"in"
    )
    assert said == (0, b"m/x y|rsyncd|$(x)\n;|\nin")


@pytest.mark.parametrize(("command", "status"), [("exit 3", 3 << 8), ("kill -9 $$", 1 << 8), ("true", 0)])
def test_a_status_is_that_of_the_shell(command: str, status: int) -> None:
    assert ran(command) == (status, b"")


def test_a_program_that_says_much_is_heard_to_its_end() -> None:
    status, said = ran("head -c 300000 /dev/zero | tr '\\0' x")
    assert (status, len(said)) == (0, MAX_SAID)


def test_line_ends_are_plain() -> None:
    assert ran(r"printf 'a\r\nb\rc'")[1] == b"a\nb\rc"


def test_two_programs_do_not_hold_each_others_input(tmp_path: Path) -> None:
    hooks = Hooks(module(tmp_path, "pre-xfer exec = cat\nname converter = cat"))
    hooks.start(b"", ())
    assert hooks.before_transfer(b"m/", [b"rsyncd"]) == b""
    assert hooks.converter is not None
    hooks.converter.end_input()
    assert hooks.converter.outcome() == (0, b"")


def test_an_objection_is_for_the_client(tmp_path: Path) -> None:
    hooks = Hooks(module(tmp_path, "pre-xfer exec = echo no; exit 7"))
    hooks.start(b"", ())
    assert hooks.before_transfer(b"", []) == b"pre-xfer exec returned failure (1792):\nno\n"


def test_an_early_program_has_the_early_input_and_can_refuse(tmp_path: Path) -> None:
    out = tmp_path / "out"
    Hooks(module(tmp_path, f'early exec = echo "$RSYNC_REQUEST" > {out}; cat >> {out}')).start(b"early", ())
    assert out.read_bytes() == b"(NONE)\nearly"
    with pytest.raises(Refused, match="early exec failed"):
        Hooks(module(tmp_path, "early exec = false")).start(b"", ())


def test_no_program_runs_where_none_shall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSYNC_NO_XFER_EXEC", "1")
    Hooks(module(tmp_path, "early exec = false")).start(b"", ())


def test_another_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\necho "$1 $2"\n')
    shell.chmod(0o755)
    monkeypatch.setenv("RSYNC_SHELL", str(shell))
    assert ran("the words") == (0, b"-c the words\n")


def test_a_program_after_the_transfer_knows_how_it_ended(tmp_path: Path) -> None:
    out = tmp_path / "out"
    section = module(tmp_path, f'post-xfer exec = echo "$RSYNC_EXIT_STATUS $RSYNC_RAW_STATUS" > {out}')
    pid = os.fork()
    if not pid:
        Hooks(section).start(b"", ())
        os._exit(23)  # the process that does the transfer
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 23
    assert out.read_text() == f"23 {23 << 8}\n"


def test_a_variable_that_a_shell_would_act_on_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = module(tmp_path, 'pre-xfer exec = echo "%RSYNC_USER_NAME%" %NOT_SET_HERE%')
    monkeypatch.setenv("RSYNC_USER_NAME", "ann.b-c@d")
    assert section.command("pre-xfer exec") == 'echo "ann.b-c@d" %NOT_SET_HERE%'
    for name in ("$(reboot)", "a;b", "a'b", 'a"b', "a b", "a\nb", "`x`", "a\\"):
        monkeypatch.setenv("RSYNC_USER_NAME", name)
        with pytest.raises(RefsyncError, match="RSYNC_USER_NAME"):
            section.command("pre-xfer exec")


ANSWERS = """while read what which; do
case "$what $which" in
"uid 0") echo chief;; "gid 5") printf 'staff\\r\\n';; "usr chief") echo 77;; "usr zero") echo 0;;
"usr much") echo 99999999999;; "grp staff") echo 12x;; "usr gone") exit;; *) echo;;
esac; done"""


@pytest.fixture
def converter() -> Iterator[Converter]:
    program = Program(ANSWERS, output=True)
    program.tell(b"m/")
    yield Converter(program)
    program.end_input()
    program.outcome()


def test_a_converter_gives_names_and_numbers(converter: Converter) -> None:
    assert (converter.user_name(0), converter.user_name(1)) == (b"chief", None)
    assert (converter.group_name(5), converter.group_name(0)) == (b"staff", None)
    assert (converter.user_id(b"chief"), converter.user_id(b"zero")) == (77, 0)


def test_an_empty_or_odd_answer_is_not_root(converter: Converter) -> None:
    assert converter.user_id(b"unknown") is None
    assert converter.user_id(b"much") is None
    assert converter.group_id(b"staff") is None


def test_a_name_is_one_line(converter: Converter) -> None:
    assert converter.user_id(b"x\nusr chief") is None
    assert converter.user_id(b"x\rchief") is None
    assert converter.user_id(b"chief") == 77  # and no answer is left over
    with pytest.raises(RefsyncError, match="too large"):
        converter.user_id(b"n" * 2000)


def test_a_converter_that_ends_ends_the_transfer(converter: Converter) -> None:
    with pytest.raises(RefsyncError, match="Connection to name-converter failed") as caught:
        converter.user_id(b"gone")
    assert caught.value.code == Exit.SOCKET_IO
