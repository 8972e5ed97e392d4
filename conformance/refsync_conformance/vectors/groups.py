"""All vectors, made by the reference's codecs from chosen values.

The values are those at which codecs go wrong: each step in length, both signs, the limits, the empty one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from refsync.delta.checksums import LENGTHS, Checksums
from refsync.native import weak_sum
from refsync.wire import (
    compat,
    filterlist,
    greeting,
    idlist,
    integers,
    items,
    mux,
    ndx,
    negotiation,
    stats,
    sumhead,
    tokens,
)
from refsync.wire.dialect import build
from refsync.wire.sumhead import SumHead

from .lists import list_groups
from .model import Group, Vector, encoded, refused

_STEPS = {sign * (1 << bits) + step for bits in range(32) for sign in (1, -1) for step in (-1, 0, 1)}
INT_EDGES = sorted(value for value in _STEPS if -(1 << 31) <= value < 1 << 31)
LONG_EDGES = sorted({(1 << bits) + step for bits in range(63) for step in (-1, 0, 1)} - {-1})
#: Compatibility flags of a 3.4 server that speaks to a 3.4 client, without incremental recursion.
FLAGS = 0x1FE


def groups() -> Iterator[Group]:
    """Every group, in the order of the protocol."""
    yield from _integers()
    yield from _opening()
    yield from _frames()
    yield from list_groups()
    yield from _transfer()
    yield from _sums()


def _integers() -> Iterator[Group]:
    yield Group("int32", "INT-3", "A four-byte int", encoded(integers.int32, INT_EDGES))
    yield Group(
        "varint",
        "INT-5",
        "An int of one to five bytes (from protocol 30)",
        encoded(integers.varint, INT_EDGES)
        + refused(
            integers.read_varint, {"five bytes announced, one there": b"\xf0", "too long": b"\xff" * 9}
        ),
    )
    for minimum in (3, 4):
        yield Group(
            f"varlong-{minimum}",
            "INT-7",
            f"A long of {minimum} bytes or more (from protocol 30)",
            encoded(partial(integers.varlong, min_bytes=minimum), LONG_EDGES),
            {"min_bytes": minimum},
        )
    yield Group("longint", "INT-4", "A long below protocol 30", encoded(integers.longint, LONG_EDGES))
    texts = ["", "a", "x" * 127, "x" * 128, "é" * 100]
    yield Group(
        "vstring",
        "INT-8",
        "A string behind one or two bytes of length",
        tuple(Vector(integers.vstring(text.encode()), text) for text in texts),
    )


def _opening() -> Iterator[Group]:
    found = [
        greeting.Greeting(32),
        greeting.Greeting(31, 0, ("md5", "md4")),
        greeting.Greeting(30, 0, None),
        greeting.Greeting(29, 0, None),
    ]
    yield Group(
        "greeting",
        "GREET-1",
        "The first line of a daemon and of its client",
        tuple(
            Vector(
                greeting.encode_greeting(one),
                {"protocol": one.protocol, "subprotocol": one.sub, "digests": one.digests},
            )
            for one in found
        ),
    )
    names = [
        ["xxh128", "xxh3", "xxh64", "md5", "md4", "sha1", "none"],
        ["md5"],
        ["zstd", "lz4", "zlibx", "zlib"],
    ]
    yield Group(
        "names",
        "SETUP-8",
        "A list of checksums or compressions",
        encoded(negotiation.encode_names, names)
        + refused(negotiation.decode_names, {"256 bytes": integers.vstring(b"a" * 256)}),
    )
    flags = [0, FLAGS, FLAGS | compat.INC_RECURSE]
    yield Group(
        "compat-flags",
        "SETUP-6",
        "What the server answers to the letters behind -e.",
        encoded(compat.encode_flags, flags),
    )
    yield Group(
        "filter-list",
        "FILT-1",
        "The client's filter rules",
        tuple(
            Vector(filterlist.encode([rule.encode() for rule in rules]), rules)
            for rules in ([], ["- *.o"], ["+ keep", "- /tmp/", ":C", "!"])
        )
        + refused(
            filterlist.decode,
            {"negative": b"\xff\xff\xff\xff", "too long": integers.int32(100_000), "cut": b"\3\0\0\0-"},
        ),
    )


def _frames() -> Iterator[Group]:
    chosen = [
        (mux.DATA, b"hello"),
        (mux.DATA, b""),
        (mux.INFO, b"text\n"),
        (mux.ERROR_XFER, b"rsync: oops\n"),
        (mux.IO_ERROR, b"\1\0\0\0"),
        (mux.NO_SEND, b"\x2a\0\0\0"),
        (mux.SUCCESS, b"\x2a\0\0\0"),
        (mux.DELETED, b"sub/dir\0"),
        (mux.NOOP, b""),
        (mux.ERROR_EXIT, b"\x17\0\0\0"),
    ]
    yield Group(
        "frame",
        "MUX-1",
        "One frame: a message or file data",
        tuple(
            Vector(mux.encode(code, payload), {"code": mux.MESSAGES[code][0], "payload": payload.hex()})
            for code, payload in chosen
        )
        + refused(
            mux.decode,
            {
                "unknown code": b"abcd",
                "a code of one side's own": mux.encode_header(mux.REDO, 4) + b"\0" * 4,
                "an io_error of two bytes": mux.encode_header(mux.IO_ERROR, 2) + b"\0\0",
                "text that is too long": mux.encode_header(mux.INFO, 6000) + b"a" * 6000,
                "half a header": b"\0\0",
            },
        ),
    )


def _transfer() -> Iterator[Group]:
    for modern in (True, False):
        codec = ndx.NdxCodec(modern)
        sequence = [1, 2, 3, 300, 299, 299, 40_000, -1, -2, -101, -105, 40_001, 5, 2_000_000_000, -1]
        yield Group(
            "index-delta" if modern else "index-int",
            "NDX-2",
            "File indexes, one after the other on one connection: the codec has a state",
            encoded(codec.encode, sequence),
            {"protocol": 30 if modern else 29},
        )
    chosen = [
        items.ItemAttrs(0xA000),
        items.ItemAttrs(0x8004),
        items.ItemAttrs(0x8804, 0x81),
        items.ItemAttrs(0x9804, 0x83, b"similar"),
        items.ItemAttrs(0x5002, items.BASIS_FNAME, b"first-name"),
    ]
    yield Group(
        "item",
        "XFER-3",
        "What stands behind an index from protocol 29",
        tuple(
            Vector(
                items.encode(one),
                {
                    "flags": one.iflags,
                    "basis": one.basis_type,
                    "name": None if one.xname is None else one.xname.decode(),
                },
            )
            for one in chosen
        ),
    )
    heads = [SumHead(), SumHead(156, 700, 2, 334), SumHead(1, 131072, 16, 0)]
    yield Group(
        "sum-head",
        "SUM-1",
        "The head of the block sums",
        tuple(
            Vector(sumhead.encode(head), [head.count, head.block_length, head.strong_length, head.remainder])
            for head in heads
        )
        + refused(
            lambda cursor: sumhead.decode(cursor, 131072, 16),
            {
                "negative count": sumhead.encode(SumHead(-1, 700, 2, 0)),
                "blocks of no length": sumhead.encode(SumHead(1, 0, 2, 0)),
                "sums longer than the digest": sumhead.encode(SumHead(1, 700, 17, 0)),
                "a last block longer than the others": sumhead.encode(SumHead(1, 700, 2, 701)),
            },
        ),
        {"max_block_length": 131072, "digest_length": 16},
    )
    plain = tokens.PlainEncoder()
    yield Group(
        "tokens-plain",
        "TOK-1",
        "The data of a file, uncompressed",
        (
            Vector(plain.literal(b"hello") + plain.end(), [{"literal": b"hello".hex()}]),
            Vector(
                plain.match(0, b"") + plain.match(5, b"") + plain.literal(b"\0") + plain.end(),
                [{"block": 0}, {"block": 5}, {"literal": "00"}],
            ),
            Vector(plain.end(), []),
        ),
    )
    for protocol in (28, 29, 32):
        dialect = build(protocol, FLAGS)
        totals = stats.SessionStats(81, 109_141, 5_000_000_000, 1, 2)
        value = [81, 109_141, 5_000_000_000, 1, 2][: 5 if dialect.stats_have_times else 3]
        yield Group(
            f"totals-{protocol}",
            "END-4",
            "What a server that sent tells at the end",
            (Vector(stats.encode_stats(totals, dialect), value),),
            {"protocol": protocol},
        )
    deleted = stats.DeleteStats(5, 2, 1, 0, 300)
    yield Group(
        "deletions",
        "DEL-6",
        "Files, directories, symlinks, devices, specials",
        (Vector(stats.encode_delete_stats(deleted), [5, 2, 1, 0, 300]),),
    )
    names: dict[int, bytes] = {1000: b"user", 70_000: b"other"}
    for varints, zero in ((True, b"root"), (True, None), (False, None)):
        yield Group(
            f"id-names-{'varint' if varints else 'int'}{'-zero' if zero else ''}",
            "FLIST-21",
            "Names of ids behind a file list",
            (
                Vector(
                    idlist.encode(names.items(), varints=varints, id0_name=zero),
                    {str(number): name.decode() for number, name in names.items()}
                    | ({"0": "root"} if zero else {}),
                ),
            ),
            {"varints": varints, "id0_names": zero is not None},
        )


def _sums() -> Iterator[Group]:
    texts = {"empty": b"", "abc": b"abc", "all bytes": bytes(range(256)), "700 a": b"a" * 700}
    yield Group(
        "weak-sum",
        "SUM-3",
        "The rolling sum of a block; the value is its input in hex",
        tuple(
            Vector(weak_sum(text).to_bytes(4, "little"), text.hex(), comment=name)
            for name, text in texts.items()
        ),
    )
    for name in LENGTHS:
        if name == "none":
            continue
        for seed in (0, 12345, -5):
            for seed_first in (True, False) if name == "md5" and seed else (True,):
                sums = Checksums(name, name, seed, 32, seed_first)
                context: dict[str, Any] = {"checksum": name, "seed": seed}
                if name == "md5":
                    context["CF_CHKSUM_SEED_FIX"] = seed_first
                yield Group(
                    f"block-sum-{name}-{seed}{'' if seed_first else '-old'}",
                    "SUM-6",
                    "The strong sum of a block; the value is its input in hex",
                    tuple(
                        Vector(sums.block(text), text.hex(), comment=which)
                        for which, text in texts.items()
                        if text
                    ),
                    context,
                )
        hashes = []
        for which, text in texts.items():
            hasher = Checksums(name, name, 0, 32, True).new_file()
            hasher.update(text)
            hashes.append(Vector(hasher.digest(), text.hex(), comment=which))
        yield Group(
            f"file-digest-{name}",
            "SUM-5",
            "The digest of a whole file; the value is its input in hex",
            tuple(hashes),
            {"checksum": name},
        )
