"""Fetching one release of the catalogue into the cache."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import tempfile
from collections.abc import Callable

from refsync_conformance.peers import apt, cache, greeting, machine, unpack
from refsync_conformance.peers.catalogue import Origin, Release
from refsync_conformance.peers.model import Peer, PeerError

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class _Fetched:
    origin: Origin
    version: str
    packages: list[pathlib.Path]


def fetch(release: Release, progress: Progress) -> Peer:
    """Fetch, unpack, try and publish a release; the caller holds its lock.

    Each origin is tried in turn. Raises PeerError with what each of them said if none serves.
    """
    missing = apt.missing_tools()
    if missing:
        raise PeerError(
            f"{release.name} is not cached and can't be fetched: {', '.join(missing)} not found "
            f"({machine.describe()}). {_elsewhere(release)}"
        )
    failures: list[str] = []
    unserved: list[Origin] = []
    attempts = [(origin, _newest) for origin in release.origins]
    if release.pinned:
        attempts.append((release.origins[0], _pinned))
    for origin, download in attempts:
        found = machine.mirrors(origin.distribution)
        base = origin.base
        below = [(mirror, base.suite) for mirror in machine.mirrors(base.distribution)] if base else []
        if not found or (base and not below):
            if origin not in unserved:
                unserved.append(origin)
            continue
        for mirror in found:
            progress(f"{release.name}: reading {origin.suite}")
            with (
                tempfile.TemporaryDirectory(prefix=f".{release.name}.apt-", dir=cache.directory()) as top,
                cache.staging(release.name) as staged,
            ):
                try:
                    source = apt.PrivateApt(pathlib.Path(top), [(mirror, origin.suite), *below])
                    source.update()
                    fetched = download(release, source, origin, progress)
                    return _install(release, fetched, staged)
                except PeerError as problem:
                    failures.append(problem.message)
    # Debian has every release; another distribution's mirror is no advice where Debian's was tried.
    wanting = [origin for origin in unserved if origin.distribution != "ubuntu"]
    advice = [f"{wanting[0].suite}: {machine.advice(wanting[0].distribution)}"] if wanting else []
    reasons = "\n".join(f"  {line}" for text in [*failures, *advice] for line in text.splitlines())
    raise PeerError(
        f"{release.name} is not cached and could not be fetched:\n{reasons}\n{_elsewhere(release)}"
    )


def _elsewhere(release: Release) -> str:
    return f"Any program of your own serves as well: --peer {release.name}=exec:/path/to/rsync"


def _newest(release: Release, source: apt.PrivateApt, origin: Origin, progress: Progress) -> _Fetched:
    version = source.version(release)
    if version is None:
        raise PeerError(f"{origin.suite} has no {release.package} {release.wanted}".rstrip())
    progress(f"{release.name}: fetching {release.package} {version} and its libraries")
    return _Fetched(origin, version, source.download(release.package, version))


def _pinned(release: Release, source: apt.PrivateApt, origin: Origin, progress: Progress) -> _Fetched:
    pinned = release.pinned
    assert pinned is not None
    progress(f"{release.name}: fetching {pinned.version}, which {origin.suite} had, from the pool")
    return _Fetched(origin, pinned.version, source.download_pinned(pinned))


def _install(release: Release, fetched: _Fetched, staged: pathlib.Path) -> Peer:
    root = staged / "root"
    unpack.unpack(fetched.packages, root)
    # Tried where it was unpacked, published with a wrapper that names the final place.
    trial = staged / "trial"
    unpack.write_wrapper(trial, unpack.command(root, release.program))
    version = greeting.version(trial) or apt.upstream_version(fetched.version)
    number = greeting.protocol(trial)
    trial.unlink()
    place = cache.directory() / release.name
    wrapper = f"bin/{pathlib.PurePath(release.program).name}"
    argv = [part.replace(str(staged), str(place)) for part in unpack.command(root, release.program)]
    unpack.write_wrapper(staged / wrapper, argv)
    program = f"root/{release.program}"
    cache.write_manifest(
        staged,
        {
            "name": release.name,
            "kind": release.kind,
            "version": version,
            "protocol": number,
            "package_version": fetched.version,
            "suite": fetched.origin.suite,
            "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "packages": {path.name: cache.sha256(path) for path in fetched.packages},
            "program": program,
            "program_sha256": cache.sha256(staged / program),
            "wrapper": wrapper,
        },
    )
    cache.publish(release.name, staged)
    peer = cache.load(release.name)
    if peer is None:
        raise PeerError(f"{place} can't be read back after it was written")
    return peer
