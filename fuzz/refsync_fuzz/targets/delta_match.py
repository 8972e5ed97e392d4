"""Finding the blocks of a basis in a source, and rebuilding the source from them.

Input: block length, strong length, checksum and switches; then pieces that make
up the basis, then edits that make the source out of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import xxhash
from refsync import native
from refsync.delta import match
from refsync.delta import search as delta_search
from refsync.delta import source as delta_source
from refsync.delta.apply import Reconstructor
from refsync.delta.checksums import Checksums
from refsync.delta.match import Matcher, append_ops
from refsync.delta.search import Search
from refsync.delta.signature import choose_sums, make_sums
from refsync.delta.source import Source, spoiled_digest
from refsync.native import twins
from refsync.wire import sumhead, tokens
from refsync.wire.cursor import Cursor
from refsync.wire.limits import MAX_BLOCK_SIZE
from refsync.wire.sumhead import SumHead
from refsync.wire.tokens import PlainEncoder

from ..choices import Choices
from ..oracle import constants, expect, same
from ..target import Surface
from ._files import InPlace, Sink, memory_file

NAMES = ("xxh128", "md5", "md4", "xxh64", "sha1", "xxh3")
SMALL_CHUNK = 64
LIMIT = 20_000  # bytes of either file
TWINS = 1500  # of a source up to so many bytes the twins have to find the same: they are slow

SURFACE = Surface(
    priority=1,
    clauses=("SUM-3", "SUM-11", "SUM-12", "SUM-13", "SUM-14"),
    code=(
        "refsync.delta.match",
        "refsync.delta.search",
        "refsync.delta.source",
        "refsync.delta.signature",
        "refsync.delta.checksums",
    ),
    oracle="RDS",
    dictionary={"zeros": bytes(16), "ones": b"\xff" * 16, "copy": b"\1\0\0\xff", "repeat": b"\2\xff"},
    max_length=600,
    slow="four files in memory for each input; the twins search in Python",
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
    chunk, ended = vars(match)["CHUNK_SIZE"], False
    hasher = checksums.new_file()
    matcher = Matcher(head, sums, checksums, in_place=in_place)
    ops: list[Op] = []
    shown = b""
    with memory_file(source) as fd:
        for op in matcher.ops(Source(fd, len(source)), hasher):
            if isinstance(op, int):
                ended = False
                ops.append(op)
                shown += bytes(matcher.matched)
            else:
                expect(len(op) > 0 and not ended, f"a literal of {len(op)} bytes behind a run's end")
                ended = len(op) % chunk != 0
                shown += bytes(op)
                if ops and isinstance(ops[-1], bytes):
                    ops[-1] += bytes(op)
                else:
                    ops.append(bytes(op))
    same(matcher.matches, sum(isinstance(op, int) for op in ops), "matches counted")
    return ops, shown, hasher.digest()


def _kernel_ops(head: SumHead, sums: bytes, checksums: Checksums, source: bytes, in_place: bool) -> None:
    """The kernel's search of the file itself finds what the twin does, in the same pieces, also as tokens."""
    with memory_file(source) as fd:
        hashers = [checksums.new_file() for _ in range(3)]
        search = Search(head, sums, checksums, Source(fd, len(source)), hashers[0], in_place=in_place)
        if not search.native:
            return
        ops = [op if isinstance(op, int) else bytes(op) for op in search.ops()]
        matcher = Matcher(head, sums, checksums, in_place=in_place)
        found = [
            op if isinstance(op, int) else bytes(op)
            for op in matcher.ops(Source(fd, len(source)), hashers[1])
        ]
        same(ops, found, "what the kernel finds")
        counts = matcher.matches, matcher.false_alarms
        same((search.matches, search.false_alarms), counts, "matches and false alarms")
        again = Search(head, sums, checksums, Source(fd, len(source)), hashers[2], in_place=in_place)
        encoder, literal, matched, stream = PlainEncoder(), 0, 0, b""
        for piece, more, blocks in again.tokens():
            stream, literal, matched = stream + bytes(piece), literal + more, matched + blocks
        with constants(tokens, CHUNK_SIZE=vars(match)["CHUNK_SIZE"]):
            told = b"".join(
                encoder.match(op, b"") if isinstance(op, int) else encoder.literal(op) for op in ops
            )
        same(stream, told, "its tokens")
        same(literal, sum(len(op) for op in ops if isinstance(op, bytes)), "its literal bytes")
        same(literal + matched, len(source), "all bytes")
        same(len({hasher.digest() for hasher in hashers}), 1, "digests")


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
    is overwritten by then. What has become shorter reads as zeros, and is known to.
    A source equal to its basis has no literals.
    """
    choices = Choices(data)
    block = 1 + choices.byte() % 200
    strong_byte = choices.byte()
    strong = 4 + (strong_byte & 0x3F) % 5
    name = choices.pick(NAMES)
    switches = choices.byte()
    checksums = Checksums(name, name, choices.integer(4), (29, 31)[switches & 1], bool(switches & 2))
    basis = _basis(choices)
    source = basis if switches & 8 else _source(choices, basis)
    # so that small files are large ones: literals of few bytes, and no patience with false alarms
    chunks = {"CHUNK_SIZE": SMALL_CHUNK} if strong_byte >= 0x80 else {}
    patience = {"ALARM_FACTOR": 0, "ALARM_ALLOWANCE": 0} if strong_byte & 0x40 else {}
    reads = {"READ_SIZE": SMALL_CHUNK} if strong_byte >= 0x80 else {}
    with (
        constants(match, **chunks, **patience),
        constants(delta_search, **chunks, **patience, **reads),
        constants(delta_source, **reads),
    ):
        _checked(checksums, basis, source, block, strong, switches)
    if switches & 0x80:
        _cut_short(basis, checksums, block)


def _checked(
    checksums: Checksums, basis: bytes, source: bytes, block: int, strong: int, switches: int
) -> None:
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
        for in_place in (False, True) if switches & 0x80 else (bool(switches & 4),):
            ops, shown, digest = _ops(head, sums, checksums, source, in_place)
            same(shown, source, "literals and matched blocks")
            _kernel_ops(head, sums, checksums, source, in_place)
            if len(source) <= TWINS:
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


def _cut_short(basis: bytes, checksums: Checksums, block: int) -> None:
    """A file that is shorter than it was reads as zeros, at either end, and says so (XFER-12, SUM-1)."""
    size, left = len(basis), basis[: len(basis) // 2]
    padded = left.ljust(size, b"\0")
    count, rest = divmod(size, block)
    head = SumHead(count + (rest > 0), block, 4, rest)
    with memory_file(left) as fd, memory_file(padded) as whole:
        same(make_sums(fd, head, checksums), make_sums(whole, head, checksums), "sums of a file cut short")
        same(checksums.digest_of(fd, size), checksums.digest_of(whole, size), "its digest in the list")
        for descriptor in (fd, whole, -1):
            source, room = Source(descriptor, size), bytearray(b"\xa5" * size)
            same(source.read_into(memoryview(room)), size, "bytes read")
            gone = size and descriptor != whole and (descriptor < 0 or size > len(left))
            same(source.shrank, bool(gone), f"whether it is known to have shrunk: {source.error}")
            same(bytes(room), bytes(size) if descriptor < 0 else padded, "what is read of it")
        digest = checksums.digest_of(whole, size)
        spoiled = spoiled_digest(digest)
        expect(spoiled != digest and len(spoiled) == len(digest), "a digest that is not spoiled")
        expect(spoiled_digest(bytes(len(digest))) != bytes(len(digest)), "zeros that are not spoiled")
    if checksums.transfer in SHOWN:
        wanted = SHOWN[checksums.transfer](padded).encode()
        same(checksums.shown(digest, listed=True), wanted, "the digest as other programs print it")
    nothing = Checksums("none", "none", 7, 31, False)
    same((nothing.shown(b"\0", listed=True), nothing.block(basis)), (b"", b"\0"), "no checksum")
    same(nothing.new_file().digest(), b"\0", "the digest of no checksum")


#: What prints digests by itself.
SHOWN: dict[str, Callable[[bytes], str]] = {
    "xxh128": lambda data: xxhash.xxh3_128_hexdigest(data),
    "xxh3": lambda data: xxhash.xxh3_64_hexdigest(data),
    "xxh64": lambda data: xxhash.xxh64_hexdigest(data),
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest(),
}


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
    """Each pair of files, rebuilt beside the basis and over it."""
    for name, data in _pairs():
        yield name, data
        if name.partition(".")[0] not in ("cut_short", "checksum"):
            yield f"{name}.in_place", data[:3] + bytes((data[3] | 4,)) + data[4:]


def _pairs() -> Iterator[tuple[str, bytes]]:
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
    for number in range(len(NAMES)):
        yield f"cut_short.{number}", bytes((9, 3, number, 0x80)) + b"\xff\1\0\x80" + basis + b"\0\2\0\x40\0"
    yield "small_chunks", bytes((30, 0x80, 0, 1)) + bytes(4) + basis + b"\3\xff" + bytes(range(255)) * 2
    yield "alarms", bytes((2, 0xC0, 0, 1)) + bytes(4) + b"\1\3\0\2\0\x0b" + b"\3\xfc" + b"\1\0\1" * 84
    yield (
        "alarms_long",
        bytes((2, 0xC0, 0, 1)) + bytes(4) + b"\1\3\0\2\0\x0b" + b"\3\xfc" + b"\1\0\1" * 84 + b"\3\4long",
    )
    yield (
        "zeros_end",
        bytes((6, 0, 0, 5)) + bytes(4) + b"\2\7" + bytes(7) + b"\5\1x\0" + b"\3\3abc" + b"\2\x0d\0\3\2xy" * 3,
    )
    yield "alarms_twice", bytes((2, 0x40, 0, 5)) + bytes(4) + b"\1\3\0\2\0\x0b" + b"\3\x09" + b"\1\0\1" * 3
    yield "appended", head + basis + b"\0\0\0\xff\7\3\4more"
    yield (
        "short_last",
        bytes((99, 0, 0, 0)) + bytes(4) + b"\1\xc8" + bytes(range(200)) + b"\0" + b"\0\x64\0\x64\0",
    )
