"""Trees and contents that several cases share."""

from __future__ import annotations

import os
import re

from refsync_conformance.sandbox import Finished
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, Tree, file, folder, symlink
from refsync_conformance.trial import Trial

YEAR_NS = 365 * 86400 * SECOND

#: Files, directories and links of ordinary kinds, with distinct modes and times.
MIXED: Tree = (
    file("README", b"read me\n", mode=0o644),
    file("bin/tool", b"#!/bin/sh\nexit 0\n", mode=0o755, mtime_ns=EPOCH_NS + YEAR_NS),
    file("data/blob", Noise(1, 70_000), mode=0o600),
    file("data/empty", b""),
    file("data/sub/one", b"1", mode=0o444, mtime_ns=EPOCH_NS - YEAR_NS),
    file("data/sub/two", b"22"),
    folder("data/void", mode=0o700),
    folder("data", mode=0o750, mtime_ns=EPOCH_NS + 5),
    symlink("data/link", "sub/one"),
    symlink("dangling", "no/such/place"),
    symlink("top", "data"),
)


def blocks(seed: int, count: int, size: int = 5_000) -> list[bytes]:
    """Distinct pieces of a file, to put together in another order."""
    whole = Noise(seed, count * size).data()
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def figure(run: Finished, label: str) -> int:
    """A figure of the ``--stats`` block by its label: ``Literal data``. Raises ``ValueError`` if it isn't
    printed.
    """
    found = re.search(rb"^" + label.encode() + rb": ([\d,]+)", run.stdout, re.MULTILINE)
    if found is None:
        raise ValueError(f"the output has no line {label!r}")
    return int(found[1].replace(b",", b""))


def keeps(t: Trial, name: str, value: bytes, *, of_directory: bool = False) -> None:
    """End the cell as unsupported unless the area's file system keeps such an attribute."""
    path = t.path("probe")
    if of_directory:
        os.mkdir(path)
    else:
        t.write("probe", b"")
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        t.unsupported(f"the file system keeps no {name} of {len(value)} bytes here: {error.strerror}")
    finally:
        (os.rmdir if of_directory else os.unlink)(path)
