"""The kernel does what its Python twins say; MD4 has the values of RFC 1320."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync import native
from refsync.native import md4, twins

TWINS = SimpleNamespace(
    weak_sum=twins.weak_sum,
    block_weak_sums=twins.block_weak_sums,
    SumTable=twins.SumTable,
    Md4=md4.Md4,
)
#: Both, where the kernel was built; the contract below is the same for each.
IMPLEMENTATIONS = [pytest.param(TWINS, id="twins")]
if native.HAVE_KERNEL:
    from refsync.native import kernel

    IMPLEMENTATIONS.append(pytest.param(kernel, id="kernel"))

each = pytest.mark.parametrize("impl", IMPLEMENTATIONS)


def packed(sums: list[tuple[int, bytes]]) -> bytes:
    return b"".join(weak.to_bytes(4, "little") + strong for weak, strong in sums)


def test_what_is_in_use_is_told() -> None:
    assert ("none" in native.describe()) is not native.HAVE_KERNEL
    assert native.SumTable is (kernel.SumTable if native.HAVE_KERNEL else twins.SumTable)


@each
@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"a", "bde52cb31de33e46245e05fbdbd6fb24"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
        (b"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        (
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "043f8582f241db351ce627e153e7f0e4",
        ),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_has_the_values_of_rfc_1320(impl: SimpleNamespace, text: bytes, digest: str) -> None:
    assert impl.Md4(text).digest().hex() == digest


@given(st.lists(st.binary(max_size=150), max_size=6))
def test_md4_takes_bytes_in_any_pieces(pieces: list[bytes]) -> None:
    twin, other = md4.Md4(), native.Md4()
    for number, piece in enumerate(pieces):
        twin.update(piece)
        other.update(memoryview(piece))
        if number % 2:
            assert other.digest() == twin.digest()  # asking does not disturb
    assert other.digest() == twin.digest() == md4.Md4(b"".join(pieces)).digest()


@each
@pytest.mark.parametrize("size", [*range(50, 70), 127, 128, 1000])
def test_md4_pads_every_length(impl: SimpleNamespace, size: int) -> None:
    data = bytes(range(256)) * 4
    step = impl.Md4()
    for at in range(size):
        step.update(data[at : at + 1])
    assert step.digest() == impl.Md4(data[:size]).digest()
    assert len({impl.Md4(data[:n]).digest() for n in (size - 1, size, size + 1)}) == 3


@each
def test_the_weak_sum_takes_bytes_as_signed(impl: SimpleNamespace) -> None:
    assert impl.weak_sum(b"") == 0
    assert impl.weak_sum(b"\x01\x02\x03") == 6 | (1 + 3 + 6) << 16
    assert impl.weak_sum(b"\xff") == 0xFFFFFFFF
    assert impl.weak_sum(b"\x80\x7f") == 0xFFFF | ((-128 - 1) & 0xFFFF) << 16
    assert impl.weak_sum(bytes(5000)) == 0


@given(st.binary(max_size=400), st.integers(1, 90))
def test_block_sums_agree(data: bytes, block: int) -> None:
    assert native.weak_sum(data) == twins.weak_sum(data)
    sums = native.block_weak_sums(data, block)
    assert sums == twins.block_weak_sums(data, block)
    starts = range(0, len(data), block)
    assert sums == b"".join(twins.weak_sum(data[at : at + block]).to_bytes(4, "little") for at in starts)


def test_long_runs_do_not_overflow() -> None:
    for byte in (b"\x80", b"\x7f", b"\xff"):
        data = byte * 140_000
        assert native.weak_sum(data) == twins.weak_sum(data)


@st.composite
def searches(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]], int, int]:
    """(data, sums, block length, start): some of the sums are of blocks of the data."""
    alphabet = draw(st.sampled_from([b"\0", b"\0\1", bytes(range(256))]))
    data = bytes(draw(st.lists(st.sampled_from(alphabet), min_size=1, max_size=200)))
    block = draw(st.integers(1, min(len(data), 40)))
    last = len(data) - block
    places = draw(st.lists(st.integers(0, last), max_size=4))
    strong = st.binary(min_size=2, max_size=2)
    sums = [(twins.weak_sum(data[at : at + block]), draw(strong)) for at in places]
    sums += draw(st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), strong), max_size=5))
    return data, draw(st.permutations(sums)), block, draw(st.integers(0, last))


@each
@given(searches())
def test_a_search_finds_the_first_known_sum(
    impl: SimpleNamespace, case: tuple[bytes, list[tuple[int, bytes]], int, int]
) -> None:
    data, sums, block, start = case
    last = len(data) - block
    table = impl.SumTable(packed(sums), len(sums), 2)
    known = {weak for weak, _ in sums}
    sums_at = [twins.weak_sum(data[at : at + block]) for at in range(last + 1)]
    first = next((at for at in range(start, last + 1) if sums_at[at] in known), -1)
    expected = (first, sums_at[first] if first >= 0 else sums_at[last])
    assert table.search(bytearray(data), start, last, block) == expected
    if start:
        assert table.search(memoryview(data), start, last, block, sums_at[start - 1]) == expected
    assert table.search(data, last + 1, last, block, 77) == (-1, 77)


@each
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2**32 - 1]), st.binary(min_size=3, max_size=3)), max_size=30)
)
def test_find_gives_the_last_equal_block(impl: SimpleNamespace, sums: list[tuple[int, bytes]]) -> None:
    table = impl.SumTable(packed(sums), len(sums), 3)
    for weak, strong in sums:
        last = max(index for index, other in enumerate(sums) if other == (weak, strong))
        assert table.find(weak, strong + b"more") == last
    absent = (5, b"xyz")
    assert table.find(*absent) == -1
    assert table.find(0, b"\1\2\3") == max(
        (index for index, other in enumerate(sums) if other == (0, b"\1\2\3")), default=-1
    )


@each
def test_strong_sums_may_have_no_length(impl: SimpleNamespace) -> None:
    table = impl.SumTable(packed([(7, b""), (9, b""), (7, b"")]), 3, 0)
    assert [table.find(weak, b"") for weak in (7, 8, 9)] == [2, -1, 1]


@each
def test_a_table_may_be_empty(impl: SimpleNamespace) -> None:
    table = impl.SumTable(b"", 0, 16)
    assert table.search(bytes(100), 0, 90, 10) == (-1, 0)
    assert table.find(0, bytes(16)) == -1


@each
def test_calls_that_would_leave_the_buffer_are_refused(impl: SimpleNamespace) -> None:
    table = impl.SumTable(bytes(6), 1, 2)
    for start, end, block, before in (
        (0, 1, 100, -1),
        (-1, 5, 4, -1),
        (0, 5, 4, 12),
        (0, 5, 0, -1),
        (0, 97, 4, -1),
    ):
        with pytest.raises(ValueError):
            table.search(bytes(100), start, end, block, before)
    with pytest.raises(ValueError):
        table.find(0, b"x")
    with pytest.raises(ValueError):
        impl.SumTable(bytes(11), 2, 2)
    with pytest.raises(ValueError):
        impl.SumTable(b"", -1, 2)
    with pytest.raises(ValueError):
        impl.block_weak_sums(b"abc", 0)


@pytest.mark.parametrize("count", [1, 255, 5000, 70_000])
def test_large_tables(count: int) -> None:
    strong = [hashlib.md5(index.to_bytes(4, "big")).digest() for index in range(count)]
    sums = [
        (int.from_bytes(digest[:4], "little") if index % 3 else 12345, digest[4:10])
        for index, digest in enumerate(strong)
    ]
    table = native.SumTable(packed(sums), count, 6)
    for index in range(0, count, max(1, count // 500)):
        assert table.find(*sums[index]) == index
    assert table.find(12346, bytes(6)) == -1
