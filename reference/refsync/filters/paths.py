"""Paths as text: made absolute and cleaned without a look at the file system.

Upstream ``util1.c:clean_fname``, ``sanitize_path``.
"""

from __future__ import annotations


def clean(path: bytes) -> bytes:
    """Without double slashes, ``.`` and, where there is something to take back, ``x/..``; never empty."""
    absolute = path.startswith(b"/")
    kept: list[bytes] = []
    for part in path.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            if kept and kept[-1] != b"..":
                kept.pop()
                continue
            if absolute:
                continue
        kept.append(part)
    joined = b"/".join(kept)
    return b"/" + joined if absolute else joined or b"."


def absolute(path: bytes, cwd: bytes) -> bytes:
    """The clean absolute path of ``path`` as seen from ``cwd``."""
    return clean(path if path.startswith(b"/") else cwd + b"/" + path)


def with_slash(path: bytes) -> bytes:
    """A directory's path, ready for a name to be put behind it."""
    return path if path.endswith(b"/") else path + b"/"


def confine(path: bytes, root: bytes, depth: int) -> bytes:
    """``path`` with no way out of ``root``.

    A leading slash means ``root``; a relative path may begin with as many ``..`` as
    the directory that it starts from lies below the root, ``depth``.
    """
    inside = path.startswith(b"/")
    kept: list[bytes] = []
    ups = 0 if inside else depth
    lead = 0
    for part in path.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            if len(kept) > lead:
                kept.pop()
            elif lead < ups:
                kept.append(part)
                lead += 1
            continue
        kept.append(part)
    joined = b"/".join(kept)
    if inside:
        return with_slash(root) + joined
    return joined or b"."
