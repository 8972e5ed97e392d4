"""New small files of one directory, many in a call: requests that are answered, streams that become files.

Input: a byte that is odd for answering, one for the first index, then which files are asked for or
sent, with what the fuzzer does to the bytes between them; or bytes of the wire alone. Another bit of
the first byte has the files wait for each other, one that one of them can't have its name, and one that
none gets any.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import xxhash
from refsync import native
from refsync.wire import items, sumhead
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.integers import int32
from refsync.wire.ndx import NdxCodec

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

if TYPE_CHECKING:
    from refsync.native.smallbatch import SmallBatch

#: Sizes of the directory's files; the last is too long for a run.
SIZES = (0, 1, 40, 300, 301)
MOST = 300
FIRST = (1, 200, 40_000, 1 << 24)
ITEM = items.encode(items.ItemAttrs(items.TRANSFER | items.IS_NEW)) + sumhead.encode(sumhead.NO_SUMS)
RUNS = 8

SURFACE = Surface(
    priority=1,
    clauses=("NDX-2", "XFER-3", "SUM-2", "TOK-2", "FS-2"),
    code=("refsync.native.rowfiles",),
    oracle="DM",
    dictionary={
        "item": ITEM,
        "next": b"\1" + ITEM,
        "end": int32(0),
        "run": int32(1) + b"x",
        "far": b"\xfe\x80\0\1\0",
    },
    max_length=900,
    slow="real files",
)


@cache
def _places() -> tuple[bytes, bytes]:
    """The directory that is read, and the one in which files are made."""
    root = tempfile.mkdtemp(prefix="refsync-fuzz-rows-")
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    here, there = os.path.join(os.fsencode(root), b"here"), os.path.join(os.fsencode(root), b"there")
    os.mkdir(here)
    os.mkdir(there)
    for number, size in enumerate(SIZES):
        path = os.path.join(here, b"f%d" % number)
        with open(path, "wb") as file:
            file.write(_content(number))
        os.chmod(path, 0o640)
        os.utime(path, ns=(0, number * 10**9 + 7))
        expect(os.path.getsize(path) == size, "a file that can't be made")
    return here, there


def _content(number: int) -> bytes:
    return bytes([0x61 + number]) * SIZES[number]


def fuzz_one(data: bytes) -> None:
    """Oracle: as many files as a model takes, which reads one item after the other by the general codecs.

    Answers are the model's bytes; files have the content, mode and time that the model gives them, and no
    other is left. Without the kernel there is nothing to compare.
    """
    if not native.HAVE_BULK:
        return
    from refsync.native.rowfiles import ANY, Files, Manner
    from refsync.native.rows import Rows
    from refsync.native.smallbatch import SmallBatch

    choices = Choices(data)
    switches, first = choices.byte(), FIRST[choices.byte() % len(FIRST)]
    wire = _planned(choices, first, switches) if switches & 2 else choices.rest()
    here, there = _places()
    fd = os.open(here, os.O_RDONLY)
    out = os.open(there, os.O_RDONLY)
    try:
        rows = Rows.scan(fd, None, 0)
        if rows is None:
            return
        files = Files("xxh64", MOST, 0, os.O_RDONLY | os.O_NOFOLLOW)
        if switches & 1:
            run, answers = files.serve(rows, first, first, -1, fd, wire, 0)
            numbers, used, wanted = _served(wire, first)
            same(bytes(answers), wanted, "answers")
        else:
            manner = Manner(times=True, mode=True, umask=0, uid=False, gid=False, group=ANY)
            batch = SmallBatch(256) if switches & 8 else None
            run = files.take(rows, first, first, out, wire, 0, manner, batch)
            if batch is not None:
                _end(batch, there, run.indexes, blocked=bool(switches & 16), dropped=bool(switches & 32))
                if switches & 32:
                    return
            numbers, used = _taken(wire, first, there)
        same((run.indexes, run.used), ([first + number for number in numbers], used), "files and bytes used")
        if numbers:
            same(run.sizes, sum(SIZES[number] for number in numbers), "sizes as they are listed")
    finally:
        os.close(fd)
        os.close(out)
        left = os.listdir(there)
        for name in left:
            os.unlink(os.path.join(there, name))
    expect(all(name in (b"f0", b"f1", b"f2", b"f3") for name in left), f"left behind: {left}")


def _end(batch: SmallBatch, there: bytes, indexes: list[int], *, blocked: bool, dropped: bool) -> None:
    """Files that wait have no name before they are on the disk; what can't have one is handed back."""
    expect(all(name.startswith(b".") for name in os.listdir(there)), "a name before its time")
    same(len(batch), len(indexes), "files that wait")
    if dropped:
        batch.drop()
        same(os.listdir(there), [], "what is left of files that were dropped")
        return
    same(batch.sync(None), (-1, 0), "whether all are on the disk")
    blocked_name = b""
    if blocked and indexes:
        blocked_name = batch.temp(0)[1:-7]
        os.mkdir(os.path.join(there, blocked_name))
    for _number, temp, fd, error in list(batch.commit()):
        same((error, temp[1:-7]), (0, blocked_name), "the file that could not have its name")
        os.close(fd)
        path = os.path.join(there, blocked_name)
        if os.path.isdir(path):
            os.rmdir(path)
        os.rename(os.path.join(there, temp), path)
    batch.end(None)
    same(len(batch), 0, "files that still wait")


