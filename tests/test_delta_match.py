"""Which blocks are named: upstream's choices, said again in the plainest way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync import native
from refsync.delta import match, search, source
from refsync.delta.apply import Reconstructor
from refsync.delta.checksums import Checksums
from refsync.delta.match import Matcher, append_ops, whole_file_ops
from refsync.delta.search import Search
from refsync.delta.signature import choose_sums, make_sums
from refsync.delta.source import Source, Window, spoiled_digest
from refsync.records import replace
from refsync.wire.cursor import Buffer
from refsync.wire.errors import ProtocolError
from refsync.wire.sumhead import NO_SUMS, SumHead
from refsync.wire.tokens import CHUNK_SIZE, PlainEncoder

SUMS = Checksums("xxh128", "xxh128", 3, 32, True)
Op = bytes | int


class InPlace:
    """Writes over the basis."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.offset = 0
        self.kept = 0

    def write(self, data: Buffer, /) -> None:
        assert os.pwrite(self.fd, data, self.offset) == len(data)
        self.offset += len(data)

    def keep(self, data: Buffer, /) -> None:
        assert os.pread(self.fd, len(data), self.offset) == data
        self.offset += len(data)
        self.kept += len(data)


def descriptor(data: bytes) -> int:
    fd = os.memfd_create("test", os.MFD_CLOEXEC)
    os.write(fd, data)
    return fd


def ops_of(old: bytes, new: bytes, block: int, *, in_place: bool = False) -> tuple[SumHead, list[Op]]:
    """(sum head, all ops with adjacent literals joined)"""
    basis, source = descriptor(old), descriptor(new)
    try:
        head = choose_sums(len(old), protocol=32, digest_length=16, block_size=block)
        matcher = Matcher(head, make_sums(basis, head, SUMS), SUMS, in_place=in_place)
        hasher, whole = SUMS.new_file(), SUMS.new_file()
        found: list[Op] = []
        offset = 0
        for op in matcher.ops(Source(source, len(new)), hasher):
            if isinstance(op, int):
                found.append(op)
                assert bytes(matcher.matched) == new[offset : offset + head.block_size(op)]
                offset += head.block_size(op)
            elif found and isinstance(before := found[-1], bytes):
                assert len(before) % CHUNK_SIZE == 0
                found[-1] = before + bytes(op)
                offset += len(op)
            else:
                assert len(op)
                found.append(bytes(op))
                offset += len(op)
        whole.update(new)
        assert hasher.digest() == whole.digest()
        return head, found
    finally:
        os.close(basis)
        os.close(source)


def plainly(old: bytes, new: bytes, block: int) -> list[Op]:
    """What the choices come to when sums never lie: compare blocks themselves, at every offset."""
    blocks = [old[at : at + block] for at in range(0, len(old), block)]
    found: list[Op] = []
    literal = b""
    offset = wanted = 0
    while offset <= len(new) - len(blocks[-1]):
        here = new[offset : offset + block]
        equal = [index for index, other in enumerate(blocks) if other == here]
        if equal:
            index = wanted if wanted in equal else equal[-1]
            found += [literal, index] if literal else [index]
            literal = b""
            wanted = index + 1
            offset += len(here)
        else:
            literal += new[offset : offset + 1]
            offset += 1
    literal += new[offset:]
    return [*found, literal] if literal else found


@st.composite
def versions(draw: st.DrawFn) -> tuple[bytes, bytes, int]:
    """(old, new, block length): from few distinct parts, so that blocks repeat and move."""
    block = draw(st.integers(1, 12))
    zeros = bytes(block)
    parts = [
        zeros,
        zeros[:-1],
        *draw(st.lists(st.binary(min_size=1, max_size=block + 2), min_size=1, max_size=3)),
    ]
    text = st.lists(st.sampled_from(parts), max_size=14).map(b"".join)
    return draw(text.filter(len)), draw(text), block


@given(versions())
def test_the_blocks_that_upstream_names(case: tuple[bytes, bytes, int]) -> None:
    old, new, block = case
    assert ops_of(old, new, block)[1] == plainly(old, new, block)


