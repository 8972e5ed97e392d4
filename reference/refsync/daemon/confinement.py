"""The second wall around a module: what the process may open is the module, and what the system needs.

The first wall is the engine's: each path is resolved below the module. Clause DAEMON-28.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from ..files import landlock
from ..files.log import Log

#: What the system's tables of users and groups, its libraries and its clock are read from.
SYSTEM = (
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ld.so.cache", "/etc/localtime"),
    *("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/var/lib/sss", "/dev/null"),
)


def wall_in(root: bytes, *, writable: bool, log: Log) -> bool:
    """Keep this process to the module at ``root``; False, and a line in the log, if the kernel can't."""
    if not landlock.available():
        log(f"Landlock is not to be had (version {landlock.version()}): paths alone confine the module")
        return False
    try:
        # a log that somebody rotates away is written to on; it is open already
        landlock.restrict([root] if writable else [], [*_system(), root])
    except OSError as error:
        log(f"Landlock: {error.strerror} ({error.errno}): paths alone confine the module")
        return False
    return True


def _system() -> Iterable[str]:
    """Besides the system's own, where Python loads its modules from."""
    own = {os.path.dirname(os.__file__), *(path for path in sys.path if path)}
    return (*SYSTEM, *sorted(own))
