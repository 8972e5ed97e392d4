"""Compressed token streams: round trips, histories, levels, and what is refused."""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.wire import compression, lz4_tokens, packed, zstd_tokens
from refsync.wire.cursor import Cursor
from refsync.wire.errors import Exit, NeedMoreData, ProtocolError
from refsync.wire.tokens import TokenDecoder
from refsync.wire.zlib_tokens import SYNC_TAIL, History

CODECS = ("zlib", "zlibx", "zstd", "lz4")
WORDS = " ".join(f"word{n * n % 977}" for n in range(40_000)).encode()
NOISE = random.Random(5).randbytes(200_000)

Token = bytes | int


def decode_file(decoder: TokenDecoder, wire: bytes, blocks: dict[int, bytes]) -> list[Token]:
    """The tokens of one file, adjacent data joined; all of the wire is read."""
    cursor = Cursor(wire)
    got: list[Token] = []
    while (token := decoder.decode(cursor)) is not None:
        if isinstance(token, int):
            decoder.saw_block(blocks[token])
            got.append(token)
        elif got and isinstance(got[-1], bytes):
            got[-1] += token
        elif token:
            got.append(token)
    assert cursor.remaining() == 0
    return got


def files(count: int) -> Iterator[tuple[bool, list[Token], dict[int, bytes]]]:
    """Made-up files of blocks of all sizes that matter and of data that does and does not compress."""
    rng = random.Random(count)
    for _ in range(count):
        blocks: dict[int, bytes] = {}
        tokens: list[Token] = []
        for _ in range(rng.randrange(25)):
            at = rng.randrange(100_000)
            if rng.random() < 0.5:
                number = rng.choice([rng.randrange(5), rng.randrange(1000), (1 << 31) - 1])
                size = rng.choice([1, 700, 9_000, 32_768, 65_535, 65_536, 70_000, 131_070, 131_072])
                blocks.setdefault(number, WORDS[at : at + size])
                tokens.append(number)
            elif not tokens or isinstance(tokens[-1], int):
                source = WORDS if rng.random() < 0.7 else NOISE
                tokens.append(source[at : at + rng.choice([1, 300, 16_384, 70_000])])
        yield rng.random() < 0.2, tokens, blocks


@pytest.mark.parametrize("quirk", [False, True])
@pytest.mark.parametrize("name", CODECS)
def test_files_come_back(name: str, quirk: bool) -> None:
    encoder = compression.encoder(name, compression.settle(name, None)[1], quirk=quirk)
    decoder = compression.decoder(name, quirk=quirk)
    for skip, tokens, blocks in files(12):
        encoder.begin(skip=skip)
        wire = b""
        for token in tokens:
            if isinstance(token, int):
                wire += encoder.match(token, blocks[token])
            else:
                wire += encoder.literal(token[:5000]) + encoder.literal(token[5000:])
        assert decode_file(decoder, wire + encoder.end(), blocks) == tokens


def test_history_makes_what_follows_a_block_cheap() -> None:
    sizes = {}
    for name in ("zlib", "zlibx"):
        encoder = compression.encoder(name, 6, quirk=False)
        encoder.begin(skip=False)
        sizes[name] = len(encoder.match(0, NOISE[:20_000]) + encoder.literal(NOISE[:20_000]) + encoder.end())
    assert sizes["zlib"] < 1_000 < 20_000 < sizes["zlibx"]


@pytest.mark.parametrize("size", [65_535, 65_536, 70_000, 131_070, 200_000])
@pytest.mark.parametrize("quirk", [False, True])
def test_the_history_is_that_of_parts(size: int, quirk: bool) -> None:
    block = NOISE[:size]
    wanted, at = b"", 0
    while at < size:
        part = min(0xFFFF, size - at)
        wanted += block[:part] if quirk else block[at : at + part]
        at += part
    history = History(quirk=quirk)
    history.add_block(block)
    assert history.window() == history.unseen() == wanted[-32768:]