@given(versions())
def test_a_file_can_be_rebuilt_over_its_basis(case: tuple[bytes, bytes, int]) -> None:
    old, new, block = case
    head, ops = ops_of(old, new, block, in_place=True)
    fd = descriptor(old)
    try:
        output, hasher = InPlace(fd), SUMS.new_file()
        rebuilt = Reconstructor(head, fd, output, hasher, in_place=True)
        for op in ops:
            if isinstance(op, int):
                rebuilt.copy(op)
            else:
                rebuilt.literal(op)
        assert os.pread(fd, len(new) + 1, 0)[: len(new)] == new
        assert rebuilt.offset == rebuilt.literal_bytes + rebuilt.matched_bytes == len(new)
    finally:
        os.close(fd)


@pytest.mark.skipif(not native.HAVE_BULK, reason="the C kernel was not built")
@given(versions(), st.booleans(), st.integers(1, 30), st.integers(1, 9), st.booleans())
def test_the_kernel_finds_the_same(
    case: tuple[bytes, bytes, int], in_place: bool, window: int, chunk: int, patient: bool
) -> None:
    """The same operations in the same pieces, as operations and as tokens, whatever is in sight at a time."""
    old, new, block = case
    alarms = {} if patient else {"ALARM_FACTOR": 0, "ALARM_ALLOWANCE": 2 * block}
    sizes = {"CHUNK_SIZE": chunk, **alarms}
    basis, fd = descriptor(old), descriptor(new)
    head = replace(choose_sums(len(old), protocol=32, digest_length=16, block_size=block), strong_length=1)
    with pytest.MonkeyPatch.context() as patch:
        for module in (match, search):
            for name, value in sizes.items():
                patch.setattr(module, name, value)
        for module in (search, source):
            patch.setattr(module, "READ_SIZE", window)
        patch.setattr("refsync.wire.tokens.CHUNK_SIZE", chunk)
        try:
            sums = make_sums(basis, head, SUMS)
            matcher, hasher = Matcher(head, sums, SUMS, in_place=in_place), SUMS.new_file()
            expected = [
                op if isinstance(op, int) else bytes(op) for op in matcher.ops(Source(fd, len(new)), hasher)
            ]
            found = Search(head, sums, SUMS, Source(fd, len(new)), SUMS.new_file(), in_place=in_place)
            assert found.native
            for op, want in zip(found.ops(), expected, strict=True):
                assert (op if isinstance(op, int) else bytes(op)) == want
            assert (found.matches, found.false_alarms) == (matcher.matches, matcher.false_alarms)
            encoder = PlainEncoder()
            told = b"".join(
                encoder.match(op, b"") if isinstance(op, int) else encoder.literal(op) for op in expected
            )
            whole = SUMS.new_file()
            pieces = Search(head, sums, SUMS, Source(fd, len(new)), whole, in_place=in_place).tokens()
            stream, total = b"", 0
            for piece, literal, matched in pieces:
                stream += piece
                total += literal + matched
            assert stream == told
            assert total == len(new)
            assert whole.digest() == hasher.digest()
        finally:
            os.close(basis)
            os.close(fd)


@pytest.mark.skipif(not native.HAVE_BULK, reason="the C kernel was not built")
def test_the_kernel_reads_a_file_that_shrank_as_zeros(tmp_path: Path) -> None:
    old = os.urandom(3000)
    basis, fd = descriptor(old), descriptor(old[:1500])
    folder = os.open(tmp_path, os.O_RDONLY)  # every read of a directory fails
    try:
        head = choose_sums(3000, protocol=32, digest_length=16)
        sums = make_sums(basis, head, SUMS)
        for number, left, error in ((fd, 1500, errno.ENODATA), (folder, 0, errno.EISDIR)):
            shrunk = Source(number, 3000)
            found = Search(head, sums, SUMS, shrunk, SUMS.new_file())
            whole = b"".join(
                old[op * 700 : (op + 1) * 700] if isinstance(op, int) else bytes(op) for op in found.ops()
            )
            assert whole == old[:left].ljust(3000, b"\0")
            assert shrunk.error == error
        nothing = descriptor(b"")
        assert make_sums(folder, head, SUMS) == make_sums(nothing, head, SUMS)
        os.close(nothing)
    finally:
        for number in (basis, fd, folder):
            os.close(number)


