"""The strong checksums: digests as they stand on the wire, and where the seed goes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import xxhash
from refsync.delta.checksums import LENGTHS, Checksums, block_sum, new_hasher
from refsync.native.md4 import Md4
from refsync.wire.errors import Exit, RefsyncError

DATA = bytes(range(256)) * 3
SEED = 0x12345678
LE_SEED = b"\x78\x56\x34\x12"


@pytest.mark.parametrize("name", sorted(LENGTHS))
def test_digests_have_their_length(name: str) -> None:
    checksums = Checksums(name, name, SEED, 32, True)
    assert len(checksums.new_file().digest()) == checksums.digest_length == LENGTHS[name]
    assert len(checksums.block(DATA)) == checksums.flist_digest_length == LENGTHS[name]


@pytest.mark.parametrize("name", sorted(LENGTHS))
def test_a_digest_does_not_depend_on_the_pieces(name: str) -> None:
    whole, parts = new_hasher(name), new_hasher(name)
    whole.update(DATA)
    for at in range(0, len(DATA), 37):
        parts.update(memoryview(DATA)[at : at + 37])
    assert whole.digest() == parts.digest()


def test_xxhash_values_are_little_endian() -> None:
    for name, value, size in (
        ("xxh128", xxhash.xxh3_128_intdigest(DATA), 16),
        ("xxh3", xxhash.xxh3_64_intdigest(DATA), 8),
        ("xxh64", xxhash.xxh64_intdigest(DATA), 8),
    ):
        state = new_hasher(name)
        state.update(DATA)
        assert state.digest() == value.to_bytes(size, "little")
        assert block_sum(name, 0, seed_first=True)(DATA) == value.to_bytes(size, "little")


@pytest.mark.parametrize(("seed", "own"), [(SEED, SEED), (-2, 2**64 - 2), (-(2**31), 2**64 - 2**31)])
def test_xxhash_takes_the_seed_with_its_sign(seed: int, own: int) -> None:
    assert block_sum("xxh64", seed, seed_first=False)(DATA) == xxhash.xxh64_digest(DATA, own)[::-1]
    assert block_sum("xxh3", seed, seed_first=False)(DATA) == xxhash.xxh3_64_digest(DATA, own)[::-1]
    assert block_sum("xxh128", seed, seed_first=False)(DATA) == xxhash.xxh3_128_digest(DATA, own)[::-1]


def test_where_the_seed_goes_in_a_block() -> None:
    md5, sha1 = hashlib.md5, hashlib.sha1
    assert Checksums("md5", "md5", SEED, 31, True).block(DATA) == md5(LE_SEED + DATA).digest()
    assert Checksums("md5", "md5", SEED, 30, False).block(DATA) == md5(DATA + LE_SEED).digest()
    assert Checksums("md5", "md5", SEED, 30, False, named=True).block(DATA) == md5(LE_SEED + DATA).digest()
    for seed_first in (False, True):
        assert block_sum("sha1", SEED, seed_first=seed_first)(DATA) == sha1(LE_SEED + DATA).digest()
        assert block_sum("md4", SEED, seed_first=seed_first)(DATA) == Md4(DATA + LE_SEED).digest()
        assert block_sum("md4", -1, seed_first=seed_first)(DATA) == Md4(DATA + b"\xff" * 4).digest()


@pytest.mark.parametrize("name", ["md5", "md4", "sha1"])
def test_a_seed_of_zero_adds_nothing(name: str) -> None:
    state = new_hasher(name)
    state.update(DATA)
    for seed_first in (False, True):
        assert block_sum(name, 0, seed_first=seed_first)(DATA) == state.digest()


def test_only_the_old_md4_file_digest_has_the_seed() -> None:
    def digest(name: str, protocol: int, *, named: bool = False, seed: int = SEED) -> bytes:
        state = Checksums(name, "md4", seed, protocol, False, named=named).new_file()
        state.update(DATA)
        return state.digest()

    assert digest("md4", 29) == Md4(LE_SEED + DATA).digest()
    assert digest("md4", 29, seed=0) == Md4(bytes(4) + DATA).digest()
    assert digest("md4", 29, seed=-1) == Md4(b"\xff" * 4 + DATA).digest()
    assert digest("md4", 29, named=True) == digest("md4", 30) == Md4(DATA).digest()
    assert digest("md5", 29) == digest("md5", 32) == hashlib.md5(DATA).digest()


def test_names() -> None:
    assert Checksums("xxhash", "md5", 0, 32, True).digest_length == 8
    with pytest.raises(RefsyncError) as caught:
        Checksums("md5", "crc32", 0, 32, True)
    assert caught.value.code == Exit.UNSUPPORTED


@pytest.mark.parametrize("size", [0, 1, 700, 600_000])
def test_the_digest_of_a_file(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = os.fsencode(tmp_path / "file")
    Path(os.fsdecode(path)).write_bytes(data)
    checksums = Checksums("md5", "sha1", SEED, 27, False)
    assert checksums.file_digest(path, size) == hashlib.sha1(data).digest()
    assert checksums.file_digest(path, size // 2) == hashlib.sha1(data[: size // 2]).digest()
    assert (
        checksums.file_digest(path, size + 5) == hashlib.sha1(data + bytes(5)).digest()
    )  # it shrank meanwhile


def test_the_digest_of_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Checksums("md5", "md5", 0, 32, True).file_digest(os.fsencode(tmp_path / "none"), 5)
