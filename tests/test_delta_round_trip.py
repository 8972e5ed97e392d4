"""Matching and rebuilding: whatever the edits, the file comes out."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.delta.apply import Reconstructor
from refsync.delta.checksums import LENGTHS, Checksums
from refsync.delta.match import Matcher, whole_file_ops
from refsync.delta.signature import choose_sums, make_sums
from refsync.delta.source import Source
from refsync.wire.cursor import Buffer


class Sink:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: Buffer, /) -> None:
        self.data += data

    keep = write


def transfer(
    tmp: Path, old: bytes, new: bytes, checksums: Checksums, block_size: int = 0
) -> tuple[bytes, int]:
    """(what the receiver rebuilt, literal bytes sent)"""
    basis, source = tmp / "basis", tmp / "source"
    basis.write_bytes(old)
    source.write_bytes(new)
    with basis.open("rb") as b, source.open("rb") as s:
        head = choose_sums(
            len(old), protocol=32, digest_length=checksums.digest_length, block_size=block_size
        )
        sums = make_sums(b.fileno(), head, checksums)
        sender, receiver, sink = checksums.new_file(), checksums.new_file(), Sink()
        rebuilt = Reconstructor(head, b.fileno(), sink, receiver)
        reader = Source(s.fileno(), len(new))
        ops = (
            Matcher(head, sums, checksums).ops(reader, sender)
            if head.count
            else whole_file_ops(reader, sender)
        )
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
def test_any_edit_comes_out(
    tmp_path_factory: pytest.TempPathFactory, old: bytes, edits: list[tuple[int, bytes]]
) -> None:
    new = bytearray(old * 3)
    for at, text in edits:
        new[at : at + 3] = text
    got, _ = transfer(
        tmp_path_factory.mktemp("d"), old * 3, bytes(new), Checksums("md5", "md5", 9, 30, False), 4
    )
    assert got == bytes(new)
