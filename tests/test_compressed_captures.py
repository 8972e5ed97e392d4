"""What upstream 3.4.1 compressed, decoded and, where there is no choice, encoded again to the byte.

The captures ``zlib-27`` and so on are of pushes of ``FILES`` onto ``BASIS`` with ``-r --no-W -B700
--compress-choice=...``, ``long`` ones of ``LONG`` with ``-B131072``. Made with ``refsync-tap --save``.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterator

import pytest
from refsync.wire import compression
from refsync.wire.cursor import Cursor
from refsync.wire.dialect import build
from refsync_conformance.wiretap.capture import Reader
from refsync_conformance.wiretap.dissector import Dissector
from refsync_conformance.wiretap.stream import Record

CAPTURES = pathlib.Path(__file__).parent / "captures"
NAMES = sorted(path.name for path in CAPTURES.iterdir() if path.name.startswith(("z", "lz4", "long")))

WORDS = b" ".join(b"%d" % (n * n % 99_991) for n in range(60_000))
NOISE = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(10))
BASIS = WORDS[:9_000]
FILES = {
    "changed": b"start "
    + BASIS[:4_200]
    + b"inserted 123"
    + BASIS[3_500:3_900]
    + BASIS[4_900:]
    + BASIS[700:2_100],
    "empty": b"",
    "new": BASIS[:2_500] + NOISE,
}
LONG_BASIS = WORDS[:262_144]
LONG = {
    "changed": WORDS[:131_072]
    + b"<between>"
    + WORDS[100_000:102_000]
    + WORDS[131_072:262_144]
    + WORDS[:3_000]
}


def streams(name: str) -> Iterator[bytes]:
    """The tokens of each file, as they were sent."""
    records: list[Record] = []
    reader = Reader(CAPTURES / name)
    dissector = Dissector(reader.header, records.append)
    for piece in reader.pieces():
        dissector.feed(piece.way, piece.data)
    dissector.close()
    reader.close()
    stream = b""
    for record in records:
        if record.way == ">" and record.name == "token":
            stream += record.data
        elif record.way == ">" and record.name == "digest":
            yield stream
            stream = b""


def parts(name: str) -> tuple[str, bool, int, bytes, dict[str, bytes]]:
    """Codec, old history, length of a block, basis, files."""
    words = name.split("-")
    quirk = build(int(words[-1]), 0).old_compression_quirk
    if words[0] == "long":
        return "zlib", quirk, 131_072, LONG_BASIS, LONG
    return words[0], quirk, 700, BASIS, FILES


def test_there_are_captures_of_each() -> None:
    assert {name.partition("-")[0] for name in NAMES} == {"zlib", "zlibx", "zstd", "lz4", "long"}


@pytest.mark.parametrize("name", NAMES)
def test_upstreams_streams_rebuild_the_files(name: str) -> None:
    codec, quirk, length, basis, files = parts(name)
    decoder = compression.decoder(codec, quirk=quirk)
    got = []
    for stream in streams(name):
        cursor, whole = Cursor(stream), b""
        while (token := decoder.decode(cursor)) is not None:
            if isinstance(token, int):
                token = basis[token * length : (token + 1) * length]
                decoder.saw_block(token)
            whole += token
        assert cursor.remaining() == 0
        got.append(whole)
    assert got == [files[key] for key in sorted(files)]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("zlibx")])
def test_they_are_encoded_as_by_upstream(name: str) -> None:
    """There is no history of blocks, and zlib packs alike at one level; libraries of the others differ."""
    codec, quirk, length, basis, _ = parts(name)
    encoder = compression.encoder(codec, compression.settle(codec, None)[1], quirk=quirk)
    decoder = compression.decoder(codec, quirk=quirk)
    for stream in streams(name):
        cursor, again, literal = Cursor(stream), b"", b""
        encoder.begin(skip=False)
        while True:
            token = decoder.decode(cursor)
            if isinstance(token, bytes):
                literal += token
                continue
            again += encoder.literal(literal)
            literal = b""
            if token is None:
                break
            again += encoder.match(token, basis[token * length : (token + 1) * length])
        assert again + encoder.end() == stream


def test_captures_name_no_machine() -> None:
    for name in NAMES:
        header = json.loads((CAPTURES / name).read_bytes().partition(b"\n")[0])
        assert not any(word.startswith("/") for word in header["arguments"])
