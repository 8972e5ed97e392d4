"""Batch files: the head, the script, and what is recorded at either end replayed in memory."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path
from typing import cast

import pytest
from refsync.cli.batch import quoted, script
from refsync.engine import client
from refsync.engine.batch import Recorder, match_options, stream_flags
from refsync.engine.report import RemoteReporter
from refsync.engine.server import allow_inc_recurse, serve
from refsync.engine.session import Session
from refsync.engine.source_removal import tell_success
from refsync.engine.target import Target
from refsync.options.model import Options
from refsync.options.parse import parse
from refsync.options.server_args import build
from refsync.session.link import Link
from refsync.session.setup import Agreement
from refsync.session.tasks import Tasks
from refsync.wire import batch
from refsync.wire.cursor import Cursor
from refsync.wire.dialect import build as build_dialect
from refsync.wire.errors import ProtocolError, RefsyncError


class Log(RemoteReporter):
    """Keeps texts."""

    def __init__(self) -> None:
        super().__init__(Link())
        self.texts: list[bytes] = []

    def _send(self, code: int, text: bytes) -> None:
        self.texts.append(text)


def make_tree(root: Path) -> None:
    (root / "d").mkdir(parents=True)
    (root / "a").write_bytes(b"hello\n")
    (root / "d" / "big").write_bytes(random.Random(1).randbytes(150_000))
    (root / "d" / "link").symlink_to("../a")


def make_basis(root: Path) -> None:
    (root / "d").mkdir(parents=True)
    (root / "d" / "big").write_bytes(random.Random(1).randbytes(100_000))
    (root / "a").write_bytes(b"older\n")
    for name in ("a", "d/big"):
        os.utime(root / name, (1, 1))


def record(tmp_path: Path, words: list[str], *, push: bool) -> bytes:
    """The batch of a run from ``src`` to ``dst``."""
    source, dest = str(tmp_path / "src") + "/", str(tmp_path / "dst")
    options, _ = parse(words)
    options.sender = push
    ours, theirs = Link(), Link()
    server, paths = parse(
        [
            *build(options, inc_recurse=allow_inc_recurse(options, sender=push)),
            ".",
            dest if push else source,
        ]
    )
    with open(tmp_path / "batch", "wb") as file:
        run = client.run(
            ours, options, Log(), [source.encode()], dest.encode(), recorder=Recorder(file, options)
        )
        near, far = Tasks(ours, run), Tasks(theirs, serve(theirs, server, [p.encode() for p in paths]))
        while not (near.done and far.done):
            near.step()
            far.step()
            for a, b in ((ours, theirs), (theirs, ours)):
                out = bytes(a.output())
                a.sent(len(out))
                b.feed(out)
        assert near.results == [0]
    return (tmp_path / "batch").read_bytes()


def replay(content: bytes, words: list[str], dest: Path) -> tuple[int, list[bytes]]:
    options, _ = parse(words)
    log, link = Log(), Link()
    tasks = Tasks(link, client.run(link, options, log, [], str(dest).encode()))
    link.feed(content)
    link.feed_eof()
    for _ in range(100_000):
        tasks.step()
        if tasks.done:
            return tasks.results[0], log.texts
    raise AssertionError("a replay without an end")


@pytest.mark.parametrize("protocol", range(27, 33))
@pytest.mark.parametrize("push", [True, False])
@pytest.mark.parametrize("only", [True, False])
def test_what_is_recorded_replays(tmp_path: Path, protocol: int, push: bool, only: bool) -> None:
    make_tree(tmp_path / "src")
    make_basis(tmp_path / "dst")
    make_basis(tmp_path / "other")
    kind = "--only-write-batch=x" if only else "--write-batch=x"
    content = record(tmp_path, ["-a", f"--protocol={protocol}", kind], push=push)
    assert (tmp_path / "dst/a").read_bytes() == (b"older\n" if only else b"hello\n")
    assert len(content) < 120_000  # a delta, in either case
    assert replay(content, ["-a", "--read-batch=x"], tmp_path / "other") == (0, [])
    assert (tmp_path / "other/d/big").read_bytes() == (tmp_path / "src/d/big").read_bytes()
    assert os.readlink(tmp_path / "other/d/link") == "../a"


@pytest.mark.parametrize("more", [[], ["--no-inc-recursive"]])
def test_wanted_and_missing(tmp_path: Path, more: list[str]) -> None:
    make_tree(tmp_path / "src")
    make_basis(tmp_path / "dst")
    content = record(tmp_path, ["-a", "--write-batch=x", *more], push=True)
    other = tmp_path / "other"
    make_basis(other)
    (other / "d/big").write_bytes(b"something else")
    code, said = replay(content, ["-a", "--read-batch=x", *more], other)
    assert code == 23
    assert said[-1] == b'(No batched update for resend of "d/big")\n'
    assert (other / "a").read_bytes() == b"hello\n"
    code, said = replay(content, ["-a", "--read-batch=x", *more], tmp_path / "dst")
    assert (code, said[0]) == (0, b'(Skipping batched update for "a")\n')
    again = record(tmp_path, ["-a", "--write-batch=x", *more], push=False)  # nothing had to be sent
    os.utime(other / "a", (5, 5))
    code, said = replay(again, ["-a", "--read-batch=x", *more], other)
    assert (code, said[0]) == (23, b'(No batched update for "a")\n')


def test_a_cut_batch_ends(tmp_path: Path) -> None:
    make_tree(tmp_path / "src")
    make_basis(tmp_path / "dst")
    content = record(tmp_path, ["-a", "--write-batch=x"], push=True)
    for size in (0, 3, 8, 20, 200, len(content) - 40):
        with pytest.raises(RefsyncError) as caught:
            replay(content[:size], ["-a", "--read-batch=x"], tmp_path / f"cut{size}")
        assert caught.value.code == 12


def test_the_head_decides_the_options() -> None:
    told: list[str] = []
    options, _ = parse(["-rlc", "--read-batch=x"])
    match_options(options, batch.Head(batch.flags_of({"recurse", "dirs", "owner"}), 32, 0, 0), told.append)
    assert stream_flags(options) == {"recurse", "dirs", "owner"}
    assert told == [
        "Setting the --owner (-o) option to match the batchfile.\n",
        "Clearing the --links (-l) option to match the batchfile.\n",
        "Clearing the --checksum (-c) option to match the batchfile.\n",
    ]
    with pytest.raises(RefsyncError, match="Please specify the --iconv"):
        match_options(Options(), batch.Head(1 << 9, 32, 0, 0), told.append)
    match_options(Options(), batch.Head(1 << 9 | 1 << 12, 29, 0, 0), told.append)  # it can't know these


def test_a_newer_or_strange_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="too new"):
        replay(batch.encode(batch.Head(0, 33, 0, 0)), ["-r", "--read-batch=x"], tmp_path / "d")
    with pytest.raises(RefsyncError, match="inc-recursive"):
        head = batch.encode(batch.Head(1, 32, 1, 0))
        replay(head, ["-r", "--no-inc-recursive", "--read-batch=x"], tmp_path / "d")
    with pytest.raises(ProtocolError):
        batch.decode(Cursor(bytes(4) + b"abcd"))
    assert "-" not in batch.explain(batch.Head(3, 32, 1, 5))
    assert "recurse owner" in batch.explain(batch.Head(3, 29, 0, 5))


def test_the_script() -> None:
    words = [
        "rsync",
        "-a",
        "--exclude",
        "x y",
        "-f",
        "- z",
        "--write-batch=it's",
        "--suffix=a b",
        "s/",
        "h:d e/",
    ]
    assert script(words, ["s/", "h:d e/"], True, 32) == (
        "rsync --filter=._- -a --read-batch='it'\\''s' --suffix='a b' ${1:-'d e/'}"
    )
    words = ["rsync", "-a", "--only-write-batch", "b", "--files-from=x", "b", "b"]
    assert script(words, ["b", "b"], False, 28) == "rsync -a --read-batch b ${1:-b}"


@pytest.mark.parametrize("word", ["plain", "it's", "a b", "", "~x", "$HOME", "a\\b", "*"])
def test_a_quoted_word_is_the_word(word: str) -> None:
    done = subprocess.run(["sh", "-c", f"printf %s {quoted(word)}"], capture_output=True, check=True)
    assert done.stdout == word.encode()


@pytest.mark.parametrize(
    "words",
    [
        ["--write-batch=a", "--read-batch=b"],
        ["--read-batch=b", "--remove-source-files"],
        ["--read-batch=" + "b" * 257],
    ],
)
def test_combinations(words: list[str]) -> None:
    with pytest.raises(RefsyncError):
        parse(words)


def test_a_dry_run_writes_none() -> None:
    assert not parse(["-n", "--write-batch=a"])[0].writes_batch
    only = parse(["--write-batch=a", "--only-write-batch=b"])[0]
    assert (only.dry_run, only.moves_data, only.write_batch) == (True, True, None)


def test_a_receiver_that_only_writes_a_batch_tells_of_no_success(tmp_path: Path) -> None:
    """The sender would remove its file, which is nowhere yet but in the batch."""
    link = Link()
    agreement = Agreement(build_dialect(32, 0), 32, 1, "md5", "md5", None)
    options = Options(remove_source_files=1, dry_run=True, only_write_batch="batch")
    session = Session(link, options, agreement, RemoteReporter(link), "receiver")
    tell_success(session, cast("Target", None), 1, b"f")
    assert not link.output()
    options.only_write_batch = None
    tell_success(session, cast("Target", None), 1, b"f")
    assert link.output()
