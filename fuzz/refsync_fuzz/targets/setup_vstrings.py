"""Lists of checksum, compression and authentication names, and the choice between two of them.

Input: a byte of switches, a length byte and so many bytes of environment, then two lists on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import negotiation
from refsync.wire.cursor import Cursor
from refsync.wire.errors import Exit, ProtocolError
from refsync.wire.integers import vstring

from ..choices import Choices
from ..oracle import Refused, Value, check_decoder, expect, outcome, refuses, same
from ..structure import Shape
from ..target import Surface

LISTS = {
    "checksum": negotiation.CHECKSUM_NAMES,
    "compress": negotiation.COMPRESS_NAMES,
    "auth": negotiation.DIGEST_NAMES,
}

SURFACE = Surface(
    priority=0,
    clauses=("SETUP-8", "SETUP-9", "SETUP-10", "SETUP-11"),
    code=("refsync.wire.negotiation",),
    oracle="ERTMS",
    dictionary={
        **{f"name_{name}": name.encode() for names in LISTS.values() for name in names},
        **{f"alias_{name}": name.encode() for name in negotiation.ALIASES},
        **{f"list_{kind}": negotiation.encode_names(names) for kind, names in LISTS.items()},
        "length_255": b"\x80\xff",
        "length_256": b"\x81\x00",
        "space": b" ",
        "ampersand": b" & ",
        "invalid": b"INVALID",
    },
    max_length=1024,
    shape=Shape(lambda data: 2 + data[1] if len(data) > 1 else len(data), 1),
)


def fuzz_one(data: bytes) -> None:
    """Oracle: a list of 256 bytes or more is refused before it is there; less is its words.

    Two sides with two lists choose the same, or both refuse with exit 4:
    the client's first that the server has, in any case. Any environment gives
    a list that can be sent: some of the canonical names in canonical order,
    or the word for none where it names only unknown ones.
    """
    choices = Choices(data)
    switches = choices.byte()
    environment = choices.text().decode("latin-1")
    kind = tuple(LISTS)[switches % 3]
    wire = choices.rest()
    lists: list[tuple[str, ...]] = []
    at = 0
    for _ in range(2):
        got = check_decoder(lambda: negotiation.decode_names, wire[at:])
        if isinstance(got, Refused):
            expect(wire[at] & 0x7F and wire[at] & 0x80, f"refused a list of {wire[at]} bytes")
        if not isinstance(got, Value):
            break
        expect(got.consumed <= 2 + 255, f"a list of {got.consumed} bytes")
        names = negotiation.decode_names(Cursor(wire[at : at + got.consumed]))
        same(" ".join(names).split(" ") if names else [], list(names), "names hold no spaces")
        text = " ".join(names).encode("latin-1")
        same(outcome(negotiation.decode_names, vstring(text)), Value(names, len(vstring(text))), "sent again")
        lists.append(names)
        at += got.consumed
    if len(lists) == 2:
        _choice(kind, lists[0], lists[1])
    refuses(lambda: negotiation.encode_names(["x" * 256]), "a list past the limit")
    canonical = LISTS[kind]
    for server in (False, True):
        offered = negotiation.offered(canonical, environment, server=server)
        named = environment.partition("&")
        words = (named[2].partition("&")[0] if server and named[1] else named[0]).split()
        known = [word for word in words if word.lower() in (*canonical, *negotiation.ALIASES)]
        expect(offered or (words and not {*map(str.lower, known)} & {*canonical}), "an empty offer")
        same(tuple(name for name in canonical if name in offered), offered, "canonical names in their order")
        sent = negotiation.encode_names(offered)
        came = offered or (negotiation.INVALID,)
        same(outcome(negotiation.decode_names, sent), Value(came, len(sent)), "an offer comes back")
        _choice(kind, offered, lists[0] if lists else canonical)


def _choice(kind: str, client: tuple[str, ...], server: tuple[str, ...]) -> None:
    results: list[str | None] = []
    for on_server in (False, True):
        try:
            results.append(negotiation.choose(kind, client, server, on_server=on_server))
        except ProtocolError as error:
            same(error.code, int(Exit.UNSUPPORTED), "exit code of a failed choice")
            results.append(None)
    same(results[0], results[1], f"choices of both sides from {client} and {server}")
    plain = [negotiation.ALIASES.get(name, name) for name in map(str.lower, client)]
    have = {negotiation.ALIASES.get(name, name) for name in map(str.lower, server)}
    common = [name for name in plain if name in have]
    same(results[0], common[0] if common else None, "the client's first that the server has")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Lists of releases, lists at the limit, environments."""
    for number, (_, names) in enumerate(LISTS.items()):
        both = negotiation.encode_names(names) + negotiation.encode_names(names[::-1])
        yield f"both.{number}", bytes((number, 0)) + both
    yield "alias", b"\0\0" + negotiation.encode_names(["xxhash"]) + negotiation.encode_names(["md5", "xxh64"])
    yield "nothing_common", b"\1\0" + negotiation.encode_names(["zstd"]) + negotiation.encode_names(["zlib"])
    yield "empty", b"\0\0\0\0"
    yield "limit_255", b"\0\0" + vstring(b"md5 " * 63 + b"md4") + vstring(b"md4")
    yield "limit_256", b"\0\0" + vstring(b"md5 " * 64)
    yield "spaces", b"\0\0" + vstring(b"  md5   md4 \xa0 \x85x\0") + vstring(b"md4")
    for name, text in (
        ("both", b"md5 & md4 sha1"),
        ("unknown", b"foo bar"),
        ("blank", b"  "),
        ("none", b"none"),
    ):
        yield f"environment.{name}", bytes((0, len(text))) + text + vstring(b"md5") + vstring(b"md5")
