"""What a client tells a daemon from files of its own: a password, and the input of its early exec.

Clauses AUTH-7, GREET-6; upstream ``authenticate.c:getpassf``, ``auth_client``,
``clientserver.c:start_inband_exchange``.
"""

from __future__ import annotations

import os
import sys

from ..options.named import open_named
from ..wire.errors import Exit, RefsyncError

#: Bytes that are read of a password file.
_MOST = 511


def password(file: str | None) -> bytes:
    """From ``--password-file``, from ``RSYNC_PASSWORD``, or asked of the user; exit 1 without one."""
    if file is not None:
        return from_file(file)
    known = os.environ.get("RSYNC_PASSWORD")
    if known is not None:
        return os.fsencode(known)
    if not sys.stdin.isatty():
        raise RefsyncError("the module wants a password: set RSYNC_PASSWORD", Exit.SYNTAX)
    from getpass import getpass

    return os.fsencode(getpass("Password: "))


def from_file(path: str) -> bytes:
    """AUTH-7: the first line that is not empty; others must not be able to read the file."""
    if path == "-":
        content = sys.stdin.buffer.readline(_MOST)
    else:
        content = _guarded(path)
    lines = content.replace(b"\r", b"\n").split(b"\n")
    found = next((line for line in lines if line), None)
    if found is None:
        raise RefsyncError(f"ERROR: failed to read a password from {path}", Exit.SYNTAX)
    return found


def _guarded(path: str) -> bytes:
    try:
        with os.fdopen(open_named(path, os.O_RDONLY), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if status.st_mode & 0o06:
                raise RefsyncError("ERROR: password file must not be other-accessible", Exit.SYNTAX)
            if os.getuid() == 0 and status.st_uid != 0:
                raise RefsyncError(
                    "ERROR: password file must be owned by root when running as root", Exit.SYNTAX
                )
            return file.read(_MOST)
    except OSError as error:
        raise RefsyncError(
            f"could not open password file {path}: {error.strerror} ({error.errno})", Exit.SYNTAX
        ) from None


def early_input(path: str | None) -> bytes:
    """GREET-6: the content of ``--early-input``'s file; nothing without one."""
    if path is None:
        return b""
    try:
        with os.fdopen(open_named(path, os.O_RDONLY), "rb") as file:
            return file.read(1 << 20)  # more than may be sent, so that too much is refused and not cut off
    except OSError as error:
        raise RefsyncError(
            f"failed to open {path}: {error.strerror} ({error.errno})", Exit.START_CLIENT
        ) from None
