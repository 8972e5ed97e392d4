"""Manual pages and completions: fresh, whole, and taken by the programs that they are for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import refsync
from refsync.cli.completions import words
from refsync.cli.documents import DOCUMENTS, main
from refsync.cli.manual import command_page, daemon_page
from refsync.cli.manual_texts import ENVIRONMENT
from refsync.cli.manual_texts import PARAMETERS as TEXTS
from refsync.cli.roff import Page, escaped
from refsync.daemon.parameters import TABLE
from refsync.options.table import OPTIONS, shown
from refsync.wire.errors import EXIT_TEXT

DOCS = Path(__file__).resolve().parent.parent / "docs"
MACROS = {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".RS", ".RE", ".nf", ".fi", ".nh", '.\\"'}


def need(program: str) -> str:
    """The program's path; a test that needs one which is not here is skipped, and pytest says so."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program}")
    return found


def output(*argv: str, stdin: str | None = None) -> str:
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60, input=stdin)
    assert run.stderr == ""
    return run.stdout


def test_they_are_fresh() -> None:
    assert main(["--check", str(DOCS)]) == 0, "run ci/man"


def test_every_variable_that_is_read_is_told_of() -> None:
    read = set()
    for path in Path(refsync.__file__).parent.rglob("*.py"):
        read |= set(re.findall(r"""environb?(?:\.get\(|\[)b?"([A-Z_]+)"(?!\] = )""", path.read_text()))
        read |= set(re.findall(r"""b?"([A-Z_]+)" in os\.environ""", path.read_text()))
    assert {"RSYNC_RSH", "RSYNC_ICONV", "CVSIGNORE", "RSYNC_NO_XFER_EXEC"} <= read
    told = {name for names, _ in ENVIRONMENT for name in names.split(", ")}
    assert read <= told


def test_they_are_written_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(tmp_path)]) == 1
    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    (tmp_path / next(iter(DOCUMENTS))).write_text("old")
    capsys.readouterr()
    assert main(["--check", str(tmp_path)]) == 1
    assert "refsync.1 is behind: run ci/man" in capsys.readouterr().err
    assert main([]) == 2


def test_the_page_has_every_option_and_code() -> None:
    page = command_page().replace("\\-", "-")
    for option in OPTIONS:
        assert f"--{option.name}" in page or f"-{option.name}" in page, option.name
    for code, text in EXIT_TEXT.items():
        assert f'.B "{int(code)}"\n{text}' in page


def test_the_page_has_every_parameter_and_what_is_done_with_it() -> None:
    page = daemon_page()
    assert set(TEXTS) == {each.name for each in TABLE}
    for each in TABLE:
        assert f'.B "{escaped(each.name)}"' in page
        assert " ".join(escaped(TEXTS[each.name][1:]).split()) in " ".join(page.split())


@pytest.mark.parametrize("make", [command_page, daemon_page])
def test_pages_hold_no_macro_that_was_text(make: object) -> None:
    assert callable(make)
    for line in make().splitlines():
        if line.startswith((".", "'")):
            assert line.split(" ")[0] in MACROS, line


def test_text_stays_text() -> None:
    page = Page("x", 1, "0")
    page.paragraph(".SH a \\n b 'c' -d")
    page.paragraph("'quoted")
    page.item('a "b" \\c', "d")
    assert page.text.splitlines()[-7:] == [
        ".PP",
        "\\&.SH a \\en b 'c' \\-d",
        ".PP",
        "\\&'quoted",
        ".TP",
        '.B "a \\(dqb\\(dq \\ec"',
        "d",
    ]


@pytest.mark.parametrize("name", ["man/refsync.1", "man/refsyncd.conf.5"])
def test_groff_has_no_warning(name: str) -> None:
    shown_page = re.sub(".\b", "", output(need("groff"), "-man", "-Tascii", "-ww", str(DOCS / name)))
    assert "NAME" in shown_page
    assert "SEE ALSO" in shown_page


def bash(*typed: str) -> list[str]:
    """What bash offers for these words, the last being completed."""
    script = f'source {DOCS}/completions/bash/refsync\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _refsync\n'
    script += 'printf "%s\\n" "${COMPREPLY[@]}"'
    return output(need("bash"), "--norc", "-c", script, "-", "refsync", *typed).split()


def test_bash_completes_names_choices_and_files(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "document").write_text("")
    assert bash("--verb") == ["--verbose"]
    assert bash("--no-verb") == ["--no-verbose"]
    assert bash("--log-fi") == ["--log-file=", "--log-file-format="]
    assert bash("--stderr", "=", "cl") == ["client"]
    assert bash("--stderr", "=") == ["errors", "all", "client"]
    assert bash("--checksum-choice", "xx") == ["xxh128", "xxh3", "xxh64"]
    assert sorted(bash("-a", f"{tmp_path}/d")) == [f"{tmp_path}/directory", f"{tmp_path}/document"]
    assert bash("--temp-dir", "=", f"{tmp_path}/d") == [f"{tmp_path}/directory"]
    assert bash("--exclude-from", "=", f"{tmp_path}/do") == [f"{tmp_path}/document"]
    assert bash("--max-size", "=", "d") == []


def test_bash_offers_each_option() -> None:
    every = {word for option in shown() for word in words(option)}
    assert set(bash("-")) == every


def test_fish_completes_names_and_choices() -> None:
    script = f"source {DOCS}/completions/fish/refsync.fish; complete -C 'refsync --verb'"
    script += "; complete -C 'refsync --stderr=cl'"
    found = [line.split("\t")[0] for line in output(need("fish"), "--no-config", "-c", script).splitlines()]
    assert found == ["--verbose", "--stderr=client"]


ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= TERM=dumb; fpath=(DOCS/completions/zsh \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w z "refsync() { print -r -- GOT:\$*: }; print READY"
zpty -r -m z out '*READY*READY*'
zpty -w z $'refsync --verbo\t --stderr=cl\t'
zpty -r -m z out '*GOT:-*:*'
print -r -- "$out" | grep -o 'GOT:-.*:'
"""


def test_zsh_completes_names_and_choices() -> None:
    script = ZSH.replace("DOCS", str(DOCS))
    assert output(need("zsh"), "-f", "-s", stdin=script) == "GOT:--verbose --stderr=client:\n"
