"""Which attributes travel with the entries of a file list: both sides know it from the options.

Clauses FLIST-7 to FLIST-14; upstream ``flist.c:send_file_entry``, ``options.c:parse_arguments``.
"""

from __future__ import annotations

from ..wire.flist import Preserve
from ..wire.limits import MAX_XATTR_VALUE
from .model import Options


def preserved(options: Options, digest_length: int) -> Preserve:
    """What ``options`` have the entries carry; ``digest_length``: bytes of a digest of ``--checksum``."""
    return Preserve(
        links=options.links,
        uid=options.owner,
        gid=options.group,
        devices=options.devices,
        specials=options.specials,
        hard_links=bool(options.hard_links),
        atimes=bool(options.atimes),
        crtimes=options.crtimes,
        acls=bool(options.acls),
        acl_any_bits=options.fake_super,
        xattrs=bool(options.xattrs),
        recurse=bool(options.recurse),
        relative=bool(options.relative),
        missing_args=options.delete_missing_args,
        checksum_length=digest_length if options.checksum else 0,
        max_value=min(MAX_XATTR_VALUE, options.max_alloc - 1 if options.max_alloc else MAX_XATTR_VALUE),
    )
