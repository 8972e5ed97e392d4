"""The compression algorithms: which there are, their levels, their codecs.

Each codec, and the library behind it, is imported when it is first asked for.

Clauses COMP-1 to COMP-10; upstream ``token.c:init_compression_level``,
``compat.c:parse_compress_choice``.
"""

from __future__ import annotations

from .negotiation import COMPRESS_NAMES
from .tokens import PlainDecoder, PlainEncoder, TokenDecoder, TokenEncoder


def available() -> tuple[str, ...]:
    """The names that can be offered, most preferred first."""
    lacking = missing()
    return tuple(name for name in COMPRESS_NAMES if name not in lacking)


def missing() -> dict[str, str]:
    """The names that can't, with the package that each lacks."""
    from . import lz4_tokens, zstd_tokens

    needs = {"zstd": (zstd_tokens.library, "backports.zstd"), "lz4": (lz4_tokens.library, "lz4")}
    return {name: package for name, (library, package) in needs.items() if library is None}


def settle(name: str | None, level: int | None) -> tuple[str | None, int]:
    """COMP-10: the algorithm and level that a wish comes to; None if it comes to no compression.

    What is out of range is silently brought into it. ``level`` None is the default.
    """
    if name in ("zlib", "zlibx"):
        if level == 0:
            return None, 0
        return name, 6 if level in (None, -1) else max(1, min(level, 9))
    if name == "zstd":
        from . import zstd_tokens

        least, most = zstd_tokens.level_bounds()
        return name, max(least, min(level or 3, most))
    return (name if name == "lz4" else None), 0


def encoder(name: str | None, level: int, *, quirk: bool) -> TokenEncoder:
    """For all the files of a session; ``quirk``: COMP-3."""
    if name in ("zlib", "zlibx"):
        from .zlib_tokens import ZlibEncoder

        return ZlibEncoder(level, history=name == "zlib", quirk=quirk)
    if name == "zstd":
        from .zstd_tokens import ZstdEncoder

        return ZstdEncoder(level)
    if name == "lz4":
        from .lz4_tokens import Lz4Encoder

        return Lz4Encoder()
    return PlainEncoder()


def decoder(name: str | None, *, quirk: bool) -> TokenDecoder:
    """For all the files of a session; ``quirk``: COMP-3."""
    if name in ("zlib", "zlibx"):
        from .zlib_tokens import ZlibDecoder

        return ZlibDecoder(history=name == "zlib", quirk=quirk)
    if name == "zstd":
        from .zstd_tokens import ZstdDecoder

        return ZstdDecoder()
    if name == "lz4":
        from .lz4_tokens import Lz4Decoder

        return Lz4Decoder()
    return PlainDecoder()
