"""Matching and rebuilding: whatever the edits, the file comes out; the kernel and its twins agree."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refsync import native
from refsync.delta.apply import Reconstructor
from refsync.delta.checksums import LENGTHS, Checksums
from refsync.delta.match import Matcher, whole_file_ops
from refsync.delta.signature import choose_sums, make_sums
from refsync.delta.source import Source
from refsync.native import md4, twins


class Sink:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data

    keep = write


def transfer(tmp: Path, old: bytes, new: bytes, checksums: Checksums, block_size: int = 0) -> tuple[bytes, int]:
    """(what the receiver rebuilt, literal bytes sent)"""
    basis, source = tmp / "basis", tmp / "source"
    basis.write_bytes(old)
    source.write_bytes(new)
    with basis.open("rb") as b, source.open("rb") as s:
        head = choose_sums(len(old), protocol=32, digest_length=checksums.digest_length, block_size=block_size)
        sums = make_sums(b.fileno(), head, checksums)
        sender, receiver, sink = checksums.new_file(), checksums.new_file(), Sink()
        rebuilt = Reconstructor(head, b.fileno(), sink, receiver)
        reader = Source(s.fileno(), len(new))
        ops = Matcher(head, sums, checksums).ops(reader, sender) if head.count else whole_file_ops(reader, sender)
        literal = 0
        for op in ops:
            if isinstance(op, int):
                rebuilt.copy(op)
            else:
                literal += len(op)
                rebuilt.literal(op)
        assert sender.digest() == receiver.digest()
        return bytes(sink.data), literal


@pytest.mark.parametrize("name", sorted(set(LENGTHS) - {"none"}))
def test_edits_of_a_large_file_send_little(tmp_path: Path, name: str) -> None:
    source = random.Random(5)
    old = source.randbytes(400_000)
    new = bytearray(old)
    new[1000:1000] = b"inserted"
    del new[200_000:200_123]
    new += b"appended"
    got, literal = transfer(tmp_path, old, bytes(new), Checksums(name, name, 77, 32, True))
    assert got == bytes(new)
    assert literal < 5000


def test_a_short_last_block_matches(tmp_path: Path) -> None:
    old = os.urandom(7000 * 3 + 17)
    got, literal = transfer(tmp_path, old, old, Checksums("xxh128", "xxh128", 1, 32, True))
    assert (got, literal) == (old, 0)


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=9)), max_size=4))
def test_any_edit_comes_out(tmp_path_factory: pytest.TempPathFactory, old: bytes, edits: list[tuple[int, bytes]]) -> None:
    new = bytearray(old * 3)
    for at, text in edits:
        new[at : at + 3] = text
    got, _ = transfer(tmp_path_factory.mktemp("d"), old * 3, bytes(new), Checksums("md5", "md5", 9, 30, False), 4)
    assert got == bytes(new)


def test_md4_has_the_values_of_rfc_1320() -> None:
    for text, digest in (
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ):
        assert md4.Md4(text).digest().hex() == digest


@pytest.mark.skipif(not native.HAVE_KERNEL, reason="the C kernel is not built: its twins are in use")
@given(st.binary(min_size=1, max_size=300), st.integers(1, 20), st.integers(0, 300))
def test_the_kernel_agrees_with_its_twins(data: bytes, block: int, pick: int) -> None:
    from refsync.native import kernel

    assert kernel.weak_sum(data) == twins.weak_sum(data)
    assert kernel.block_weak_sums(data, block) == twins.block_weak_sums(data, block)
    whole = data.ljust(64, b"x")[:64] * 3
    state = [1, 2, 3, 4]
    assert kernel.md4_blocks(state, whole) == md4.twin_blocks(state, whole)
    if len(data) >= block:
        at = pick % (len(data) - block + 1)
        sums = [twins.weak_sum(data[at : at + block]), 0]
        end = len(data) - block
        assert kernel.SumTable(sums).search(data, 0, end, block) == twins.SumTable(sums).search(data, 0, end, block)