def test_in_place_prefers_the_block_that_is_there() -> None:
    old = b"aaaaBBBBaaaaaaaa"
    assert ops_of(old, old, 4)[1] == [0, 1, 2, 3]
    assert ops_of(old, b"xxxx" + old[4:], 4)[1] == [b"xxxx", 1, 2, 3]
    assert ops_of(old, b"x" + old, 4)[1] == [b"x", 0, 1, 2, 3]
    assert ops_of(old, b"xxxx" + old[4:], 4, in_place=True)[1] == [b"xxxx", 1, 2, 3]
    # what was moved to the front is gone once it is written over
    assert ops_of(b"11112222", b"22221111", 4)[1] == [1, 0]
    assert ops_of(b"11112222", b"22221111", 4, in_place=True)[1] == [1, b"1111"]


def test_in_place_gets_back_to_its_own_zeros() -> None:
    old = bytes(40)
    new = b"x" + bytes(39)
    head, ops = ops_of(old, new, 8, in_place=True)
    assert ops == [b"x" + bytes(7), 1, 2, 3, 4]
    assert ops_of(old, new, 8)[1] == [b"x", 0, 1, 2, 3, bytes(7)]
    assert head.count == 5


def test_long_literal_runs_come_in_whole_chunks() -> None:
    new = os.urandom(1_000_003)
    assert ops_of(os.urandom(50_000), new, 0)[1] == [new]
    old = new[400_000:500_000]
    _, ops = ops_of(old, new, 0)
    literals = [op for op in ops if isinstance(op, bytes)]
    assert sum(map(len, literals)) < 1_000_003 - 90_000
    assert [op for op in ops if isinstance(op, int)][:142] == list(range(142))


def test_a_window_keeps_what_it_is_told_to() -> None:
    data = os.urandom(900_000)
    fd = descriptor(data)
    try:
        hasher, whole = SUMS.new_file(), SUMS.new_file()
        window = Window(Source(fd, len(data)), hasher, 5000)
        keep = 0
        while window.end < len(data):
            window.advance(keep)
            assert window.view(keep, window.end) == data[keep : window.end]
            keep = window.end - 4321
        whole.update(data)
        assert hasher.digest() == whole.digest()
    finally:
        os.close(fd)


@pytest.mark.parametrize("in_place", [False, True])
def test_equal_weak_sums_do_not_make_a_search_slow(in_place: bool) -> None:
    """A table of sums that all look like a hit and are none: the rest goes out as it is (CVE-2026-70453)."""
    block, count = 4096, 2000
    packed = b"".join(bytes(4) + index.to_bytes(16, "big") for index in range(1, count + 1))
    new = bytes(200_000)
    fd = descriptor(new)
    calls = 0

    sums = Checksums("md5", "md5", 3, 32, True)
    inner = sums.block

    def counted(data: Buffer) -> bytes:
        nonlocal calls
        calls += 1
        return inner(data)

    sums.block = counted
    try:
        matcher = Matcher(SumHead(count, block, 16, 0), packed, sums, in_place=in_place)
        hasher, whole = sums.new_file(), sums.new_file()
        sent = b"".join(
            bytes(op) for op in matcher.ops(Source(fd, len(new)), hasher) if not isinstance(op, int)
        )
        whole.update(new)
        assert sent == new
        assert hasher.digest() == whole.digest()
        limit = (match.ALARM_FACTOR * len(new) + match.ALARM_ALLOWANCE) // (block + match.ALARM_COST)
        assert calls == matcher.false_alarms == limit + 1
        assert matcher.matches == 0
    finally:
        os.close(fd)


