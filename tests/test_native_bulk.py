"""File data moved by the kernel is what the general loops would have moved."""

from __future__ import annotations

import os
import pathlib
import socket
import tempfile
from types import SimpleNamespace

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from refsync import native
from refsync.delta.apply import Reconstructor
from refsync.files.writer import Writer
from refsync.session.bulk import Moved
from refsync.session.link import Link
from refsync.session.tasks import Tasks
from refsync.transport.pump import Pump
from refsync.wire import mux
from refsync.wire.cursor import Cursor
from refsync.wire.errors import ProtocolError
from refsync.wire.integers import int32
from refsync.wire.sumhead import NO_SUMS, SumHead
from refsync.wire.tokens import PlainDecoder

if not native.HAVE_BULK:
    pytest.skip("the kernel's movers were not built", allow_module_level=True)

from refsync.engine.bulk import Inflow, send_file
from refsync.native.bulk import FileIn, FileOut, FileSum

SUMS = {"xxh128": xxhash.xxh3_128, "xxh3": xxhash.xxh3_64, "xxh64": xxhash.xxh64}


def quiet() -> SimpleNamespace:
    return SimpleNamespace(file_progress=lambda done, total: None)


def session_of(link: Link) -> SimpleNamespace:
    stats = SimpleNamespace(literal_data=0, matched_data=0)
    return SimpleNamespace(link=link, reporter=quiet(), stats=stats, ring=lambda: None)


@given(st.sampled_from(sorted(SUMS)), st.lists(st.binary(max_size=300), max_size=5))
def test_sums_are_those_of_the_library(name: str, pieces: list[bytes]) -> None:
    total, library = FileSum(name), SUMS[name]()
    for piece in pieces:
        total.update(piece)
        library.update(piece)
    assert total.digest() == library.digest()[::-1]


