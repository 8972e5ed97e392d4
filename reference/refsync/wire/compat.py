"""Capability letters of the client and the compatibility flags of the server.

The client names what it can do in the argument of its ``-e`` option; the
server answers with one varint of flags. Clauses SETUP-4 to SETUP-7; upstream
``compat.c:setup_protocol`` and ``options.c:maybe_add_e_option``.
"""

from __future__ import annotations

from .cursor import Cursor
from .integers import read_varint, varint

INC_RECURSE = 1 << 0
SYMLINK_TIMES = 1 << 1
SYMLINK_ICONV = 1 << 2
SAFE_FLIST = 1 << 3
AVOID_XATTR_OPTIM = 1 << 4
CHKSUM_SEED_FIX = 1 << 5
INPLACE_PARTIAL_DIR = 1 << 6
VARINT_FLIST_FLAGS = 1 << 7
ID0_NAMES = 1 << 8

#: Letter, flag and name, in the order in which a client sends the letters (SETUP-4).
LETTERS: tuple[tuple[str, int, str], ...] = (
    ("i", INC_RECURSE, "INC_RECURSE"),
    ("L", SYMLINK_TIMES, "SYMLINK_TIMES"),
    ("s", SYMLINK_ICONV, "SYMLINK_ICONV"),
    ("f", SAFE_FLIST, "SAFE_FLIST"),
    ("x", AVOID_XATTR_OPTIM, "AVOID_XATTR_OPTIM"),
    ("C", CHKSUM_SEED_FIX, "CHKSUM_SEED_FIX"),
    ("I", INPLACE_PARTIAL_DIR, "INPLACE_PARTIAL_DIR"),
    ("v", VARINT_FLIST_FLAGS, "VARINT_FLIST_FLAGS"),
    ("u", ID0_NAMES, "ID0_NAMES"),
)
#: The pre-release letter for varint flags: the server then answers with one byte (SETUP-6).
PRE_RELEASE_VARINT = "V"
#: Flags that the server states about itself, whatever the client's letters say (SETUP-5).
SERVER_OWN = SYMLINK_TIMES | SYMLINK_ICONV


def capability_letters(inc_recurse: bool) -> str:
    """The letters of this implementation, for the argument ``-e.LETTERS`` (SETUP-4)."""
    return "".join(letter for letter, flag, _ in LETTERS if inc_recurse or flag != INC_RECURSE)


def server_flags(letters: str, inc_recurse: bool) -> int:
    """The flags that a server answers to a client's letters (SETUP-5).

    ``inc_recurse`` says whether the server's own options allow incremental recursion.
    """
    flags = SERVER_OWN
    for letter, flag, _ in LETTERS:
        if letter in letters and flag not in (INC_RECURSE, SYMLINK_TIMES, SYMLINK_ICONV):
            flags |= flag
    if inc_recurse and "i" in letters:
        flags |= INC_RECURSE
    if PRE_RELEASE_VARINT in letters:
        flags |= VARINT_FLIST_FLAGS
    return flags


def encode_flags(flags: int, letters: str = "") -> bytes:
    """SETUP-6: a varint, or the low byte alone to a client with the pre-release letter."""
    if PRE_RELEASE_VARINT in letters:
        return bytes((flags & 0xFF,))
    return varint(flags)


def decode_flags(cursor: Cursor) -> int:
    """SETUP-6: what a client reads; unknown bits are kept and mean nothing."""
    return read_varint(cursor)


def explain_flags(flags: int) -> str:
    """Names of the set flags, and the rest in hex."""
    names = [name for _, flag, name in LETTERS if flags & flag]
    known = sum(flag for _, flag, _ in LETTERS)
    if flags & ~known:
        names.append(hex(flags & ~known))
    return " ".join(names) or "none"
