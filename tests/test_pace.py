"""How fast bytes go out, and when a run is to stop: by a clock of the test's own."""

from __future__ import annotations

import socket
from datetime import datetime

import pytest
from refsync.options.times import stop_after, stop_at
from refsync.session.link import MAX_BUFFERED, Link
from refsync.session.tasks import Tasks
from refsync.transport import pump
from refsync.transport.pace import Pace
from refsync.transport.pump import Pump
from refsync.wire.errors import RefsyncError

NOON = datetime(2027, 1, 31, 12, 30)


def test_a_debt_is_paid_off() -> None:
    at = 100.0
    pace = Pace(10, clock=lambda: at)
    assert pace.most == 1280
    pace.wrote(1000)
    assert pace.pause() == 0
    pace.wrote(1048)
    assert pace.pause() == pytest.approx(0.2)
    at += 0.25
    assert pace.pause() == 0
    sent = 0
    start = at
    while at < start + 10:
        if wait := pace.pause():
            at += wait
        else:
            pace.wrote(pace.most)
            sent += pace.most
    assert sent / 10 == pytest.approx(10 * 1024, rel=0.05)


def test_without_a_limit() -> None:
    pace = Pace()
    pace.wrote(1 << 30)
    assert (pace.most, pace.pause(), pace.left()) == (0, 0, None)
    pace.check()


def test_it_is_time_to_stop() -> None:
    at = 100.0
    pace = Pace(stop_at=105.0, now=lambda: at)
    pace.check()
    assert pace.left() == 5
    at = 105.0
    with pytest.raises(RefsyncError, match="stopping at requested limit") as caught:
        pace.check()
    assert caught.value.code == 30


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2027-02-03T04:05", datetime(2027, 2, 3, 4, 5)),
        ("27/2/3T4:5", datetime(2027, 2, 3, 4, 5)),
        ("26-2-3", datetime(2126, 2, 3)),
        ("2-3", datetime(2027, 2, 3)),
        ("1-31", datetime(2028, 1, 31)),
        ("2-29T", datetime(2028, 2, 29)),
        ("31", datetime(2027, 3, 31)),
        ("31T13:00", datetime(2027, 1, 31, 13)),
        ("T13:00", datetime(2027, 1, 31, 13)),
        ("12:30", datetime(2027, 2, 1, 12, 30)),
        (":31", datetime(2027, 1, 31, 12, 31)),
        (":30", datetime(2027, 1, 31, 13, 30)),
    ],
)
def test_when(text: str, want: datetime) -> None:
    assert datetime.fromtimestamp(stop_at(text, NOON.timestamp())) == want


@pytest.mark.parametrize("text", ["", "x", "T5", "13-1", "32", "24:00", "1:60", ":60", "2001-1-1", "1-2-3-4"])
def test_no_time(text: str) -> None:
    with pytest.raises(RefsyncError, match=r"--stop-at (format|time is not)"):
        stop_at(text, NOON.timestamp())


def test_minutes() -> None:
    assert stop_after("stop-after", "10", 5.0) == 605
    for wrong in ("0", "-1", "x", "9" * 30):
        with pytest.raises(RefsyncError, match="--time-limit value"):
            stop_after("time-limit", wrong, 0)


def test_a_bound_that_is_known_late_keeps_bulk_data_off_the_connection() -> None:
    """As in a daemon, which hears of it when the connection is long open."""
    link = Link()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pump = Pump(link, ours.fileno(), ours.fileno())
        assert link.carries_bulk
        pump.pace = Pace(100)
        assert not link.carries_bulk


@pytest.mark.parametrize("waits", ["input", "room", "nothing", "full"])
def test_own_work_is_not_the_peers_silence(waits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After half an hour of work a timeout of a second has passed only if nothing can be received or sent."""
    now = 100.0

    def clock() -> float:
        nonlocal now
        now += 0.25
        return now

    monkeypatch.setattr(pump.time, "monotonic", clock)
    ours, theirs = socket.socketpair()
    link = Link()

    async def talk() -> bytes:
        nonlocal now
        now += 1800
        if waits == "room":
            link.write(b"late")
            await link.flush()
            return theirs.recv(4)
        if waits == "full":  # the peer reads nothing
            link.write(bytes(16 * 1024 * 1024))
            await link.flush()
        return await link.read(lambda cursor: cursor.take(4))

    with ours, theirs:
        if waits == "input":
            theirs.sendall(b"late")
        if waits == "full":
            link.feed(bytes(MAX_BUFFERED))
            theirs.sendall(b"more")
        tasks = Tasks(link, talk())
        driver = Pump(link, ours.fileno(), ours.fileno(), timeout=1)
        if waits in ("input", "room"):
            driver.run(tasks)
            assert tasks.results == [b"late"]
        else:
            with pytest.raises(RefsyncError, match="io timeout after") as caught:
                driver.run(tasks)
            assert caught.value.code == 30


def test_signs_of_life_are_sent_while_a_conversation_works(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(pump.time, "monotonic", lambda: now)
    ours, theirs = socket.socketpair()
    link, signs = Link(), 0

    def sign() -> None:
        nonlocal signs
        signs += 1

    async def talk() -> None:
        nonlocal now
        for _ in range(40):
            now += 1
            await link.turn()

    link.keepalive = sign
    with ours, theirs:
        Pump(link, ours.fileno(), ours.fileno(), timeout=20).run(Tasks(link, talk()))
    assert signs == 4
