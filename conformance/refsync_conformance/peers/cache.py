"""Where peers live on disk, and how several processes share that place.

One directory a peer, `$XDG_CACHE_HOME/refsync/peers/<name>` (`~/.cache` when unset), outside any checkout:

    bin/<program>   the wrapper that everybody runs
    root/           the unpacked packages (fetched peers only)
    peer.json       the manifest: what it is, where it came from, sha256 of each package and of the program

A peer is made in a staging directory next to its place and renamed into it, under a lock by name: whoever
looks sees a whole peer or none.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, cast

from refsync_conformance.peers.model import Peer, PeerError, PeerKind

MANIFEST = "peer.json"
FORMAT = 1


def directory() -> pathlib.Path:
    """The cache directory of all peers; made when it isn't there. Raises PeerError if it can't be."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    # The base directory specification: a relative value is to be ignored.
    base = pathlib.Path(configured) if configured.startswith("/") else pathlib.Path.home() / ".cache"
    path = base / "refsync" / "peers"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise PeerError(
            f"can't make the cache directory {path}: {problem.strerror}; set XDG_CACHE_HOME to a writable one"
        ) from problem
    return path


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the lock of one peer's place, waiting for whoever is making that peer just now."""
    path = directory() / f".{name}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as problem:
        raise PeerError(f"can't lock the peer cache: {path}: {problem.strerror}") from problem
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def staging(name: str) -> Iterator[pathlib.Path]:
    """A fresh directory beside the peer's place; gone afterwards unless `publish` has moved it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}.new-", dir=directory()))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def publish(name: str, staged: pathlib.Path) -> pathlib.Path:
    """Move a staged peer into its place and give that; the caller holds the lock."""
    place = directory() / name
    if place.exists():
        # Not removed where it stands: a process that runs the old one keeps its files until it ends.
        doomed = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}.old-", dir=directory()))
        place.rename(doomed / "old")
        staged.rename(place)
        shutil.rmtree(doomed, ignore_errors=True)
    else:
        staged.rename(place)
    return place


def sha256(path: pathlib.Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(place: pathlib.Path, facts: dict[str, Any]) -> None:
    """Write the manifest of a staged peer; `facts` has at least what `load` reads."""
    text = json.dumps({"format": FORMAT, **facts}, indent=2, sort_keys=True) + "\n"
    (place / MANIFEST).write_text(text, encoding="utf-8")


def load(name: str) -> Peer | None:
    """The cached peer of that name, or None if there is none or it isn't what was fetched.

    The program's sum is compared each time: half a megabyte to read, and a damaged cache would otherwise be
    taken for a fault of the implementation under test.
    """
    place = directory() / name
    try:
        facts = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        if facts["format"] != FORMAT or sha256(place / facts["program"]) != facts["program_sha256"]:
            return None
        path = place / facts["wrapper"]
        if not os.access(path, os.X_OK) or f"{place}/" not in path.read_text(encoding="utf-8"):
            return None  # moved to another directory since: the wrapper names absolute paths
        return Peer(
            name=name,
            version=str(facts["version"]),
            protocol=int(facts["protocol"]),
            path=path,
            kind=cast(PeerKind, facts["kind"]),
            package=str(facts["package_version"]),
        )
    except (OSError, KeyError, ValueError, TypeError):
        return None
