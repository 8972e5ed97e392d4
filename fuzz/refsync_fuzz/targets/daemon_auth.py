"""The response to a challenge, and the choice of its digest.

Input: a byte of switches, user's password and challenge behind their lengths, then names.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from refsync.native.md4 import Md4 as Twin
from refsync.session import auth
from refsync.wire.negotiation import DIGEST_NAMES

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

DIGESTS = (*DIGEST_NAMES, "md4-old")

SURFACE = Surface(
    priority=0,
    clauses=("AUTH-2", "AUTH-3"),
    code=("refsync.session.auth",),
    oracle="DS",
    dictionary={name: name.encode() for name in DIGEST_NAMES},
    max_length=400,
)


def _model(digest: str, password: bytes, challenge: bytes) -> bytes:
    """MD4 by its twin in Python, the rest by the library; the last bits of base64 are kept as they are."""
    data = password + challenge
    if digest == "md4-old":
        raw = Twin(bytes(4) + data).digest()
    elif digest == "md4":
        raw = Twin(data).digest()
    else:
        raw = getattr(hashlib, digest)(data).digest()
    return base64.b64encode(raw).replace(b"=", b"")


def fuzz_one(data: bytes) -> None:
    """Oracle: for each digest the model's response, of the digest's length.

    Another password or another challenge gives another response. Both sides
    choose the same digest: the client's first that the server has and that
    is known; without a list, the one that the version implies.
    """
    choices = Choices(data)
    switches = choices.byte()
    password, challenge = choices.text(), choices.text()
    digest = DIGESTS[switches % len(DIGESTS)]
    response = auth.respond(digest, password, challenge)
    same(response, _model(digest, password, challenge), f"{digest} response")
    same(len(base64.b64decode(response + b"==")), auth.DIGEST_LENGTHS[digest], "bytes of the digest")
    expect(
        auth.respond(digest, password + b"x", challenge) != response, "another password, the same response"
    )
    expect(
        auth.respond(digest, password, challenge + b"x") != response, "another challenge, the same response"
    )
    words = choices.rest().decode("latin-1").split(" ")
    client, server = words[::2], words[1::2]
    chosen = auth.choose_digest(client, server, 32)
    both = [name for name in client if name in server and name in DIGEST_NAMES]
    same(chosen, both[0] if both else None, f"digest of {client} and {server}")
    for protocol, implied in ((29, "md4-old"), (30, "md5"), (32, "md5")):
        same(auth.choose_digest(None, server, protocol), implied, "without the client's list")
        same(auth.choose_digest(client, None, protocol), implied, "without the server's list")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each digest, empty and long secrets, lists."""
    for number in range(len(DIGESTS)):
        yield f"digest.{number}", bytes((number,)) + b"\6secret\7abc+/==md5 md5 sha1"
    yield "empty", b"\0\0\0"
    yield "block", b"\4" + b"\x40" + b"p" * 64 + b"\x37" + b"c" * 55 + b"md4 sha512"
