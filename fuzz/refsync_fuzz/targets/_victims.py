"""What ``real_sessions`` meets: one session with a real rsync and with ours, one thing of it changed.

The fuzzed half is a correct one of the reference, which listens and answers. Its words pass through a
``Change``. The victim is the other half: a process of a real rsync, or ours.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from refsync.session.link import Link, PeerClosed
from refsync.session.tasks import Tasks
from refsync.wire.errors import RefsyncError

#: Seconds that a real rsync may take to end when nobody speaks to it any more.
PATIENCE = 8.0
#: Milliseconds without a word after which it is looked at whether the victim waits for us.
QUIET = 30
#: Steps that no session in a small directory needs.
MOST_STEPS = 200_000
#: What a victim says on its standard error is kept up to here.
MOST_SAID = 4000


@dataclass(slots=True)
class Change:
    """One thing that is changed in a stream: from ``at`` on ``gone`` bytes are replaced by ``put``.

    ``ends``: nothing more is said after that.
    """

    at: int
    gone: int = 0
    put: bytes = b""
    ends: bool = False
    passed: int = 0  # bytes of the honest stream so far
    done: bool = field(default=False)

    def apply(self, data: bytes) -> bytes:
        """The next piece of the stream as the victim gets it."""
        start, self.passed = self.passed, self.passed + len(data)
        if self.done and self.ends:
            return b""
        first, last = self.at - start, self.at + self.gone - start
        if last < 0 or first > len(data) or (first == len(data) and not self.done):
            return data
        kept = data[: max(0, first)]
        put = b"" if self.done or first < 0 else self.put
        self.done = True
        return kept + put + (b"" if self.ends else data[max(0, last) :])


@dataclass(frozen=True, slots=True)
class Ended:
    """How a victim ended: its exit code (negative: a signal), what it said, whether it had to be killed."""

    code: int
    said: str = ""
    hung: bool = False

    @property
    def kind(self) -> str:
        """The class of the outcome: two implementations must agree on it."""
        if self.hung:
            return "hang"
        if self.code < 0:
            return "crash"
        return {0: "ok", 23: "partial", 24: "partial", 25: "partial"}.get(self.code, "refused")


class Half:
    """The fuzzed half: a conversation over a link, whose end is noted and does not matter."""

    def __init__(self, link: Link, tasks: Tasks, change: Change) -> None:
        self.link = link
        self.change = change
        self._tasks = tasks
        self.over = False

    def step(self) -> bytes:
        """Go on, and what there is to be said."""
        if not self.over:
            try:
                self._tasks.step()
                self.over = self._tasks.done
            except (RefsyncError, PeerClosed):
                self.over = True
        out = bytes(self.link.output())
        self.link.sent(len(out))
        return self.change.apply(out) if out else b""

    @property
    def runnable(self) -> bool:
        return not self.over and self._tasks.runnable

    @property
    def silent(self) -> bool:
        """Whether it will say nothing more."""
        return self.over or (self.change.done and self.change.ends)

    def hear(self, data: bytes) -> None:
        """What the victim said; nothing, if it has gone."""
        if self.over or self.link.closed:
            return
        try:
            if data:
                self.link.feed(data)
            else:
                self.link.feed_eof()
        except (RefsyncError, PeerClosed):
            self.over = True

    def close(self) -> None:
        self._tasks.close()


def meet_ours(half: Half, link: Link, tasks: Tasks) -> Ended:
    """The session with our other half, in this process."""
    quiet = 0
    try:
        for _ in range(MOST_STEPS):
            said = b""
            try:
                tasks.step()
                said = half.step()
                if said and not link.closed:
                    link.feed(said)
            except PeerClosed as error:
                return Ended(int(error.code), str(error))
            except RefsyncError as error:
                return Ended(int(error.code), f"{getattr(error, 'clause', '')} {error.message}")
            out = bytes(link.output())
            link.sent(len(out))
            if out:
                half.hear(out)
            if tasks.done:
                return Ended(int(tasks.results[0]))
            if said or out or tasks.runnable or half.runnable:
                quiet = 0
                continue
            quiet += 1
            if quiet > 2 and not link.closed:  # each waits for the other: the fuzzed half goes
                link.feed_eof()
                half.hear(b"")
            elif quiet > 4:
                return Ended(0, "it waits for a peer that has gone", hung=True)
        return Ended(0, f"it took {MOST_STEPS} steps", hung=True)
    finally:
        tasks.close()
        half.close()


class Real:
    """A real rsync that has been started: ``talks`` and ``hears`` are our descriptors of its connection."""

    def __init__(
        self, words: Sequence[bytes], place: bytes, ours: tuple[int, int], theirs: tuple[int, int]
    ) -> None:
        self._talks, self._hears = ours
        self._process = subprocess.Popen(
            list(words),
            stdin=theirs[0],
            stdout=theirs[1],
            stderr=subprocess.PIPE,
            cwd=place,
            start_new_session=True,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
        )
        for fd in set(theirs):
            os.close(fd)

    def meet(self, half: Half) -> Ended:
        """The session; the victim is dead afterwards, whatever happens."""
        try:
            self._converse(half)
            return self._end()
        finally:
            half.close()
            self._kill()
            for fd in {self._talks, self._hears} - {-1}:
                os.close(fd)

    def _converse(self, half: Half) -> None:
        """Until neither side has anything to say; then our end is closed."""
        pending = b""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            pending += half.step()
            if not pending and half.silent:
                return
            wants = select.POLLIN | (select.POLLOUT if pending and self._talks == self._hears else 0)
            poll = select.poll()
            poll.register(self._hears, wants)
            if pending and self._talks != self._hears:
                poll.register(self._talks, select.POLLOUT)
            found = dict(poll.poll(0 if half.runnable else QUIET))
            if pending and found.get(self._talks, 0) & (select.POLLOUT | select.POLLERR | select.POLLHUP):
                try:
                    pending = pending[os.write(self._talks, pending[:4096]) :]
                except OSError:
                    pending, half.change.ends, half.change.done = b"", True, True
            if found.get(self._hears, 0) & (select.POLLIN | select.POLLHUP):
                try:
                    data = os.read(self._hears, 65536)
                except OSError:
                    data = b""
                half.hear(data)
                if not data:
                    return
            elif not found and not half.runnable and self._waits():
                return

    def _waits(self) -> bool:
        """Whether it sleeps, twice, though it has read all that it was sent: then it waits for us."""
        for _ in range(2):
            if not self._all_read() or not _asleep(self._process.pid):
                return False
            time.sleep(0.005)
        return not select.select([self._hears], [], [], 0)[0]

    def _all_read(self) -> bool:
        request = termios.TIOCOUTQ if self._talks == self._hears else termios.FIONREAD
        return not struct.unpack("i", fcntl.ioctl(self._talks, request, b"\0" * 4))[0]

    def _end(self) -> Ended:
        """Its exit code, once it has lost us; its last words are read, lest it waits for that."""
        if self._talks == self._hears:
            with socket.socket(fileno=os.dup(self._talks)) as mine:
                try:
                    mine.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
        else:
            os.close(self._talks)
            self._talks = -1
        error = self._process.stderr
        assert error is not None
        said = b""
        open_ends = {self._hears, error.fileno()}
        deadline = time.monotonic() + PATIENCE
        while open_ends and (left := deadline - time.monotonic()) > 0:
            for fd in select.select(list(open_ends), [], [], left)[0]:
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    open_ends.discard(fd)
                elif fd == error.fileno():
                    said = (said + data)[-MOST_SAID:]
        text = said.decode("latin-1")
        try:
            return Ended(self._process.wait(max(0.1, deadline - time.monotonic())), text)
        except subprocess.TimeoutExpired:
            return Ended(0, text, hung=True)

    def _kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()


def real_server(program: bytes, arguments: Sequence[bytes], place: bytes) -> Real:
    """``rsync --server`` at one end of a socket pair."""
    mine, theirs = socket.socketpair()
    mine.setblocking(False)
    fd, other = mine.detach(), theirs.detach()
    return Real([program, *arguments], place, (fd, fd), (other, other))


#: What a client is started by keeps the connection as 3 and 4; its remote shell hands on what is said.
_KEEP = b'exec 3<&0 4>&1 </dev/null >/dev/null; exec "$@"'
#: It ends when we hang up, as one does whose server has ended: a client waits for that.
_SHELL = b"--rsh=sh -c 'exec 5<&0; cat <&5 >&4 3<&- & cat <&3 4>&- 5<&-; kill $!'"


def real_client(program: bytes, arguments: Sequence[bytes], place: bytes) -> Real:
    """An rsync whose remote shell is us."""
    to_it, says = os.pipe()
    hears, from_it = os.pipe()
    os.set_blocking(says, False)
    words = [b"sh", b"-c", _KEEP, b"sh", program, _SHELL, *arguments]
    return Real(words, place, (says, hears), (to_it, from_it))


def _asleep(pid: int) -> bool:
    """Whether a process and all that it has started sleep (or have ended)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state = file.read().rpartition(b")")[2].split()[0]
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            children = file.read().split()
    except OSError:
        return True
    return state in (b"S", b"Z", b"X") and all(_asleep(int(child)) for child in children)
