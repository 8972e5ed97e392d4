"""What a daemon's module lays down for one connection."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ModuleContext:
    """A module as the engine sees it: ``root`` is its directory, ``timeout`` seconds or 0.

    ``filters`` are rules about names below ``root``, whatever part of the
    module is transferred. With ``munge_symlinks`` the targets of symlinks are
    stored behind a prefix that keeps them from being followed. With
    ``numeric_ids`` users and groups are not matched by name, though the
    protocol goes on as if they were.
    """

    name: str
    root: bytes
    read_only: bool = True
    write_only: bool = False
    filters: list[str] = field(default_factory=list)
    timeout: int = 0
    munge_symlinks: bool = False
    numeric_ids: bool = False
