"""The tools that plant faults and kill: what they look for they find, and a short run of each is clean."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from refsync import native as kernel
from refsync_conformance.faults import inject, journal, moments, native, trees
from refsync_conformance.faults.kill9 import victims
from refsync_conformance.faults.runner import WORKLOADS, Ended
from refsync_conformance.faults.sites import judge
from refsync_conformance.faults.table import write_native


@pytest.fixture
def base(tmp_path: Path) -> Path:
    trees.build(tmp_path)
    return tmp_path


def finish(base: Path) -> None:
    """What a run would do, as far as the judge looks."""
    for name, (size, _) in trees.FILES.items():
        (base / "dst" / name).parent.mkdir(parents=True, exist_ok=True)
        (base / "dst" / name).write_bytes(trees.content(name, 2, size))
    for path in (base / "dst" / "extra-dir" / "extra", base / "dst" / "extra-dir"):
        path.unlink() if path.is_file() else path.rmdir()


def test_a_fresh_tree_is_whole_but_not_complete(base: Path) -> None:
    assert trees.problems(base, complete=False) == []
    assert trees.problems(base, complete=True)
    finish(base)
    assert trees.problems(base, complete=True) == []


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (lambda base: (base / "dst" / "old").unlink(), "old is lost"),
        (lambda base: os.truncate(base / "dst" / "old", 7), "old is neither old nor new"),
        (lambda base: (base / "dst" / ".old.Ab3dEf").touch(), "temporary file .old.Ab3dEf is left"),
        (lambda base: os.truncate(base / "src" / "new", 7), "the source's new has changed"),
        (lambda base: (base / "beside" / "kept").write_text("gone"), "a file outside was touched"),
    ],
)
def test_each_harm_is_found(base: Path, harm: object, found: str) -> None:
    assert callable(harm)
    harm(base)
    assert trees.problems(base, complete=False) == [found]


def test_a_hang_a_crash_and_a_dumb_error_are_bad_verdicts(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(base)
    monkeypatch.setattr("refsync_conformance.faults.sites.run", lambda *_: Ended(0, ""))
    last = "rsync error: x (code 11) at x(1) [sender=x]\n"

    def verdict(code: int | None, said: str) -> list[str]:
        return judge(base, WORKLOADS[0], Ended(code, said), ("No space left on device",))

    assert verdict(0, "") == []
    assert verdict(11, "rsync: No space left on device (28)\n" + last) == []
    assert verdict(None, "") == ["it hangs"]
    assert verdict(11, last)[0].startswith("the error does not say what happened")
    assert verdict(1, "No space left on device\n" + last) == ["exit 1"]
    assert verdict(11, "No space left on device\n") == ["there is no last line"]
    assert verdict(0, "Traceback (most recent call last):\nValueError: x\n") == ["a traceback: ValueError: x"]


def test_only_calls_of_the_reference_are_places() -> None:
    assert inject.caller("open", 1) is None
    assert set(inject.ERRORS) <= set(dir(os))


def test_half_of_what_is_asked_is_done() -> None:
    assert inject._halved("read", (3, 10)) == (3, 5)
    assert inject._halved("pread", (3, 1, 7)) == (3, 1, 7)
    assert inject._halved("write", (3, b"abcd")) == (3, b"ab")
    assert inject._halved("pwrite", (3, b"a", 9)) == (3, b"a", 9)


def test_the_source_is_told_from_a_file_of_the_same_name(base: Path) -> None:
    source = base / "src" / moments.NAME
    assert moments._is_source(os.fsencode(source), None, source)
    assert not moments._is_source(os.fsencode(base / "dst" / moments.NAME), None, source)
    assert not moments._is_source(b"/nowhere", None, source)


def test_the_processes_of_a_run_are_found() -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        assert victims(process.pid) == [process.pid]


def test_a_journal_goes_on_until_the_sources_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    met = journal.Outcome("plain", "files/x.py:1 open", "EIO", 23, "")
    first = journal.Journal(path)
    first.add("one", met)
    first.add("two", None)
    again = journal.Journal(path)
    assert again["one"] == met and again["two"] is None and "three" not in again
    monkeypatch.setattr(journal, "state", lambda: "other sources")
    assert "one" not in journal.Journal(path)
    nowhere = journal.Journal(None)
    nowhere.add("one", met)
    assert nowhere["one"] == met


def test_the_shim_is_told_and_tells(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_bytes(bytes(native.Page.SIZE))
    page = native.Page(str(path))
    page.set(0x1234, 2, 5, 1)
    raw = path.read_bytes()
    assert native.Page._HEAD.unpack_from(raw) == (0x1234, 2, 5, 1, 0, 0, 0, 0, os.getpid())
    head = native.Page._HEAD.pack(0, 0, 0, 0, 0, 7, 0, 3, 0)
    sites = ((64, 2, 3), (64, 2, 1), (32, 0, 9))
    path.write_bytes((head + b"".join(native.Page._SITE.pack(*one) for one in sites)).ljust(len(raw), b"\0"))
    page = native.Page(str(path))
    assert page.hits == 7
    assert page.sites() == [native.Site("openat", 32, 9), native.Site("pread", 64, 4)]


def test_the_faults_of_the_kernel_have_a_table(tmp_path: Path) -> None:
    good = native.Outcome("whole files", "openat:b131", "EIO", 23, "")
    ring = native.Outcome("ring", "send", "EINTR", 0, "it hangs")
    write_native(tmp_path / "table.md", [good, good, ring])
    text = (tmp_path / "table.md").read_text()
    assert "3 faults were met, those of calls at 1 places; 1 verdicts were bad." in text
    assert "| openat | whole files | EIO 2 | 23 2 | 0 |" in text
    assert "| send | ring | EINTR | 0 | 1 |" in text
    assert "- ring, `send` EINTR: it hangs" in text


def test_what_is_to_be_tried_again_is_no_failure(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(base)
    monkeypatch.setattr("refsync_conformance.faults.sites.run", lambda *_: Ended(0, ""))
    ended = Ended(10, "rsync: Interrupted system call (4)\nrsync error: x (code 10) at x(1) [sender=x]\n")
    assert native.verdict(base, WORKLOADS[0], ended, "EINTR").startswith("exit 10 for what is to be tried")
    assert native.verdict(base, WORKLOADS[0], Ended(0, ""), "EINTR") == ""


@pytest.mark.parametrize(
    "words",
    [
        ["sites", "--workload", "plain", "--minutes", "0.03", "--seed", "4"],
        ["kill9", "--times", "6"],
        ["native", "--most", "5"],
    ],
)
def test_a_short_run_of_each_is_clean(words: list[str], tmp_path: Path) -> None:
    if words[0] == "native" and not (kernel.HAVE_BULK and shutil.which("gcc")):
        pytest.skip("the C kernel or a compiler is missing")
    table = tmp_path / "table.md"
    command = [
        sys.executable,
        "-m",
        f"refsync_conformance.faults.{words[0]}",
        *words[1:],
        "--table",
        str(table),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "| --- |" in table.read_text()
