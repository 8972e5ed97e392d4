"""From the first byte to the seed: version, compatibility flags, negotiated names.

Order on the wire (SETUP-1): both sides send their version; the server its
compatibility flags; both their checksum and compression lists where wanted;
the server the checksum seed. Upstream ``compat.c:setup_protocol``.
"""

from __future__ import annotations

from collections.abc import Callable

from ..records import dataclass, replace
from ..typed import TYPE_CHECKING
from ..wire import compat, compression, negotiation
from ..wire.dialect import HIGHEST_ACCEPTED, LOWEST_KNOWN, MAX_PROTOCOL, MIN_PROTOCOL, Dialect, build
from ..wire.errors import Exit, ProtocolError, RefsyncError
from ..wire.integers import int32, read_int32
from .link import Link

if TYPE_CHECKING:
    from ..wire import batch


@dataclass(frozen=True, slots=True)
class Offer:
    """What one side brings to the setup.

    ``remote_protocol`` is what a daemon's greeting already told, else 0.
    ``letters`` are, on a server, what followed ``-e.`` in its arguments.
    ``checksum_choice`` and ``compress_choice`` suppress their lists (SETUP-12);
    the environments are ``RSYNC_CHECKSUM_LIST`` and ``RSYNC_COMPRESS_LIST``.
    ``seed`` is the server's to choose.
    """

    server: bool
    protocol: int = MAX_PROTOCOL
    remote_protocol: int = 0
    letters: str = ""
    allow_inc_recurse: bool = False
    checksum_choice: str | None = None
    compress: bool = False
    compress_choice: str | None = None
    compress_level: int | None = None
    writes_batch: bool = False
    checksum_environment: str | None = None
    compress_environment: str | None = None
    checksum_names: tuple[str, ...] = negotiation.CHECKSUM_NAMES
    seed: int = 0
    generator_speaks: bool = False  # the options need messages of the receiving side's in every protocol
    names_arrive: bool = False  # --files-from: the peer sends us names, below protocol 31 unframed
    needs: tuple[
        tuple[str, int], ...
    ] = ()  # options that an old protocol lacks, and the oldest that has them


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides hold once the setup is done."""

    dialect: Dialect
    remote_protocol: int
    seed: int
    transfer_checksum: str
    list_checksum: str
    compression: str | None
    compress_level: int = 0
    links_converted: bool = False  # both sides can convert the targets of symlinks, if they convert names


async def negotiate(link: Link, offer: Offer) -> Agreement:
    """Run the setup and switch multiplexing on as the dialect says (MUX-7)."""
    ours = _without_pre_release(offer)
    remote = offer.remote_protocol
    if not remote:
        link.write(int32(ours))
        remote = await link.read(read_int32)
    protocol = agree_on_version(ours, remote, server=offer.server)
    check_needs(offer, protocol)
    flags = 0
    if protocol >= 30:
        if offer.server:
            flags = compat.server_flags(offer.letters, offer.allow_inc_recurse)
            link.write(compat.encode_flags(flags, offer.letters))
        else:
            flags = await link.read(compat.decode_flags)
            if flags & compat.INC_RECURSE and not offer.allow_inc_recurse:
                raise ProtocolError(
                    "the server turned on incremental recursion, which this run does not allow",
                    clause="SETUP-7",
                    code=Exit.SYNTAX,
                )
    dialect = build(protocol, flags)
    links = "s" in offer.letters if offer.server else bool(flags & compat.SYMLINK_ICONV)
    names = await _negotiate_names(link, offer, dialect)
    if offer.server:
        seed = offer.seed
        link.write(int32(seed))
    else:
        seed = await link.read(read_int32)
    link.restart_counts()
    both_ways = dialect.multiplex_to_server or offer.generator_speaks
    if offer.server or both_ways:
        link.start_frames_out()
    raw_names = offer.names_arrive and not dialect.files_from_framed
    if offer.server and both_ways:
        link.start_frames_in(stepwise=raw_names)
    elif not offer.server and not raw_names:
        link.start_frames_in()
    return Agreement(dialect, remote, seed, *names, links_converted=links and dialect.varints)


async def read_batch_setup(link: Link, offer: Offer, found: Callable[[batch.Head], Offer]) -> Agreement:
    """BATCH-3: what a batch file says instead of a server; ``found`` gives the offer that suits its head.

    Nothing was negotiated: what the options do not name is what the protocol
    had before there was a choice.
    """
    from ..wire import batch

    head = await link.read(batch.decode)
    if head.protocol > offer.protocol:
        raise ProtocolError(
            f"The protocol version in the batch file is too new ({head.protocol} > {offer.protocol}).",
            clause="BATCH-3",
        )
    agree_on_version(offer.protocol, head.protocol, server=False)
    offer = found(head)
    check_needs(offer, head.protocol)
    dialect = build(head.protocol, head.compat)
    if dialect.inc_recurse and not offer.allow_inc_recurse:
        raise RefsyncError("Incompatible options specified for inc-recursive batch file.", Exit.SYNTAX)
    plain = replace(dialect, negotiated_strings=False)
    names = await _negotiate_names(link, offer, plain)
    link.restart_counts()
    links = bool(head.compat & compat.SYMLINK_ICONV)
    return Agreement(plain, head.protocol, head.seed, *names, links_converted=links)


def check_needs(offer: Offer, protocol: int) -> None:
    """SETUP-13: an option that the agreed version has no form for ends the run with exit 2."""
    for name, oldest in offer.needs:
        if protocol < oldest:
            raise RefsyncError(
                f"{name} requires protocol {oldest} or higher (negotiated {protocol}).", Exit.PROTOCOL
            )


def agree_on_version(ours: int, remote: int, *, server: bool) -> int:
    """SETUP-2: the lower of both versions, if it is one that this implementation speaks."""
    if not LOWEST_KNOWN <= remote <= HIGHEST_ACCEPTED:
        raise ProtocolError("protocol version mismatch -- is your shell clean?", clause="SETUP-2", offset=0)
    side = "client" if server else "server"
    if remote < MIN_PROTOCOL:
        raise ProtocolError(
            f"the {side} speaks protocol {remote}; {MIN_PROTOCOL} is the oldest that is supported",
            clause="SETUP-2",
            offset=0,
        )
    if not MIN_PROTOCOL <= ours <= MAX_PROTOCOL:
        bound = f"at least {MIN_PROTOCOL}" if ours < MIN_PROTOCOL else f"no more than {MAX_PROTOCOL}"
        raise ProtocolError(
            f"--protocol must be {bound} on the {'Server' if server else 'Client'}.", clause="SETUP-2"
        )
    return min(ours, remote)


def _without_pre_release(offer: Offer) -> int:
    """SETUP-3: a client of a pre-release names VERSION.SUB before its letters; that version is not spoken."""
    version, dot, rest = offer.letters.partition(".")
    sub = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if not offer.server or not dot or not version.isascii() or not version.isdecimal() or not sub.strip("0"):
        return offer.protocol
    return min(offer.protocol, int(version[:9]) - 1)  # the client may have sent thousands of digits


async def _negotiate_names(link: Link, offer: Offer, dialect: Dialect) -> tuple[str, str, str | None, int]:
    """SETUP-8 to SETUP-12, COMP-10: (transfer checksum, list checksum, compression, its level)."""
    want_checksum = not offer.checksum_choice or offer.checksum_choice == "auto"
    want_compress = offer.compress and not offer.compress_choice
    old = "md5" if dialect.varints else "md4"
    environment = (offer.checksum_environment, offer.compress_environment)
    if (
        offer.writes_batch
    ):  # it holds nothing of what was negotiated: there must be nothing to choose (BATCH-6)
        environment = (old, "zlib")
    checksums = negotiation.offered(offer.checksum_names, environment[0], server=offer.server)
    known = compression.available() if offer.compress or offer.compress_choice else ()
    compressions = negotiation.offered(known, environment[1], server=offer.server)
    if dialect.negotiated_strings:  # both lists go out before either is read
        if want_checksum:
            link.write(negotiation.encode_names(checksums))
        if want_compress:
            link.write(negotiation.encode_names(compressions))

    async def pick(kind: str, mine: tuple[str, ...], fixed: str) -> str:
        if dialect.negotiated_strings:
            theirs = await link.read(negotiation.decode_names)
        else:
            theirs = (fixed,)  # a list of the user's without it leaves nothing to choose
        server = offer.server and dialect.negotiated_strings
        return negotiation.choose(kind, *((theirs, mine) if server else (mine, theirs)), on_server=server)

    if want_checksum:
        transfer = listing = await pick("checksum", checksums, old)
    else:
        transfer, _, listing = (offer.checksum_choice or "").partition(",")
        listing = listing or transfer
        transfer, listing = (negotiation.ALIASES.get(name, name) for name in (transfer, listing))
        for name in (transfer, listing):
            if name not in offer.checksum_names:
                raise RefsyncError(f"unknown checksum name: {name}", Exit.UNSUPPORTED)
        _hold_to_list("checksum", offer.checksum_choice or "", (transfer, listing), checksums, offer)
    chosen: str | None = None
    if want_compress:
        chosen = await pick("compress", compressions, "zlib")
    elif offer.compress_choice:
        chosen = offer.compress_choice
        if chosen not in known:
            raise RefsyncError(f"unknown compress name: {chosen}", Exit.UNSUPPORTED)
        _hold_to_list("compress", chosen, (chosen,), compressions, offer)
    return transfer, listing, *compression.settle(chosen, offer.compress_level)


def _hold_to_list(
    kind: str, value: str, names: tuple[str, ...], offered: tuple[str, ...], offer: Offer
) -> None:
    """SETUP-12: a server's environment binds its client's choice too."""
    if offer.server and not set(names) <= set(offered):
        raise RefsyncError(
            f"Your --{kind}-choice value ({value}) was refused by the server.", Exit.UNSUPPORTED
        )
