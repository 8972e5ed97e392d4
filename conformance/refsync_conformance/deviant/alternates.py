"""Answers that name a basis in other directories, or a similar file, where there can be none."""

from __future__ import annotations

from .answers import attributes
from .table import HARMLESS, NEWER, deviation

LINK_DEST = "--link-dest=there"


@deviation(
    130,
    "basis-number-beyond",
    "A basis directory past the last",
    clause="ALT-14",
    side="sender",
    options=(LINK_DEST,),
    protocols=NEWER,
)
def basis_number_beyond() -> None:
    """One directory was given, and the answer names the second."""
    attributes(1, None)


@deviation(
    131,
    "similar-name-with-slash",
    "A similar file in another directory",
    clause="ALT-14",
    side="sender",
    options=("--fuzzy",),
    expect=HARMLESS,
    advisory="CVE-2024-12086",
)
def similar_name_with_slash() -> None:
    """The answer names ``../outside/secret`` as a similar file, where similar files were looked for."""
    attributes(0x83, b"../outside/secret")


@deviation(
    132,
    "similar-name-through-link",
    "A similar file behind a symlink",
    clause="ALT-14",
    side="sender",
    options=("--fuzzy",),
    expect=HARMLESS,
)
def similar_name_through_link() -> None:
    """The answer names ``way/secret``, and ``way`` is a symlink that has just been made."""
    attributes(0x83, b"way/secret")


@deviation(
    133,
    "similar-name-dots",
    "A similar file that is a directory",
    clause="ALT-14",
    side="sender",
    options=("--fuzzy",),
    expect=HARMLESS,
)
def similar_name_dots() -> None:
    """The answer names ``..`` as a similar file."""
    attributes(0x83, b"..")


@deviation(
    134,
    "similar-number-beyond",
    "A similar file of a directory past the last",
    clause="ALT-14",
    side="sender",
    options=("-yy", LINK_DEST),
)
def similar_number_beyond() -> None:
    """One directory was given, and the answer names a similar file of the second."""
    attributes(0x85, b"victim")
