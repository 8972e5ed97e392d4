"""Puts a fault into one call of the system, at one place of the reference's source.

The functions of ``os`` are wrapped; a wrapper looks at who calls. The list of
places is made by a run that only records them.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import refsync

HOME = str(Path(refsync.__file__).parent) + "/"
#: Parts of the reference that speak to the system.
LAYERS = ("files/", "transport/", "engine/", "delta/", "filters/", "cli/")

#: What a full disk, a full quota, a full table, a bad disk and a lack of rights refuse.
_MAKES = ("mkdir", "symlink", "link", "mknod", "rename")
ERRORS: dict[str, tuple[str, ...]] = {
    "open": ("EACCES", "EMFILE", "ENOSPC", "EIO"),
    "read": ("EIO", "short"),
    "pread": ("EIO", "short"),
    "write": ("ENOSPC", "EDQUOT", "EIO", "short"),
    "pwrite": ("ENOSPC", "EDQUOT", "EIO", "short"),
    **dict.fromkeys(_MAKES, ("ENOSPC", "EACCES", "EIO")),
    **dict.fromkeys(("unlink", "rmdir"), ("EACCES", "EIO")),
    **dict.fromkeys(("stat", "lstat", "fstat", "readlink", "scandir", "listdir"), ("EACCES", "EIO")),
    **dict.fromkeys(("utime", "chmod", "chown", "fchmod"), ("EACCES", "EIO")),
    **dict.fromkeys(("ftruncate", "posix_fallocate", "fsync"), ("ENOSPC", "EIO")),
    **dict.fromkeys(("getxattr", "listxattr"), ("EACCES", "EIO")),
    **dict.fromkeys(("setxattr", "removexattr"), ("ENOSPC", "EACCES")),
    **dict.fromkeys(("dup", "pipe"), ("EMFILE",)),
    "lseek": ("EIO",),
}
#: Once the disk or the table is full it stays so.
LASTING = {"ENOSPC", "EDQUOT", "EMFILE"}


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A call in the source: ``files/temp.py:120 rename``."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}"


def caller(function: str, depth: int = 2) -> Site | None:
    """The place that calls, if it is one of the reference's own layers."""
    frame = sys._getframe(depth)
    name = frame.f_code.co_filename
    if not name.startswith(HOME) or not name[len(HOME) :].startswith(LAYERS):
        return None
    return Site(name[len(HOME) :], frame.f_lineno, function)


def record(found: int) -> None:
    """Write each place, once, to a descriptor: for all that this process forks too."""
    seen: set[Site] = set()
    write = os.write

    def wrap(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            site = caller(name)
            if site is not None and site not in seen:
                seen.add(site)
                write(found, f"{site.file}\t{site.line}\t{name}\n".encode())
            return original(*args, **kwargs)

        return call

    for name in ERRORS:
        setattr(os, name, wrap(name, getattr(os, name)))


def plant(site: Site, fault: str, hit: int) -> None:
    """Have the call at a place fail when it is made: once or, if the fault lasts, from then on.

    ``hit`` is a descriptor that is told. ``short``: reads and writes there do half of what they are asked.
    """
    original = getattr(os, site.function)
    write, strerror = os.write, os.strerror
    done = [False]

    def call(*args: Any, **kwargs: Any) -> Any:
        if caller(site.function) != site:
            return original(*args, **kwargs)
        first, done[0] = not done[0], True
        if first:
            write(hit, b"!")
        if fault == "short":
            return original(*_halved(site.function, args), **kwargs)
        if first or fault in LASTING:
            number = getattr(errno, fault)
            name = args[0] if args and isinstance(args[0], str | bytes) else None
            raise OSError(number, strerror(number), name)
        return original(*args, **kwargs)

    setattr(os, site.function, call)


def _halved(function: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if function in ("read", "pread"):
        return args[0], max(1, args[1] // 2), *args[2:]
    with memoryview(args[1]) as view:
        return args[0], bytes(view[: max(1, len(view) // 2)]), *args[2:]
