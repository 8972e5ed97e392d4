"""Whole transfers between our client and our server, over bytes in memory: every version, any chunking."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Generator
from pathlib import Path
from types import coroutine

import pytest
from refsync.delta import signature
from refsync.engine import client
from refsync.engine.report import RemoteReporter
from refsync.engine.server import allow_inc_recurse, serve
from refsync.options.model import Options
from refsync.options.parse import parse
from refsync.options.server_args import build
from refsync.session import link
from refsync.session.link import Link
from refsync.session.tasks import Tasks
from refsync.wire import mux
from refsync.wire.dialect import MAX_PROTOCOL, MIN_PROTOCOL
from refsync.wire.errors import RefsyncError

VERSIONS = range(MIN_PROTOCOL, MAX_PROTOCOL + 1)


class Log(RemoteReporter):
    """Keeps what is reported."""

    def __init__(self) -> None:
        super().__init__(Link())
        self.items: list[tuple[bytes, bytes]] = []
        self.texts: list[bytes] = []
        self.gone: list[bytes] = []

    def client(self, text: bytes) -> None:
        flags, _, name = text.rstrip(b"\n").partition(b" ")
        if flags in (b"*deleting", b"deleting"):  # below protocol 29 the server words it
            self.gone.append(name.strip().rstrip(b"/"))
        else:
            self.items.append((name, flags))

    def wire(self, code: int, text: bytes) -> None:
        (self.client if code == mux.INFO else self.texts.append)(text)

    def _send(self, code: int, text: bytes) -> None:
        self.texts.append(text)


def transfer(
    arguments: list[str], source: str, dest: str, *, push: bool, chunk: int = 0
) -> tuple[int, int, Log]:
    """(client's exit code, server's, what the client reported)"""
    options, _ = parse(["--out-format=%i %n", *arguments])
    options.sender = push
    log = Log()
    ours, theirs = Link(), Link()
    server_options, paths = parse(
        [
            *build(options, inc_recurse=allow_inc_recurse(options, sender=push)),
            "--",
            ".",
            dest if push else source,
        ]
    )
    near = Tasks(ours, client.run(ours, options, log, [os.fsencode(source)], os.fsencode(dest)))
    far = Tasks(theirs, serve(theirs, server_options, [os.fsencode(path) for path in paths]))
    source_of_sizes = random.Random(chunk)
    for _ in range(2_000_000):
        near.step()
        far.step()
        moved = False
        for a, b in ((ours, theirs), (theirs, ours)):
            out = a.output()
            size = min(len(out), source_of_sizes.randint(1, chunk) if chunk else len(out))
            if size:
                b.feed(bytes(out[:size]))
                a.sent(size)
                moved = True
        if near.done and far.done and not ours.pending and not theirs.pending:
            return near.results[0], far.results[0], log
        if not moved and not near.runnable and not far.runnable:
            break
    raise AssertionError("the two ends wait for each other")


def make_tree(root: Path) -> None:
    (root / "d" / "e").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a").write_bytes(b"hello\n")
    (root / "nothing").write_bytes(b"")
    (root / "d" / "big").write_bytes(random.Random(1).randbytes(300_000))
    (root / "d" / "e" / "deep").write_bytes(b"x" * 5000)
    (root / "d" / "link").symlink_to("../a")
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"odd \xff\nname")).write_bytes(b"odd")
    os.chmod(root / "a", 0o640)
    for path in [*root.rglob("*"), root]:
        os.utime(path, ns=(10**18, 1_234_567_890_123_456_789), follow_symlinks=False)


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in [root, *root.rglob("*")]:
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        found[str(path.relative_to(root))] = (status.st_mode, status.st_mtime_ns // 10**9, content)
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])
def test_a_tree_arrives_and_a_second_run_moves_nothing(tmp_path: Path, version: int, push: bool) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    make_tree(source)
    arguments = ["-a", f"--protocol={version}"]
    assert transfer(arguments, f"{source}/", f"{dest}/", push=push)[:2] == (0, 0)
    assert snapshot(source) == snapshot(dest)
    code, _, log = transfer(arguments, f"{source}/", f"{dest}/", push=push)
    assert code == 0
    assert not log.items
    assert not log.texts


@pytest.mark.parametrize("chunk", [1, 7, 300])
@pytest.mark.parametrize("version", [27, 29, 30, 32])
def test_however_the_bytes_are_cut(tmp_path: Path, version: int, chunk: int) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    (source / "d").mkdir(parents=True)
    (source / "d" / "f").write_bytes(random.Random(2).randbytes(3000))
    (source / "g").write_bytes(b"g" * 900)
    arguments = ["-a", f"--protocol={version}"]
    assert transfer(arguments, f"{source}/", f"{dest}/", push=True, chunk=chunk)[:2] == (0, 0)
    assert snapshot(source) == snapshot(dest)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])
def test_a_changed_file_is_rebuilt_from_what_is_there(tmp_path: Path, version: int, push: bool) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    make_tree(source)
    transfer(["-a"], f"{source}/", f"{dest}/", push=True)
    changed = bytearray((source / "d" / "big").read_bytes())
    changed[100_000:100_000] = b"something new"
    (source / "d" / "big").write_bytes(bytes(changed))
    code, _, log = transfer(["-a", f"--protocol={version}"], f"{source}/", f"{dest}/", push=push)
    assert code == 0
    assert snapshot(source) == snapshot(dest)
    assert b"d/big" in [name for name, _ in log.items]


@pytest.mark.parametrize(
    "when", ["--delete", "--delete-before", "--delete-during", "--delete-delay", "--delete-after"]
)
@pytest.mark.parametrize("version", [27, 29, 30, 32])
@pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])
def test_what_the_source_lacks_is_deleted(tmp_path: Path, when: str, version: int, push: bool) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    make_tree(source)
    (dest / "old" / "older").mkdir(parents=True)
    (dest / "old" / "older" / "file").write_bytes(b"")
    (dest / "kept.keep").write_bytes(b"")
    (dest / "d").write_bytes(b"in the way of a directory")
    arguments = ["-a", when, "--exclude=*.keep", f"--protocol={version}"]
    code, _, log = transfer(arguments, f"{source}/", f"{dest}/", push=push)
    assert code == 0
    assert (dest / "kept.keep").exists()
    (dest / "kept.keep").unlink()
    os.utime(dest, ns=(10**18, 1_234_567_890_123_456_789))
    assert snapshot(source) == snapshot(dest)
    assert [name for name in log.gone if name.startswith(b"old")] == [b"old/older/file", b"old/older", b"old"]


@pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])
def test_a_dry_run_changes_nothing_and_says_the_same(tmp_path: Path, push: bool) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    dest.mkdir()
    make_tree(source)
    os.utime(dest, ns=(0, 0))
    _, _, dry = transfer(["-ain", "--delete"], f"{source}/", f"{dest}/", push=push)
    assert list(dest.iterdir()) == []
    _, _, wet = transfer(["-ai", "--delete"], f"{source}/", f"{dest}/", push=push)
    assert dry.items == wet.items


def test_a_missing_source_is_named_and_the_rest_arrives(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"1")
    dest = tmp_path / "dest"
    dest.mkdir()
    code, _, log = transfer(["-a"], str(tmp_path / "absent"), f"{dest}/", push=True)
    assert code == 23
    assert b"absent" in b"".join(log.texts)


def test_versions_out_of_range_are_refused(tmp_path: Path) -> None:
    for version in (19, 26):
        with pytest.raises(RefsyncError) as caught:
            transfer(["-a", f"--protocol={version}"], f"{tmp_path}/", f"{tmp_path}/x", push=True)
        assert caught.value.code == 2


def test_options_default_to_the_newest_protocol() -> None:
    assert Options().protocol == MAX_PROTOCOL


@pytest.mark.parametrize("version", [27, 30, 31, 32])
@pytest.mark.parametrize("push", [True, False])
def test_compressed_files_that_cannot_be_written_are_passed_over(
    tmp_path: Path, version: int, push: bool
) -> None:
    """COMP-13: what is referred to in a block that nobody reads. Upstream ends with exit 12 here."""
    noise = random.Random(7).randbytes(40_000)
    for name in "ab":
        for place, data in (("src", noise[:30_000] + b"new" + noise[2_000:9_000]), ("dst", noise)):
            (tmp_path / place).mkdir(exist_ok=True)
            (tmp_path / place / name).write_bytes(data)
    options = ["-r", "--compress-choice=zlib", "-B2000", "--no-W", f"--protocol={version}"]
    code, _, log = transfer([*options, "--temp-dir=/proc"], f"{tmp_path}/src/", f"{tmp_path}/dst/", push=push)
    assert code == 23, log.texts
    assert (tmp_path / "dst/a").read_bytes() == noise


@pytest.mark.parametrize("version", [27, 29, 30, 32])
@pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])
def test_large_files_leave_the_others_their_turn(
    tmp_path: Path, version: int, push: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums of a basis go out as they are made, and all alike is no reason to keep the connection waiting."""
    source, dest = tmp_path / "source", tmp_path / "dest"
    for folder in (source, dest):
        (folder / "d").mkdir(parents=True)
        for number, name in enumerate(("a", "b", "d/c")):
            data = bytearray(random.Random(number).randbytes(400_000))
            data[200_000] ^= folder is dest
            (folder / name).write_bytes(data)
            os.utime(folder / name, (10**9, 10**9 + (folder is dest)))
    for module, name in ((signature, "_BATCH"), (signature, "_NATIVE_BATCH"), (link, "TURN")):
        monkeypatch.setattr(module, name, 50_000)
    turns = 0

    @coroutine
    def counted(what: str) -> Generator[str, None, None]:
        nonlocal turns
        turns += what == "turn"
        yield what

    monkeypatch.setattr(link, "wait", counted)
    arguments = ["-a", "--no-whole-file", f"--protocol={version}"]
    assert transfer(arguments, f"{source}/", f"{dest}/", push=push)[:2] == (0, 0)
    assert snapshot(source) == snapshot(dest)
    parts = 400_000 // 50_000
    assert turns >= 3 * (2 * parts - 2) + 3  # of each file: its sums, its copies, and now and then its search
