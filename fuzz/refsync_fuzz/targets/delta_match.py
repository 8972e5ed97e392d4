"""Finding the blocks of a basis in a source, and rebuilding the source from them.

Input: block length, strong length, checksum and switches; then pieces that make
up the basis, then edits that make the source out of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync import native
from refsync.delta.apply import Reconstructor
from refsync.delta.checksums import Checksums
from refsync.delta.match import Matcher, append_ops
from refsync.delta.signature import choose_sums, make_sums
from refsync.delta.source import Source
from refsync.native import twins
from refsync.wire import sumhead
from refsync.wire.cursor import Cursor
from refsync.wire.limits import MAX_BLOCK_SIZE
from refsync.wire.sumhead import SumHead

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface
from ._files import InPlace, Sink, memory_file

NAMES = ("xxh128", "md5", "md4", "xxh64", "sha1", "xxh3")
LIMIT = 20_000  # bytes of either file

SURFACE = Surface(
    priority=1,
    clauses=("SUM-3", "SUM-11", "SUM-12", "SUM-13", "SUM-14"),
    code=(
        "refsync.delta.match",
        "refsync.delta.source",
        "refsync.delta.signature",
        "refsync.delta.checksums",
    ),
    oracle="RDS",
    dictionary={"zeros": bytes(16), "ones": b"\xff" * 16, "copy": b"\1\0\0\xff", "repeat": b"\2\xff"},
    max_length=600,
)

Op = bytes | int


def _basis(choices: Choices) -> bytes:
    """Runs of given bytes, repeated: blocks that are equal are what matching is about."""
    out = b""
    for _ in range(choices.byte() % 8):
        run = choices.text()
        out += run * (1 + choices.byte() % 12)
    return out[:LIMIT]


def _source(choices: Choices, basis: bytes) -> bytes:
    """Parts of the basis, moved about, with other bytes between them."""
    out = b""
    while choices and len(out) < LIMIT:
        kind = choices.byte() % 4
        if kind < 2:
            start = choices.integer(2) % (len(basis) + 1)
            out += basis[start : start + choices.integer(2) % 2048]
        elif kind == 2:
            out += bytes(choices.byte()) * (1 + choices.byte() % 16)
        else:
            out += choices.text()
    return out[:LIMIT]


def _ops(
    head: SumHead, sums: bytes, checksums: Checksums, source: bytes, in_place: bool
) -> tuple[list[Op], bytes, bytes]:
    """The tokens with adjacent literals joined, their bytes as the matcher shows them, the digest."""
    hasher = checksums.new_file()
    matcher = Matcher(head, sums, checksums, in_place=in_place)
    ops: list[Op] = []
    shown = b""
    with memory_file(source) as fd:
        for op in matcher.ops(Source(fd, len(source)), hasher):
            if isinstance(op, int):
                ops.append(op)
                shown += bytes(matcher.matched)
            else:
                expect(len(op) > 0, "an empty literal")
                shown += bytes(op)
                if ops and isinstance(ops[-1], bytes):
                    ops[-1] += bytes(op)
                else:
                    ops.append(bytes(op))
    same(matcher.matches, sum(isinstance(op, int) for op in ops), "matches counted")
    return ops, shown, hasher.digest()


def _twin_ops(head: SumHead, sums: bytes, checksums: Checksums, source: bytes, in_place: bool) -> list[Op]:
    """The same with the twins in place of the kernel."""
    kept = native.SumTable, native.weak_sum
    native.SumTable, native.weak_sum = twins.SumTable, twins.weak_sum  # type: ignore[assignment, misc]
    try:
        return _ops(head, sums, checksums, source, in_place)[0]
    finally:
        native.SumTable, native.weak_sum = kept  # type: ignore[misc]


def fuzz_one(data: bytes) -> None:
    """Oracle: rebuilt from the tokens and the basis, the source is itself, also in place.

    The digests of both sides are equal and are the source's; the kernel and
    its twins choose the same tokens; in place no token names a block that
    is overwritten by then. A source equal to its basis has no literals.
    """
    choices = Choices(data)
    block = 1 + choices.byte() % 200
    strong = 4 + choices.byte() % 5
    name = choices.pick(NAMES)
    switches = choices.byte()
    checksums = Checksums(name, name, choices.integer(4), (29, 31)[switches & 1], bool(switches & 2))
    basis = _basis(choices)
    source = basis if switches & 8 else _source(choices, basis)
    count, rest = divmod(len(basis), block)
    head = SumHead(count + (rest > 0), block, strong, rest)
    if switches & 16:
        head = _chosen(basis, checksums, block if switches & 32 else 0, switches)
        strong = head.strong_length
    with memory_file(basis) as fd:
        sums = make_sums(fd, head, checksums)
        same(len(sums), head.count * (4 + strong), "bytes of sums")
        for verify in (False, True):
            _appended(head, basis, source, checksums, fd, verify=verify)
        for in_place in (False, True):
            ops, shown, digest = _ops(head, sums, checksums, source, in_place)
            same(shown, source, "literals and matched blocks")
            same(_twin_ops(head, sums, checksums, source, in_place), ops, "tokens of kernel and twins")
            if source == basis:
                expect(not any(isinstance(op, bytes) for op in ops), "literals of an unchanged file")
            if in_place:
                _overwritten(head, ops)
            hasher = checksums.new_file()
            target = InPlace(fd) if in_place else Sink()
            rebuilt = Reconstructor(head, fd, target, hasher, in_place=in_place)
            for op in ops:
                if isinstance(op, int):
                    rebuilt.copy(op)
                else:
                    rebuilt.literal(op)
            got = target.finish() if isinstance(target, InPlace) else bytes(target.data)
            same(got, source, f"rebuilt from {ops}, in place: {in_place}")
            same(hasher.digest(), digest, "digest of the rebuilt file")
            same(
                (rebuilt.offset, rebuilt.literal_bytes + rebuilt.matched_bytes), (len(source),) * 2, "lengths"
            )
    hasher = checksums.new_file()
    hasher.update(source)
    same(digest, hasher.digest(), "digest of the source")


def _chosen(basis: bytes, checksums: Checksums, block: int, switches: int) -> SumHead:
    """What a receiver would ask with; a longer strong sum, for a fuzzer finds pairs of equal short ones."""
    protocol = (29, 31)[switches & 1]
    length = checksums.digest_length
    head = choose_sums(
        len(basis), protocol=protocol, digest_length=length, block_size=block, full=bool(switches & 64)
    )
    expect(2 <= head.strong_length <= length, f"strong sums of {head.strong_length} bytes")
    same(head.file_length, len(basis), "length that the sums cover")
    same(sumhead.decode(Cursor(sumhead.encode(head)), MAX_BLOCK_SIZE, length), head, "a head that is sent")
    return SumHead(head.count, head.block_length, max(head.strong_length, 4), head.remainder)


def _appended(
    head: SumHead, basis: bytes, source: bytes, checksums: Checksums, fd: int, *, verify: bool
) -> None:
    """``--append``: what the sums cover stays, the rest comes; digests tell if what stays is wrong."""
    ours, theirs = checksums.new_file(), checksums.new_file()
    with memory_file(source) as other:
        sent = b"".join(bytes(op) for op in append_ops(Source(other, len(source)), head, ours, verify=verify))
    same(sent, source[head.file_length :], "bytes appended")
    rebuilt = Reconstructor(head, fd, Sink(), theirs)
    rebuilt.append(verify=verify)
    rebuilt.literal(sent)
    same(rebuilt.offset, len(basis) + len(sent), "length of the appended file")
    if verify:
        stays = basis + sent == source
        same(ours.digest() == theirs.digest(), stays, f"digests are equal; the file is right: {stays}")


def _overwritten(head: SumHead, ops: list[Op]) -> None:
    """No block that comes before the offset is named, but for those that were left as they are."""
    offset = 0
    staying: set[int] = set()
    for op in ops:
        if isinstance(op, int):
            expect(
                op * head.block_length >= offset or op in staying,
                f"block {op} at offset {offset}: overwritten",
            )
            if op * head.block_length == offset:
                staying.add(op)
            offset += head.block_size(op)
        else:
            offset += len(op)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Files that are equal, shifted, shuffled, full of zeros; short last blocks."""
    head = bytes((15, 2, 0, 1)) + b"\1\2\3\4"
    basis = b"\3" + b"\x20" + bytes(range(32)) + b"\2" + b"\7basis##\5" + b"\1\0\x0b"
    yield "equal", bytes((15, 2, 0, 9)) + b"\1\2\3\4" + basis
    yield "shifted", head + basis + b"\3\3new" + b"\0\0\0\xff\1"
    yield "shuffled", head + basis + b"\0\x30\0\x30\0\0\0\0\x50\0\3\1x\0\x10\0\x40\0"
    yield "cut", head + basis + b"\0\0\0\x21\0\0\x25\0\x40\0"
    yield "zeros", bytes((7, 0, 1, 3)) + bytes(4) + b"\1\xff" + bytes(255) + b"\3" + b"\2\x28\3\3\1x\2\x30\1"
    yield "repeated", bytes((2, 4, 3, 0)) + bytes(4) + b"\1\4abab\x0b" + b"\0\1\0\x20\0\3\1a\0\0\0\x30\0"
    for number in range(len(NAMES)):
        yield f"checksum.{number}", bytes((9, 3, number, 3)) + b"\xff\1\0\x80" + basis + b"\0\2\0\x40\0\3\2zz"
    for switches in (0x10, 0x31, 0x52, 0x73):
        yield (
            f"chosen.{switches:x}",
            bytes((30, 0, 1, switches)) + b"\1\0\0\0" + basis + b"\0\2\0\x40\0\3\2zz",
        )
    yield "appended", head + basis + b"\0\0\0\xff\7\3\4more"
    yield (
        "short_last",
        bytes((99, 0, 0, 0)) + bytes(4) + b"\1\xc8" + bytes(range(200)) + b"\0" + b"\0\x64\0\x64\0",
    )
