"""What can't be asked of a peer because of how it is reached: counted as unsupported, each with its reason.

A program that runs here can take any part. One on another host, and a daemon that is up already, can only be
the server; and of a daemon whose files are not known only that can be judged for which a connection will do.
"""

from __future__ import annotations

from refsync_conformance.model import Case, Cell
from refsync_conformance.peers.model import Peer

AS_SERVER = "a peer that is reached over ssh: is judged as a server only"
NO_PROCESS = "a daemon: peer is reached by its port: the suite can't start it in another way"
NO_FILES = (
    "more than a connection is needed, and the suite can't see the daemon's files: "
    "name the directory that the module serves, daemon:rsync://127.0.0.1:PORT/MODULE=/directory"
)
NAMES_MODULE = "what is said names the module and its path, which are not the suite's own"


def barred(case: Case, cell: Cell, client: Peer | None, server: Peer | None) -> str:
    """Why this cell can't be judged with these peers (None: the suite plays that end), empty if it can."""
    for peer in (client, server):
        if peer is not None and 0 < peer.protocol < cell.protocol:
            return f"{peer.name} speaks protocol {peer.protocol} at most"
    both = client is not None and client == server and cell.transport == "local"
    if client is not None and client.kind == "ssh" and not both:
        return AS_SERVER
    if client is not None and client.kind == "daemon":
        return NO_PROCESS
    if server is None:
        return ""
    if server.kind == "ssh" and cell.transport == "daemon":
        return "a daemon on another host can't be started by the suite: start it, and use daemon:"
    if cell.transport == "daemon" and server.no_daemon:
        return server.no_daemon
    if server.address is not None:
        if cell.transport != "daemon":
            return NO_PROCESS
        if not case.connects and server.address.directory is None:
            return NO_FILES
        if case.tapped:
            return NAMES_MODULE
    return ""
