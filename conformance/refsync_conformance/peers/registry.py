"""From a name to a peer: the catalogue's releases, the reference itself, or any program by path."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pathlib
import sys

from refsync_conformance.peers import cache, greeting, launchers, specs, unpack
from refsync_conformance.peers.catalogue import BY_NAME, RELEASES, REQUIRED, canonical
from refsync_conformance.peers.fetch import Progress, fetch
from refsync_conformance.peers.model import Peer, PeerError, PeerSpecError

REFERENCE = "refsync"


def names() -> tuple[str, ...]:
    """All names that `resolve` knows by itself, the reference first."""
    return (REFERENCE, *(release.name for release in RELEASES))


def _quiet(_text: str) -> None:
    return


def resolve(name_or_spec: str, *, fetch: bool = True, progress: Progress = _quiet) -> Peer:
    """The peer for `refsync`, a name of the catalogue (`upstream-3.4.1`, or `3.4.1`), or a spec
    (see :mod:`refsync_conformance.peers.specs`).

    With `fetch`, a release that isn't cached is fetched, once even if many processes ask; `progress` gets a
    line per step. Raises PeerError with what to do, PeerSpecError if that is to write something else.
    """
    if specs.is_spec(name_or_spec):
        return specs.resolve(name_or_spec, reference_wrapper)
    name = name_or_spec
    if name == REFERENCE:
        return reference()
    name = canonical(name)
    release = BY_NAME.get(name)
    if release is None:
        raise PeerSpecError(f"no peer is called {name!r}; there are {', '.join(names())}, or {specs.FORMS}")
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
    with cache.lock("run"):
        launchers.sweep()
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
        "from refsync.cli.entry import run\n\n"
        "run()\n"
    )


def _holds(path: pathlib.Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except OSError:
        return False


__all__ = ["REFERENCE", "REQUIRED", "launcher_text", "names", "reference", "reference_wrapper", "resolve"]
