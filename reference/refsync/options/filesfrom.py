"""What ``--files-from`` names: a file here, standard input, or a file at the other end.

Clause FROM-5; upstream ``options.c:check_for_hostspec``.
"""

from __future__ import annotations


def remote_file(name: str) -> tuple[str, str] | None:
    """(host, path) of ``host:path``; the host is empty in ``:path``; None for a file of our own."""
    host, colon, path = name.partition(":")
    if not colon or "/" in host:
        return None
    return host, path.removeprefix(":")
