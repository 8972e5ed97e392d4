"""What it means that the peer is not there any more (END-8)."""

from __future__ import annotations

from ..wire.errors import Exit, RefsyncError


class PeerClosed(RefsyncError):
    """The connection ended in the middle of the conversation (END-8)."""

    def __init__(self, received: int) -> None:
        super().__init__(f"connection unexpectedly closed ({received} bytes received so far)", Exit.STREAM_IO)


class PeerDeaf(RefsyncError):
    """The peer takes nothing more and, it seems, has nothing more to say."""

    def __init__(self) -> None:
        super().__init__("write error: Broken pipe (32)", Exit.SOCKET_IO)
