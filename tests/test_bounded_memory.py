"""What arrives does not pile up: `docs/audits/bounded-memory.md` says why, and these hold it.

A peer that sends without end meets conversations that wait for something else.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from refsync.session.link import HIGH_WATER, MAX_BUFFERED, Link
from refsync.session.tasks import Tasks
from refsync.transport.pump import READ_SIZE, Pump
from refsync.wire import mux
from refsync.wire.cursor import Cursor

MIB = 1 << 20


class Enough(Exception):
    """The peer could not send any more."""


def flood(link: Link, conversation, kind: str) -> int:  # type: ignore[no-untyped-def]
    """How much a peer that never reads can have us take in before it is held up."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    frame = mux.encode(mux.DATA, bytes(32768))
    piece = (frame if kind == "framed" else bytes(32768)) * 32

    async def peer() -> None:
        stuck = at = 0
        while stuck < 50:
            try:
                at = (at + theirs.send(piece[at:])) % len(piece)
                stuck = 0
            except BlockingIOError:
                stuck += 1
            await link.turn()
        raise Enough

    with ours, theirs, pytest.raises(Enough):
        Pump(link, ours.fileno(), ours.fileno()).run(Tasks(link, conversation, peer()))
    return link.available + len(link._raw)


@pytest.mark.parametrize("kind", ["raw", "framed", "stepwise"])
def test_input_waits_with_the_peer_while_output_can_not_leave(kind: str) -> None:
    """As a sender that is blocked by a receiver which only asks; one step of reading more is the most."""
    link = Link()
    if kind != "raw":
        link.start_frames_in(stepwise=kind == "stepwise")

    async def blocked() -> None:
        link.write(bytes(4 * HIGH_WATER))
        await link.drain()

    held = flood(link, blocked(), kind="raw" if kind == "raw" else "framed")
    assert MAX_BUFFERED <= held <= MAX_BUFFERED + READ_SIZE
    assert link.pending <= 4 * HIGH_WATER


def test_a_value_that_is_waited_for_may_be_longer_than_what_may_wait() -> None:
    """Block sums of a huge file are read in one piece, whose length its decoder has bounded."""
    size = MAX_BUFFERED + 3 * MIB
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    link = Link()
    link.start_frames_in()
    stream = b"".join(mux.encode(mux.DATA, bytes(MIB)) for _ in range(size // MIB + 1))

    async def reads() -> int:
        def take(cursor: Cursor) -> int:
            return len(cursor.take(size))

        return await link.read(take)

    async def sends() -> None:
        at = 0
        while at < len(stream):
            try:
                at += theirs.send(stream[at : at + MIB])
            except BlockingIOError:
                pass
            await link.turn()

    with ours, theirs:
        tasks = Tasks(link, reads(), sends())
        Pump(link, ours.fileno(), ours.fileno()).run(tasks)
    assert tasks.results[0] == size


def test_a_delta_of_many_blocks_ends(tmp_path: Path) -> None:
    """More block sums than may wait in a link: it hung for ever."""
    source, dest = tmp_path / "source", tmp_path / "dest"
    data = os.urandom(64) * (1 << 15)
    for place, content in ((source, data), (dest, data[:-1] + b"x")):
        place.mkdir()
        (place / "f").write_bytes(content)
    os.utime(dest / "f", (1e9, 1e9))
    words = [
        sys.executable,
        "-c",
        MANY_BLOCKS,
        "-a",
        "--no-whole-file",
        "--block-size=4",
        f"{source}/",
        str(dest),
    ]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (dest / "f").read_bytes() == data


MANY_BLOCKS = """
import sys
import refsync.session.link as link
link.MAX_BUFFERED = 1 << 20
from refsync.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def peak(*words: object) -> int:
    """The most memory that the processes of a transfer have held, in KiB."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'refsync', *sys.argv[1:]], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    line = [sys.executable, "-c", code, *map(str, words)]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    return int(ended.stdout)


@pytest.mark.parametrize("options", [["--io-uring=off"], ["--io-uring=auto"], ["-S"], ["--partial"]])
def test_memory_does_not_grow_with_the_size_of_a_file(tmp_path: Path, options: list[str]) -> None:
    """48 MiB take what 2 MiB take, at both ends together, give or take a few buffers."""
    found = []
    for size in (2, 48):
        source = tmp_path / f"source{size}"
        source.mkdir()
        with (source / "f").open("wb") as out:
            for _ in range(size):
                out.write(b"some data" * 116508)
        found.append(peak("-a", *options, f"{source}/", tmp_path / f"dest{size}"))
    assert found[1] - found[0] < 8 * 1024, found
