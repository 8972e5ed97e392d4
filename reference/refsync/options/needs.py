"""Which options an old protocol has no form for.

SETUP-13; upstream ``compat.c:setup_protocol``, which looks as soon as the
version is agreed and before anything else is said, on both sides.
"""

from __future__ import annotations

from .model import Options

ATTRIBUTES = 30  # -A and -X
BASES = 29  # a basis that the generator has to name, and directories without an entry


def needed(options: Options) -> tuple[tuple[str, int], ...]:
    """What ``options`` ask for that has an oldest protocol: the words of the message, and that version.

    A copy with both ends here has attributes at every version.
    """
    other = f"--{options.alt_dest_kind}-dest"
    wanted = [
        ("--acls", ATTRIBUTES, bool(options.acls) and not options.local),
        ("--xattrs", ATTRIBUTES, bool(options.xattrs) and not options.local),
        ("--fuzzy", BASES, options.fuzzy > 0),
        (f"{other} with --inplace", BASES, bool(options.alt_dests) and options.inplace),
        (f"Using more than one {other} option", BASES, len(options.alt_dests) > 1),
        ("--prune-empty-dirs", BASES, options.prune_empty_dirs),
    ]
    return tuple((name, oldest) for name, oldest, asked in wanted if asked)
