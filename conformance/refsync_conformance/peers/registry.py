"""From a name to a peer: the catalogue's releases, the reference itself, or any program by path."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pathlib
import re
import sys

from refsync_conformance.peers import cache, greeting, unpack
from refsync_conformance.peers.catalogue import BY_NAME, RELEASES, REQUIRED, canonical
from refsync_conformance.peers.fetch import Progress, fetch
from refsync_conformance.peers.model import Peer, PeerError

REFERENCE = "refsync"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def names() -> tuple[str, ...]:
    """All names that `resolve` knows by itself, the reference first."""
    return (REFERENCE, *(release.name for release in RELEASES))


def _quiet(_text: str) -> None:
    return


def resolve(name_or_spec: str, *, fetch: bool = True, progress: Progress = _quiet) -> Peer:
    """The peer for `refsync`, a name of the catalogue (`upstream-3.4.1`, or `3.4.1`) or `NAME=exec:/path`.

    With `fetch`, a release that isn't cached is fetched, once even if many processes ask; `progress` gets a
    line per step. Raises PeerError with what to do.
    """
    name, separator, target = name_or_spec.partition("=")
    if separator:
        return _from_spec(name, target)
    if name == REFERENCE:
        return reference()
    name = canonical(name)
    release = BY_NAME.get(name)
    if release is None:
        raise PeerError(
            f"no peer is called {name!r}; there are {', '.join(names())}, or NAME=exec:/path/to/rsync"
        )
    peer = cache.load(name)
    if peer is not None:
        return peer
    if not fetch:
        raise PeerError(f"{name} is not cached; fetch it: refsync-conformance peers fetch {name}")
    with cache.lock(name):
        # Somebody else may have fetched it while we waited for the lock.
        return cache.load(name) or _fetch(name, progress)


def _fetch(name: str, progress: Progress) -> Peer:
    return fetch(BY_NAME[name], progress)


def _from_spec(name: str, target: str) -> Peer:
    scheme, separator, where = target.partition(":")
    if not _NAME.fullmatch(name):
        raise PeerError(f"{name!r} is no name for a peer: letters, digits and . _ + - only")
    if not separator or scheme != "exec":
        raise PeerError(f"{name}={target}: a peer is given as NAME=exec:/path/to/rsync")
    path = pathlib.Path(os.path.abspath(where))
    if not where or not path.is_file():
        raise PeerError(f"{name}={target}: there is no such file")
    if not os.access(path, os.X_OK):
        raise PeerError(f"{name}={target}: the file is not executable")
    return Peer(name, greeting.version(path), greeting.protocol(path), path, "exec")


def reference() -> Peer:
    """The reference of the running interpreter, as a wrapper named after what it runs.

    The wrapper keeps to the package that this process would import, from wherever that was.
    """
    path = reference_wrapper()
    return Peer(REFERENCE, greeting.version(path), greeting.protocol(path), path, "refsync")


def reference_wrapper() -> pathlib.Path:
    """Make (once for each interpreter and package directory) and give the wrapper of the reference."""
    found = importlib.util.find_spec("refsync")
    locations = list(found.submodule_search_locations or ()) if found is not None else []
    if not locations:
        raise PeerError("the refsync package can't be imported by this interpreter: pip install refsync")
    package_parent = os.path.dirname(os.path.abspath(locations[0]))
    digest = hashlib.sha256(f"{sys.executable}\0{package_parent}".encode()).hexdigest()[:12]
    name = f"{REFERENCE}-{digest}"
    place = cache.directory() / name
    launcher = launcher_text(package_parent)
    script = unpack.wrapper_text([sys.executable, str(place / "launch.py")])
    if _holds(place / "launch.py", launcher) and _holds(place / "bin/refsync", script):
        return place / "bin/refsync"
    with cache.lock(name), cache.staging(name) as staged:
        (staged / "launch.py").write_text(launcher, encoding="utf-8")
        unpack.write_wrapper(staged / "bin/refsync", [sys.executable, str(place / "launch.py")])
        cache.publish(name, staged)
    return place / "bin/refsync"


def launcher_text(package_parent: str) -> str:
    """The program that runs the refsync package which lies in this directory, and no other."""
    return (
        "import sys\n\n"
        # In place of the launcher's own directory, which would otherwise come first.
        f"sys.path[0] = {package_parent!r}\n"
        "from refsync.cli.main import main\n\n"
        "sys.exit(main())\n"
    )


def _holds(path: pathlib.Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except OSError:
        return False


__all__ = ["REFERENCE", "REQUIRED", "launcher_text", "names", "reference", "reference_wrapper", "resolve"]
