"""How a run that fails says so: which process, in which words, and what goes into a log."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from refsync.engine.listed import listing_line
from refsync.engine.module import ModuleContext
from refsync.options.parse import parse
from refsync.options.sizes import parse_size
from refsync.wire.entry import FileEntry
from refsync.wire.errors import RefsyncError


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "refsync", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("200k", "--block-size=200k is too large (max: 128.00K)"),
        ("-3", "--block-size=-3 is invalid"),
        ("1x", "--block-size=1x is invalid"),
        ("+1", "--block-size=+1 is invalid"),
        ("99999999p", "--block-size=99999999p is too large (max: 128.00K)"),
    ],
)
def test_a_size_out_of_range_is_refused_in_upstreams_words(value: str, text: str) -> None:
    with pytest.raises(RefsyncError) as raised:
        parse_size("block-size", value, most=128 * 1024)
    assert raised.value.message == text


@pytest.mark.parametrize(
    ("value", "size"),
    [("", 0), ("k", 1024 * 0), ("1.5k", 1536), ("2kb", 2000), ("1kib+1", 1025), ("1m-1", 1048575), ("7b", 7)],
)
def test_sizes_are_read_as_upstream_reads_them(value: str, size: int) -> None:
    assert parse_size("max-size", value) == size


def test_the_last_of_two_kinds_of_deletion_on_the_way_counts() -> None:
    assert parse(["-r", "--delete-delay", "--del"])[0].delete_when == "during"
    assert parse(["-r", "--delete-during", "--delete-delay"])[0].delete_when == "delay"
    with pytest.raises(RefsyncError):
        parse(["-r", "--delete-before", "--delete-delay"])


@pytest.mark.parametrize(
    ("here", "shown"),
    [(b"/srv/m", b'"a/b" (in mod)'), (b"/srv/m/a", b'"/a/b" (in mod)'), (None, b'"/a/b" (in mod)')],
)
def test_a_module_shows_paths_as_seen_from_where_the_side_works(here: bytes | None, shown: bytes) -> None:
    assert ModuleContext("mod", b"/srv/m", here=here).shown(b'"/srv/m/a/b"') == shown


def test_a_client_that_its_server_has_told_adds_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    ended = run("f", "absent/deeper/", cwd=tmp_path)
    assert ended.returncode == 11
    lines = ended.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith('rsync: [Receiver] mkdir "') and lines[0].endswith(
        "No such file or directory (2)"
    )
    assert re.match(r"rsync error: error in file IO \(code 11\) at \S+ \[Receiver=", lines[1])


def test_a_fault_of_the_command_line_is_logged_too(tmp_path: Path) -> None:
    ended = run("-r", "--log-file=log", "--stop-at=2001-01-01", "a", "b", cwd=tmp_path)
    assert ended.returncode == 1
    text = (tmp_path / "log").read_text()
    assert "rsync: --stop-at time is not in the future: 2001-01-01" in text
    assert re.search(r"\(code 1\) at \S+ \[client=", text)


def test_a_log_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    ended = run("-r", "--log-file=none/log", "s/", "d", cwd=tmp_path)
    assert ended.returncode == 0 and (tmp_path / "d").is_dir()
    assert ended.stderr == "rsync: [client] failed to open log-file none/log: No such file or directory (2)\n"
    assert 'Ignoring "log file" setting.' in ended.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cc=md5,nonesuch"], "unknown checksum name: nonesuch"),
        (["--compress-choice=nonesuch"], "unknown compress name: nonesuch"),
        (["--info=nonesuch"], 'Unknown --info item: "nonesuch"'),
    ],
)
def test_names_that_are_not_known_are_told_once(tmp_path: Path, words: list[str], said: str) -> None:
    ended = run("-r", *words, "s/", "d", cwd=tmp_path)
    first, last = ended.stderr.splitlines()
    assert first == said and "[client=" in last


def test_a_dry_run_has_no_digest(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/f").touch()
    ended = run("-rn", "--cc=md5", "--out-format=%C|%n", "s/", "d", cwd=tmp_path)
    assert f"{'0' * 32}|f" in ended.stdout.splitlines()
    assert f"{' ' * 32}|./" in ended.stdout.splitlines()


def test_a_list_has_times_of_access_and_what_is_missing() -> None:
    entry = FileEntry(b"f", stat.S_IFREG | 0o644, 5, 10**9)
    entry.atime = 10**9
    plain, wide = listing_line(entry, 0), listing_line(entry, 0, atimes=True)
    when = plain[23:].removesuffix(b"f")
    assert wide == plain[:23] + when + when + b"f" and len(when.strip()) == 19
    folder = listing_line(FileEntry(b"d", stat.S_IFDIR | 0o755, 5, 10**9), 0, atimes=True)
    assert folder.endswith(b" " * 20 + b" d")
    for atimes in (False, True):
        missing = listing_line(FileEntry(b"f"), 0, atimes=atimes)
        assert missing.split() == [b"*missing", b"f"]
        assert len(missing) == len(listing_line(entry, 0, atimes=atimes))


def test_nothing_is_compared_by_the_checksum_none(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/f").write_text("new")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_text("old")
    ended = run("-rc", "--cc=md5,none", "s/", "d", cwd=tmp_path)
    assert ended.returncode == 4
    assert "Invalid checksum-choice for --checksum: none (0)" in ended.stderr.splitlines()


def test_a_local_copy_s_server_says_what_its_client_is_to_show(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/f").touch()
    (tmp_path / "d").mkdir()
    assert "created directory new" in run("-rP", "s/", "new", cwd=tmp_path).stdout.splitlines()
    said = run("-r", "--debug=del", "--delete-after", "s/", "d", cwd=tmp_path).stdout.splitlines()
    assert "deleting in ." in said


def test_the_checksum_none_sends_whole_files(tmp_path: Path) -> None:
    ended = run("-r", "--append", "--cc=none", "s/", "d", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[0] == "rsync: --append cannot be used with --whole-file"


def test_what_a_peer_has_put_into_an_error_moves_no_cursor(tmp_path: Path) -> None:
    words = ["-r", "-e", "./none\x1b[2J", "host:s/", "d"]
    ended = run(*words, cwd=tmp_path)
    assert "Failed to exec ./none\\#033[2J: " in ended.stderr and "\x1b" not in ended.stderr


def test_what_the_system_refuses_is_told_with_the_role(tmp_path: Path) -> None:
    ended = run("-r", "-e", "./none", "host:s/", "d", cwd=tmp_path)
    assert (
        "rsync: [Receiver] Failed to exec ./none: No such file or directory (2)" in ended.stderr.splitlines()
    )
    ended = run("-r", "h:s", "h:d", cwd=tmp_path)
    assert ended.stderr.startswith("The source and destination cannot both be remote.\n")


def test_files_of_rules_end_their_lines_at_nul_with_from0(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/new").touch()
    (tmp_path / "s/.rules").write_text("- new\n")
    run("-r", "-0", "--filter=: .rules", "s/", "d", cwd=tmp_path)
    assert sorted(os.listdir(tmp_path / "d")) == [".rules", "new"]
    run("-r", "--filter=: .rules", "s/", "e", cwd=tmp_path)
    assert os.listdir(tmp_path / "e") == [".rules"]


def test_eight_bit_output_still_escapes_what_looks_escaped(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/a\\#123").touch()
    ended = run("-r8", "--out-format=%n", "s/", "d", cwd=tmp_path)
    assert "a\\#134#123" in ended.stdout.splitlines()


def test_backups_beside_the_files_need_a_suffix(tmp_path: Path) -> None:
    ended = run("-r", "--backup-dir=", "s/", "d", cwd=tmp_path)
    assert ended.returncode == 1
    assert "rsync: --suffix cannot be empty when --backup-dir is the same as the dest dir" in ended.stderr


def test_what_a_server_writes_itself_is_plain_ascii(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/caf\u00e9").touch()
    (tmp_path / "d/caf\u00e9/x").mkdir(parents=True)
    ended = run("-r", "s/", "d", cwd=tmp_path)
    assert "could not make way for new regular file: caf\\#303\\#251" in ended.stderr.splitlines()


def test_a_receiver_shows_permissions_as_they_were_sent(tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    shell.chmod(0o755)
    (tmp_path / "s/sticky").mkdir(parents=True)
    (tmp_path / "s/sticky").chmod(0o1777)
    (tmp_path / "s/file").touch()
    (tmp_path / "s/file").chmod(0o777)
    far = f"--rsync-path={sys.executable} -m refsync"
    ended = run("-re", str(shell), far, "--out-format=%B %n", f"h:{tmp_path}/s/", "d/", cwd=tmp_path)
    mask = os.umask(0)
    os.umask(mask)
    became = stat.filemode(stat.S_IFREG | 0o777 & ~mask)[1:]
    assert {"rwxrwxrwt sticky/", f"{became} file"} <= set(ended.stdout.splitlines())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_told_when_its_turn_comes(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/f").touch(mode=0)
    ended = run("-rc", "s/", "d", cwd=tmp_path)
    assert ended.returncode == 23 and "send_files failed to open" in ended.stderr
