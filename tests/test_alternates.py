"""Other directories and similar files: which is chosen, what is made of it, and what a peer may not name."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from refsync.engine import client
from refsync.engine.basis import Bases
from refsync.engine.module import ModuleContext
from refsync.engine.nearness import BEYOND, UNIT, distance, suffix_of
from refsync.engine.report import RemoteReporter
from refsync.engine.server import allow_inc_recurse, serve
from refsync.options.parse import parse
from refsync.options.server_args import build
from refsync.session.link import Link
from refsync.session.tasks import Tasks
from refsync.wire import items
from refsync.wire.entry import FileEntry
from refsync.wire.errors import Exit, ProtocolError, RefsyncError

OLD = random.Random(3).randbytes(60_000)
NEW = OLD[:30_000] + b"and something else" + OLD[30_000:]
THEN = 1_600_000_000


class Log(RemoteReporter):
    """Keeps what is reported."""

    def __init__(self) -> None:
        super().__init__(Link())
        self.lines: list[bytes] = []
        self.literal = 0

    def client(self, text: bytes) -> None:
        self.lines.append(text.rstrip(b"\n"))

    def _send(self, code: int, text: bytes) -> None:
        self.lines.append(text.rstrip(b"\n"))


def sync(
    source: Path, dest: Path | bytes, *arguments: str, push: bool = True, module: ModuleContext | None = None
) -> tuple[int, list[bytes]]:
    """(the client's exit code, the lines that it showed)"""
    options, _ = parse(["-a", "--out-format=%i %n", *arguments])
    options.sender = push
    log = Log()
    ours, theirs = Link(), Link()
    far = os.fsencode(dest if push else f"{source}/")
    words = build(options, inc_recurse=allow_inc_recurse(options, sender=push))
    server_options, paths = parse([*words, "--debug=fuzzy2", "--", ".", os.fsdecode(far)])
    near = Tasks(ours, client.run(ours, options, log, [os.fsencode(f"{source}/")], os.fsencode(dest)))
    there = Tasks(theirs, serve(theirs, server_options, [os.fsencode(path) for path in paths], module=module))
    while not (near.done and there.done and not ours.pending and not theirs.pending):
        near.step()
        there.step()
        moved = False
        for one, other in ((ours, theirs), (theirs, ours)):
            if data := bytes(one.output()):
                other.feed(data)
                one.sent(len(data))
                moved = True
        assert moved or near.runnable or there.runnable or near.done, "the two ends wait for each other"
    code: int = near.results[0]
    return code, log.lines


def put(path: Path, content: bytes, *, seconds: int = THEN, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    os.utime(path, (seconds, seconds))
    return path


# -- what is made of a match ---------------------------------------------------


@pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])
@pytest.mark.parametrize("kind", ["compare", "copy", "link"])
def test_what_is_wholly_alike(tmp_path: Path, kind: str, push: bool) -> None:
    put(tmp_path / "src/d/f", OLD)
    there = put(tmp_path / "there/d/f", OLD)
    code, _ = sync(tmp_path / "src", tmp_path / "dst", f"--{kind}-dest={tmp_path}/there", push=push)
    assert code == 0
    made = tmp_path / "dst/d/f"
    if kind == "compare":
        assert not made.exists()
    else:
        assert made.read_bytes() == OLD
        assert made.samefile(there) == (kind == "link")


@pytest.mark.parametrize("version", [27, 28, 29, 30, 31, 32])
@pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])
def test_blocks_come_from_there(tmp_path: Path, push: bool, version: int) -> None:
    put(tmp_path / "src/d/f", NEW)
    put(tmp_path / "there/d/f", OLD, seconds=THEN - 5)
    options = ("--stats", "--no-W", f"--protocol={version}", f"--link-dest={tmp_path}/there")
    assert sync(tmp_path / "src", tmp_path / "dst", *options, push=push)[0] == 0
    assert (tmp_path / "dst/d/f").read_bytes() == NEW


