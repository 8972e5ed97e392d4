"""The strong checksums: one table, and the two ways in which a session uses each.

A *file digest* covers a whole file; a *block sum* one block, with the
session's seed. Clauses SUM-4 to SUM-9; upstream ``checksum.c:get_checksum2``,
``sum_init``, ``sum_end``, ``file_checksum``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol

import xxhash

from ..native import md4
from ..wire.cursor import Buffer
from ..wire.errors import Exit, RefsyncError

READ_SIZE = 256 * 1024


class Hasher(Protocol):
    """Takes bytes, gives the digest as it stands on the wire."""

    def update(self, data: Buffer, /) -> None: ...

    def digest(self) -> bytes: ...


class _Reversed:
    """xxHash values travel little-endian, the library prints them big-endian (SUM-5)."""

    __slots__ = ("_hash", "update")

    def __init__(self, state: Hasher) -> None:
        self._hash = state
        self.update: Callable[[Buffer], None] = state.update

    def digest(self) -> bytes:
        return self._hash.digest()[::-1]


class _None:
    """No checksum: one zero byte (SUM-9)."""

    def update(self, data: Buffer, /) -> None:
        pass

    def digest(self) -> bytes:
        return b"\0"


#: Digest length in bytes by name.
LENGTHS: dict[str, int] = {"xxh128": 16, "xxh3": 8, "xxh64": 8, "md5": 16, "md4": 16, "sha1": 20, "none": 1}


def _file_hasher(name: str, seed: int, old_md4: bool) -> Hasher:
    if name == "xxh128":
        return _Reversed(xxhash.xxh3_128())
    if name == "xxh3":
        return _Reversed(xxhash.xxh3_64())
    if name == "xxh64":
        return _Reversed(xxhash.xxh64())
    if name == "md5":
        return hashlib.md5(usedforsecurity=False)
    if name == "sha1":
        return hashlib.sha1(usedforsecurity=False)
    if name == "md4":
        state = md4.Md4()
        if old_md4:
            state.update(seed.to_bytes(4, "little"))
        return state
    return _None()


def _block_sum(name: str, seed: int, seed_first: bool) -> Callable[[Buffer], bytes]:
    """SUM-6: the seed is the algorithm's own for xxHash; else four bytes before or after the data, none if 0."""
    tail = (seed & 0xFFFFFFFF).to_bytes(4, "little") if seed else b""
    if name == "xxh128":
        return lambda data: xxhash.xxh3_128_digest(data, seed=seed)[::-1]
    if name == "xxh3":
        return lambda data: xxhash.xxh3_64_digest(data, seed=seed)[::-1]
    if name == "xxh64":
        return lambda data: xxhash.xxh64_digest(data, seed=seed)[::-1]
    if name == "none":
        return lambda data: b"\0"

    def new() -> Hasher:
        if name == "md4":
            return md4.Md4()
        return hashlib.new(name, usedforsecurity=False)

    before = name == "sha1" or (name == "md5" and seed_first)

    def block(data: Buffer) -> bytes:
        state = new()
        if before and tail:
            state.update(tail)
        state.update(data)
        if not before and tail:
            state.update(tail)
        return state.digest()

    return block


class Checksums:
    """The checksums of one session.

    ``transfer`` and ``listing`` are names from ``LENGTHS``; ``seed`` is the
    session's (an int, as sent); ``seed_first`` is CF_CHKSUM_SEED_FIX. Below
    protocol 30 the transfer digest of MD4 starts with the seed (SUM-8).
    """

    def __init__(self, transfer: str, listing: str, seed: int, protocol: int, seed_first: bool) -> None:
        for name in (transfer, listing):
            if name not in LENGTHS:
                raise RefsyncError(f"unknown checksum name: {name}", Exit.UNSUPPORTED)
        self._transfer = transfer
        self._listing = listing
        self._seed = seed
        self._old_md4 = protocol < 30
        self.digest_length = LENGTHS[transfer]
        self.flist_digest_length = LENGTHS[listing]
        #: the strong sum of one block, full length
        self.block: Callable[[Buffer], bytes] = _block_sum(transfer, seed & 0xFFFFFFFF, seed_first)

    def new_file(self) -> Hasher:
        """For the digest that ends a transferred file."""
        return _file_hasher(self._transfer, self._seed & 0xFFFFFFFF, self._old_md4)

    def file_digest(self, path: bytes, size: int) -> bytes:
        """The digest that ``--checksum`` puts into the file list; ``OSError`` if the file cannot be read."""
        state = _file_hasher(self._listing, 0, False)
        with open(path, "rb", buffering=0) as file:
            left = size
            while left > 0:
                data = file.read(min(left, READ_SIZE))
                if not data:
                    state.update(bytes(left))  # upstream reads a file that shrank as ending in zeros
                    break
                state.update(data)
                left -= len(data)
        return state.digest()
