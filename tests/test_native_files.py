"""New small files, many in a call: the bytes and the files that the general loops would make, or nothing."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync import native
from refsync.records import replace
from refsync.wire import items, sumhead
from refsync.wire.ndx import NdxCodec

if not native.HAVE_BULK:
    pytest.skip("the C kernel is missing", allow_module_level=True)

from refsync.native.rowfiles import ANY, Files, Manner, Run
from refsync.native.rows import Rows
from refsync.native.small import SmallReader

OWN = Manner(times=True, mode=True, umask=0, uid=False, gid=False, group=ANY)
INDEXES = st.sampled_from([1, 200, 260, 40_000, 1 << 24, (1 << 31) - 100])


def tree(folder: str, sizes: list[int]) -> tuple[int, Rows]:
    for number, size in enumerate(sizes):
        path = pathlib.Path(folder) / f"f{number:03}"
        path.write_bytes(bytes([number]) * size)
        os.utime(path, ns=(0, 10**9 * number + 7))
        path.chmod(0o640)
    fd = os.open(folder, os.O_RDONLY)
    rows = Rows.scan(fd, None, 0)
    assert rows is not None
    return fd, rows


def item(codec: NdxCodec, index: int, flags: int = items.TRANSFER | items.IS_NEW) -> bytes:
    return codec.encode(index) + items.encode(items.ItemAttrs(flags)) + sumhead.encode(sumhead.NO_SUMS)


@given(st.lists(st.booleans(), min_size=1, max_size=20), INDEXES, st.sampled_from([0, items.REPORT_CHANGE]))
def test_what_is_missing_is_asked_for_as_one_by_one(here: list[bool], first: int, flags: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fd, rows = tree(folder, [0] * len(here))
        for number, stays in enumerate(here):
            if not stays:
                (pathlib.Path(folder) / f"f{number:03}").unlink()
        codec, at, wanted = NdxCodec(True), 0, b""
        codec.encode(first // 2)
        while at < len(here):
            before = codec.last
            count, data = rows.request(at, len(here), fd, first, flags, before)
            run = here[at:].index(True) if True in here[at:] else len(here) - at
            assert count == run
            wanted = b"".join(
                item(codec, first + at + place, items.TRANSFER | items.IS_NEW | flags)
                for place in range(count)
            )
            assert data == wanted
            at += count or 1
        os.close(fd)


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=12),
    INDEXES,
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.integers(0, 60),
)
def test_requests_are_answered_as_one_by_one(
    sizes: list[int], first: int, asked: list[bool], cut: int
) -> None:
    wanted = [number for number in range(len(sizes)) if asked[number] or not number]
    with tempfile.TemporaryDirectory() as folder:
        fd, rows = tree(folder, sizes)
        came, goes = NdxCodec(True), NdxCodec(True)
        requests = b"".join(item(came, first + number) for number in wanted)
        requests = requests[: max(0, len(requests) - cut)]
        start = len(NdxCodec(True).encode(first))  # the first index has been read
        files = Files("xxh128", 300, 0, os.O_RDONLY)
        run, data = files.serve(rows, first, first, goes.last, fd, requests, min(start, len(requests)))
        reader = SmallReader("xxh128")
        answers, used, done, sent = b"", 0, [], 0
        came = NdxCodec(True)
        for number in wanted:
            stream = reader.read(os.fsencode(folder) + b"/f%03d" % number, os.O_RDONLY, 300)
            whole = len(came.encode(first + number)) + 18
            if stream is None or used + whole > len(requests):
                break
            answers += item(goes, first + number) + stream[0]
            used, sent = used + whole, sent + sizes[number]
            done.append(number)
        os.close(fd)
        assert (run.indexes, data) == ([first + number for number in done], answers)
        if done:
            assert (run.used, run.literal, run.sizes) == (used - start, sent, sent)


def test_what_is_no_usual_request_is_left(tmp_path: pathlib.Path) -> None:
    fd, rows = tree(str(tmp_path), [5, 5])
    files = Files("xxh64", 300, 0, os.O_RDONLY | os.O_NOFOLLOW)

    def serve(data: bytes, index: int = 10) -> Run:
        return files.serve(rows, 10, index, -1, fd, data, 0)[0]

    plain = item(NdxCodec(True), 10)[1:]
    assert serve(plain).indexes == [10]
    assert serve(plain, 12).indexes == serve(plain, 9).indexes == []
    assert serve(plain[:-1]).indexes == serve(plain[:-1] + b"\1").indexes == []
    for flags in (items.TRANSFER, items.IS_NEW, items.TRANSFER | items.IS_NEW | items.REPORT_CHANGE):
        assert serve(item(NdxCodec(True), 10, flags)[1:]).indexes == []
    (tmp_path / "f000").unlink()
    assert serve(plain).indexes == []
    (tmp_path / "f000").symlink_to("f001")
    assert serve(plain).indexes == []
    assert serve(plain + b"\0" + plain, 11).indexes == [11]  # an end is not passed over
    rows.made(1, 0, 0o100644)
    assert serve(plain, 11).indexes == []
    os.close(fd)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=8), st.integers(0, 300), st.data())
def test_files_are_put_in_place_as_far_as_they_have_come(
    sizes: list[int], cut: int, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as folder:
        fd, rows = tree(source, sizes)
        codec, reader, stream, ends = NdxCodec(True), SmallReader("xxh3"), b"", []
        for number in range(len(sizes)):
            read = reader.read(os.fsencode(source) + b"/f%03d" % number, os.O_RDONLY, 1000)
            assert read is not None
            stream += item(codec, 5 + number) + read[0]
            ends.append(len(stream))
        stream = stream[1 : max(1, len(stream) - cut)]
        bad = data.draw(st.one_of(st.none(), st.integers(0, len(stream) - 1))) if stream else None
        if bad is not None:
            stream = stream[:bad] + bytes([stream[bad] ^ 0x55]) + stream[bad + 1 :]
        os.close(fd)
        fd = os.open(folder, os.O_RDONLY)
        run = Files("xxh3", 1000, 0, 0).take(rows, 5, 5, fd, b"before" + stream, 6, OWN)
        os.close(fd)
        whole = sum(end - 1 <= len(stream) for end in ends)
        if bad is not None:
            whole = min(whole, sum(end - 1 <= bad for end in ends))
        assert run.indexes == list(range(5, 5 + whole))
        begun = ends[whole - 1] - 1 if whole else 0
        if bad is None and whole < len(sizes):
            index = len(item(NdxCodec(True), 5)) - 18 if whole else 0
            assert run.more == (len(stream) - begun >= index)
        assert sorted(os.listdir(folder)) == [f"f{at:03}" for at in range(whole)]
        if whole:
            assert run.used == ends[whole - 1] - 1
            assert run.sizes == run.literal == sum(sizes[:whole])
        for number in range(whole):
            there, here = pathlib.Path(source) / f"f{number:03}", pathlib.Path(folder) / f"f{number:03}"
            assert here.read_bytes() == there.read_bytes()
            assert here.stat().st_mtime_ns == there.stat().st_mtime_ns
            assert here.stat().st_mode == there.stat().st_mode


def test_files_get_what_they_are_to_have(tmp_path: pathlib.Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    dest.mkdir()
    fd, rows = tree(str(source), [3])
    read = SmallReader("xxh3").read(os.fsencode(source / "f000"), os.O_RDONLY, 100)
    assert read is not None
    stream = item(NdxCodec(True), 1)[1:] + bytes(read[0])
    os.close(fd)
    fd = os.open(dest, os.O_RDONLY)
    files = Files("xxh3", 100, 0, 0)
    (source / "f000").chmod(0o777)
    rows.own(0, 1, 0xFFFFFFFF, 0xFFFFFFFF)
    for how in (replace(OWN, uid=True), replace(OWN, gid=True), replace(OWN, group=3)):
        assert files.take(rows, 1, 1, fd, stream, 0, how).indexes == []
    assert os.listdir(dest) == []
    how = replace(OWN, times=False, mode=False, umask=0o066)
    assert files.take(rows, 1, 1, fd, stream, 0, how).indexes == [1]
    assert (dest / "f000").stat().st_mode & 0o7777 == 0o600
    assert (dest / "f000").stat().st_mtime_ns != (source / "f000").stat().st_mtime_ns
    os.close(fd)


# -- whole runs -----------------------------------------------------------


def plant(root: pathlib.Path) -> None:
    """Some of everything, in directories and at the top."""
    for folder in ("", "many", "many/deep", "odd", "void", "many-more"):
        (root / folder).mkdir(exist_ok=True)
        for number in range(0 if folder == "void" else 40):
            path = root / folder / f"f{number:02}"
            path.write_bytes(bytes([number]) * (number * 37))
            path.chmod((0o644, 0o755, 0o4755, 0o400)[number % 4])
            os.utime(path, ns=(0, (10**18 + 10**9 * (number % 3)) + number % 2))
    odd = root / "odd"
    for name in (b".hidden", b"..x", b"dot.", b"\xff\xfe", b"new\nline", b"n" * 255, b"a.b", b"a-b"):
        with open(os.path.join(os.fsencode(odd), name), "wb") as file:
            file.write(name)
    (odd / "big").write_bytes(bytes(100_000))
    (odd / "link").symlink_to("big")
    (odd / "dangling").symlink_to("nowhere")
    os.mkfifo(odd / "fifo")
    (odd / "a").mkdir()
    (odd / "a/in").write_bytes(b"in")
    os.utime(odd / "big", ns=(0, -5 * 10**9))
    for path in (root, *root.rglob("*")):
        if path.is_dir():
            os.utime(path, ns=(0, 10**18))


def state_of(root: pathlib.Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        when = status.st_mtime_ns if status.st_mtime_ns < 1.5 * 10**18 else 0  # not those of this run
        found[os.fsdecode(os.fsencode(path.relative_to(root)))] = (status.st_mode, when, content)
    return found


def run(kernel: str, *arguments: object) -> tuple[int, str, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "refsync", *map(str, arguments)],
        capture_output=True,
        timeout=120,
        env=os.environ | {"REFSYNC_NATIVE": kernel},
        check=False,
    )
    told = ended.stdout.decode("latin-1")  # bytes on the wire depend on how they were cut into frames
    said = re.sub(r"(?m)^(File list|Total bytes|sent|total size is) .*\n", "", told)
    return ended.returncode, said.replace("/off/", "/on/"), ended.stderr.decode("latin-1")


@pytest.mark.parametrize(
    "options",
    [
        "-a",
        "-ac",
        "-rlt",
        "-rlp",
        "-aI",
        "-a --size-only",
        "-au --existing",
        "-a --delete",
        "-av",
        "-aii",
        "-n -ai",
        "-a --out-format=%n:%l:%C",
    ],
)
def test_a_run_is_the_same_with_the_kernel_and_without(tmp_path: pathlib.Path, options: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    plant(source)
    results = []
    for kernel in ("on", "off"):
        dest = tmp_path / kernel / "dest"
        dest.mkdir(parents=True)
        told = [run(kernel, *options.split(), "--stats", f"{source}/", dest)]
        told.append(run(kernel, "-a", f"{source}/", dest))
        for number, path in enumerate(sorted((dest / "many").glob("f*"))):
            if number % 7 == 0:
                path.unlink()
            elif number % 7 == 1:
                path.write_bytes(b"changed")
            elif number % 7 == 2:
                path.chmod(0o600)
            elif number % 7 == 3:
                os.utime(path, ns=(0, 10**18 + 5))
        (dest / "odd/big").unlink()
        (dest / "odd/big").mkdir()
        (dest / "void/extra").write_bytes(b"extra")
        told.append(run(kernel, *options.split(), "--stats", "-i", f"{source}/", dest))
        told.append(run(kernel, *options.split(), "--stats", f"{source}/", dest))
        results.append((told, state_of(dest)))
    for on, off in zip(results[0][0], results[1][0], strict=True):
        assert sorted(on[1].splitlines()) == sorted(off[1].splitlines())  # both directions have their say
        assert (on[0], on[2]) == (off[0], off[2])
    assert results[0][1] == results[1][1]
