"""Small files in one native call each: read as they are sent, made of what was received.

Input: a byte that is odd for reading, then the checksum and what the call is told, then the file or
the stream.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator

import xxhash
from refsync import native
from refsync.wire import sumhead
from refsync.wire.integers import int32

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

DIGESTS = {
    "xxh128": lambda data: xxhash.xxh3_128_digest(data)[::-1],
    "xxh3": lambda data: xxhash.xxh3_64_digest(data)[::-1],
    "xxh64": lambda data: xxhash.xxh64_digest(data)[::-1],
}
NAMES = tuple(DIGESTS)
#: Runs of literal data that one call takes.
RUNS = 8
NO_SUMS = sumhead.encode(sumhead.NO_SUMS)
MTIMES = ((0, 0), (1_600_000_000, 999_999_999), (-1, 5), (1 << 33, 1))

SURFACE = Surface(
    priority=1,
    clauses=("TOK-2", "FS-2"),
    code=("refsync.native.small",),
    oracle="MD",
    dictionary={
        "no_sums": NO_SUMS,
        "literal": int32(3) + b"abc",
        "end": int32(0),
        "empty": NO_SUMS + int32(0) + DIGESTS["xxh128"](b""),
        "block": int32(-1),
        "most": int32((1 << 31) - 1),
    },
    max_length=800,
    slow="real files",
)

_places: list[tuple[str, int]] = []


def _place() -> tuple[str, int]:
    """A directory of this process and its descriptor."""
    if not _places:
        made = tempfile.mkdtemp(prefix="refsync-fuzz-small-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        _places.append((made, os.open(made, os.O_RDONLY | os.O_DIRECTORY)))
    return _places[0]


def fuzz_one(data: bytes) -> None:
    """Oracle: a file reads as its tokens, end and digest; a stream is taken if a model finds it whole.

    Then the file has that content, mode and time, and the bytes used are the model's; else
    nothing has happened, and no temporary file is left. Without the kernel there is nothing to compare.
    """
    if not native.HAVE_BULK:
        return
    choices = Choices(data)
    switches = choices.byte()
    name = choices.pick(NAMES)
    if switches & 1:
        _read(choices, name)
    else:
        _write(choices, name)


def _read(choices: Choices, name: str) -> None:
    from refsync.native.small import MOST, SmallReader

    most = choices.integer(3)
    content = choices.text() * (1 + choices.integer(2) % 400)
    path = os.fsencode(os.path.join(_place()[0], "read"))
    with open(path, "wb") as file:
        file.write(content)
    got = SmallReader(name).read(path, os.O_RDONLY | os.O_NOFOLLOW, most)
    if len(content) > min(most, MOST):
        same(got, None, f"{len(content)} bytes where {most} are small")
        return
    tokens = int32(len(content)) + content if content else b""
    expect(got is not None, f"{len(content)} bytes were not read")
    if got is not None:
        same(
            (bytes(got[0]), got[1]),
            (tokens + int32(0) + DIGESTS[name](content), len(content)),
            "as it is sent",
        )


def _model(stream: bytes, name: str) -> tuple[int, bytes] | None:
    """How much of a stream is one whole file, and its content; None if it is for others to judge."""
    if stream[:16] != NO_SUMS:
        return None
    at, runs = 16, list[bytes]()
    while True:
        token = int.from_bytes(stream[at : at + 4], "little", signed=True)
        if len(stream) - at < 4:
            return None
        at += 4
        if not token:
            break
        if token < 0 or token > len(stream) - at or len(runs) == RUNS:
            return None
        runs.append(stream[at : at + token])
        at += token
    content = b"".join(runs)
    digest = DIGESTS[name](content)
    if stream[at : at + len(digest)] != digest:
        return None
    return at + len(digest), content


def _write(choices: Choices, name: str) -> None:
    from refsync.native.small import SmallWriter

    folder, fd = _place()
    mode = choices.integer(2) & 0o1777
    mtime = choices.pick((None, *MTIMES))
    before = choices.byte() % 8
    plan = choices.byte()
    stream = choices.rest()
    if plan & 1:  # runs that are right but for what the fuzzer has changed of the frame around them
        runs = [stream[at : at + 1 + plan // 2] for at in range(0, len(stream), 1 + plan // 2)][: RUNS + 1]
        tokens = b"".join(int32(len(run)) + run for run in runs)
        stream = NO_SUMS + tokens + int32(0) + DIGESTS[name](b"".join(runs)) + b"next"
    wanted = _model(stream, name)
    used, length = SmallWriter(name).write(
        bytearray(bytes(before) + stream), before, fd, b".made.", b"made", mode, uid=-1, gid=-1, mtime=mtime
    )
    path = os.path.join(folder, "made")
    left = set(os.listdir(folder)) - {"read"}
    if wanted is None:
        same((used, length, left), (0, 0, set()), "what was used of a stream that is none, and what is left")
        return
    same((used, length, left), (wanted[0], len(wanted[1]), {"made"}), "used, length and files")
    status = os.stat(path)
    os.chmod(path, 0o600)
    with open(path, "rb") as file:
        same(file.read(), wanted[1], "the file")
    os.unlink(path)
    same(stat.S_IMODE(status.st_mode), mode, "its mode")
    if mtime is not None:
        same(status.st_mtime_ns, mtime[0] * 10**9 + mtime[1], "its time")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Files of each size that matters, streams that are whole, cut, wrong or in too many runs."""
    for number in range(len(NAMES)):
        yield f"read.{number}", bytes((1, number)) + b"\xff\xff\0" + b"\5hello" + b"\7\0"
    yield "read_empty", b"\1\0\0\0\0\0"
    yield "read_most", b"\1\0\xff\xff\xff\xff" + b"m" * 255 + b"\0\1"
    yield "read_past", b"\1\0\3\0\0\4past\0\0"
    for number, name in enumerate(NAMES):
        whole = NO_SUMS + int32(5) + b"hello" + int32(0) + DIGESTS[name](b"hello")
        yield f"write.{number}", bytes((0, number, 0xA4, 1, number, 2, 0)) + whole + b"behind"
        yield f"write_wrong.{number}", bytes((0, number, 0xA4, 1, 0, 0, 0)) + whole[:-1] + b"!"
    yield "write_empty", b"\0\0\xff\3\3\0\0" + NO_SUMS + int32(0) + DIGESTS["xxh128"](b"")
    yield "write_sums", b"\0\0\0\0\0\0\0" + int32(1) + bytes(40)
    yield "write_block", b"\0\0\0\0\0\0\0" + NO_SUMS + int32(-1) + bytes(40)
    yield "write_runs", b"\0\1\x80\1\4\0\3" + b"abcdefghijklmnop"
    yield "write_many_runs", b"\0\1\x80\1\4\0\3" + b"abcdefghijklmnopqr"
    yield "write_long_run", b"\0\2\0\0\0\7\xff" + bytes(range(100))
