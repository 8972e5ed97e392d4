"""Peers that are pointed at: a program, a program on another host, a daemon that is already up.

    NAME=exec:/path/to/rsync            any program of this machine
    NAME=ssh:HOST[:/path/to/rsync]      a program of another host, judged as a server
    NAME=daemon:rsync://127.0.0.1:PORT/MODULE[=/directory]
                                        a daemon that somebody has started, judged as a server
    NAME=self:                          the reference, under a name of its own

Without `NAME=` the peer is called after what it is: the program, the host or the module.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from refsync_conformance.model import SCRIPTED
from refsync_conformance.peers import far, greeting
from refsync_conformance.peers.model import Address, Peer, PeerSpecError

FORMS = "NAME=exec:/path/to/rsync, NAME=ssh:HOST[:/path], NAME=daemon:rsync://127.0.0.1:PORT/MODULE or self:"

_SPEC = re.compile(r"(?:(?P<name>[^:=]*)=)?(?P<scheme>exec|ssh|daemon|self):(?P<where>.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+")


def is_spec(text: str) -> bool:
    """Whether this points at something, rather than being a name of the catalogue."""
    return "=" in text or _SPEC.fullmatch(text) is not None


def resolve(spec: str, reference: Callable[[], pathlib.Path]) -> Peer:
    """The peer that a spec points at; `reference` gives the program of `self:`.

    Raises PeerSpecError for what can't be right and PeerError for a peer that does not answer.
    """
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise PeerSpecError(f"{spec}: a peer is given as {FORMS}")
    scheme, where = found["scheme"], found["where"]
    name = found["name"]
    if name is None:
        name = _own_name(scheme, where)
    if not _NAME.fullmatch(name):
        raise PeerSpecError(f"{name!r} is no name for a peer: letters, digits and . _ + - only")
    if name == SCRIPTED:
        raise PeerSpecError(f"{name!r} is the name of the suite's own end: choose another")
    match scheme:
        case "exec":
            path = _program(spec, where)
            return Peer(name, greeting.version(path), greeting.protocol(path), path, "exec")
        case "ssh":
            path = far.wrapper(spec, where)
            return Peer(name, greeting.version(path), greeting.protocol(path), path, "ssh")
        case "daemon":
            address = _address(spec, where)
            protocol = greeting.of_daemon(address.port)
            return Peer(name, "", protocol, pathlib.Path(where), "daemon", address=address)
        case _:
            if where:
                raise PeerSpecError(f"{spec}: nothing comes after self:")
            path = reference()
            return Peer(name, greeting.version(path), greeting.protocol(path), path, "refsync")


def _own_name(scheme: str, where: str) -> str:
    match scheme:
        case "exec":
            return os.path.basename(where)
        case "ssh":
            return where.partition(":")[0].rpartition("@")[2]
        case "daemon":
            return _url(where).path.strip("/").partition("=")[0] or "daemon"
        case _:
            return "self"


def _program(spec: str, where: str) -> pathlib.Path:
    path = pathlib.Path(os.path.abspath(where))
    if not where or not path.is_file():
        raise PeerSpecError(f"{spec}: there is no such file")
    if not os.access(path, os.X_OK):
        raise PeerSpecError(f"{spec}: the file is not executable")
    return path


def _url(where: str) -> SplitResult:
    try:
        url = urlsplit(where)
        _ = url.port  # reading it is what finds a port that is no number
    except ValueError as problem:
        raise PeerSpecError(f"{where}: {problem}") from problem
    return url


def _address(spec: str, where: str) -> Address:
    url = _url(where)
    module, equals, directory = url.path.strip("/").partition("=")
    if url.scheme != "rsync" or not url.hostname or not module or "/" in module:
        raise PeerSpecError(f"{spec}: a daemon is given as daemon:rsync://127.0.0.1:PORT/MODULE[=/directory]")
    if not _LOOPBACK.fullmatch(url.hostname):
        raise PeerSpecError(
            f"{spec}: only a daemon on 127.0.0.1 is talked to; for another host, bring its port here: "
            f"ssh -N -L 8730:localhost:{url.port or 873} {url.hostname}"
        )
    served = pathlib.Path("/" + directory.lstrip("/")) if equals else None
    if served is not None and not (served.is_dir() and os.access(served, os.W_OK)):
        raise PeerSpecError(f"{spec}: {served} is no directory that can be written to")
    return Address(url.port or 873, module, served)