def test_the_best_of_several(tmp_path: Path) -> None:
    put(tmp_path / "src/f", OLD)
    put(tmp_path / "one/f", OLD[:-1])
    put(tmp_path / "two/f", OLD, mode=0o600)
    best = put(tmp_path / "three/f", OLD)
    others = [f"--link-dest={tmp_path}/{name}" for name in ("one", "two", "three")]
    _, lines = sync(tmp_path / "src", tmp_path / "dst", "-ii", *others)
    assert b"hf          f" in lines
    assert (tmp_path / "dst/f").samefile(best)


def test_what_is_linked_over_is_backed_up(tmp_path: Path) -> None:
    put(tmp_path / "src/f", OLD)
    put(tmp_path / "there/f", OLD)
    for kind in ("link", "compare"):
        put(tmp_path / "dst/f", b"mine")
        assert sync(tmp_path / "src", tmp_path / "dst", "-b", f"--{kind}-dest=../there")[0] == 0
        assert (tmp_path / "dst/f~").read_bytes() == b"mine"
        (tmp_path / "dst/f~").unlink()
        if kind == "link":
            assert (tmp_path / "dst/f").samefile(tmp_path / "there/f")
            (tmp_path / "dst/f").unlink()
        else:
            assert not (tmp_path / "dst/f").exists()


def test_what_cannot_be_linked_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "src/f", OLD)
    there = put(tmp_path / "there/f", OLD)

    def no_link(*arguments: object, **more: object) -> None:
        raise OSError(31, os.strerror(31))

    monkeypatch.setattr(os, "link", no_link)
    code, lines = sync(tmp_path / "src", tmp_path / "dst", "-v", "--link-dest=../there")
    assert code == 0
    assert (tmp_path / "dst/f").read_bytes() == OLD
    assert not (tmp_path / "dst/f").samefile(there)
    assert any(b"Too many links" in line for line in lines)


@pytest.mark.parametrize("option", ["--append", "--append-verify"])
def test_nothing_is_appended_to_what_is_elsewhere(tmp_path: Path, option: str) -> None:
    """Upstream 3.4.1 leaves zeros in the first file, does not send the second, and ends with exit 0."""
    put(tmp_path / "src/f", NEW)
    put(tmp_path / "src/new-name", OLD[:9000])
    put(tmp_path / "there/f", NEW[:20_000])
    put(tmp_path / "dst/old-name", OLD)
    assert sync(tmp_path / "src", tmp_path / "dst", option, "-y", "--compare-dest=../there")[0] == 0
    assert (tmp_path / "dst/f").read_bytes() == NEW
    assert (tmp_path / "dst/new-name").read_bytes() == OLD[:9000]


def test_no_symlink_is_followed_on_the_way(tmp_path: Path) -> None:
    put(tmp_path / "src/d/f", OLD)
    far = put(tmp_path / "far/f", OLD)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/d").symlink_to(tmp_path / "far")
    assert sync(tmp_path / "src", tmp_path / "dst", "--link-dest=../there")[0] == 0
    assert (tmp_path / "dst/d/f").read_bytes() == OLD
    assert far.stat().st_nlink == 1


def test_a_directory_that_comes_later(tmp_path: Path) -> None:
    put(tmp_path / "src/a/f", OLD)
    put(tmp_path / "src/b/a/f", OLD)
    code, lines = sync(tmp_path / "src", tmp_path / "dst", "-ii", "--no-W", "--compare-dest=b")
    assert code == 0
    assert any(line.startswith(b"--compare-dest arg does not exist: b") for line in lines)
    assert (tmp_path / "dst/a/f").read_bytes() == OLD


# -- in a module ----------------------------------------------------------------


def module(tmp_path: Path, *rules: str) -> ModuleContext:
    return ModuleContext("m", os.fsencode(tmp_path / "m"), read_only=False, filters=list(rules))


@pytest.mark.parametrize("directory", ["../there", "/there", "/../there", "../../../there"])
def test_paths_stay_below_the_module(tmp_path: Path, directory: str) -> None:
    put(tmp_path / "src/f", OLD)
    outside = put(tmp_path / "there/f", OLD)
    inside = put(tmp_path / "m/there/f", OLD)
    (tmp_path / "m/dst").mkdir()
    assert sync(tmp_path / "src", b"dst", f"--link-dest={directory}", module=module(tmp_path))[0] == 0
    assert outside.stat().st_nlink == 1
    assert (tmp_path / "m/dst/f").samefile(inside)