def _planned(choices: Choices, first: int, switches: int) -> bytes:
    """What an honest peer sends for some files, and what is between them."""
    codec = NdxCodec(True)
    wire = b""
    while choices and len(wire) < 4000:
        number = choices.byte() % len(SIZES)
        wire += codec.encode(first + number) + ITEM
        if not switches & 1:
            content = choices.take(choices.byte() % 64) if switches & 4 else _content(number)
            step = 1 + choices.byte()
            parts = [content[at : at + step] for at in range(0, len(content), step)]
            wire += b"".join(int32(len(part)) + part for part in parts) + int32(0)
            wire += xxhash.xxh64_digest(content)[::-1]
        wire += choices.take(choices.byte() % 3)
    return wire[len(NdxCodec(True).encode(first)) :]  # the first index has been read already


def _items(wire: bytes, first: int) -> Iterator[tuple[int, Cursor]]:
    """Number of a file and a cursor behind its item; whoever stops has used what is before the next index."""
    codec, cursor, index = NdxCodec(True), Cursor(wire), first
    codec.encode(first)
    reader = NdxCodec(True)
    reader.decode(Cursor(NdxCodec(True).encode(first)))
    while 0 <= index - first < len(SIZES) and SIZES[index - first] <= MOST:
        if wire[cursor.pos : cursor.pos + len(ITEM)] != ITEM:
            return
        cursor.pos += len(ITEM)
        yield index - first, cursor
        try:
            index = reader.decode(cursor)
        except (NeedMoreData, ProtocolError):
            return


def _served(wire: bytes, first: int) -> tuple[list[int], int, bytes]:
    numbers, used, answers = list[int](), 0, b""
    codec = NdxCodec(True)
    for number, cursor in _items(wire, first):
        content = _content(number)
        tokens = int32(len(content)) + content if content else b""
        answers += (
            codec.encode(first + number) + ITEM + tokens + int32(0) + xxhash.xxh64_digest(content)[::-1]
        )
        numbers.append(number)
        used = cursor.pos
    return numbers, used, answers


def _taken(wire: bytes, first: int, there: bytes) -> tuple[list[int], int]:
    numbers, used = list[int](), 0
    made: dict[int, bytes] = {}
    for number, cursor in _items(wire, first):
        content = _file(wire, cursor)
        if content is None:
            break
        made[number] = content
        numbers.append(number)
        used = cursor.pos
    for number, content in made.items():
        path = os.path.join(there, b"f%d" % number)
        expect(os.path.exists(path), f"file {number} was not made")
        with open(path, "rb") as file:
            same(file.read(), content, f"file {number}")
        status = os.stat(path)
        same(
            (status.st_mode & 0o7777, status.st_mtime_ns),
            (0o640, number * 10**9 + 7),
            f"what file {number} has",
        )
    same(len(os.listdir(there)), len(made), "files that were made")
    return numbers, used


def _file(wire: bytes, cursor: Cursor) -> bytes | None:
    """Runs, their end, a digest that is right; None if that is not what comes."""
    at, parts = cursor.pos, list[bytes]()
    while True:
        if len(wire) - at < 4:
            return None
        token = int.from_bytes(wire[at : at + 4], "little", signed=True)
        at += 4
        if not token:
            break
        if token < 0 or token > len(wire) - at or len(parts) == RUNS:
            return None
        parts.append(wire[at : at + token])
        at += token
    content = b"".join(parts)
    if wire[at : at + 8] != xxhash.xxh64_digest(content)[::-1]:
        return None
    cursor.pos = at + 8
    return content


def seeds() -> Iterator[tuple[str, bytes]]:
    """All files, some of them, one twice, one that is too long; what is wrong, and where it is cut."""
    for at in range(len(FIRST)):
        yield f"served.{at}", bytes((3, at)) + b"\0\0\1\0\2\0\3\0"
        yield f"taken.{at}", bytes((2, at)) + b"\0\xff\0\1\xff\0\2\x20\0\3\xff\0"
        yield f"waiting.{at}", bytes((10, at)) + b"\0\xff\0\1\xff\0\2\x20\0\3\xff\0"
    yield "waiting_blocked", bytes((26, 0)) + b"\1\xff\0\1\xff\0\2\x20\0"
    yield "waiting_dropped", bytes((42, 0)) + b"\1\xff\0\2\x20\0"
    yield "served_long", bytes((3, 0)) + b"\0\0\4\0"
    yield "served_gap", bytes((3, 1)) + b"\0\0\3\0\3\0\1\0"
    yield "served_noise", bytes((3, 0)) + b"\0\1\xff\1\0"
    yield "served_bytes", bytes((1, 0)) + ITEM + b"\1" + ITEM + b"\xfe\0\1" + ITEM + b"\0"
    yield "served_absolute", bytes((1, 2)) + ITEM + b"\xfe\x80\x42\x9c\0" + ITEM
    yield "served_far", bytes((1, 2)) + ITEM + b"\xfe\x80\0\1\0" + ITEM
    yield "taken_own", bytes((6, 0)) + b"\0\5hello\2\0\1\0\7\0"
    yield "taken_runs", bytes((2, 0)) + b"\2\4\0\2\3\0"
    yield "taken_wrong", bytes((0, 0)) + ITEM + int32(1) + b"x" + int32(0) + bytes(8)
    yield "taken_empty", bytes((0, 0)) + ITEM + int32(0) + xxhash.xxh64_digest(b"")[::-1] + b"\1" + ITEM
