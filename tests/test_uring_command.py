"""The command with a ring, with a ring that fails, and without one."""

from __future__ import annotations

import os
import pathlib
import random
import re
import subprocess
import sys

import pytest
from refsync import native
from refsync.options.parse import parse
from refsync.session.link import MAX_BUFFERED
from refsync.wire.errors import RefsyncError
from uring_tools import usable

needs_ring = pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")


def injured(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command, after ``code`` has done something to the ring of both its processes."""
    start = (
        "import sys; from uring_tools import *; from refsync.cli.main import main\n"
        + code
        + "\nsys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", start, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parent)},
        check=False,
    )


@needs_ring
@pytest.mark.parametrize("wounded", [True, False])
def test_what_is_not_on_the_disk_gets_no_name(tmp_path: pathlib.Path, wounded: bool) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    dest.mkdir()
    for number in range(260):
        (source / f"{number:03}").write_bytes(b"x" * number)
    code = "wound('fsync', result=-5, at=230)" if wounded else ""
    ended = injured(code, "-a", "--fsync", "--debug=uring", f"{source}/", dest)
    if wounded:
        assert ended.returncode == 11 and "fsync failed on" in ended.stderr
        names = sorted(path.name for path in dest.iterdir())
        assert names == [
            f"{number:03}" for number in range(len(names))
        ]  # what failed, and what came with it, is gone
        assert len(names) < 230
    else:
        assert ended.returncode == 0 and len(list(dest.iterdir())) == 260
        assert re.search(r"fsync FSYNC: submitted=26\d completed=26\d short=0 failed=0", ended.stdout)


@pytest.mark.skipif(not native.HAVE_BULK, reason="the C kernel is missing")
def test_what_the_kernel_can_not_put_in_its_place_is_told_of(tmp_path: pathlib.Path) -> None:
    """The rest of the batch is in its place; the directories of both are as they should be."""
    for number in range(40):
        path = tmp_path / f"source/d{number % 4}/{number:02}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * number)
        os.utime(path.parent, (1e9, 1e9))
    code = (
        "from refsync.native.smallbatch import SmallBatch as B\n"
        "sync = B.sync\n"
        "def blocked(self, ring):\n"
        "    import pathlib\n"
        f"    pathlib.Path('{tmp_path}/dest/d2/22').mkdir(exist_ok=True)\n"
        "    return sync(self, ring)\n"
        "B.sync = blocked"
    )
    ended = injured(code, "-a", "--fsync", f"{tmp_path}/source/", tmp_path / "dest")
    assert ended.returncode == 23
    assert re.search(r'rename "[^"]*d2/\.22\.\w+" -> "d2/22"[^\n]*: Is a directory \(21\)', ended.stderr), (
        ended.stderr
    )
    found = {path.name: path for path in (tmp_path / "dest").rglob("*") if path.is_file()}
    assert sorted(found) == [f"{number:02}" for number in range(40) if number != 22]
    assert all(path.stat().st_size == int(name) for name, path in found.items())
    assert all((tmp_path / f"dest/d{number}").stat().st_mtime == 1e9 for number in (0, 1, 3))


@needs_ring
def test_a_full_disk_ends_a_run_as_without_a_ring(tmp_path: pathlib.Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/f").write_bytes(bytes(300_000))
    wound_it = "wound('write-literal', result=-28)"
    ended = injured(wound_it, "-a", f"{tmp_path}/source/", tmp_path / "dest")
    assert ended.returncode == 11 and "No space left on device (28)" in ended.stderr
    assert list((tmp_path / "dest").iterdir()) == []


def refsync(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "refsync", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--io-uring=maybe"], "is not one of auto, require, off"),
        (["--zero-copy=2"], "is not one of auto, on, off"),
        (["--io-uring-depth=12"], "is not a power of two"),
        (["--io-uring-depth=0"], "is not a power of two"),
        (["--io-uring-depth=8192"], "is not a power of two"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(RefsyncError, match=said) as wrong:
        parse([*words, "a", "b"])
    assert wrong.value.code == 1


def test_no_server_is_told_of_it() -> None:
    from refsync.cli.client import server_arguments

    options = parse(
        ["-a", "--io-uring=off", "--io-uring-depth=16", "--zero-copy=on", "--debug=uring", "a", "h:b"]
    )[0]
    assert options.debug["URING"] == 1
    options.sender = True
    assert server_arguments(options) == server_arguments(parse(["-a", "a", "h:b"])[0]) or all(
        "uring" not in word.lower() and "zero" not in word for word in server_arguments(options)
    )
    assert not parse(["--debug=all", "a", "b"])[0].debug["URING"]


def test_the_ring_is_required_in_vain_where_there_is_none(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").write_text("x")
    ended = refsync("--io-uring=require", tmp_path / "a", tmp_path / "b", REFSYNC_NATIVE="off")
    assert ended.returncode == 4 and not (tmp_path / "b").exists()
    assert "io_uring cannot be used here: the C kernel is missing" in ended.stderr


@pytest.mark.parametrize(
    "options", [["-a"], ["-a", "--no-whole-file"], ["-a", "--inplace", "--no-whole-file"]]
)
def test_the_same_files_in_each_of_three_ways(tmp_path: pathlib.Path, options: list[str]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    noise = random.Random(3)
    data = noise.randbytes(900_000)
    for number, size in enumerate((0, 10, 65_536, 70_000, 900_000)):
        (source / f"f{number}").write_bytes(data[:size])
    # more than can have been read before the ring's turn comes
    (source / "f5").write_bytes(data * (MAX_BUFFERED * 3 // 2 // len(data)))
    said = {}
    for mode in ("require", "off", "native off"):
        place = tmp_path / mode
        place.mkdir()
        (place / "f4").write_bytes(data[:300_000] + b"other" + data[400_000:])
        (place / "f3").write_bytes(noise.randbytes(70_000))
        for path in place.iterdir():
            os.utime(path, (1e9, 1e9))  # another time: they are not taken for the same
        wanted = "auto" if usable() or " " in mode else mode
        ended = refsync(
            *options,
            "--stats",
            "--debug=uring",
            f"--io-uring={wanted}",
            f"{source}/",
            place,
            REFSYNC_NATIVE="off" if " " in mode else "on",
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        said[mode] = ended.stdout
        for path in source.iterdir():
            copy = place / path.name
            assert copy.read_bytes() == path.read_bytes()
            assert copy.stat().st_mtime_ns == path.stat().st_mtime_ns
    numbers = {mode: re.findall(r"(?:Literal|Matched) data: .*", text) for mode, text in said.items()}
    assert numbers["require"] == numbers["off"] == numbers["native off"]
    assert (
        "[sender] io_uring: off" in said["off"] and "io_uring: not used: the C kernel" in said["native off"]
    )
    if not usable():
        assert "[sender] io_uring read-source READ_FIXED: submitted=" in said["require"] or options != ["-a"]
        assert "[receiver] io_uring recv RECV: submitted=" in said["require"]


@pytest.mark.parametrize(
    "options",
    [
        ["-aS"],
        ["-aS", "--inplace", "--no-whole-file"],
        ["-aS", "--inplace", "-W"],
        ["-aS", "--preallocate"],
        ["-a", "--partial"],
        ["-a", "--partial-dir=.parts", "--no-whole-file"],
        ["-a", "--append"],
        ["-a", "--append-verify"],
        ["-a", "--append-verify", "--checksum-choice=md5"],
    ],
)
def test_holes_and_appended_data_in_each_of_three_ways(tmp_path: pathlib.Path, options: list[str]) -> None:
    """``good`` begins as the source does, ``bad`` does not: only verifying finds that, and sends it all."""
    source = tmp_path / "source"
    source.mkdir()
    noise = random.Random(3).randbytes(600_000)
    data = noise[:200_000] + bytes(900_000) + noise[200_000:]
    numbers = {}
    for name in ("good", "bad", "new"):
        (source / name).write_bytes(data)
    for mode in ("require", "off", "native off"):
        place = tmp_path / mode
        place.mkdir()
        (place / "good").write_bytes(data[:300_000])
        (place / "bad").write_bytes(b"x" * 300_000)
        for path in place.iterdir():
            os.utime(path, (1e9, 1e9))
        wanted = "auto" if usable() or " " in mode else mode
        ended = refsync(
            *options,
            "--stats",
            f"--io-uring={wanted}",
            f"{source}/",
            place,
            REFSYNC_NATIVE="off" if " " in mode else "on",
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (place / "good").read_bytes() == (place / "new").read_bytes() == data
        blind = "--append" in options
        assert (place / "bad").read_bytes() == (b"x" * 300_000 + data[300_000:] if blind else data)
        numbers[mode] = re.findall(r"(?:Literal|Matched) data: .*", ended.stdout)
        if options == ["-aS"]:
            assert all(path.stat().st_blocks * 512 < 800_000 for path in place.iterdir())
    assert numbers["require"] == numbers["off"] == numbers["native off"]


def test_the_version_tells_of_the_ring() -> None:
    text = refsync("--version").stdout
    assert "Data path:" in text
    if usable():
        assert "io_uring: not usable" in text
    else:
        assert re.search(r"io_uring: (SINGLE|COOP|plain).*", text) and "READ_FIXED" in text
    without = refsync("--version", REFSYNC_NATIVE="off").stdout
    assert "io_uring: not usable: the C kernel is missing" in without and "no io_uring" in without


@needs_ring
def test_a_ring_without_groups_is_read_plainly_and_said(tmp_path: pathlib.Path) -> None:
    """Every id is taken: the receiver goes on without the ring, and warns."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/f").write_bytes(bytes(300_000))
    code = (
        "import refsync.uring.choice as c\n"
        "from refsync._kernel import lib\n"
        "real = c.Ring\n"
        "def full(*a, **k):\n"
        "    ring = real(*a, **k)\n"
        "    lib.refsync_ring_limit_groups(ring.raw, 1)\n"
        "    ring.take_group()\n"
        "    return ring\n"
        "c.Ring = full"
    )
    ended = injured(code, "-a", "--debug=uring", f"{tmp_path}/source/", tmp_path / "dest")
    assert ended.returncode == 0
    assert "1 of 1 buffer groups of the ring are in use" in ended.stderr
    assert "all 1 buffer groups of the ring are in use: read plainly" in ended.stdout
    assert (tmp_path / "dest/f").read_bytes() == bytes(300_000)
