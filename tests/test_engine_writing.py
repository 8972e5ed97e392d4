"""What is kept when files are replaced or deleted: backups, parts, delayed updates, sources that go."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from test_engine_transfer import Log, transfer

OLD, NEW = random.Random(1).randbytes(40_000), random.Random(2).randbytes(50_000)
BOTH_WAYS = pytest.mark.parametrize("push", [True, False])
OLD_AND_NEW = pytest.mark.parametrize("version", [28, 32])


def sync(place: Path, *arguments: str, push: bool = True, version: int = 32, code: int = 0) -> Log:
    """From ``place/src/`` to ``place/dst``; both ends end with ``code``."""
    words = [f"--protocol={version}", *arguments]
    near, far, log = transfer(words, f"{place}/src/", str(place / "dst"), push=push)
    assert (near, far) == (code, code), log.texts
    return log


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The source has ``f`` and ``d/g`` in a newer state, the destination ``d/gone`` and a link besides."""
    for root, data, time in (("src", NEW, 2_000_000_000), ("dst", OLD, 1_000_000_000)):
        (tmp_path / root / "d").mkdir(parents=True)
        for name in ("f", "d/g"):
            (tmp_path / root / name).write_bytes(data)
            os.utime(tmp_path / root / name, (time, time))
    (tmp_path / "dst/d/gone").write_bytes(b"gone")
    (tmp_path / "dst/link").symlink_to("f")
    return tmp_path


@BOTH_WAYS
@OLD_AND_NEW
def test_backups_beside_the_files(place: Path, version: int, push: bool) -> None:
    sync(place, "-ab", "--delete", push=push, version=version)
    dst = place / "dst"
    assert (dst / "f").read_bytes() == NEW
    assert (dst / "f~").read_bytes() == (dst / "d/g~").read_bytes() == OLD
    assert (dst / "d/gone~").read_bytes() == b"gone"
    assert os.readlink(dst / "link~") == "f" and not (dst / "link").is_symlink()


@BOTH_WAYS
@pytest.mark.parametrize("more", [(), ("--inplace",), ("--delay-updates",), ("--suffix=.old",)])
def test_backups_in_a_directory_of_their_own(place: Path, more: tuple[str, ...], push: bool) -> None:
    suffix = ".old" if "--suffix=.old" in more else ""
    (place / "kept").mkdir()
    (place / "kept" / "d").write_bytes(b"in the way of a directory")
    if "--inplace" not in more:
        (place / "kept" / f"f{suffix}").mkdir()
    sync(place, "-ab", "--delete", f"--backup-dir={place}/kept", *more, push=push)
    assert (place / "dst/f").read_bytes() == (place / "dst/d/g").read_bytes() == NEW
    assert (place / f"kept/f{suffix}").read_bytes() == (place / f"kept/d/g{suffix}").read_bytes() == OLD
    assert (place / f"kept/d/gone{suffix}").read_bytes() == b"gone"
    assert sorted(os.listdir(place / "dst")) == ["d", "f"]


def test_backups_are_only_told_in_a_dry_run(place: Path) -> None:
    log = sync(place, "-abnvv", "--backup-dir=../kept", "--delete")
    assert not (place / "kept").exists() and (place / "dst/f").read_bytes() == OLD
    assert (place / "dst/link").is_symlink() and log.gone == [b"link", b"d/gone"], log.gone


def test_a_backup_directory_that_is_a_file(place: Path) -> None:
    (place / "kept").write_bytes(b"")
    with pytest.raises(Exception, match="The backup-dir is not a directory"):
        sync(place, "-ab", f"--backup-dir={place}/kept", push=False)
    assert (place / "dst/f").read_bytes() == OLD


def test_devices_and_pipes_are_backed_up(place: Path) -> None:
    os.mkfifo(place / "dst/p")
    (place / "src/p").write_bytes(b"a file now")
    sync(place, "-ab", f"--backup-dir={place}/kept")
    assert (place / "kept/p").is_fifo() and (place / "dst/p").read_bytes() == b"a file now"