def test_a_stream_that_a_plain_deflater_makes_is_taken() -> None:
    """As a sender with the system's zlib: the block goes in, its output away."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = deflater.compress(WORDS[:9000]) + deflater.flush(zlib.Z_SYNC_FLUSH)
    deflater.compress(NOISE[:9000])
    deflater.flush(zlib.Z_SYNC_FLUSH)
    second = deflater.compress(NOISE[:9000]) + deflater.flush(zlib.Z_SYNC_FLUSH)
    assert first.endswith(SYNC_TAIL) and len(second) < 1000
    wire = packed.data_tokens(first[:-4]) + b"\x80" + packed.data_tokens(second[:-4]) + b"\0"
    decoder = compression.decoder("zlib", quirk=False)
    assert decode_file(decoder, wire, {0: NOISE[:9000]}) == [WORDS[:9000], 0, NOISE[:9000]]
    without = decode_file(compression.decoder("zlibx", quirk=False), wire, {0: b""})
    assert without[:2] == [WORDS[:9000], 0] and without[2] != NOISE[:9000]  # as the file's digest will tell


@given(st.lists(st.one_of(st.integers(0, 200), st.integers(0, (1 << 31) - 1)), max_size=60))
def test_runs_come_back(numbers: list[int]) -> None:
    runs = packed.Runs()
    wire = b"".join(map(runs.add, numbers)) + runs.flush() + b"\0"
    decoder = lz4_tokens.Lz4Decoder()
    assert decode_file(decoder, wire, dict.fromkeys(numbers, b"")) == numbers


def test_a_run_is_cut_at_its_longest() -> None:
    runs = packed.Runs()
    wire = b"".join(map(runs.add, range(packed.MAX_RUN + 2))) + runs.flush()
    assert wire == b"\xc0\xff\xff" + b"\xc1\x01\x00"


REFUSED = {
    "flag 1": (b"\x01", "COMP-7"),
    "flag 3f": (b"\x3f", "COMP-7"),
    "negative": (b"\x20\xff\xff\xff\xff", "COMP-7"),
    "past the last": (b"\x20\xff\xff\xff\x7f\x81", "COMP-7"),
    "a run past the last": (b"\x21\xfe\xff\xff\x7f\x02\x00", "COMP-7"),
    "a run of none": (b"\xc0\x00\x00", "COMP-7"),
}


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("what", REFUSED)
def test_token_numbers_are_held_to_their_range(what: str, name: str) -> None:
    wire, clause = REFUSED[what]
    with pytest.raises(ProtocolError) as caught:
        decode_file(compression.decoder(name, quirk=False), wire, dict.fromkeys([(1 << 31) - 1], b""))
    assert (caught.value.clause, caught.value.code) == (clause, Exit.PROTOCOL)


BROKEN = {
    "zlib reserved block": ("zlib", b"\x40\x01\x07"),
    "zlib empty piece": ("zlib", b"\x40\x00"),
    "zlib not flushed": ("zlib", b"\x40\x07\x00\x05\x00\xfa\xffhe\x00"),
    "zlibx not flushed": ("zlibx", b"\x40\x02\x4b\x4c\x00"),
    "zlib last block": ("zlib", b"\x40\x05\x01\x00\x00\xff\xff"),
    "zlib too far back": ("zlib", packed.data_tokens(b"\x63\x00\x02\x00")),
    "zstd noise": ("zstd", b"\x40\x04abcd"),
    "zstd window": ("zstd", packed.data_tokens(b"\x28\xb5\x2f\xfd\x00\xa0" + b"\x01\x00\x00")),
    "lz4 noise": ("lz4", b"\x40\x01\xff"),
    "lz4 nothing": ("lz4", b"\x40\x00"),
    "lz4 empty block": ("lz4", b"\x40\x01\x00"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_data_ends_with_12(what: str) -> None:
    name, wire = BROKEN[what]
    with pytest.raises(ProtocolError) as caught:
        decode_file(compression.decoder(name, quirk=False), wire, {})
    assert caught.value.code == Exit.STREAM_IO


@pytest.mark.parametrize("name", CODECS)
def test_cut_anywhere_it_asks_for_more(name: str) -> None:
    encoder = compression.encoder(name, compression.settle(name, None)[1], quirk=False)
    encoder.begin(skip=False)
    wire = encoder.literal(WORDS[:3000]) + encoder.match(70, b"x" * 700) + encoder.literal(b"end")
    wire += encoder.match(71, b"y") + encoder.match(72, b"y") + encoder.end()
    for cut in range(len(wire)):
        decoder, cursor = compression.decoder(name, quirk=False), Cursor(wire[:cut])
        with pytest.raises(NeedMoreData):
            while (token := decoder.decode(cursor)) is not None:
                if isinstance(token, int):
                    decoder.saw_block(b"x" * 700 if token == 70 else b"y")


@pytest.mark.parametrize("name", ["zlib", "zlibx", "zstd"])
def test_a_bomb_comes_out_in_parts(name: str) -> None:
    size = 1 << 25 if name == "zstd" else 1 << 23
    encoder = compression.encoder(name, 3, quirk=False)
    encoder.begin(skip=False)
    wire = encoder.literal(bytes(size)) + encoder.end()
    assert len(wire) * 200 < size
    decoder, cursor, total = compression.decoder(name, quirk=False), Cursor(wire), 0
    while (token := decoder.decode(cursor)) is not None:
        assert isinstance(token, bytes) and len(token) <= 64 * 1024
        total += len(token)
    assert total == size


def test_zstd_frames_may_end() -> None:
    frames = [zstd_tokens.library.compress(text) for text in (b"one", b"two" * 40_000, b"three")]
    wire = packed.data_tokens(frames[0] + frames[1]) + b"\x80" + packed.data_tokens(frames[2]) + b"\0"
    got = decode_file(compression.decoder("zstd", quirk=False), wire, {0: b""})
    assert got == [b"one" + b"two" * 40_000, 0, b"three"]


def test_levels() -> None:
    settle = compression.settle
    assert [settle("zlib", level) for level in (None, -1, 0, 1, 99, -7)] == [
        *(("zlib", 6), ("zlib", 6), (None, 0), ("zlib", 1), ("zlib", 9), ("zlib", 1))
    ]
    assert [settle("zstd", level) for level in (None, 0, 22, 99, -999_999)] == [
        *(("zstd", 3), ("zstd", 3), ("zstd", 22), ("zstd", 22), ("zstd", -131_072))
    ]
    assert settle("lz4", 9) == ("lz4", 0)
    assert settle("none", 9) == settle(None, None) == (None, 0)


def test_a_missing_library_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lz4_tokens, "library", None)
    assert compression.available() == ("zstd", "zlibx", "zlib", "none")
    assert compression.missing() == {"lz4": "lz4"}


def test_noise_is_hardly_longer() -> None:
    data = os.urandom(100_000)
    for name in CODECS:
        encoder = compression.encoder(name, compression.settle(name, None)[1], quirk=False)
        encoder.begin(skip=False)
        assert len(encoder.literal(data) + encoder.end()) < 101_000


@pytest.mark.parametrize("quirk", [False, True])
def test_a_file_that_is_not_wanted_can_be_read_to_its_end(quirk: bool) -> None:
    """COMP-13: data refers back to blocks that nobody has; only their lengths are known."""
    encoder = compression.encoder("zlib", 6, quirk=quirk)
    encoder.begin(skip=False)
    wire = b"".join(
        encoder.match(number, NOISE[: (number + 1) * 33_000]) + encoder.literal(NOISE[9_000 : 9_000 + 2_000])
        for number in range(3)
    )
    decoder, cursor, total = compression.decoder("zlib", quirk=quirk), Cursor(wire + encoder.end()), 0
    while (token := decoder.decode(cursor)) is not None:
        if isinstance(token, int):
            decoder.missed_block((token + 1) * 33_000)
        else:
            total += len(token)
    assert total == 3 * 2_000
