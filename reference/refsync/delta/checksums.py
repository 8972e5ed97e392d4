"""The strong checksums: one table, and the two ways in which a session uses each.

A *file digest* covers a whole file; a *block sum* one block, with the
session's seed. Clauses SUM-4 to SUM-9; upstream ``checksum.c:get_checksum2``,
``sum_init``, ``sum_end``, ``file_checksum``, ``csum_len_for_type``.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import xxhash

from .. import native
from ..native import Md4
from ..typed import Protocol
from ..wire.cursor import Buffer
from ..wire.errors import Exit, RefsyncError

READ_SIZE = 256 * 1024

#: Digest length in bytes by name.
LENGTHS: dict[str, int] = {"xxh128": 16, "xxh3": 8, "xxh64": 8, "md5": 16, "md4": 16, "sha1": 20, "none": 1}
#: Other names of the same.
ALIASES: dict[str, str] = {"xxhash": "xxh64"}

_MASK64 = (1 << 64) - 1
_XXH_STATES = {"xxh128": xxhash.xxh3_128, "xxh3": xxhash.xxh3_64, "xxh64": xxhash.xxh64}
_XXH_BLOCKS = {"xxh128": xxhash.xxh3_128_digest, "xxh3": xxhash.xxh3_64_digest, "xxh64": xxhash.xxh64_digest}


class Hasher(Protocol):
    """Takes bytes, gives the digest as it stands on the wire."""

    def update(self, data: Buffer, /) -> None: ...

    def digest(self) -> bytes: ...


class _Reversed:
    """xxHash values travel little-endian, the library gives them big-endian (SUM-5)."""

    __slots__ = ("_state", "update")

    def __init__(self, state: Hasher) -> None:
        self._state = state
        self.update: Callable[[Buffer], None] = state.update

    def digest(self) -> bytes:
        return self._state.digest()[::-1]


class _Nothing:
    """No checksum: one zero byte (SUM-9)."""

    def update(self, data: Buffer, /) -> None:
        pass

    def digest(self) -> bytes:
        return b"\0"


def new_hasher(name: str) -> Hasher:
    """The file digest of that name, without any seed."""
    if name in _XXH_STATES:
        return _Reversed(_XXH_STATES[name]())
    if name in ("md5", "sha1"):
        import hashlib  # half the time of this whole module, and rarely needed

        return hashlib.new(name, usedforsecurity=False)
    return Md4() if name == "md4" else _Nothing()


def _own_seed(seed: int) -> int:
    """xxHash takes 64 bits: the sign is extended."""
    return seed & _MASK64


def block_sum(name: str, seed: int, *, seed_first: bool) -> Callable[[Buffer], bytes]:
    """SUM-6: the strong sum of one block.

    The seed, an int32, is the algorithm's own for xxHash, with its sign
    extended; for the others four bytes before the data (SHA-1 always, MD5 if
    ``seed_first``) or after it, and none at all if it is 0.
    """
    if name in _XXH_BLOCKS:
        digest, own_seed = _XXH_BLOCKS[name], _own_seed(seed)
        return lambda data: digest(data, own_seed)[::-1]
    tail = (seed & 0xFFFFFFFF).to_bytes(4, "little") if seed else b""
    if name == "md4":

        def md4_block(data: Buffer) -> bytes:
            state = Md4(data)
            state.update(tail)
            return state.digest()

        return md4_block
    if name == "none":
        return lambda data: b"\0"
    import hashlib

    first = name == "sha1" or seed_first
    start = hashlib.new(name, tail if first else b"", usedforsecurity=False)
    tail = b"" if first else tail

    def block(data: Buffer) -> bytes:
        state = start.copy()
        state.update(data)
        if tail:
            state.update(tail)
        return state.digest()

    return block


class Checksums:
    """The checksums of one session.

    ``transfer`` and ``listing`` are names from ``LENGTHS``; ``seed`` is the
    session's, an int32 as it was sent; ``seed_first`` is CF_CHKSUM_SEED_FIX.
    ``named`` tells that the transfer checksum was negotiated or chosen by the
    user and does not just follow from the version, for then its older
    quirks do not apply (SUM-8): MD4 below protocol 30 starts its file digest with
    the seed, MD5 without the fix ends its blocks with it.
    """

    def __init__(
        self, transfer: str, listing: str, seed: int, protocol: int, seed_first: bool, *, named: bool = False
    ) -> None:
        self._transfer = ALIASES.get(transfer, transfer)
        self._listing = ALIASES.get(listing, listing)
        self.open_flags = 0  # further ones for files that are read to be summed
        for name in (self._transfer, self._listing):
            if name not in LENGTHS:
                raise RefsyncError(f"unknown checksum name: {name}", Exit.UNSUPPORTED)
        old_md4 = self._transfer == "md4" and protocol < 30 and not named
        self._prefix = (seed & 0xFFFFFFFF).to_bytes(4, "little") if old_md4 else b""
        self.digest_length = LENGTHS[self._transfer]
        self.flist_digest_length = LENGTHS[self._listing]
        self._seed = seed
        #: the strong sum of one block, full length
        self.block: Callable[[Buffer], bytes] = block_sum(
            self._transfer, seed, seed_first=seed_first or named
        )

    @property
    def transfer(self) -> str:
        """The name of the file digest's algorithm."""
        return self._transfer

    @property
    def listing(self) -> str:
        """The name of the algorithm of ``--checksum``."""
        return self._listing

    @property
    def native_block(self) -> tuple[str, int] | None:
        """(name, seed) of the block sum where the kernel can make it, else None."""
        return (self._transfer, _own_seed(self._seed)) if self._native else None

    @property
    def _native(self) -> bool:
        return native.HAVE_BULK and self._transfer in _XXH_STATES

    def new_file(self) -> Hasher:
        """For the digest that ends a transferred file."""
        if self._native:
            from ..native.bulk import FileSum

            return FileSum(self._transfer)
        state = new_hasher(self._transfer)
        if self._prefix:
            state.update(self._prefix)
        return state

    def file_digest(self, path: bytes, size: int) -> bytes:
        """The digest that ``--checksum`` puts into the file list; ``OSError`` if the file cannot be opened.

        What cannot be read of ``size`` bytes counts as zeros, as it does upstream.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(path, flags | self.open_flags)
        try:
            return self.digest_of(fd, size)
        finally:
            os.close(fd)

    def digest_of(self, fd: int, size: int) -> bytes:
        """``file_digest`` of an open file."""
        state = new_hasher(self._listing)
        room = memoryview(bytearray(min(size, READ_SIZE)))
        done = 0
        while done < size:
            part = room[: size - done]
            try:
                count = os.preadv(fd, [part], done)
            except OSError:
                count = 0
            if not count:
                count = len(part)
                part[:] = bytes(count)
            state.update(part[:count])
            done += count
        return state.digest()

    def shown(self, digest: bytes, *, listed: bool) -> bytes:
        """A file's digest in the digits that other programs print; empty if there is none to compare with.

        What MD4 below protocol 30 makes of a file no other program does.
        """
        name = self._listing if listed else self._transfer
        if name == "none" or self._prefix:
            return b""
        return (digest[::-1] if name.startswith("xxh") else digest).hex().encode()