@BOTH_WAYS
@OLD_AND_NEW
@pytest.mark.parametrize("shared", [False, True])
def test_a_part_is_the_basis_and_goes(place: Path, shared: bool, version: int, push: bool) -> None:
    parts = place / "parts" if shared else place / "dst/.parts"
    parts.mkdir()
    (parts / "f").write_bytes(NEW[:30_000])
    (place / "dst/f").unlink()
    option = f"--partial-dir={parts if shared else '.parts'}"
    sync(place, "-a", "--no-W", option, push=push, version=version)
    assert (place / "dst/f").read_bytes() == NEW and not (parts / "f").exists()
    assert parts.exists() == shared


def test_what_is_in_the_way_of_a_partial_directory_goes(place: Path) -> None:
    (place / "dst/d/.parts").write_bytes(b"a file")
    sync(place, "-a", "--delay-updates", "--partial-dir=.parts")
    assert sorted(os.listdir(place / "dst/d")) == ["g", "gone"]
    assert (place / "dst/d/g").read_bytes() == NEW


@BOTH_WAYS
@pytest.mark.parametrize("version", [28, 29, 30, 32])
def test_updates_wait_for_the_end(place: Path, version: int, push: bool) -> None:
    sync(place, "-a", "--delay-updates", push=push, version=version)
    assert (place / "dst/f").read_bytes() == (place / "dst/d/g").read_bytes() == NEW
    assert not (place / "dst/.~tmp~").exists() and not (place / "dst/d/.~tmp~").exists()


@BOTH_WAYS
@pytest.mark.parametrize("version", [28, 29, 30, 32])
def test_sources_go_when_they_have_arrived(place: Path, version: int, push: bool) -> None:
    (place / "dst/same").write_bytes(b"same")
    (place / "src/same").write_bytes(b"same")
    os.utime(place / "dst/same", (5, 5))
    os.utime(place / "src/same", (5, 5))
    sync(place, "-a", "--remove-source-files", push=push, version=version)
    assert (place / "dst/f").read_bytes() == NEW
    assert [path.name for path in sorted((place / "src").rglob("*"))] == ["d"]


def test_many_sources_go_without_waiting_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for number in range(300):
        (tmp_path / "src" / f"f{number}").write_bytes(b"%d" % number)
    sync(tmp_path, "-a", "--remove-source-files")
    assert os.listdir(tmp_path / "src") == [] and len(os.listdir(tmp_path / "dst")) == 300


@BOTH_WAYS
@pytest.mark.parametrize("option", ["--append", "--append-verify"])
def test_appending(place: Path, option: str, push: bool) -> None:
    (place / "dst/f").write_bytes(NEW[:20_000])
    (place / "dst/d/g").write_bytes(b"?" * 20_000)
    sync(place, "-a", option, push=push)
    assert (place / "dst/f").read_bytes() == NEW
    grown = NEW if option == "--append-verify" else b"?" * 20_000 + NEW[20_000:]
    assert (place / "dst/d/g").read_bytes() == grown


@BOTH_WAYS
def test_a_temporary_directory_elsewhere(place: Path, push: bool) -> None:
    (place / "tmp").mkdir()
    sync(place, "-a", f"--temp-dir={place}/tmp", push=push)
    assert (place / "dst/f").read_bytes() == NEW and os.listdir(place / "tmp") == []


def test_deletion_stops_at_its_limit(place: Path) -> None:
    for number in range(5):
        (place / f"dst/extra{number}").write_bytes(b"")
    words = ["-a", "--delete", "--max-delete=2"]
    near, far, log = transfer(words, f"{place}/src/", str(place / "dst"), push=True)
    assert (near, far, len(log.gone)) == (0, 25, 2)


def test_missing_directories_are_made(place: Path) -> None:
    near, far, _ = transfer(["-a", "--mkpath"], f"{place}/src/", f"{place}/x/y/z", push=True)
    assert (near, far) == (0, 0) and (place / "x/y/z/f").read_bytes() == NEW


def test_sparse_files_have_holes(place: Path) -> None:
    (place / "src/f").write_bytes(b"a" * 4096 + b"\0" * 1_000_000 + b"z")
    sync(place, "-aS", "--fsync")
    copied = place / "dst/f"
    assert copied.read_bytes() == (place / "src/f").read_bytes()
    assert copied.stat().st_blocks * 512 < 200_000
    copied.unlink()
    sync(place, "-aS", "--preallocate")
    assert copied.read_bytes() == (place / "src/f").read_bytes()
