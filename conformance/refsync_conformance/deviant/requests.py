"""Receivers whose requests are not what they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refsync.engine import generator, receiver
from refsync.engine.basis import Basis
from refsync.engine.session import Session
from refsync.wire import items, sumhead
from refsync.wire.cursor import Cursor
from refsync.wire.integers import int32
from refsync.wire.ndx import NdxCodec
from refsync.wire.sumhead import SumHead

from .table import HARMLESS, NEWER, SKIPPED, deviation, wrap


def _index(change: Callable[[int], int]) -> None:
    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda self, ndx: encode(self, change(ndx) if ndx >= 0 else ndx)

    wrap(NdxCodec, "encode", make)


def sums_instead(crafted: Callable[[generator.Generator, bool], tuple[SumHead, bytes] | None]) -> None:
    """Ask for each file with the head and the sums that ``(generator, again)`` gives; None: with its own."""

    def make(own: Callable[..., Any]) -> Callable[..., Any]:
        async def send(self: generator.Generator, basis: Basis, *, again: bool) -> None:
            made = crafted(self, again)
            if made is None:
                await own(self, basis, again=again)
                return
            self._session.link.write(sumhead.encode(made[0]) + made[1])
            basis.close()

        return send

    wrap(generator.Generator, "_send_sums", make)
    answer_with_any_head()


def _head(head: SumHead, sums: bytes = b"") -> None:
    """Ask for each file with this head and these sums, and nothing behind them."""
    sums_instead(lambda self, again: (head, sums))


def answer_with_any_head() -> None:
    """Take what the victim answers whatever its head says."""

    def unchecked(cursor: Cursor) -> SumHead:
        """The victim's answer repeats the head: the deviant must not be the one who complains."""
        cursor.take(16)
        return SumHead()

    async def read_head(self: receiver.Receiver) -> SumHead:
        return await self._session.link.read(unchecked)

    wrap(receiver.Receiver, "_read_head", lambda _: read_head)


@deviation(
    70, "request-for-no-file", "A request for an index beyond the list", clause="NDX-5", side="receiver"
)
def request_for_no_file() -> None:
    """Every index is 100,000 more than it should be."""
    _index(lambda ndx: ndx + 100_000)


@deviation(
    71,
    "request-for-directory",
    "A request for a directory's data",
    clause="XFER-7",
    side="receiver",
    advisory="CVE-2025-10158",
)
def request_for_directory() -> None:
    """Index 0, which with incremental recursion stands before the first list."""
    _index(lambda ndx: 0)


@deviation(72, "request-negative", "A request for a file list", clause="NDX-5", side="receiver")
def request_negative() -> None:
    """An index that only a sender may use."""
    _index(lambda ndx: -150)


@deviation(
    73, "sums-too-long", "Strong sums of 64 bytes", clause="SUM-2", side="receiver", advisory="CVE-2024-12084"
)
def sums_too_long() -> None:
    """Longer than any digest."""
    _head(SumHead(1, 700, 64, 0), b"\0" * 68)


@deviation(
    74,
    "sums-longer-than-digest",
    "Strong sums longer than the digest",
    clause="SUM-2",
    side="receiver",
    options=("--checksum-choice=xxh64",),
    advisory="CVE-2024-12085",
)
def sums_longer_than_digest() -> None:
    """Nine bytes of a digest of eight: what would the ninth be compared with?"""
    _head(SumHead(1, 700, 9, 0), b"\0" * 13)


@deviation(
    75, "blocks-of-nothing", "Blocks of no length", clause="SUM-2", side="receiver", advisory="CVE-2026-53792"
)
def blocks_of_nothing() -> None:
    """One block of 0 bytes. Upstream takes it before 3.5."""
    _head(SumHead(1, 0, 2, 0), b"\0" * 6)


@deviation(
    76,
    "blocks-too-many",
    "2,147,483,647 block sums",
    clause="SUM-2",
    side="receiver",
    expect=frozenset((2, 12, 22, 30)),
    options=("--timeout=1",),
)
def blocks_too_many() -> None:
    """Announced and never sent: no memory is to be taken for them."""
    _head(SumHead(0x7FFFFFFF, 700, 16, 0))


