"""Steps the conversations that share a link until all of them wait.

A conversation waits for input or for room; after a driver has fed bytes or
taken some it calls ``step`` again. No clock, no threads: which of two
conversations goes first depends only on the bytes (clause END-9).
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine

from ..typed import Any
from .link import Link
from .waits import WANT_ANY, WANT_INPUT, WANT_ROOM, WANT_TURN

Conversation = Coroutine[Any, Any, Any]


class Tasks:
    """Conversations over one link; ``results`` in the order in which they were given."""

    def __init__(self, link: Link, *conversations: Conversation) -> None:
        self.link = link
        self._waiting: dict[int, tuple[Conversation, str]] = {
            number: (conversation, "") for number, conversation in enumerate(conversations)
        }
        self.results: list[Any] = [None] * len(conversations)

    @property
    def done(self) -> bool:
        """True once every conversation has ended."""
        return not self._waiting

    @property
    def runnable(self) -> bool:
        """True if a conversation only gave others a turn: the driver must not wait."""
        return any(want == WANT_TURN for _, want in self._waiting.values())

    def step(self, *, got_input: bool = True, got_room: bool = True) -> None:
        """Run each conversation that can go on; an exception in one closes the others and escapes."""
        try:
            for number, (conversation, want) in list(self._waiting.items()):
                if (want == WANT_INPUT and not got_input) or (want == WANT_ROOM and not got_room):
                    continue
                if want == WANT_ANY and not got_input and not got_room:
                    continue
                try:
                    self._waiting[number] = (conversation, conversation.send(None))
                except StopIteration as stop:
                    del self._waiting[number]
                    self.results[number] = stop.value
        except BaseException:
            self.close()
            raise

    def throw(self, error: BaseException) -> None:
        """Have the first conversation end with an error that is not its own, as of a signal; it escapes."""
        while self._waiting:
            conversation, _ = self._waiting.pop(min(self._waiting))
            try:
                conversation.throw(error)
            finally:
                self.close()
        raise error

    def close(self) -> None:
        """End what has not ended."""
        while self._waiting:
            _, (conversation, _) = self._waiting.popitem()
            conversation.close()


@coroutine
def together(*conversations: Conversation) -> Generator[str, None, list[Any]]:
    """Run conversations side by side inside one; each is resumed whenever anything has happened.

    In the order given: what an earlier one did with new input, a later one
    sees in the same step. An exception in one closes the others and escapes.
    """
    results: list[Any] = [None] * len(conversations)
    waiting = dict(enumerate(conversations))
    try:
        while True:
            turn = False
            for number, conversation in list(waiting.items()):
                try:
                    turn |= conversation.send(None) == WANT_TURN
                except StopIteration as stop:
                    del waiting[number]
                    results[number] = stop.value
            if not waiting:
                return results
            yield WANT_TURN if turn else WANT_ANY
    finally:
        for conversation in waiting.values():
            conversation.close()
