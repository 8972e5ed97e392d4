"""What travels with a file index: item flags, the basis and an alternate name.

Clauses XFER-3 to XFER-6; upstream ``rsync.c:read_ndx_and_attrs``,
``sender.c:write_ndx_and_attrs``, ``generator.c:itemize``.
"""

from __future__ import annotations

from ..records import dataclass
from .cursor import Cursor
from .errors import NeedMoreData
from .integers import read_shortint, read_vstring, shortint, vstring
from .limits import MAX_PATH

REPORT_ATIME = 1 << 0
REPORT_CHANGE = 1 << 1
REPORT_SIZE = 1 << 2
REPORT_TIMEFAIL = 1 << 2  # on a symlink or directory: its time could not be set
REPORT_TIME = 1 << 3
REPORT_PERMS = 1 << 4
REPORT_OWNER = 1 << 5
REPORT_GROUP = 1 << 6
REPORT_ACL = 1 << 7
REPORT_XATTR = 1 << 8
REPORT_CRTIME = 1 << 10
BASIS_TYPE_FOLLOWS = 1 << 11
XNAME_FOLLOWS = 1 << 12
IS_NEW = 1 << 13
LOCAL_CHANGE = 1 << 14
TRANSFER = 1 << 15
# never sent
MISSING_DATA = 1 << 16
DELETED = 1 << 17
MATCHED = 1 << 18

#: Flags that alone make an item worth reporting (upstream ``SIGNIFICANT_ITEM_FLAGS``).
SIGNIFICANT = 0xFFFF & ~(BASIS_TYPE_FOLLOWS | XNAME_FOLLOWS | LOCAL_CHANGE)

BASIS_ALT_HIGH = 0x7F
BASIS_FNAME = 0x80
BASIS_PARTIAL_DIR = 0x81
BASIS_BACKUP = 0x82
BASIS_FUZZY = 0x83

#: What a request below protocol 29 means, since it carries no flags (XFER-4).
IMPLIED_FLAGS = TRANSFER | MISSING_DATA


def is_link_made(iflags: int) -> bool:
    """A hard link to what has its attributes already."""
    both = XNAME_FOLLOWS | LOCAL_CHANGE
    return iflags & both == both


def xattrs_follow(iflags: int, *, optimised: bool) -> bool:
    """XATTR-9: whether a request or its answer follows the flags, where attributes are kept and data moves.

    ``optimised``: the dialect leaves it out for a hard link.
    """
    return bool(iflags & REPORT_XATTR) and not (optimised and is_link_made(iflags))


@dataclass(frozen=True, slots=True)
class ItemAttrs:
    """``iflags`` and the two optional fields that its bits announce."""

    iflags: int = IMPLIED_FLAGS
    basis_type: int = BASIS_FNAME
    xname: bytes | None = None


def encode(attrs: ItemAttrs) -> bytes:
    """XFER-3: the low 16 bits, then the basis type and the name if announced."""
    out = shortint(attrs.iflags & 0xFFFF)
    if attrs.iflags & BASIS_TYPE_FOLLOWS:
        out += bytes((attrs.basis_type,))
    if attrs.iflags & XNAME_FOLLOWS:
        out += vstring(attrs.xname or b"")
    return out


def decode(cursor: Cursor) -> ItemAttrs:
    """XFER-3: as ``encode`` wrote them; the name is shorter than a path may be."""
    start = cursor.pos
    try:
        iflags = read_shortint(cursor)
        basis = cursor.byte() if iflags & BASIS_TYPE_FOLLOWS else BASIS_FNAME
        xname = read_vstring(cursor, MAX_PATH, "XFER-5") if iflags & XNAME_FOLLOWS else None
    except NeedMoreData:
        cursor.pos = start
        raise
    return ItemAttrs(iflags, basis, xname)
