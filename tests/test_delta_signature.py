"""Block lengths and packed sums."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from refsync.delta import signature
from refsync.delta.checksums import Checksums
from refsync.delta.signature import choose_sums, iter_sums, make_sums
from refsync.native.twins import weak_sum
from refsync.wire.sumhead import NO_SUMS, SumHead


def chosen(
    size: int, protocol: int = 31, digest: int = 16, block: int = 0, full: bool = False
) -> tuple[int, ...]:
    head = choose_sums(size, protocol=protocol, digest_length=digest, block_size=block, full=full)
    assert not head.count or head.file_length == size
    return head.count, head.block_length, head.strong_length, head.remainder


def test_block_lengths_follow_the_square_root() -> None:
    assert chosen(0) == (0, 700, 2, 0)
    assert chosen(1) == (1, 700, 2, 1)
    assert chosen(490_000) == (700, 700, 2, 0)
    assert chosen(490_001) == (701, 700, 2, 1)
    assert [chosen(size)[1] for size in (495_615, 495_616, 708 * 708)] == [700, 704, 704]  # multiples of 8
    assert chosen(1 << 20) == (1024, 1024, 2, 0)
    assert chosen(10_000_000) == (3165, 3160, 2, 1760)
    assert chosen(1 << 30) == (32768, 32768, 3, 0)
    assert chosen((1 << 34) - 1)[1] == (1 << 17) - 8
    assert chosen(1 << 34) == (1 << 17, 1 << 17, 4, 0)


def test_block_lengths_are_limited_by_the_version() -> None:
    assert chosen(1 << 38, protocol=30)[1] == 1 << 17
    assert chosen(1 << 38, protocol=29)[1] == 1 << 19


def test_strong_lengths() -> None:
    assert [chosen(1 << power)[2] for power in (20, 28, 32, 36, 40)] == [2, 3, 4, 5, 6]
    assert chosen(5000, full=True)[2] == 16
    assert chosen(5000, full=True, digest=8)[2] == 8
    assert chosen(5000, full=True, digest=20)[2] == 16
    assert chosen(5000, digest=1)[2] == 1


def test_the_user_may_choose_the_block_length() -> None:
    assert chosen(10_000, block=3000) == (4, 3000, 2, 1000)
    assert choose_sums((1 << 31) * 8, protocol=32, digest_length=16, block_size=8) == NO_SUMS
    assert chosen((1 << 31) * 8 - 8, block=8)[0] == (1 << 31) - 1


@pytest.mark.parametrize("size", [1, 699, 700, 701, 2100, 3_000_001])
def test_sums_are_packed_as_on_the_wire(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_BATCH", "_NATIVE_BATCH"):
        monkeypatch.setattr(signature, name, 1024 * 1024)
    data = os.urandom(size)
    path = tmp_path / "basis"
    path.write_bytes(data)
    checksums = Checksums("xxh3", "xxh3", 9, 32, True)
    head = choose_sums(size, protocol=32, digest_length=8)
    with path.open("rb") as file:
        parts = list(iter_sums(file.fileno(), head, checksums))
        sums = make_sums(file.fileno(), head, checksums)
    assert b"".join(parts) == sums
    assert (len(parts) > 1) is (size > 1024 * 1024)
    stride = 4 + head.strong_length
    assert len(sums) == head.count * stride
    for index in {0, head.count // 2, head.count - 1}:
        block = data[index * head.block_length : (index + 1) * head.block_length]
        expected = weak_sum(block).to_bytes(4, "little") + checksums.block(block)[: head.strong_length]
        assert sums[index * stride : (index + 1) * stride] == expected


def test_a_basis_that_shrank_reads_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "basis"
    checksums = Checksums("md5", "md5", 9, 32, True)
    head = SumHead(3, 10, 4, 5)
    path.write_bytes(b"a" * 12 + bytes(13))
    with path.open("rb+") as file:
        expected = make_sums(file.fileno(), head, checksums)
        file.truncate(12)
        assert make_sums(file.fileno(), head, checksums) == expected
    assert list(iter_sums(-1, NO_SUMS, checksums)) == []
