"""What a daemon's module lays down for one connection."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ModuleContext:
    """A module as the engine sees it: ``root`` is its directory, ``timeout`` seconds or 0."""

    name: str
    root: bytes
    read_only: bool = True
    write_only: bool = False
    filters: list[str] = field(default_factory=list)
    timeout: int = 0
