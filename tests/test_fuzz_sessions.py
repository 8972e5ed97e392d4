"""Sessions with a real rsync: one change, the classes of an outcome, what the list explains."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from refsync.session.link import Link
from refsync.session.tasks import Tasks
from refsync_fuzz import realsessions
from refsync_fuzz.realsessions import Known, Met
from refsync_fuzz.targets import _victims
from refsync_fuzz.targets._victims import Change, Ended, Half, meet_ours, real_client, real_server


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(1 << 40), b"0123456789"),
        (Change(3, 2, b"XY"), b"012XY56789"),
        (Change(3, 4, b"X"), b"012X789"),
        (Change(4, 0, b"++"), b"0123++456789"),
        (Change(0, 1), b"123456789"),
        (Change(6, ends=True), b"012345"),
        (Change(9, 5, b"Z"), b"012345678Z"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 4, 10])
def test_change_is_the_same_however_it_comes(change: Change, expected: bytes, size: int) -> None:
    fresh = Change(change.at, change.gone, change.put, change.ends)
    data = b"0123456789"
    said = b"".join(fresh.apply(data[at : at + size]) for at in range(0, len(data), size))
    assert said == expected
    assert fresh.passed == len(data)


def test_kinds() -> None:
    kinds = {code: Ended(code).kind for code in (0, 1, 2, 12, 23, 24, 25, -11)}
    assert kinds == {0: "ok", 1: "refused", 2: "refused", 12: "refused", 23: "partial", 24: "partial",
                     25: "partial", -11: "crash"}  # fmt: skip
    assert Ended(0, hung=True).kind == "hang"


async def _silent() -> int:
    return 0


def _half() -> Half:
    link = Link()
    return Half(link, Tasks(link, _silent()), Change(1 << 40))


def _program(tmp_path: Path, text: str) -> bytes:
    path = tmp_path / "rsync"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return bytes(path)


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("echo well >&2; exit 0", "ok", 0),
        ("exit 23", "partial", 23),
        ("cat; exit 12", "refused", 12),
        ("kill -SEGV $$", "crash", -11),
    ],
)
def test_end_of_a_process_is_seen(tmp_path: Path, text: str, kind: str, code: int) -> None:
    program = _program(tmp_path, text)
    ended = real_server(program, [], bytes(tmp_path)).meet(_half())
    assert (ended.kind, ended.code) == (kind, code)
    assert ended.said == ("well\n" if kind == "ok" else "")
    by_client = real_client(program, [], bytes(tmp_path)).meet(_half())
    assert (by_client.kind, by_client.code) == (kind, code)


def test_process_that_hangs_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_victims, "PATIENCE", 0.2)
    ended = real_server(_program(tmp_path, "sleep 60"), [], bytes(tmp_path)).meet(_half())
    assert ended.kind == "hang"


def test_half_of_ours_that_hangs_is_seen() -> None:
    async def waits() -> int:
        await Link().read(lambda cursor: cursor.byte())
        return 0

    link = Link()
    assert meet_ours(_half(), link, Tasks(link, waits())).kind == "hang"


def _met(**other: object) -> Met:
    usual: dict[str, object] = {
        "victim": "server",
        "sends": False,
        "protocol": 31,
        "options": "-rt",
        "put": b"\4",
        "ours": Ended(2, "FLIST-9 mode"),
        "theirs": Ended(0),
    }
    return Met(**{**usual, **other})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("met", "version", "known"),
    [
        (_met(), (3, 4, 1), True),
        (_met(), (3, 2), True),
        (_met(), (3, 1, 3), False),
        (_met(), (3, 5, 0), False),
        (_met(protocol=28), (3, 4, 1), False),
        (_met(theirs=Ended(23)), (3, 4, 1), False),
        (_met(ours=Ended(2, "FLIST-10")), (3, 4, 1), False),
        (_met(put=b"\5"), (3, 4, 1), False),
        (_met(sends=True), (3, 4, 1), False),
    ],
)
def test_list_has_bounds(met: Met, version: tuple[int, ...], known: bool) -> None:
    one = Known(
        re.compile("^server receives"),
        re.compile("^04"),
        re.compile("^refused 2: FLIST-9"),
        re.compile("^ok "),
        ("3.2", "3.4"),
        (29, 32),
        "because",
        date(2026, 11, 28),
    )
    assert realsessions.reason_for(met, [one], version) == ("because" if known else "")


def test_list_is_whole(tmp_path: Path) -> None:
    assert all(one.reason and one.theirs.pattern for one in realsessions.read())
    place = tmp_path / "list.toml"
    place.write_text('[[known]]\ntheirs = "x"\nreason = "y"\nreleases = ["3.4"]\n')
    with pytest.raises(ValueError, match="two releases"):
        realsessions.read(place)
