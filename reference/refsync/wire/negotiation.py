"""Lists of checksum, compression and authentication names, and the choice between them.

Both sides send their list before they read the other's. Clauses SETUP-8 to
SETUP-12; upstream ``compat.c:negotiate_the_strings``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .cursor import Cursor
from .errors import Exit, ProtocolError
from .integers import read_vstring, vstring
from .limits import MAX_NEGOTIATION_STRING

#: Canonical order of names, most preferred first. A client may leave names out but must not
#: reorder them (SETUP-10).
CHECKSUM_NAMES: tuple[str, ...] = ("xxh128", "xxh3", "xxh64", "md5", "md4", "sha1", "none")
COMPRESS_NAMES: tuple[str, ...] = ("zstd", "lz4", "zlibx", "zlib", "none")
DIGEST_NAMES: tuple[str, ...] = ("sha512", "sha256", "sha1", "md5", "md4")
#: Other names for the same thing; they are understood but never sent.
ALIASES: dict[str, str] = {"xxhash": "xxh64"}
#: What a side says whose user named only what it does not know.
INVALID = "INVALID"


def encode_names(names: Iterable[str]) -> bytes:
    """SETUP-8: the names, parted by spaces, as a vstring of at most 255 bytes; none are the word INVALID."""
    text = (" ".join(names) or INVALID).encode("ascii")
    if len(text) >= MAX_NEGOTIATION_STRING:
        raise ValueError(f"a list of {len(text)} bytes is too long")
    return vstring(text)


def decode_names(cursor: Cursor) -> tuple[str, ...]:
    """SETUP-8: the peer's names in its order; 256 bytes or more are refused."""
    text = read_vstring(cursor, MAX_NEGOTIATION_STRING, "SETUP-8")
    return tuple(text.decode("latin-1").split())


def _main_name(name: str) -> str:
    """Case does not count: upstream sends what its user wrote."""
    name = name.lower()
    return ALIASES.get(name, name)


def choose(kind: str, client: Sequence[str], server: Sequence[str], *, on_server: bool) -> str:
    """SETUP-9: the first name of the client's list that the server has too.

    The same on both sides, so neither has to announce it. ``kind`` is
    "checksum" or "compress", for the message; with nothing in common both
    sides end with exit 4.
    """
    have = {_main_name(name) for name in server}
    for name in map(_main_name, client):
        if name in have:
            return name
    theirs, ours = (client, server) if on_server else (server, client)
    their_side, our_side = ("Client", "Server") if on_server else ("Server", "Client")
    raise ProtocolError(
        f"Failed to negotiate a {kind} choice.\n{their_side} list: {' '.join(theirs)}\n"
        f"{our_side} list: {' '.join(ours) or INVALID}",
        clause="SETUP-9",
        code=Exit.UNSUPPORTED,
    )


def offered(canonical: Sequence[str], environment: str | None, *, server: bool) -> tuple[str, ...]:
    """SETUP-11: the names that this side offers.

    ``environment`` is the value of ``RSYNC_CHECKSUM_LIST`` or
    ``RSYNC_COMPRESS_LIST``: names parted by spaces, in either case, ``client & server``. It
    selects names; the canonical order stays, because servers from 3.5 on
    take their own favourite (SETUP-10). If none of them is known nothing is
    offered, which no peer takes. A client never offers "none" unless the
    environment names it.
    """
    default = tuple(name for name in canonical if server or name != "none")
    client_part, ampersand, server_part = (environment or "").partition("&")
    words = (server_part.partition("&")[0] if server and ampersand else client_part).split()
    wanted = {_main_name(word) for word in words}
    return tuple(name for name in canonical if name in wanted) if words else default