def test_what_is_sent_of_a_file_that_shrank_is_spoiled() -> None:
    fd = descriptor(b"0123456789")
    try:
        source, hasher, whole = Source(fd, 14), SUMS.new_file(), SUMS.new_file()
        assert b"".join(bytes(op) for op in whole_file_ops(source, hasher)) == b"0123456789" + bytes(4)
        assert source.error == errno.ENODATA
        assert source.shrank
        whole.update(b"0123456789" + bytes(4))
        assert hasher.digest() == whole.digest()
        assert spoiled_digest(hasher.digest()) == bytes(16) != hasher.digest()
        assert spoiled_digest(bytes(4)) == b"\0\0\0\1"
    finally:
        os.close(fd)


def test_a_file_that_cannot_be_read_goes_on_as_zeros(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)  # a directory: every read fails
    try:
        source = Source(fd, 1000)
        assert b"".join(bytes(op) for op in whole_file_ops(source, SUMS.new_file())) == bytes(1000)
        assert source.error == errno.EISDIR
    finally:
        os.close(fd)


def test_a_file_that_grew_is_sent_at_its_length() -> None:
    fd = descriptor(b"0123456789")
    try:
        source = Source(fd, 4)
        assert b"".join(bytes(op) for op in whole_file_ops(source, SUMS.new_file())) == b"0123"
        assert not source.error
        assert list(whole_file_ops(Source(fd, 0), SUMS.new_file())) == []
    finally:
        os.close(fd)


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("size", [70, 700_000])
def test_append_sends_only_what_is_new(verify: bool, size: int) -> None:
    old = os.urandom(size)
    new = old + os.urandom(size // 2)
    source, basis = descriptor(new), descriptor(old)
    head = choose_sums(len(old), protocol=32, digest_length=16)
    try:
        sent, received, expected = SUMS.new_file(), SUMS.new_file(), SUMS.new_file()
        output = InPlace(basis)
        output.offset = len(old)
        rebuilt = Reconstructor(head, basis, output, received, in_place=True)
        rebuilt.append(verify=verify)
        for op in append_ops(Source(source, len(new)), head, sent, verify=verify):
            rebuilt.literal(op)
        assert os.pread(basis, len(new) + 1, 0) == new
        assert rebuilt.literal_bytes == len(new) - len(old)
        expected.update(new if verify else new[len(old) :])
        assert sent.digest() == received.digest() == expected.digest()
    finally:
        os.close(source)
        os.close(basis)


def test_append_to_more_than_there_is_sends_nothing() -> None:
    fd = descriptor(b"short")
    try:
        for verify in (False, True):
            hasher = SUMS.new_file()
            assert list(append_ops(Source(fd, 5), SumHead(2, 700, 2, 0), hasher, verify=verify)) == []
    finally:
        os.close(fd)


def test_blocks_that_do_not_exist_are_refused() -> None:
    fd = descriptor(b"0123456789")
    try:
        rebuilt = Reconstructor(SumHead(3, 4, 2, 2), fd, InPlace(fd), SUMS.new_file())
        for index in (3, 2**31, -1):
            with pytest.raises(ProtocolError) as caught:
                rebuilt.copy(index)
            assert caught.value.clause == "TOK-3"
        assert rebuilt.copy(2) == b"89"
        with pytest.raises(ProtocolError):
            Reconstructor(SumHead(3, 4, 2, 2), None, InPlace(fd), SUMS.new_file()).copy(0)
        with pytest.raises(ProtocolError):
            Reconstructor(NO_SUMS, fd, InPlace(fd), SUMS.new_file()).copy(0)
    finally:
        os.close(fd)


def test_a_basis_that_shrank_reads_as_zeros() -> None:
    basis, out = descriptor(b"0123456789"), descriptor(b"")
    try:
        rebuilt = Reconstructor(SumHead(4, 4, 2, 0), basis, InPlace(out), SUMS.new_file())
        assert [rebuilt.copy(index) for index in (2, 3, 0)] == [b"89\0\0", bytes(4), b"0123"]
        assert os.pread(out, 100, 0) == b"89" + bytes(6) + b"0123"
    finally:
        os.close(basis)
        os.close(out)
