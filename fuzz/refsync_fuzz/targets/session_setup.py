"""The setup of a session, from the version to the seed, on either side.

Input: the offer (switches, protocol, letters, environment behind their lengths),
then the bytes of the peer.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.records import replace
from refsync.session import setup
from refsync.session.link import Link, PeerClosed
from refsync.session.setup import Agreement, Offer
from refsync.session.tasks import Tasks
from refsync.wire import batch as batch_head
from refsync.wire import compat, negotiation
from refsync.wire.batch import Head
from refsync.wire.dialect import MAX_PROTOCOL, MIN_PROTOCOL
from refsync.wire.errors import RefsyncError
from refsync.wire.integers import int32, varint

from ..choices import Choices, spread
from ..oracle import expect, same
from ..target import Surface

PROTOCOLS = tuple(range(MIN_PROTOCOL, MAX_PROTOCOL + 1))

SURFACE = Surface(
    priority=0,
    clauses=("SETUP-1", "SETUP-2", "SETUP-3", "SETUP-5", "SETUP-7", "SETUP-9", "SETUP-12"),
    code=("refsync.session.setup", "refsync.session.tasks"),
    oracle="ECS",
    dictionary={
        **{f"version_{protocol}": int32(protocol) for protocol in (19, 20, *PROTOCOLS, 40, 41)},
        "letters": compat.capability_letters(True).encode(),
        "pre_release": b"32.3iLsfxCIvu",
        "flags": varint(0x1FF),
        "checksums": negotiation.encode_names(negotiation.CHECKSUM_NAMES),
        "compressions": negotiation.encode_names(negotiation.COMPRESS_NAMES),
        "seed": int32(12345),
    },
    max_length=6000,
)

#: How a setup ended: an agreement, the exit code of a refusal, or None while it waits.
Ended = Agreement | int | None


def _offer(choices: Choices, server: bool) -> Offer:
    switches = choices.byte()
    letters = choices.text()
    if switches & 0x80:
        letters = letters[:1] * 5000 + letters  # as long as an argument may be
    environment = choices.text().decode("latin-1") if switches & 8 else None
    return Offer(
        server=server,
        protocol=choices.pick(PROTOCOLS),
        remote_protocol=choices.pick((0, 0, 27, 31, 32, 99)) if switches & 0x10 else 0,
        letters=letters.decode("latin-1") if server else "",
        allow_inc_recurse=bool(switches & 1),
        compress=bool(switches & 2),
        compress_choice="zlib" if switches & 4 else None,
        checksum_choice=("md5", "xxhash,md4", "auto", "foo")[switches >> 5 & 3] if switches & 8 else None,
        checksum_environment=environment,
        seed=1,
    )


def _special(offer: Offer, mode: int) -> Offer:
    """What few runs need: versions that a user must not ask for, names that arrive, needs, a batch."""
    changes: dict[str, object] = {}
    if mode & 0x18 == 0x18:
        changes["protocol"] = MIN_PROTOCOL - 1 if mode & 0x20 else MAX_PROTOCOL + 1
    elif mode & 8:
        changes["needs"] = (("--open-noatime", 31),)
    elif mode & 0x10:
        changes["writes_batch"] = True
    if mode & 0x80:
        changes["compress_choice"] = "foo"
    if mode & 0x20:
        changes["names_arrive"] = True
    return replace(offer, **changes)


def _run(offer: Offer, stream: bytes, pieces: list[int], *, batch: bool = False) -> tuple[Ended, bytes]:
    """Drive one side, or the reader of a batch file; what it ended with and what it sent."""
    link = Link()
    if batch:
        tasks = Tasks(link, setup.read_batch_setup(link, offer, lambda head: _of_batch(offer, head)))
    else:
        tasks = Tasks(link, setup.negotiate(link, offer))
    sent = b""
    at = turn = 0
    try:
        while True:
            tasks.step()
            sent += bytes(link.output())
            link.sent(len(link.output()))
            if tasks.done:
                result = tasks.results[0]
                expect(isinstance(result, Agreement), f"agreed on {result!r}")
                link.feed(stream[at:])  # what follows is the session's; its frames are checked all the same
                return result, sent
            if at >= len(stream):
                link.feed_eof()
                tasks.step()
                expect(tasks.done, "waits for a peer that has gone")
            size = pieces[min(turn, len(pieces) - 1)] if pieces else len(stream)
            turn += 1
            link.feed(stream[at : at + size])
            at += size
    except PeerClosed:
        return None, sent + bytes(link.output())
    except RefsyncError as error:
        expect(1 <= error.code <= 30 and error.message, f"a refusal with code {error.code}")
        return error.code, sent + bytes(link.output())


def _possible(offer: Offer, agreed: Agreement) -> None:
    speech = agreed.dialect
    expect(MIN_PROTOCOL <= speech.protocol <= offer.protocol, f"agreed on protocol {speech.protocol}")
    expect(agreed.transfer_checksum in negotiation.CHECKSUM_NAMES, agreed.transfer_checksum)
    expect(agreed.list_checksum in negotiation.CHECKSUM_NAMES, agreed.list_checksum)
    expect(agreed.compression in (None, *negotiation.COMPRESS_NAMES), str(agreed.compression))
    expect(
        offer.compress or offer.compress_choice or agreed.compression is None,
        "compression that nobody asked for",
    )
    expect(not speech.inc_recurse or offer.allow_inc_recurse, "incremental recursion against the options")


def fuzz_one(data: bytes) -> None:
    """Oracle: either side ends with a possible agreement, a refusal with an exit code, or waits.

    In any pieces the same, and the same bytes are sent; to a batch file none. A client and a
    server of ours that hear each other agree on the same, or both refuse.
    """
    choices = Choices(data)
    mode = choices.byte()
    offer = _special(_offer(choices, bool(mode & 1)), mode)
    pieces = [1 + choices.byte() % 8, 1]
    stream = choices.rest()
    batch = mode & 0x45 == 0x44
    result, sent = _run(offer, stream, [], batch=batch)
    same(_run(offer, stream, spread(pieces, len(stream)), batch=batch), (result, sent), "in pieces")
    if isinstance(result, Agreement):
        _possible(replace(offer, compress=True) if batch else offer, result)
        for name, oldest in offer.needs:
            expect(result.dialect.protocol >= oldest, f"{name} in protocol {result.dialect.protocol}")
    if batch:
        same(sent, b"", "said to a batch file")
    if mode & 2:
        _both(Choices(data[1:]))


def _of_batch(offer: Offer, head: Head) -> Offer:
    """As a client reads it: the file says whether to compress."""
    return replace(offer, compress=bool(head.flags & 0x100), remote_protocol=0)


def _both(choices: Choices) -> None:
    """Feed each side what the other sends until nothing moves."""
    client, server = _offer(choices, False), _offer(choices, True)
    if client.remote_protocol or server.remote_protocol:
        return
    heard = {False: b"", True: b""}
    results: dict[bool, Ended] = {False: None, True: None}
    for _ in range(12):
        before = dict(heard)
        for offer in (client, server):
            results[offer.server], sent = _run(offer, heard[offer.server], [])
            heard[not offer.server] = sent
        if heard == before:
            break
    one, other = results[False], results[True]
    if isinstance(one, Agreement) and isinstance(other, Agreement):
        if client.checksum_choice == server.checksum_choice or client.checksum_choice in (None, "auto"):
            same(one.dialect, other.dialect, "dialects of both sides")
            same(one.seed, other.seed, "seeds of both sides")
        return


def seeds() -> Iterator[tuple[str, bytes]]:
    """Both sides at every version, each refusal, a conversation of the two."""
    letters = compat.capability_letters(True).encode()
    server_offer = b"\x03" + bytes((len(letters),)) + letters
    for number, protocol in enumerate(PROTOCOLS):
        client_says = int32(protocol) + negotiation.encode_names(("xxh128", "md5"))
        client_says += negotiation.encode_names(("zstd", "zlib"))
        yield f"server.{protocol}", b"\1" + server_offer + b"\5\1" + client_says
        says = int32(protocol)
        if protocol >= 30:
            says += varint(0x1FF) + negotiation.encode_names(("md5", "md4"))
            says += negotiation.encode_names(("zlibx", "zlib"))
        yield f"client.{protocol}", b"\0\x03\0" + b"\5\1" + says + int32(99)
        yield f"both.{protocol}", b"\2\x03\0" + bytes((number,)) + server_offer + b"\5"
    for version in (0, 19, 26, 33, 40, 41, -1):
        yield f"version.{version & 0xFF}", b"\0\0\0\5\1" + int32(version) + int32(1)
    yield "shell", b"\0\0\0\5\1bash: no such thing\n"
    yield "inc_recurse_refused", b"\0\0\0\5\1" + int32(32) + varint(1)
    yield "nothing_common", b"\0\0\0\5\1" + int32(32) + varint(0x80) + negotiation.encode_names(("crc32",))
    yield "pre_release", b"\1\1\x0d32.3iLsfxCIvu\5\1" + int32(32)
    yield "pre_release_digits", b"\1\x81\x031.1\5\1" + int32(32)
    for protocol, flags in ((27, 0), (29, 0), (30, 0x1FF), (31, 0x80), (32, 0x1FE), (33, 0)):
        wire = batch_head.encode(Head(0x101, protocol, flags, 7))
        for switches in (0, 1, 2):
            yield f"batch.{protocol}.{switches}", bytes((0x44, switches)) + b"\0\5\1" + wire
    yield "batch.older", b"\x44\0\0\0\1" + batch_head.encode(Head(0, 31, 0, 7))
    for protocol in (30, 32):
        needs = bytes((PROTOCOLS.index(protocol),))
        yield f"needs.{protocol}", b"\x08\0\0" + needs + b"\1" + int32(protocol) + b"\0" + int32(9)
        yield f"writes_batch.{protocol}", (
            b"\x10\2\0" + needs + b"\1" + int32(protocol) + varint(0x80)
            + negotiation.encode_names(("xxh128", "md5")) + negotiation.encode_names(("zstd", "zlib"))
            + int32(9)
        )  # fmt: skip
    for mode in (0x18, 0x38, 0x19):
        yield f"own_version.{mode:x}", bytes((mode,)) + b"\0\0\5\1" + int32(31) + int32(9)
    for version in (28, 31):
        yield f"names_arrive.{version}", b"\x20\0\0\5\1" + int32(version) + varint(0) + int32(9)
        yield f"names_arrive.server.{version}", b"\x21\0\0\5\1" + int32(version) + int32(9)
    yield "choice", b"\1\x28\0\0\5\1" + int32(31)
    yield "compress_unknown", b"\x81\0\0\0\1" + int32(31)
    yield "choice_unknown", b"\1\x68\0\0\5\1" + int32(31)
