"""The verbs of `refsync-conformance peers`, as plain functions that return an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from refsync_conformance.peers import greeting, registry, specs
from refsync_conformance.peers.catalogue import RELEASES, REQUIRED
from refsync_conformance.peers.model import Peer, PeerError, PeerSpecError

OK, USAGE, SUITE_ERROR = 0, 2, 3

USAGE_TEXT = """\
usage: refsync-conformance peers list
       refsync-conformance peers fetch [--all | NAME...]
       refsync-conformance peers path NAME
"""


def main(arguments: Sequence[str], out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Run one verb. Exit codes: 0, 2 for a wrong call, 3 when a peer can't be had."""
    out = sys.stdout if out is None else out
    err = sys.stderr if err is None else err
    match list(arguments):
        case ["list"]:
            return list_peers(out)
        case ["fetch", "--all"]:
            return fetch_peers([release.name for release in RELEASES], out, err)
        case ["fetch", *wanted] if not any(name.startswith("-") for name in wanted):
            return fetch_peers(wanted or [REQUIRED], out, err)
        case ["path", name]:
            return print_path(name, out, err)
        case ["-h" | "--help"]:
            out.write(USAGE_TEXT)
            return OK
        case _:
            err.write(USAGE_TEXT)
            return USAGE


def describe(peer: Peer) -> str:
    """One line on a peer: its name, version, protocol and path."""
    package = f", package {peer.package}" if peer.package else ""
    return f"{peer.name}: version {peer.version}, protocol {peer.protocol}{package}\n    {peer.path}"


def list_peers(out: TextIO) -> int:
    """Say of each name whether it is there; fetches nothing."""
    for name in registry.names():
        try:
            out.write(describe(registry.resolve(name, fetch=False)) + "\n")
        except PeerError as problem:
            required = " (required)" if name == REQUIRED else ""
            out.write(f"{name}{required}: {problem.message}\n")
    return OK


def fetch_peers(wanted: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Fetch peers and ask each for its greeting again; all are tried, and one that fails makes it 3."""
    code = OK
    for name in wanted:
        try:
            peer = registry.resolve(name, progress=lambda text: print(text, file=out, flush=True))
            spoken = greeting.protocol(peer.path)
            if spoken != peer.protocol:
                raise PeerError(f"{peer.name} spoke protocol {peer.protocol} when fetched and {spoken} now")
            out.write(describe(peer) + "\n")
        except PeerError as problem:
            err.write(f"error: {problem.message}\n")
            code = max(code, USAGE if isinstance(problem, PeerSpecError) else SUITE_ERROR)
    return code


def print_path(name: str, out: TextIO, err: TextIO) -> int:
    """Print the path of a peer's executable, fetching it if it must be."""
    try:
        if specs.is_spec(name):
            raise PeerSpecError(f"{name}: only a peer that `peers list` shows has a path that stays")
        out.write(f"{registry.resolve(name).path}\n")
    except PeerError as problem:
        err.write(f"error: {problem.message}\n")
        return USAGE if isinstance(problem, PeerSpecError) else SUITE_ERROR
    return OK