@deviation(77, "block-too-long", "Blocks of 1 GiB", clause="SUM-2", side="receiver")
def block_too_long() -> None:
    """From protocol 30 on a block has at most 128 KiB."""
    _head(SumHead(1, 1 << 30, 2, 0), b"\0" * 6)


@deviation(78, "remainder-too-long", "A last block longer than the others", clause="SUM-2", side="receiver")
def remainder_too_long() -> None:
    """700 bytes a block, 701 in the last."""
    _head(SumHead(2, 700, 2, 701), b"\0" * 12)


@deviation(
    79,
    "sums-all-alike",
    "Ten thousand blocks with one weak sum",
    clause="SUM-14",
    side="receiver",
    expect=HARMLESS,
    advisory="CVE-2026-70453",
)
def sums_all_alike() -> None:
    """Every block is said to be zeros, with strong sums that never fit: the work stays bounded."""
    sums = b"".join(int32(0) + number.to_bytes(2, "big") for number in range(10_000))
    _head(SumHead(10_000, 700, 2, 0), sums)


@deviation(
    80,
    "request-twice",
    "Everything is asked for three times",
    clause="XFER-3",
    side="receiver",
    expect=SKIPPED | {0},
)
def request_twice() -> None:
    """The sender answers, or ends; it does not fall over."""

    def make(request: Callable[..., Any]) -> Callable[..., Any]:
        async def thrice(self: generator.Generator, *rest: Any, **named: Any) -> None:
            for _ in range(3):
                await request(self, *rest, **named)

        return thrice

    wrap(generator.Generator, "_request", make)


@deviation(
    81,
    "basis-elsewhere",
    "A request that names a basis above the destination",
    clause="XFER-5",
    side="receiver",
    expect=HARMLESS,
    advisory="CVE-2017-17434",
)
def basis_elsewhere() -> None:
    """The sender only echoes the name: it opens nothing by it."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(found: items.ItemAttrs) -> bytes:
            flags = found.iflags | items.BASIS_TYPE_FOLLOWS | items.XNAME_FOLLOWS
            return encode(items.ItemAttrs(flags, items.BASIS_FUZZY, b"../../../../etc/passwd"))

        return changed

    wrap(items, "encode", make)


@deviation(
    82,
    "filter-negative",
    "A filter rule of negative length",
    clause="FILT-2",
    side="receiver",
    judges=("server",),
    advisory="CVE-2002-0048",
)
def filter_negative() -> None:
    """The client's list begins with a length of -1."""
    _replace_exchange(int32(-1))


@deviation(83, "filter-huge", "A filter rule of 1 GiB", clause="FILT-2", side="receiver", judges=("server",))
def filter_huge() -> None:
    """Announced and never sent."""
    _replace_exchange(int32(1 << 30))


@deviation(
    84,
    "filter-endless",
    "A filter list without an end",
    clause="END-6",
    side="receiver",
    judges=("server",),
    options=("--timeout=1",),
    expect=frozenset((12, 20, 22, 30)),
)
def filter_endless() -> None:
    """A rule, then silence, without a sign of life."""
    wrap(Session, "keepalive", lambda keepalive: lambda self: None)
    _replace_exchange(int32(3) + b"- x")


def _replace_exchange(data: bytes) -> None:
    from refsync.engine import client

    wrap(client, "client_rules", lambda rules: lambda *rest, **named: data)


@deviation(
    85,
    "attributes-cut",
    "Hanging up inside of a request",
    clause="END-8",
    side="receiver",
    expect=frozenset((12, 20, 23)),
    protocols=NEWER,
)
def attributes_cut() -> None:
    """The index comes, the flags do not."""
    import os

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def last(found: items.ItemAttrs) -> bytes:
            os._exit(9)

        return last

    wrap(items, "encode", make)


@deviation(
    86,
    "sign-of-life-29",
    "A sign of life as protocol 29 has it",
    clause="MUX-11",
    side="receiver",
    protocols=(29,),
    expect=frozenset((0,)),
)
def sign_of_life_29() -> None:
    """An index one past the last with the flag of something new, before the first request, means nothing."""

    def make(first_phase: Callable[..., Any]) -> Callable[..., Any]:
        async def after_a_sign(self: generator.Generator) -> None:
            self._session.link.write(int32(self._first.end) + items.encode(items.ItemAttrs(items.IS_NEW)))
            await first_phase(self)

        return after_a_sign

    wrap(generator.Generator, "_first_phase", make)
