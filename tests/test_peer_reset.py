"""END-8: a connection that is cut is told as such, one that is closed as that."""

from __future__ import annotations

import socket
import struct

import pytest
from refsync.engine.ending import complaint
from refsync.session.link import Link, PeerClosed, PeerReset
from refsync.session.tasks import Tasks
from refsync.transport.pump import Pump
from refsync.wire.errors import Exit
from refsync.wire.integers import read_int32


def left(cut: bool) -> tuple[PeerClosed, str]:
    """How a conversation ends that waits for four bytes of a peer that closes or cuts the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    if cut:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    link = Link()
    with ours, pytest.raises(PeerClosed) as caught:
        Pump(link, ours.fileno(), ours.fileno()).run(Tasks(link, link.read(read_int32)))
    return caught.value, complaint(caught.value, "sender")


def test_closed() -> None:
    error, said = left(cut=False)
    assert error.code == Exit.STREAM_IO
    assert said == "rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n"


def test_cut() -> None:
    error, said = left(cut=True)
    assert isinstance(error, PeerReset) and error.code == Exit.SOCKET_IO
    assert said == "rsync: [sender] read error: Connection reset by peer (104)\n"
