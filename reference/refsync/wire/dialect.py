"""What the peers agreed to speak: every difference between versions, as data.

A ``Dialect`` is built once, from the protocol version, the compatibility
flags and the preserved attributes; no other module asks for the version
number. Clause VER-1 lists the same differences; upstream ``compat.c``.
"""

from __future__ import annotations

from ..records import dataclass
from . import compat
from .limits import MAX_BLOCK_SIZE, OLD_MAX_BLOCK_SIZE

MIN_PROTOCOL = 27
MAX_PROTOCOL = 32
#: Versions outside these are not rsync's: "is your shell clean?" (SETUP-2).
LOWEST_KNOWN = 20
HIGHEST_ACCEPTED = 40


@dataclass(frozen=True, slots=True)
class Dialect:
    """The agreed form of everything on one connection.

    The first group is what was agreed; the rest follows from it.
    """

    protocol: int
    flags: int = 0

    # forms of values
    varints: bool = False  # varint, varlong and delta-coded indexes
    flist_flags_varint: bool = False
    safe_flist: bool = False  # io_error can stand at a list's end
    nanoseconds: bool = False
    unix_time_unsigned: bool = True
    max_block_size: int = MAX_BLOCK_SIZE
    old_compression_quirk: bool = False  # zlib history repeats the first chunk
    # what travels
    inc_recurse: bool = False
    extended_flags: bool = True  # a second byte of entry flags exists
    hard_links_by_index: bool = True
    rdev_split: bool = True  # major and minor apart
    specials_have_rdev: bool = True
    checksum_all_types: bool = False
    id0_names: bool = False
    io_error_after_list: bool = False
    iflags: bool = True
    stats_have_times: bool = True
    filter_prefixes: bool = True  # rules of any kind; before: "+ ", "- " and "!" only
    filter_modern: bool = True  # perishable and side modifiers
    # order and phases
    sort_files_first: bool = True
    delayed_updates_phase: bool = True
    second_goodbye: bool = True
    delete_stats: bool = True
    multiplex_to_server: bool = True
    messages_from_generator: bool = True
    files_from_framed: bool = True
    error_exit: bool = True
    # sums
    seed_before: bool = False
    negotiated_strings: bool = False
    xattr_optimised: bool = False
    symlink_times: bool = False
    inplace_partial: bool = False
    append_verifies: bool = False  # --append always means --append-verify

    @property
    def phases(self) -> int:
        """XFER-2: how often ``NDX_DONE`` ends a phase of requests."""
        return 2 if self.delayed_updates_phase else 1


def build(protocol: int, flags: int = 0) -> Dialect:
    """The dialect of a version and the server's compatibility flags (VER-1)."""
    modern = protocol >= 30
    if not modern:
        flags = 0
    return Dialect(
        protocol=protocol,
        flags=flags,
        varints=modern,
        flist_flags_varint=bool(flags & compat.VARINT_FLIST_FLAGS),
        safe_flist=modern and (bool(flags & compat.SAFE_FLIST) or protocol >= 31),
        nanoseconds=protocol >= 31,
        max_block_size=MAX_BLOCK_SIZE if modern else OLD_MAX_BLOCK_SIZE,
        old_compression_quirk=protocol < 31,
        inc_recurse=bool(flags & compat.INC_RECURSE),
        extended_flags=protocol >= 28,
        hard_links_by_index=modern,
        rdev_split=protocol >= 28,
        specials_have_rdev=protocol < 31,
        checksum_all_types=protocol < 28,
        id0_names=bool(flags & compat.ID0_NAMES),
        io_error_after_list=not modern,
        iflags=protocol >= 29,
        stats_have_times=protocol >= 29,
        filter_prefixes=protocol >= 29,
        filter_modern=modern,
        sort_files_first=protocol >= 29,
        delayed_updates_phase=protocol >= 29,
        second_goodbye=protocol >= 31,
        delete_stats=protocol >= 31,
        multiplex_to_server=modern,
        messages_from_generator=modern,
        files_from_framed=protocol >= 31,
        error_exit=protocol >= 31,
        seed_before=bool(flags & compat.CHKSUM_SEED_FIX),
        negotiated_strings=bool(flags & compat.VARINT_FLIST_FLAGS),
        xattr_optimised=protocol >= 31 and not flags & compat.AVOID_XATTR_OPTIM,
        symlink_times=bool(flags & compat.SYMLINK_TIMES),
        inplace_partial=bool(flags & compat.INPLACE_PARTIAL_DIR),
        append_verifies=not modern,
    )
