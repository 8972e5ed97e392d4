"""Compatibility flags of the server, capability letters of the client.

Input: a byte of switches, a length byte and so many letters, then wire bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import compat
from refsync.wire.dialect import MAX_PROTOCOL, MIN_PROTOCOL, build
from refsync.wire.integers import read_varint, varint

from ..choices import Choices
from ..oracle import Value, check_decoder, expect, outcome, same
from ..target import Surface

KNOWN = 0x1FF

SURFACE = Surface(
    priority=0,
    clauses=("SETUP-4", "SETUP-5", "SETUP-6", "VER-1"),
    code=("refsync.wire.compat", "refsync.wire.dialect"),
    oracle="ERTDS",
    dictionary={
        **{f"letter_{letter}": letter.encode() for letter, _, _ in compat.LETTERS},
        **{f"flag_{name.lower()}": varint(flag) for _, flag, name in compat.LETTERS},
        "all_letters": compat.capability_letters(True).encode(),
        "pre_release": compat.PRE_RELEASE_VARINT.encode(),
        "all_flags": varint(KNOWN),
        "unknown_flag": varint(1 << 20),
    },
    max_length=64,
)

#: Written down from the protocol, apart from the table under test: what one letter asks for.
ASKS = {"f": 8, "x": 16, "C": 32, "I": 64, "v": 128, "V": 128, "u": 256}


#: The first protocol with each of these, likewise.
SINCE = {
    "extended_flags": 28,
    "rdev_split": 28,
    "iflags": 29,
    "stats_have_times": 29,
    "filter_prefixes": 29,
    "sort_files_first": 29,
    "delayed_updates_phase": 29,
    "varints": 30,
    "hard_links_by_index": 30,
    "filter_modern": 30,
    "multiplex_to_server": 30,
    "nanoseconds": 31,
    "second_goodbye": 31,
    "delete_stats": 31,
    "error_exit": 31,
}


def fuzz_one(data: bytes) -> None:
    """Oracle: flags are one varint with all its bits kept.

    A server's answer is exactly what a letter-by-letter model says: order,
    repetition and unknown letters change nothing, and nothing is set that
    was not asked for. The dialect built from any flags is consistent: below
    30 no flag counts, and unknown bits change no choice.
    """
    choices = Choices(data)
    switches = choices.byte()
    letters = choices.text().decode("latin-1")
    wire = choices.rest()
    got = check_decoder(lambda: compat.decode_flags, wire)
    same(got, outcome(read_varint, wire), "flags are a varint")
    flags = 0
    if isinstance(got, Value) and isinstance(got.value, int):
        flags = got.value
        _explained(flags)
    _server(letters, bool(switches & 1))
    _dialects(flags)


def _explained(flags: int) -> None:
    words = compat.explain_flags(flags).split()
    expect(words, "an empty explanation")
    rest = [int(word, 16) for word in words if word.lstrip("-").startswith("0x")]
    named = sum(flag for _, flag, name in compat.LETTERS if name in words)
    same(named | sum(rest), flags, f"bits that {words} explain")


def _server(letters: str, inc_recurse: bool) -> None:
    got = compat.server_flags(letters, inc_recurse)
    model = 2 | 4 | (1 if inc_recurse and "i" in letters else 0)
    for letter in letters:
        model |= ASKS.get(letter, 0)
    same(got, model, f"flags for {letters!r}")
    same(compat.server_flags(letters[::-1] + letters, inc_recurse), got, "order and repetition")
    sent = compat.encode_flags(got, letters)
    if "V" in letters:
        same(sent, bytes((got % 256,)), "the pre-release form is the low byte")
    else:
        same(outcome(compat.decode_flags, sent), Value(got, len(sent)), "the flags come back")


def _dialects(flags: int) -> None:
    for protocol in range(MIN_PROTOCOL, MAX_PROTOCOL + 1):
        dialect = build(protocol, flags)
        for name, since in SINCE.items():
            same(getattr(dialect, name), protocol >= since, f"{name} in protocol {protocol}")
        if protocol < 30:
            same(dialect, build(protocol), "flags below protocol 30")
            continue
        known = build(protocol, flags & KNOWN)
        for name in dialect.__slots__:
            if name != "flags":
                same(getattr(dialect, name), getattr(known, name), f"{name} with unknown bits")
        same(dialect.inc_recurse, flags % 2 == 1, "inc_recurse")
        same(dialect.safe_flist, protocol >= 31 or flags >> 3 & 1 == 1, "safe_flist")


def seeds() -> Iterator[tuple[str, bytes]]:
    """What releases send, each letter alone, unknown ones, flags of all sizes."""
    releases = (
        "",
        "iLs",
        "iLsf",
        "iLsfx",
        "iLsfxC",
        "iLsfxCI",
        "iLsfxCIvu",
        "LsfxCIvu",
        "iLsfxCIV",
        "zzz\xff",
    )
    for number, letters in enumerate(releases):
        raw = letters.encode("latin-1")
        yield (
            f"letters.{number}",
            b"\1" + bytes((len(raw),)) + raw + varint(compat.server_flags(letters, True)),
        )
    for _, flag, name in compat.LETTERS:
        yield f"flag.{name.lower()}", b"\0\0" + varint(flag)
    for value in (0, KNOWN, 1 << 20, -1, 0x7FFFFFFF):
        yield f"flags.{value & 0xFFFFFFFF:x}", b"\0\3ivf" + varint(value)
