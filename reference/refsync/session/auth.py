"""Proving who a client is: the digest of both sides' choice over password and challenge.

Clauses AUTH-1 to AUTH-4; upstream ``authenticate.c:generate_hash``,
``compat.c:negotiate_daemon_auth``.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence

from ..native.md4 import Md4
from ..wire.negotiation import DIGEST_NAMES

#: Bytes of each digest; a challenge has as many.
DIGEST_LENGTHS: dict[str, int] = {"sha512": 64, "sha256": 32, "sha1": 20, "md5": 16, "md4": 16, "md4-old": 16}


def choose_digest(client: Sequence[str] | None, server: Sequence[str] | None, protocol: int) -> str | None:
    """AUTH-2: the first of the client's names that the server has; None if there is none.

    A peer without a list (None) has but one digest: md5 from protocol 30 on,
    before that MD4 in its old form, which takes four zero bytes first.
    """
    if client is None or server is None:
        return "md5" if protocol >= 30 else "md4-old"
    have = set(server)
    return next((name for name in client if name in have and name in DIGEST_NAMES), None)


def respond(digest: str, password: bytes, challenge: bytes) -> bytes:
    """AUTH-3: the response to a challenge: the digest in base64 without padding."""
    return encode(_hash(digest, password + challenge))


def encode(raw: bytes) -> bytes:
    """AUTH-3: base64 without padding."""
    return b64encode(raw).rstrip(b"=")


def _hash(digest: str, data: bytes) -> bytes:
    if digest == "md4":
        return Md4(data).digest()
    if digest == "md4-old":
        return Md4(bytes(4) + data).digest()
    return hashlib.new(digest, data, usedforsecurity=False).digest()
