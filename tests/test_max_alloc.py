"""The limit of what is held at once, and where it is counted."""

from __future__ import annotations

import pytest
from refsync.engine.report import RemoteReporter
from refsync.engine.sender import Sender
from refsync.engine.session import Session
from refsync.options.combinations import cap_max_alloc, settle_max_alloc
from refsync.options.model import Options
from refsync.options.parse import parse
from refsync.session.link import Link
from refsync.session.setup import Agreement
from refsync.session.tasks import Tasks
from refsync.wire import sumhead
from refsync.wire.cursor import Cursor
from refsync.wire.dialect import build
from refsync.wire.errors import Exit, ProtocolError, RefsyncError
from refsync.wire.integers import varint
from refsync.wire.xattr import XattrDecoder


@pytest.mark.parametrize(
    ("given", "environ", "limit"),
    [
        (None, None, 1 << 30),
        ("5M", None, 5 << 20),
        ("0", None, 0),
        (None, "2M", 2 << 20),
        (None, "", 1 << 30),
        ("5M", "2M", 5 << 20),
    ],
)
def test_an_option_counts_before_the_environment(given: str | None, environ: str | None, limit: int) -> None:
    options, _ = parse([] if given is None else [f"--max-alloc={given}"])
    settle_max_alloc(options, {} if environ is None else {"RSYNC_MAX_ALLOC": environ})
    assert options.max_alloc == limit


@pytest.mark.parametrize(("value", "why"), [("1", "too small"), ("1023K", "too small"), ("-1M", "invalid")])
def test_too_small(value: str, why: str) -> None:
    with pytest.raises(RefsyncError, match=f"is {why}"):
        settle_max_alloc(Options(), {"RSYNC_MAX_ALLOC": value})


@pytest.mark.parametrize(
    ("asked", "own", "limit"),
    [
        (None, None, 1 << 30),
        ("0", None, 1 << 30),
        ("2G", None, 1 << 30),
        ("5M", None, 5 << 20),
        ("0", "2M", 2 << 20),
        ("0", "0", 0),
        ("2G", "0", 2 << 30),
    ],
)
def test_a_client_can_only_lower_a_daemon_s(asked: str | None, own: str | None, limit: int) -> None:
    options, _ = parse([] if asked is None else [f"--max-alloc={asked}"])
    cap_max_alloc(options, {} if own is None else {"RSYNC_MAX_ALLOC": own})
    assert options.max_alloc == limit


def test_a_value_beyond_the_limit_is_not_waited_for() -> None:
    wire = varint(0) + varint(1) + varint(3) + varint(2 << 20) + b"us\0"
    with pytest.raises(ProtocolError) as caught:
        XattrDecoder(most=1 << 20).decode(Cursor(wire))
    assert caught.value.code == Exit.MALLOC


def test_without_a_limit_sums_are_bounded_all_the_same() -> None:
    """It is the peer that chooses --max-alloc, and the peer that sends the sums."""
    link = Link()
    agreement = Agreement(build(32, 0), 32, 1, "md5", "md5", None)
    session = Session(link, Options(max_alloc=0), agreement, RemoteReporter(link), "sender")
    sender = Sender.__new__(Sender)
    sender._session = session
    link.feed(sumhead.encode(sumhead.SumHead(1 << 26, 700, 16, 0)))
    with pytest.raises(ProtocolError, match="more than can be held"):
        Tasks(link, sender._read_sums(without=False)).step()