def test_a_symlink_leads_nowhere_in_a_module(tmp_path: Path) -> None:
    put(tmp_path / "src/f", OLD)
    outside = put(tmp_path / "there/f", OLD)
    (tmp_path / "m/dst").mkdir(parents=True)
    (tmp_path / "m/way").symlink_to(tmp_path / "there")
    assert sync(tmp_path / "src", b"dst", "--link-dest=/way", module=module(tmp_path))[0] == 0
    assert outside.stat().st_nlink == 1
    assert (tmp_path / "m/dst/f").read_bytes() == OLD


def test_what_a_module_hides(tmp_path: Path) -> None:
    put(tmp_path / "src/f", OLD)
    put(tmp_path / "src/new-name", NEW)
    hidden = put(tmp_path / "m/there/f", OLD)
    put(tmp_path / "m/dst/old-name", OLD)
    rules = module(tmp_path, "- /there/f", "- old-name", "- /secret")
    others = ("-y", "--no-W", "--link-dest=/there")
    code, lines = sync(tmp_path / "src", b"dst", *others, module=module(tmp_path, "- /secret"))
    assert code == 0
    assert any(b"fuzzy distance for old-name" in line for line in lines)
    for name in ("f", "new-name"):
        (tmp_path / "m/dst" / name).unlink()
    code, lines = sync(tmp_path / "src", b"dst", *others, module=rules)
    assert code == 0
    assert not any(b"old-name" in line for line in lines)
    assert hidden.stat().st_nlink == 1
    with pytest.raises(RefsyncError) as caught:
        sync(tmp_path / "src", b"dst", "--link-dest=/secret", module=rules)
    assert caught.value.code == Exit.SYNTAX


# -- similar names ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        (b"a.c", b".c"), (b"a.c~", b".c"), (b"a.c.bak", b".c"), (b"a.c.old", b".c"), (b"a.c.orig", b".c"),
        (b"a.c.bak~", b".bak"), (b"a.bak.c", b".c"), (b"a.c.12", b".c"), (b"a.12", b".12"), (b"a.1.2", b".1"),
        (b"a.c.~1~", b".c"), (b"a.c.~12~", b".~12"), (b"a.c.~123~", b".~123"), (b"a.c.~1234~", b".c"),
        (b"...", b""), (b".x", b""), (b"..x.c", b".c"), (b"a.", b"."), (b"", b""), (b"~", b""), (b"a~", b""),
    ],
)  # fmt: skip
def test_suffixes(name: bytes, suffix: bytes) -> None:
    assert suffix_of(name) == suffix


def naive(one: bytes, other: bytes) -> int:
    """Edits alone, by the whole table."""
    table = [[max(row, column) for column in range(len(other) + 1)] for row in range(len(one) + 1)]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            same = one[row - 1] == other[column - 1]
            table[row][column] = min(
                table[row - 1][column] + 1,
                table[row][column - 1] + 1,
                table[row - 1][column - 1] + (not same),
            )
    return table[-1][-1]


def test_distances() -> None:
    assert distance(b"same", b"same", BEYOND) == 0
    assert distance(b"a", b"b", BEYOND) == UNIT + 1
    assert distance(b"", b"ab", BEYOND) == 2 * UNIT + 97 + 98
    assert distance(b"short", b"much longer", 5 * UNIT) == BEYOND
    dice = random.Random(7)
    for _ in range(200):
        one, other = (bytes(dice.choices(b"abc.", k=dice.randint(1, 9))) for _ in range(2))
        assert distance(one, other, BEYOND) >> 16 == naive(one, other)


@pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])
def test_a_renamed_file_is_a_basis(tmp_path: Path, push: bool) -> None:
    put(tmp_path / "src/d/moved", NEW)
    put(tmp_path / "dst/d/before", OLD)
    assert sync(tmp_path / "src", tmp_path / "dst", "-y", "--no-W", push=push)[0] == 0
    assert (tmp_path / "dst/d/moved").read_bytes() == NEW


