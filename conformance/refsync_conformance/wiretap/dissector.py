"""Takes a conversation apart: both directions, side by side, as far as they can be read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from refsync.wire.errors import RefsyncError

from .capture import Header
from .context import Context
from .opening import Unreadable, open_client, open_server, take_arguments
from .stream import Record, Stream
from .transfer import follow


class Dissector:
    """Feed it the pieces in the order in which they passed; ``emit`` gets each record.

    A direction that breaks the protocol, or says what can't be read, is noted
    once and its further bytes are shown as ``unknown``.
    """

    def __init__(self, header: Header, emit: Callable[[Record], None]) -> None:
        self._context = Context()
        self._emit = emit
        self._daemon = header.transport == "daemon"
        self._streams = {way: Stream(way, emit) for way in "><"}
        self._lost: dict[str, str] = {}
        self._talks: dict[str, Coroutine[Any, Any, None]] = {}
        try:
            if not self._daemon:
                take_arguments(self._context, header.arguments)
        except Unreadable as reason:
            self._lost = dict.fromkeys("><", str(reason))
        else:
            self._talks = {way: self._talk(way) for way in "><"}

    def feed(self, way: str, data: bytes) -> None:
        """What passed in one direction (``>`` or ``<``)."""
        self._streams[way].feed(data)
        self._step()

    def close(self) -> None:
        """The conversation is over: what was not understood is shown."""
        for way, stream in self._streams.items():
            stream.rest_is_unknown(self._lost.get(way, "the conversation ended here"))
        for talk in self._talks.values():
            talk.close()
        self._talks.clear()

    async def _talk(self, way: str) -> None:
        opening = open_client if way == ">" else open_server
        stream = self._streams[way]
        setup = await opening(stream, self._context, daemon=self._daemon)
        await follow(stream, self._context, setup)

    def _step(self) -> None:
        """Run both until neither gets any further."""
        before = -1
        while before != (before := self._progress()):
            for way, talk in list(self._talks.items()):
                try:
                    talk.send(None)
                except StopIteration:
                    del self._talks[way]
                except (Unreadable, RefsyncError) as reason:
                    self._lost[way] = str(reason)
                    del self._talks[way]
        for way, why in self._lost.items():
            self._streams[way].rest_is_unknown(why)

    def _progress(self) -> int:
        return self._context.count() + sum(stream.moved for stream in self._streams.values())
