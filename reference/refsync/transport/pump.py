"""Moves bytes between descriptors and a link, and steps the conversations over it.

The one place that waits. Reading goes on whenever writing cannot, so two
ends that both send more than the connection holds never block each other.
Clauses MUX-10, END-6, END-10; upstream ``io.c:perform_io``, ``check_timeout``.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time

from ..critical import uninterrupted
from ..session.bulk import Moved
from ..session.link import HIGH_WATER, Link, PeerDeaf
from ..session.tasks import Tasks
from ..wire.errors import Exit, RefsyncError
from .childerr import ChildErrors
from .pace import Pace

READ_SIZE = 1024 * 1024

#: Seconds in which a child's errors are looked at while file data moves.
HEARING = 0.1
#: Seconds after which whoever moves file data looks whether a signal has come just before he waited.
LOOKING = 1.0
#: Seconds that a peer which has closed its input has to go on speaking.
LAST_WORDS = 2.0
#: Seconds that a side which was told to stop takes to tell the other.
FAREWELL = 0.3


class Pump:
    """Drives one link over a pair of descriptors, which may be the same socket.

    ``timeout`` is in seconds, 0 for none: without a byte in either direction
    for so long the run ends with exit 30. When half of that has passed with
    nothing sent, the link's ``keepalive`` is called. ``pace`` tells how fast
    bytes may go out and when to stop. ``errors`` is what a child says besides.
    """

    def __init__(
        self,
        link: Link,
        fd_in: int,
        fd_out: int,
        *,
        timeout: int = 0,
        pace: Pace | None = None,
        errors: ChildErrors | None = None,
    ) -> None:
        self._errors = errors
        self.link = link
        self.pace = pace or Pace()
        self.timeout = timeout
        self._in = fd_in
        self._out = fd_out
        self._can_send = True
        self._only_alive = (
            False  # what is to be sent is a sign of life, which must not keep us waiting for ever
        )
        self._last_io = self._last_send = time.monotonic()
        for fd in {fd_in, fd_out}:
            os.set_blocking(fd, False)
        self._poll = select.poll()

    @property
    def pace(self) -> Pace:
        """How fast bytes may go out; a bound on the bytes a second is kept by our own writes alone."""
        return self._pace

    @pace.setter
    def pace(self, pace: Pace) -> None:
        self._pace = pace
        self.link.carries_bulk = not pace.most

    def run(self, tasks: Tasks) -> None:
        """Until every conversation has ended and all is sent.

        An interrupt is given to the conversations, which end by it.
        """
        try:
            self._run(tasks)
        except KeyboardInterrupt as stop:
            self._end_frame()
            tasks.throw(stop)

    def _run(self, tasks: Tasks) -> None:
        link = self.link
        got_input = got_room = True
        while True:
            self.pace.check()
            tasks.step(got_input=got_input, got_room=got_room)
            self._keep_alive()
            if tasks.done and not self.link.pending:
                return
            got_room = self._send()
            if tasks.done and not self.link.pending:
                return
            if link.bulk_out is not None and not link.pending:
                got_room |= self._send_bulk(0 if tasks.runnable else self._patience())
            wait = 0 if tasks.runnable or got_room else self._patience()
            if link.bulk_in is not None:
                got_input = self._receive_bulk(wait)
            elif link.bulk_out is not None and not link.pending:
                got_input = self._receive(0)
            elif self._can_send or wait == 0:
                got_input = self._receive(wait)
            else:  # the peer reads no more: it has last words, or it will never say anything again
                silent = link.closed
                got_input = self._receive(LAST_WORDS)
                if (silent or not got_input) and not tasks.done:
                    raise PeerDeaf
            if not self._can_send and tasks.done:
                return  # nobody is left to hear the rest

    def flush(self, seconds: float = 5.0) -> None:
        """Send what is queued, within a bound: for last words before an error ends the run.

        If the connection refuses them that is no news.
        """
        if self.link.torn:
            return
        end = time.monotonic() + seconds
        self.pace = Pace()
        try:
            while self.link.pending and self._can_send and time.monotonic() < end:
                if not self._send():
                    self._receive(min(0.2, max(0.0, end - time.monotonic())), feed=False)
        except RefsyncError:
            self._can_send = False

    def drain_input(self, seconds: float = 2.0) -> None:
        """END-10: read and drop what still comes, so that the peer's last words and exit are not cut off."""
        end = time.monotonic() + seconds
        while not self.link.closed and time.monotonic() < end:
            self._receive(max(0.0, end - time.monotonic()), feed=False)

    def hear_out(self, seconds: float = 2.0) -> None:
        """The conversation is over: hand out the messages that still come, until the peer has closed."""
        end = time.monotonic() + seconds
        while not self.link.closed and time.monotonic() < end:
            self._receive(max(0.0, end - time.monotonic()))

    @property
    def _limit(self) -> int:
        """Seconds without a byte that end the run: the peer's word counts for more; 0: none do."""
        return self.link.idle_limit or self.timeout

    def _patience(self) -> float | None:
        """How long to wait, in seconds; None for ever."""
        limit = self._limit
        bounds = [seconds for seconds in (self.pace.pause() or None, self.pace.left()) if seconds is not None]
        if not limit:
            return min(bounds, default=None)
        now = time.monotonic()
        if now - self._last_io >= limit:
            if self._ready():
                return 0
            raise RefsyncError(
                f"io timeout after {int(now - self._last_io)} seconds -- exiting", Exit.TIMEOUT
            )
        return max(0.01, min(self._last_io + limit - now, self._last_send + limit / 2 - now, *bounds))

    def _keep_alive(self) -> None:
        """MUX-10: half of the time that the peer waits for us has passed."""
        limit = self._limit
        if not limit or not self.link.keepalive:
            return
        now = time.monotonic()
        if now - self._last_send >= limit / 2:
            self._last_send = now
            quiet = not self.link.pending
            self.link.keepalive()
            self._only_alive = quiet

    def _ready(self) -> bool:
        """Whether the connection waits for us: then our own work took so long, and nobody is late."""
        wants_in, wants_out, pause = self._wants()
        self._watch(wants_in, wants_out and not pause)
        return bool(self._poll.poll(0))

    def _wants(self) -> tuple[bool, bool, float]:
        """(whether input is to be read, whether there is output, for how long it is held back)"""
        link = self.link
        wants_in = not link.closed and link.hungry
        return wants_in, bool(link.pending) and self._can_send, self.pace.pause()

    @uninterrupted
    def _send(self) -> bool:
        """Write what can be written; True if any of it went."""
        bulk = self.link.bulk_out
        begun = bulk is not None and not bulk.at_boundary
        if begun and not (self.link.pending and self._send_bulk(0, finish=True)):
            return False
        out = self.link.output()
        if not out or not self._can_send:
            if not self._can_send:
                self.link.sent(len(out))
            return False
        total = 0
        most = self.pace.most or HIGH_WATER
        try:
            while total < len(out) and not self.pace.pause():
                with memoryview(out) as view, view[total : total + most] as piece:
                    count = os.write(self._out, piece)
                self.pace.wrote(count)
                total += count
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise RefsyncError(
                    f"write to the peer failed: {os.strerror(error.errno or 0)}", Exit.SOCKET_IO
                ) from None
            self._can_send = False  # what the peer said before it went may still be readable
            total = len(out)
        if total:
            self.link.sent(total)
            self._last_send = time.monotonic()
            if not self._only_alive:
                self._last_io = self._last_send
            self._only_alive = False
        return total > 0

    def _send_bulk(self, wait: float | None, *, finish: bool = False) -> bool:
        """Have file data sent; True if any went, with ``finish`` if messages may go next."""
        link = self.link
        bulk = link.bulk_out
        assert bulk is not None
        listens = not finish and not link.closed and link.hungry
        before = bulk.moved
        outcome = bulk.run(self._out, self._in if listens else -1, self._milliseconds(wait), finish=finish)
        count = bulk.moved - before
        link.bytes_out += count
        if count:
            self._last_io = self._last_send = time.monotonic()
        if outcome == Moved.FAILED:
            raise RefsyncError(f"write to the peer failed: {os.strerror(bulk.error)}", Exit.SOCKET_IO)
        if outcome == Moved.PEER_GONE:
            self._can_send = False
        if outcome in (Moved.DONE, Moved.PEER_GONE):
            link.bulk_out = None
            return True
        return bulk.at_boundary if finish else count > 0

    def _end_frame(self, seconds: float = FAREWELL) -> None:
        """Send the rest of a frame of file data that is begun: last words within it would become data."""
        link, end = self.link, time.monotonic() + seconds
        try:
            while link.bulk_out is not None and not link.bulk_out.at_boundary and self._can_send:
                left = end - time.monotonic()
                if left <= 0:
                    return
                self._send_bulk(left, finish=True)
        except RefsyncError:
            self._can_send = False

    def _receive_bulk(self, wait: float | None) -> bool:
        """Have file data put where it belongs; True if any came, or something else is next."""
        link = self.link
        bulk = link.bulk_in
        assert bulk is not None
        wants_out = bool(link.pending) and self._can_send
        before = bulk.moved
        outcome = Moved(bulk.run(self._in, self._out if wants_out else -1, self._milliseconds(wait)))
        count = bulk.moved - before
        link.bytes_in += count
        busy = count > 0 or outcome == Moved.MORE  # what was copied from a basis is work, too
        if busy:
            self._last_io = time.monotonic()
        if outcome == Moved.FAILED:
            raise _read_error(bulk.error)
        if outcome in (Moved.MORE, Moved.OTHER_READY, Moved.AGAIN):
            return busy
        if outcome == Moved.CLOSED:
            link.feed_eof()
        link.bulk_outcome, link.bulk_in = outcome, None
        return True

    def _receive(self, wait: float | None, *, feed: bool = True) -> bool:
        """Wait until something can be read or written; True if something was read or the peer has closed."""
        link = self.link
        wants_in, has_output, pause = self._wants()
        wants_out = has_output and not pause
        if not wants_in and not wants_out and not (pause and link.pending):
            return link.closed
        self._watch(wants_in, wants_out)
        events = self._wait(wait)
        if not wants_in or not any(fd == self._in and what & ~select.POLLOUT for fd, what in events):
            return False
        try:
            data = os.read(self._in, READ_SIZE)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.ECONNRESET:
                raise _read_error(error.errno or 0) from None
            link.feed_eof(reset=_over_network(self._in))
            return True
        self._last_io = time.monotonic()
        if not data:
            link.feed_eof()
        elif feed:
            link.feed(data)
        return True

    def _watch(self, wants_in: bool, wants_out: bool) -> None:
        masks: dict[int, int] = {}
        if wants_in:
            masks[self._in] = select.POLLIN
        if wants_out:
            masks[self._out] = masks.get(self._out, 0) | select.POLLOUT
        for fd in {self._in, self._out}:
            if fd in masks:
                self._poll.register(fd, masks[fd])
            else:
                try:
                    self._poll.unregister(fd)
                except KeyError:
                    pass

    def _wait(self, wait: float | None) -> list[tuple[int, int]]:
        """What can be read or written; what a child says besides is heard meanwhile, and does not count."""
        errors = self._errors
        milliseconds = None if wait is None else int(wait * 1000 + 0.5)
        if errors is None or errors.fd < 0:
            return self._poll.poll(milliseconds)
        while errors.fd >= 0:
            fd = errors.fd
            self._poll.register(fd, select.POLLIN)
            try:
                events = self._poll.poll(milliseconds)
            finally:
                self._poll.unregister(fd)
            if all(found != fd for found, _ in events):
                return events
            errors.hear()
            others = [event for event in events if event[0] != fd]
            if others or not milliseconds:
                return others
        return self._poll.poll(milliseconds)

    def _milliseconds(self, wait: float | None) -> int:
        """As poll takes it; who waits in there hears neither what a child says besides nor a signal."""
        most = LOOKING
        if self._errors is not None and self._errors.fd >= 0:
            self._errors.hear()
            most = HEARING
        return int(min(most if wait is None else wait, most) * 1000 + 0.5)


def _read_error(number: int) -> RefsyncError:
    return RefsyncError(f"read error: {os.strerror(number)} ({number})", Exit.SOCKET_IO)


def _over_network(fd: int) -> bool:
    """Whether it is a connection to a host; between processes of one a cut is an end like any other."""
    with socket.socket(fileno=os.dup(fd)) as other:
        return other.family in (socket.AF_INET, socket.AF_INET6)