def sent(path: pathlib.Path, length: int, *, framed: bool) -> tuple[bytes, int, bytes]:
    """What goes over a narrow connection, why some of it was made up, and the digest."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    fd = os.open(path, os.O_RDONLY)
    total, stream = FileSum("xxh128"), b""
    job = FileOut(fd, length, total, framed=framed)
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        while True:
            outcome = job.run(ours.fileno(), -1, 0)
            try:
                while piece := theirs.recv(1 << 20):
                    stream += piece
            except BlockingIOError:
                pass
            if outcome == Moved.DONE:
                break
            assert outcome == Moved.AGAIN
    os.close(fd)
    assert job.moved == len(stream) and job.at_boundary
    return stream, job.file_error, total.digest()


@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("size", [0, 1, 32768, 32769, 262144, 700_001])
def test_a_file_goes_out_as_literal_runs(tmp_path: pathlib.Path, size: int, framed: bool) -> None:
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)
    stream, error, digest = sent(tmp_path / "f", size, framed=framed)
    payload = stream
    if framed:
        cursor, payload = Cursor(stream), b""
        while cursor.remaining():
            code, piece = mux.decode(cursor)
            assert code == mux.DATA
            payload += piece
    cursor, decoder, made = Cursor(payload), PlainDecoder(), b""
    while cursor.remaining():
        run = decoder.decode(cursor)
        assert isinstance(run, bytes) and len(run) <= 32768
        made += run
    assert (made, error) == (data, 0)
    assert digest == xxhash.xxh3_128_digest(data)[::-1]


def test_a_file_that_has_shrunk_goes_on_as_zeros(tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 40_000)
    stream, error, digest = sent(tmp_path / "f", 100_000, framed=False)
    assert os.strerror(error) == "No data available"
    assert stream.count(b"x") == 40_000 and len(stream) == 100_000 + 4 * 4
    assert digest == xxhash.xxh3_128_digest(b"x" * 40_000 + bytes(60_000))[::-1]


def test_a_message_goes_between_two_frames(tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_bytes(os.urandom(2_000_000))
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    fd = os.open(tmp_path / "f", os.O_RDONLY)
    job = FileOut(fd, 2_000_000, FileSum("xxh3"), framed=True)
    assert job.run(ours.fileno(), -1, 0) == Moved.AGAIN
    stream = b""
    while not job.at_boundary or not stream:
        stream += theirs.recv(1 << 16)
        job.run(ours.fileno(), -1, 0, finish=True)
    assert job.run(ours.fileno(), -1, 0, finish=True) == Moved.MORE
    ours.close()
    while piece := theirs.recv(1 << 16):
        stream += piece
    theirs.close()
    os.close(fd)
    cursor = Cursor(stream)
    while cursor.remaining():  # whole frames, and nothing behind the last
        assert mux.decode(cursor)[0] == mux.DATA


def test_the_other_direction_and_a_peer_that_has_gone_are_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "f").write_bytes(bytes(5_000_000))
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    fd = os.open(tmp_path / "f", os.O_RDONLY)
    job = FileOut(fd, 5_000_000, FileSum("xxh3"), framed=True)
    theirs.send(b"something to read")
    assert job.run(ours.fileno(), ours.fileno(), 1000) == Moved.OTHER_READY
    theirs.close()
    assert job.run(ours.fileno(), -1, 0) == Moved.PEER_GONE
    ours.close()
    assert job.run(-1, -1, 0) == Moved.FAILED
    assert job.error
    os.close(fd)


def test_a_link_sends_what_it_held_first(tmp_path: pathlib.Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "in").write_bytes(data)
    source = os.open(tmp_path / "in", os.O_RDONLY)
    to = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    nothing = os.open("/dev/null", os.O_RDONLY)
    link = Link()
    link.start_frames_out()
    session = session_of(link)
    total = FileSum("xxh64")

    async def talk() -> None:
        link.write(b"before")
        assert await send_file(session, source, len(data), total) == 0  # type: ignore[arg-type]
        link.write(b"after")
        link.message(mux.INFO, b"words")
        await link.flush()

    Pump(link, nothing, to).run(Tasks(link, talk()))
    cursor, payload, texts = Cursor((tmp_path / "out").read_bytes()), b"", []
    while cursor.remaining():
        code, piece = mux.decode(cursor)
        if code == mux.DATA:
            payload += piece
        else:
            texts.append(piece)
    assert link.bytes_out == len(cursor.data)
    assert payload.startswith(b"before" + int32(32768) + data[:100]) and payload.endswith(b"after")
    assert texts == [b"words"] and session.stats.literal_data == len(data)
    for fd in (source, to, nothing):
        os.close(fd)


BLOCK = 1000
BASIS = bytes(range(256)) * 40
OPS = st.lists(st.one_of(st.binary(min_size=1, max_size=400), st.integers(0, 10)), max_size=12)


@given(OPS, st.lists(st.integers(1, 3000), max_size=12), st.integers(0, 5), st.booleans())
def test_a_file_comes_in_however_it_is_cut(
    ops: list[bytes | int], cuts: list[int], messages: int, framed: bool
) -> None:
    """Through a pump and the general loop, with messages between the frames."""
    head = SumHead(11, BLOCK, 2, len(BASIS) - 10 * BLOCK)
    wanted, payload = b"", b"head"
    for op in ops:
        if isinstance(op, bytes):
            wanted, payload = wanted + op, payload + int32(len(op)) + op
        else:
            start = op * BLOCK
            wanted, payload = wanted + BASIS[start : start + head.block_size(op)], payload + int32(-op - 1)
    payload += int32(0) + b"tail"
    stream = payload
    if framed:
        stream, at = b"", 0
        for number, size in enumerate([*cuts, len(payload)]):
            stream += mux.encode(mux.DATA, payload[at : at + size])
            stream += mux.encode(mux.INFO, b"m%d" % number) if number < messages else b""
            at += size
    heard: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "stream").write_bytes(stream)
        (place / "basis").write_bytes(BASIS)
        came, basis, out, sink = (
            os.open(place / "stream", os.O_RDONLY),
            os.open(place / "basis", os.O_RDONLY),
            os.open(place / "out", os.O_RDWR | os.O_CREAT),
            os.open("/dev/null", os.O_WRONLY),
        )
        link = Link(lambda code, text: heard.append(text))
        session, total = session_of(link), FileSum("xxh128")

        async def talk() -> bytes:
            if framed:
                link.start_frames_in()
            writer, decoder = Writer(out), PlainDecoder()
            inflow = Inflow(session, head, basis, writer, total)  # type: ignore[arg-type]
            rebuilt = Reconstructor(head, basis, writer, total)
            assert await link.read(lambda cursor: cursor.take(4)) == b"head"
            while True:
                if await inflow.run(rebuilt, decoder, 0):
                    break
                token = await link.read(decoder.decode)
                if token is None:
                    break
                if isinstance(token, int):
                    rebuilt.copy(token)
                else:
                    rebuilt.literal(token)
            writer.finish()
            assert writer.written == rebuilt.offset == len(wanted)
            return await link.read(lambda cursor: cursor.take(4))

        tasks = Tasks(link, talk())
        Pump(link, came, sink).run(tasks)
        for fd in (came, basis, out, sink):
            os.close(fd)
        assert tasks.results == [b"tail"]
        assert (place / "out").read_bytes() == wanted
    assert total.digest() == xxhash.xxh3_128_digest(wanted)[::-1]
    assert link.bytes_in == len(stream)
    if framed:
        assert heard == [b"m%d" % number for number in range(min(messages, len(cuts) + 1))][: len(heard)]


def incoming(tmp_path: pathlib.Path, stream: bytes, head: SumHead = NO_SUMS, basis: int = -1) -> FileIn:
    job = FileIn(
        os.open(tmp_path / "made", os.O_RDWR | os.O_CREAT),
        basis,
        FileSum("xxh3"),
        framed=False,
        block=head.block_length,
        count=head.count,
        last=head.block_length,
        max_literal=1 << 20,
    )
    job.begin(stream, 0, 0, 0)
    return job


@pytest.mark.parametrize(
    ("token", "said"), [(1 << 21, "literal run"), (-1, "block 0 of 0"), (-9, "block 8 of 0")]
)
def test_a_token_that_cannot_be_is_refused_as_ever(tmp_path: pathlib.Path, token: int, said: str) -> None:
    link = Link()
    session = session_of(link)
    out = os.open(tmp_path / "made", os.O_RDWR | os.O_CREAT)
    writer = Writer(out)
    inflow = Inflow(session, NO_SUMS, -1, writer, FileSum("xxh3"))  # type: ignore[arg-type]
    (tmp_path / "stream").write_bytes(int32(token if token < 0 else 1 << 27) + bytes(9))

    async def talk() -> None:
        await inflow.run(Reconstructor(NO_SUMS, None, writer, FileSum("xxh3")), PlainDecoder(), 0)

    came, sink = os.open(tmp_path / "stream", os.O_RDONLY), os.open("/dev/null", os.O_WRONLY)
    with pytest.raises(ProtocolError, match=said):
        Pump(link, came, sink).run(Tasks(link, talk()))
    os.close(came)
    os.close(sink)


def test_a_full_disk_is_told(tmp_path: pathlib.Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    job = FileIn(full, -1, FileSum("xxh3"), framed=False, block=0, count=0, last=0, max_literal=1 << 20)
    job.begin(int32(5) + b"hello", 0, 0, 0)
    outcome = job.run(-1, -1, 0)
    os.close(full)
    if outcome == Moved.FILE_FAILED:
        assert os.strerror(job.error) in ("No space left on device", "Illegal seek")
    else:
        pytest.fail(f"{Moved(outcome)!r}")


def test_what_was_received_before_may_be_much(tmp_path: pathlib.Path) -> None:
    data = os.urandom(1 << 20)
    job = incoming(tmp_path, int32(len(data)) + data + int32(0) + b"more")
    assert job.run(-1, -1, 0) == Moved.DONE
    assert (tmp_path / "made").read_bytes() == data
    assert job.rest()[1] == b"more"


def test_a_conversation_counts_what_passes_by(tmp_path: pathlib.Path) -> None:
    data, payload = os.urandom(100_000), b""
    for at in range(0, len(data), 32768):
        payload += int32(len(data[at : at + 32768])) + data[at : at + 32768]
    (tmp_path / "stream").write_bytes(
        mux.encode(mux.DATA, payload[:50_000]) + mux.encode(mux.DATA, payload[50_000:] + int32(0))
    )
    (tmp_path / "in").write_bytes(data)
    came, source = os.open(tmp_path / "stream", os.O_RDONLY), os.open(tmp_path / "in", os.O_RDONLY)
    made, to = os.open(tmp_path / "made", os.O_RDWR | os.O_CREAT), os.open("/dev/null", os.O_WRONLY)
    link = Link()
    session, writer, total = session_of(link), Writer(made), FileSum("xxh3")

    async def talk() -> None:
        link.start_frames_out()
        link.start_frames_in()
        inflow = Inflow(session, NO_SUMS, -1, writer, total)  # type: ignore[arg-type]
        rebuilt = Reconstructor(NO_SUMS, None, writer, total)
        assert await inflow.run(rebuilt, PlainDecoder(), 0)
        await send_file(session, source, len(data), FileSum("xxh3"))  # type: ignore[arg-type]

    Pump(link, came, to).run(Tasks(link, talk()))
    assert link.data_out == len(payload)
    assert link.data_in == len(payload) + 4
    for fd in (came, source, made, to):
        os.close(fd)