@pytest.mark.parametrize("version", [29, 32])
def test_a_basis_that_goes_before_the_data_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    put(tmp_path / "src/moved", NEW)
    before = put(tmp_path / "dst/before", OLD)
    original = Bases.open

    def late(self: Bases, name: bytes, entry: FileEntry, attrs: items.ItemAttrs, *, again: bool) -> object:
        before.unlink(missing_ok=True)
        return original(self, name, entry, attrs, again=again)

    monkeypatch.setattr(Bases, "open", late)
    code, lines = sync(tmp_path / "src", tmp_path / "dst", "-y", "--no-W", f"--protocol={version}")
    assert code == 0, lines
    assert any(b"moved failed verification" in line for line in lines)
    assert (tmp_path / "dst/moved").read_bytes() == NEW


# -- what a peer may name ----------------------------------------------------------


class _Recorded(Exception):
    """Stops a run where the basis is known."""


@pytest.mark.parametrize(
    ("kind", "xname", "clause"),
    [
        (0, None, ""), (1, None, "HOST-4"), (77, None, "HOST-4"), (0x7F, None, "HOST-4"), (0x84, b"x", ""),
        (0x83, b"x", ""), (0x85, b"x", "HOST-4"), (0xFF, b"x", "HOST-4"), (0x83, None, "ALT-14"),
        (0x83, b"", "ALT-14"), (0x83, b".", "ALT-14"), (0x83, b"..", "ALT-14"), (0x83, b"a/b", "ALT-14"),
        (0x83, b"/x", "ALT-14"), (0x83, b"\0001", "ALT-14"), (0x83, b"x\0", "ALT-14"), (0x83, b"...", ""),
    ],
)  # fmt: skip
def test_a_basis_of_a_peers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int, xname: bytes | None, clause: str
) -> None:
    put(tmp_path / "src/d/f", NEW)
    put(tmp_path / "there/d/x", OLD)
    put(tmp_path / "dst/d/x", OLD)
    found: list[str] = []
    original = Bases.open

    def lie(self: Bases, name: bytes, entry: FileEntry, attrs: items.ItemAttrs, *, again: bool) -> object:
        flags = attrs.iflags | items.BASIS_TYPE_FOLLOWS | (items.XNAME_FOLLOWS if xname is not None else 0)
        try:
            original(self, name, entry, items.ItemAttrs(flags, kind, xname), again=again).close()
            found.append("")
        except ProtocolError as error:
            found.append(error.clause)
        raise _Recorded

    monkeypatch.setattr(Bases, "open", lie)
    with pytest.raises(_Recorded):
        sync(tmp_path / "src", tmp_path / "dst", "-yy", "--compare-dest=../there", push=False)
    assert found == [clause]


def test_options() -> None:
    with pytest.raises(RefsyncError, match=r"--copy-dest option conflicts with the --link-dest"):
        parse(["--link-dest=a", "--copy-dest=b"])
    with pytest.raises(RefsyncError, match=r"at most 20 --link-dest"):
        parse(["--link-dest=a"] * 21)
    options, _ = parse(["-a", "-yyy", "--link-dest=a", "--link-dest=b"])
    options.sender = True
    words = build(options, inc_recurse=True)
    assert words[1].count("y") == 2
    at = words.index("--link-dest")
    assert words[at : at + 4] == ["--link-dest", "a", "--link-dest", "b"]
    options, _ = parse(["-a", "-yy"])
    options.sender = True
    assert build(options, inc_recurse=True)[1].count("y") == 1
    options.sender = False
    assert "y" not in build(options, inc_recurse=True)[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-y"], "--fuzzy requires"),
        (["--link-dest=a", "--link-dest=b"], "Using more than one --link-dest option requires"),
        (["--copy-dest=a", "--inplace"], "--copy-dest with --inplace requires"),
    ],
)
def test_what_old_protocols_cannot_say(tmp_path: Path, arguments: list[str], said: str) -> None:
    put(tmp_path / "src/f", OLD)
    with pytest.raises(RefsyncError, match=said) as caught:
        sync(tmp_path / "src", tmp_path / "dst", *arguments, "--protocol=28")
    assert caught.value.code == Exit.PROTOCOL
