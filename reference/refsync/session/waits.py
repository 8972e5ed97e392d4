"""What a conversation waits for: it yields one of these to its driver, which resumes it once that came."""

from __future__ import annotations

from collections.abc import Generator
from types import coroutine

#: Bytes from the peer.
WANT_INPUT = "input"
#: Something that was queued has been sent.
WANT_ROOM = "room"
#: Nothing: others are to have their turn.
WANT_TURN = "turn"
#: Either of the first two.
WANT_ANY = "any"


@coroutine
def wait(what: str) -> Generator[str, None, None]:
    """Wait for one of these."""
    yield what
