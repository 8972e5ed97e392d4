"""A merge keeps every feature, or leaves the seeds alone and says so; nothing is fuzzed blindly."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from refsync_fuzz import corpus, merging, runners
from refsync_fuzz import target as targets
from refsync_fuzz.cli import main
from refsync_fuzz.merging import BRANCHES, LIBFUZZER, MergeError, Meter, Reached
from refsync_fuzz.target import Target

#: A shortint, then varints that are whole, unfinished and too long: the first byte chooses the form.
SEEDS = {"made": b"\0\1"}
FOUND = (b"\0\1", b"\2\x80\1", b"\2\xfe\1\2\3\4\5\6\7", b"\3\1\2\3", b"\4")

needs_atheris = pytest.mark.skipif(not runners.have_atheris(), reason="atheris is not installed")


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """varint with one seed and some inputs that a run may have found."""
    monkeypatch.setenv("REFSYNC_CORPUS", str(tmp_path / "corpus"))
    monkeypatch.setenv("REFSYNC_FUZZ_WORK", str(tmp_path / "work"))
    seeds, found = corpus.directory("varint", "seeds"), tmp_path / "work" / "varint" / "corpus"
    seeds.mkdir(parents=True)
    found.mkdir(parents=True)
    for name, data in SEEDS.items():
        (seeds / name).write_bytes(data)
    for data in FOUND:
        (found / corpus.content_name(data)).write_bytes(data)
    return targets.load("varint")


@pytest.mark.parametrize("meter", [pytest.param(LIBFUZZER, marks=needs_atheris), BRANCHES])
def test_merge_takes_what_reaches_more(target: Target, meter: Meter) -> None:
    done = merging.merge(target, meter)
    assert done.before == 1 < done.after
    assert 0 < done.reached_before < done.reached
    kept = {path.read_bytes() for path in corpus.files("varint", "seeds")}
    assert {b"\0\1"} < kept <= set(FOUND)
    again = merging.merge(target, meter)
    assert (again.before, again.after, again.reached) == (done.after, done.after, done.reached)


def test_lossy_merge_fails(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen never arrives: the second measure notices."""
    monkeypatch.setattr(merging, "_add", lambda seeds, path: None)
    with pytest.raises(MergeError, match=r"the merged seeds lack [1-9]\d* branches, which [1-4] inputs have"):
        merging.merge(target, BRANCHES)
    assert [path.name for path in corpus.files("varint", "seeds")] == ["made"]


def test_merge_that_drops_a_seed_fails(target: Target) -> None:
    """A merge that replaces a seed by another must not lose what only the first reached."""
    seeds = corpus.directory("varint", "seeds")
    only = seeds / "only"
    only.write_bytes(b"\2\xfe\1\2\3\4\5\6\7")
    for path in merging.found_inputs(target):
        path.unlink()

    def loses(one: Target, kept: Sequence[Path], others: Sequence[Path]) -> list[Reached]:
        reached = BRANCHES.run(one, kept, others)
        only.unlink(missing_ok=True)
        return reached

    with pytest.raises(MergeError, match=r"lack .* which 1 inputs have .only"):
        merging.merge(target, Meter("branches", loses))
    assert [path.name for path in corpus.files("varint", "seeds")] == ["made", "only"]


@pytest.mark.parametrize(
    ("reached", "message"),
    [
        (lambda paths: [], "were not measured"),
        (lambda paths: [Reached(path, 0) for path in paths], "1 seeds with 0 things are left"),
    ],
)
def test_merge_that_measures_nothing_fails(target: Target, reached: object, message: str) -> None:
    assert callable(reached)
    with pytest.raises(MergeError, match=message):
        merging.merge(target, Meter("things", lambda _, kept, others: reached([*kept, *others])))
    assert [path.name for path in corpus.files("varint", "seeds")] == ["made"]


@needs_atheris
def test_merge_of_an_input_that_breaks_the_target_fails(
    target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """libFuzzer goes on behind an input that ends it, as if it had not been there."""
    stub = runners.STUBS / "varint.py"
    place = corpus.work_root() / "broken.py"
    text = stub.read_text().replace('main("varint")', "")
    place.write_text(
        f"{text}\nimport refsync_fuzz.targets.varint as one\nheld = one.fuzz_one\n"
        "def fuzz_one(data):\n    if data == b'\\4':\n        raise ValueError('broken')\n    held(data)\n"
        'one.fuzz_one = fuzz_one\nmain("varint")\n'
    )
    place.chmod(0o755)
    monkeypatch.setattr(runners, "stub", lambda name: place)
    assert main(["merge", "varint"]) == 3
    assert "1 of 6 inputs were not measured" in capsys.readouterr().err
    assert [path.name for path in corpus.files("varint", "seeds")] == ["made"]


def test_control_file() -> None:
    text = "2\n1\n/kept/a\n/others/b b\nSTARTED 0 1\nFT 0 3 4\nCOV 0 9\nSTARTED 1 2\nFT 1\nCOV 1\n"
    assert list(merging.parse_control(text)) == [("/kept/a", 2), ("/others/b b", 0)]
    with pytest.raises(MergeError, match="another form"):
        list(merging.parse_control(""))


@needs_atheris
@pytest.mark.parametrize("name", ["token_zlib", "native_rows"])
def test_fuzzer_sees_what_is_imported_late(name: str) -> None:
    """The reference imports these modules when they are first needed; they are instrumented all the same."""
    seeds = corpus.files(name, "seeds")[:20]
    done = subprocess.run(
        [str(runners.stub(name)), *map(str, seeds)],
        env=runners.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for module in targets.load(name).surface.code:
        assert f"Instrumenting {module}\n" in done.stderr
