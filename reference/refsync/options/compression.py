"""What the compression options come to together, and whether the checksums are known.

Clauses OPT-6, COMP-10, COMP-12; upstream ``options.c:parse_arguments``,
``compat.c:parse_compress_choice``, ``checksum.c:parse_checksum_choice``.
"""

from __future__ import annotations

from ..wire import compression
from ..wire.errors import Exit
from ..wire.negotiation import ALIASES, CHECKSUM_NAMES
from .model import Options
from .wrong import wrong


def settle_compression(options: Options) -> None:
    """COMP-12: a choice or a level turns compression on, the choice "none" off; ``-zz`` is zlibx.

    An algorithm that is unknown, or whose library is missing, is refused by name (exit 4).
    """
    if options.compress_choice is None and options.compress > 1:
        options.compress_choice = "zlibx"
    choice = options.compress_choice
    if choice is not None and choice.lower() == "auto":
        options.compress_choice = None
    elif choice is not None:
        if choice.lower() not in compression.available():
            raise wrong(_unknown(choice), Exit.UNSUPPORTED)
        options.compress = 0 if choice.lower() == "none" else 1
    if not options.compress and options.compress_level is not None:
        options.compress = -1


def check_checksums(options: Options) -> None:
    """OPT-6: exit 4 if one of the checksums that the user has named is not known."""
    if options.checksum_choice in (None, "auto"):
        return
    transfer, _, listing = str(options.checksum_choice).partition(",")
    for name in (transfer, listing or transfer):
        if ALIASES.get(name, name) not in CHECKSUM_NAMES:
            raise wrong(f"unknown checksum name: {name}", Exit.UNSUPPORTED)


def _unknown(choice: str) -> str:
    package = compression.missing().get(choice.lower())
    lacking = f" (the package {package} is not installed)" if package else ""
    return f"unknown compress name: {choice}{lacking}"
