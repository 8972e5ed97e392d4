"""A finding is sorted, made smaller and kept: a regression with a note, a case where a peer can say it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync.wire.integers import read_int32
from refsync_conformance import clauses, registry
from refsync_conformance.cases import found as found_cases
from refsync_fuzz import corpus, findings, promote, runners, transcript, triage
from refsync_fuzz import target as targets
from refsync_fuzz.cli import main
from refsync_fuzz.target import Played, Surface, Target


def _faulty(data: bytes) -> None:
    """Oracle: none that holds: two of the numbers break it."""
    cursor = Cursor(data)
    try:
        while (number := read_int32(cursor)) != 7:
            if number == 8:
                raise KeyError("eight")
    except NeedMoreData:
        return
    try:
        raise ProtocolError("seven", clause="INT-3")
    except ProtocolError as error:
        raise ValueError("escaped") from error


def _played(data: bytes) -> Played | None:
    return Played("server", data, ("-a",)) if data[:1] == b"\7" else None


def _seeds() -> Iterator[tuple[str, bytes]]:
    yield "one", bytes(4)


FAULTY = Target(
    "faulty",
    _faulty,
    Surface(1, ("INT-1",), ("refsync.wire.cursor",), "ER"),
    _seeds,
    played=_played,
)
SEVEN = b"\1\0\0\0\2\0\0\0\7\0\0\0more"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, place in {"CORPUS": "corpus", "FUZZ_WORK": "work", "FOUND": "found"}.items():
        monkeypatch.setenv(f"REFSYNC_{name}", str(tmp_path / place))
    return tmp_path


def test_buckets_by_exception_place_and_clause(places: Path) -> None:
    for data in (SEVEN, b"\7\0\0\0", b"\x08\0\0\0", b"\0\0\0\0"):
        runners.keep(FAULTY, data)
    buckets, holding = findings.sort(FAULTY, findings.kept(FAULTY))
    assert [(len(one.paths), one.finding.kind, one.finding.clause) for one in buckets] == [
        (2, "ValueError", "INT-3"),
        (1, "KeyError", ""),
    ]
    assert [path.read_bytes() for path in holding] == [bytes(4)]
    assert buckets[0].paths[0].stat().st_size == 4, "the shortest comes first"
    text = findings.described(buckets[0])
    assert "2 inputs: ValueError [INT-3] in" in text and "escaped" in text


def test_promoted_is_whole(places: Path) -> None:
    done = promote.promote(FAULTY, SEVEN, date="2026-11-28")
    assert done.regression.read_bytes() == b"\7\0\0\0"
    assert [path for path, _ in corpus.inputs("faulty")] == [done.regression], "it is replayed"
    note = tomllib.loads(done.sidecar.read_text())
    assert (note["target"], note["clause"], note["found"]) == ("faulty", "INT-3", "2026-11-28")
    assert note["title"] == "ValueError: escaped" and note["case"] == "FOUND-001"
    assert "0..4: 07 00 00 00 = read_int32 [INT-3]: 7" in note["transcript"]
    assert done.case is not None
    case = tomllib.loads(done.case.read_text())
    assert bytes.fromhex(case["stream"]) == b"\7\0\0\0"
    assert (case["plays"], case["options"], case["clause"]) == ("server", ["-a"], "INT-3")


def test_case_keeps_its_number(places: Path) -> None:
    first = promote.promote(FAULTY, SEVEN, date="2026-11-28", name="seven").case
    again = promote.promote(FAULTY, b"\7\0\0\0\1", date="2026-11-29", name="seven", title='a "title"').case
    other = promote.promote(FAULTY, SEVEN, date="2026-11-29", name="other").case
    assert first == again != other
    assert first is not None and other is not None
    assert tomllib.loads(first.read_text())["title"] == 'a "title"'
    assert other.name == "FOUND-002.toml"


def test_no_case_without_a_peer_and_nothing_that_holds(places: Path) -> None:
    done = promote.promote(FAULTY, b"\x08\0\0\0", date="2026-11-28")
    assert done.case is None and "case" not in tomllib.loads(done.sidecar.read_text())
    with pytest.raises(ValueError, match="breaks nothing"):
        promote.promote(FAULTY, b"fine", date="2026-11-28")
    with pytest.raises(ValueError, match="needs a title"):
        promote.promote(FAULTY, b"fine", date="2026-11-28", fixed=True)
    kept = promote.promote(FAULTY, b"fine", date="2026-11-28", fixed=True, title="was wrong")
    assert kept.regression.read_bytes() == b"fine"
    assert tomllib.loads(kept.sidecar.read_text())["clause"] == "INT-1"


def test_transcript_is_bounded_and_folds_what_repeats() -> None:
    lines = transcript.annotated(targets.load("varint"), bytes(2000)).splitlines()
    assert "  *" in lines and len(lines) < 130
    assert lines[-1] == "holds now"


def test_command(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["triage", "varint"]) == 0
    assert "nothing was found" in capsys.readouterr().out
    crash = places / "crash"
    crash.write_bytes(b"\0\1")
    assert main(["promote", "varint", str(crash)]) == 1
    arguments = ["--fixed", "--title", "t", "--date", "2026-11-28", "--name", "n", "--clause", "INT-5"]
    assert main(["promote", "varint", str(crash), *arguments]) == 0
    assert "no case: nothing says how a peer would send what varint reads" in capsys.readouterr().out
    assert main(["triage", "varint", "--file", str(crash)]) == 0
    assert "1 inputs break nothing any more" in capsys.readouterr().out


@pytest.mark.parametrize("name", targets.names())
def test_every_regression_has_its_note(name: str) -> None:
    known = clauses.load()
    for path in corpus.files(name, "regressions"):
        note = tomllib.loads(promote.sidecar(name, path.name).read_text())
        assert note["clause"] in known and note["found"] and note["title"] and note["transcript"]
        played = targets.load(name).played(path.read_bytes())
        assert (played is not None) == ("case" in note)
        if played is not None:
            case = tomllib.loads((found_cases.FOLDER / f"{note['case']}.toml").read_text())
            assert bytes.fromhex(case["stream"]) == played.stream
            assert note["case"] in registry.load()


def test_session_says_how_a_peer_would() -> None:
    target = targets.load("session")
    kinds = {target.played(bytes((role, 0, 0, 0)) + b"said") for role in range(4)}
    assert {(one.plays, one.push) for one in kinds if one is not None} == {
        ("server", True),
        ("server", False),
        ("client", True),
    }
    assert all(one.stream == b"said" for one in kinds if one is not None)
    assert triage.run(target, b"") is None
