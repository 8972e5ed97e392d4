"""What a peer is, for the rest of the suite."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Literal

PeerKind = Literal["upstream", "refsync", "go", "exec", "ssh", "daemon"]


class PeerError(Exception):
    """A peer can't be had: unknown name, nothing cached and no way to fetch it, or it does not run.

    The text is meant for the person at the terminal and ends with what to do. A run that meets one is an
    error of the suite (exit 3), never a skip.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PeerSpecError(PeerError):
    """What was given as a peer can't be one, whatever the machine has: wrong usage (exit 2)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """A daemon that is already up, on this machine.

    `directory` is what the module serves, where that was told: then files can be put there, and looked at.
    """

    port: int
    module: str
    directory: pathlib.Path | None = None

    @property
    def url(self) -> str:
        return f"rsync://127.0.0.1:{self.port}/{self.module}"


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """Which options a program knows in one role, as words without values: `--delete`, `-z`, `--no-D`."""

    known: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    unclear: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    """Words that were refused for another reason than being unknown, with what was said."""


@dataclasses.dataclass(frozen=True, slots=True)
class Peer:
    """One implementation, ready to run.

    `path` is a single executable file, fit for `--rsync-path` as well as for `subprocess`. `protocol` is the
    number that the peer itself put into its greeting: the version does not tell it.
    """

    name: str
    version: str
    protocol: int
    path: pathlib.Path
    kind: PeerKind
    package: str = ""
    """The package's full version when it came as one (`3.4.1+ds1-5+deb13u4`), otherwise empty."""
    address: Address | None = None
    """Where it listens, for a daemon that somebody else has started; `path` is then its URL, to be shown."""
    as_client: Known = Known()
    as_server: Known = Known()
    """What `probe.both` found out; a peer that was not asked is taken to know everything."""
    no_daemon: str = ""
    """Why it can't be started as a daemon, found out by `probe.both`; empty if it can or was not tried."""
