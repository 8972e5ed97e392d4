"""The tools around the fuzz targets do what they say: find, minimise, tell apart, mutate, export."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError
from refsync_fuzz import check, corpus, export, oracle, runners, triage
from refsync_fuzz import target as targets
from refsync_fuzz.cli import main
from refsync_fuzz.mutate import Mutator
from refsync_fuzz.target import Surface, Target


def _faulty(data: bytes) -> None:
    """Oracle: none that holds: an X breaks it, a Y otherwise."""
    if b"X" in data:
        raise ValueError("X")
    if b"Y" in data:
        raise KeyError("Y")


def _seeds() -> Iterator[tuple[str, bytes]]:
    yield "one", b"W" * 12


FAULTY = Target("faulty", _faulty, Surface(1, ("INT-1",), ("refsync.wire.cursor",), "ER"), _seeds)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REFSYNC_CORPUS", str(tmp_path / "corpus"))
    monkeypatch.setenv("REFSYNC_FUZZ_WORK", str(tmp_path / "work"))
    return tmp_path


def test_triage_tells_faults_apart() -> None:
    first, second, other = (triage.run(FAULTY, data) for data in (b"aX", b"XbbX", b"Y"))
    assert first is not None and second is not None and other is not None
    assert first.bucket == second.bucket != other.bucket
    assert triage.run(FAULTY, b"fine") is None


def test_minimize_keeps_the_fault() -> None:
    assert triage.minimize(FAULTY, b"some X bytes and more " * 9) == b"X"
    with pytest.raises(ValueError, match="breaks nothing"):
        triage.minimize(FAULTY, b"fine")


def test_slow_input_is_a_finding() -> None:
    def spin(data: bytes) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pass

    found = triage.run(Target("slow", spin, FAULTY.surface, _seeds), b"", time_limit=0.05)
    assert found is not None
    assert found.kind == "TooSlow"


def test_plain_runner_finds_and_keeps(places: Path) -> None:
    corpus.directory("faulty", "seeds").mkdir(parents=True)
    (corpus.directory("faulty", "seeds") / "near").write_bytes(b"WWWW")
    report = runners.run_plain(FAULTY, seconds=0, runs=100_000, seed=1)
    assert len(report.findings) == 1
    assert triage.run(FAULTY, report.findings[0].read_bytes()) is not None


def test_mutator_repeats_itself_and_varies() -> None:
    def some(seed: int) -> list[bytes]:
        mutator = Mutator([b"seed", b"other"], [b"word"], 64, seed)
        return [mutator.next() for _ in range(200)]

    assert some(1) == some(1) != some(2)
    assert len(set(some(1))) > 150
    assert max(map(len, some(1))) <= 64
    assert any(b"word" in data for data in some(1))


def test_seeds_dictionary_and_check(places: Path) -> None:
    surface = Surface(1, ("INT-1",), ("refsync.wire.cursor",), "ER", {"quote": b'a"\\\xff b'})
    target = Target("faulty", _faulty, surface, _seeds)
    assert any("no seeds" in fault for fault in check.faults(target))
    assert corpus.write_seeds(target) == 3
    assert corpus.write_seeds(target) == 0
    assert corpus.dictionary_path("faulty").read_text().splitlines()[1] == r'quote="a\x22\x5c\xff\x20b"'
    faults = list(check.faults(target))
    assert faults == ["faulty: has no executable stub"]
    (corpus.directory("faulty", "seeds") / "one").write_bytes(b"X")
    assert "seed one is missing or out of date" in next(check.faults(target))
    (places / "corpus" / "nobody" / "seeds").mkdir(parents=True)
    assert "corpus/nobody: no target of that name" in list(check.strays())


def test_export_is_repeatable(places: Path) -> None:
    target = targets.load("varint")
    corpus.write_seeds(target)
    first = {path.name: path.read_bytes() for path in export.export(target, places / "a")}
    second = {path.name: path.read_bytes() for path in export.export(target, places / "b")}
    assert first == second
    assert set(first) == {"varint_seed_corpus.zip", "varint.options", "varint.dict", "varint.py"}
    with zipfile.ZipFile(places / "a" / "varint_seed_corpus.zip") as archive:
        assert len(archive.namelist()) == len(list(corpus.inputs("varint")))


def test_command(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seeds", "varint"]) == 0
    assert main(["replay", "varint"]) == 0
    assert main(["check", "varint"]) == 0
    assert main(["run", "varint", "--runs", "200", "--engine", "plain", "--seed", "3"]) == 0
    assert "200 executions" in capsys.readouterr().out
    assert main(["replay", "nothing"]) == 2
    assert main(["replay", "varint", "--file", str(places / "none")]) == 2
    assert main(["replay", "--file", str(places / "none")]) == 2
    assert main(["triage", "--file", str(places / "none")]) == 2
    crash = places / "crash"
    crash.write_bytes(b"fine")
    assert main(["minimize", "varint", str(crash)]) == 1


class TestOracle:
    """The shared checks notice what they are there to notice."""

    @staticmethod
    def _good(cursor: Cursor) -> int:
        start = cursor.pos
        try:
            if cursor.byte() == 0xFF:
                raise ProtocolError("no", clause="INT-1", offset=start)
            return cursor.byte()
        except NeedMoreData:
            cursor.pos = start
            raise

    @staticmethod
    def _moves(cursor: Cursor) -> int:
        cursor.byte()
        return cursor.byte()

    @staticmethod
    def _looks_ahead(cursor: Cursor) -> int:
        cursor.byte()
        return len(cursor.data)

    @staticmethod
    def _escapes(cursor: Cursor) -> int:
        raise ValueError("escaped")

    def test_outcomes(self) -> None:
        assert oracle.check_decoder(lambda: self._good, b"\1\2\3") == oracle.Value(2, 2)
        assert oracle.check_decoder(lambda: self._good, b"\1") == oracle.MORE
        assert oracle.check_decoder(lambda: self._good, b"\xff") == oracle.Refused("INT-1", 2, 0)

    def test_violations(self) -> None:
        with pytest.raises(oracle.Violation, match="moved the cursor"):
            oracle.check_decoder(lambda: self._moves, b"\1")
        with pytest.raises(oracle.Violation):
            oracle.check_decoder(lambda: self._looks_ahead, b"\1\2")
        with pytest.raises(ValueError, match="escaped"):
            oracle.check_decoder(lambda: self._escapes, b"\1")

    def test_pieces(self) -> None:
        data = b"\1\2\3\4\5"
        whole = oracle.drip(self._good, data, [])
        assert whole == ([2, 4], oracle.MORE)
        for pieces in ([1], [2, 1], [3]):
            assert oracle.drip(self._good, data, pieces) == whole

    def test_cuts_keep_both_ends(self) -> None:
        assert list(oracle.cuts(5)) == [0, 1, 2, 3, 4]
        cuts = list(oracle.cuts(5000))
        assert cuts[0] == 0 and cuts[-1] == 4999 and len(cuts) < 60
