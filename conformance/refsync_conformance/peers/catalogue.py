"""The releases that can be fetched by name, as data.

A release is named after what it is. Where it comes from is a list of suites, tried in turn: the same upstream
version may be in Debian's trixie and in one of Ubuntu's suites, and any one of them will do. The version is
checked after the package index has been read, so a suite that has moved on is passed over, not mistaken.

A stable suite does move on (Debian 13.8 has 3.5.0 in place of 3.4.1), while the pool of the archive keeps the
older package for a while. Its digest is then pinned here: no signed index vouches for it any more.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from refsync_conformance.peers.model import PeerKind

Distribution = Literal["debian", "debian-security", "ubuntu"]


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """One suite of one archive, and for one that is no whole system (security) the suite under it."""

    distribution: Distribution
    suite: str
    base: Origin | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Pinned:
    """A package that a suite had and its archive's pool still has; its libraries come from the suite.

    `path` is below the archive, with `{architecture}` in it; `sha256` by Debian's name of the architecture.
    """

    version: str
    path: str
    sha256: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """A release by name; `wanted` is the beginning that the package's upstream version must have.

    `pinned` is tried in the first origin when no origin has the release any more.
    """

    name: str
    kind: PeerKind
    package: str
    wanted: str
    program: str
    origins: tuple[Origin, ...]
    pinned: Pinned | None = None


REQUIRED = "upstream-3.4.1"

_RSYNC = "usr/bin/rsync"

RELEASES: tuple[Release, ...] = (
    Release(
        "upstream-3.4.1",
        "upstream",
        "rsync",
        "3.4.1",
        _RSYNC,
        (
            Origin("debian", "trixie"),
            Origin("ubuntu", "resolute"),
            Origin("ubuntu", "questing"),
            Origin("ubuntu", "plucky"),
        ),
        Pinned(
            "3.4.1+ds1-5+deb13u4",
            "pool/main/r/rsync/rsync_3.4.1+ds1-5+deb13u4_{architecture}.deb",
            {
                "amd64": "8aa122f6ba8d2ff112c72bb9814ee096ee516f0213b36b98bbe79c83c92fb226",
                "arm64": "67eb7ce60a056e23b86c0ac020fc00da62647fdbfbe34453693601f8db1abf29",
            },
        ),
    ),
    Release("upstream-3.2.3", "upstream", "rsync", "3.2.3", _RSYNC, (Origin("debian", "bullseye"),)),
    Release(
        "upstream-3.2.7",
        "upstream",
        "rsync",
        "3.2.7",
        _RSYNC,
        (Origin("debian", "bookworm"), Origin("ubuntu", "noble"), Origin("ubuntu", "jammy")),
    ),
    Release(
        "upstream-3.5.0",
        "upstream",
        "rsync",
        "3.5.0",
        _RSYNC,
        (
            Origin("debian-security", "bookworm-security", Origin("debian", "bookworm")),
            Origin("debian-security", "trixie-security", Origin("debian", "trixie")),
        ),
    ),
    Release("upstream-3.5", "upstream", "rsync", "3.5.", _RSYNC, (Origin("debian", "sid"),)),
    Release("gokr-rsync", "go", "gokr-rsync", "", "usr/bin/gokr-rsync", (Origin("debian", "sid"),)),
)

BY_NAME = {release.name: release for release in RELEASES}


def canonical(name: str) -> str:
    """The catalogue's name for `name`; `3.4.1` and `rsync-3.4.1` are accepted for `upstream-3.4.1`."""
    for candidate in (name, f"upstream-{name}", name.replace("rsync-", "upstream-", 1)):
        if candidate in BY_NAME:
            return candidate
    return name
