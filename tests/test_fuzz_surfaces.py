"""No parser of foreign bytes is without a target, and each target gets to what it is said to feed."""

from __future__ import annotations

from pathlib import Path

import pytest
from refsync import native
from refsync_fuzz import surfaces
from refsync_fuzz import target as targets
from refsync_fuzz.surfaces import KERNEL, Ours, Surface, Table

TABLE = surfaces.read()


def test_every_parser_has_a_target() -> None:
    assert list(surfaces.faults(TABLE, list(targets.load_all()))) == []


@pytest.mark.parametrize("name", sorted({row.target for row in TABLE.surfaces}))
def test_target_gets_there(name: str) -> None:
    """By its committed inputs alone."""
    wanted = {(row.module, one) for row in TABLE.surfaces if row.target == name for one in row.functions}
    if not native.HAVE_BULK:
        wanted = {one for one in wanted if one[0] != KERNEL}
    elif not native.bulk.HAVE_RING or not _has_ring():
        wanted = {one for one in wanted if "_ring_" not in one[1]}
    assert wanted - surfaces.entered(targets.load(name), wanted) == set()


def _has_ring() -> bool:
    from refsync.uring.ring import Ring, RingRefused

    try:
        Ring(1).close()
    except RingRefused:
        return False
    return True


def _package(tmp_path: Path, text: str) -> Path:
    for layer in surfaces.LAYERS:
        (tmp_path / layer).mkdir()
    (tmp_path / "native" / "build.py").write_text('FUNCTIONS = "int refsync_new(const char *, int);"\n')
    (tmp_path / "engine" / "words.py").write_text(text)
    return tmp_path


PARSER = """
class Words:
    async def take(self, data):
        def inner():
            return data.split(b" ")
        return inner()

    def plain(self, data):
        return data.decode("utf-8") + str(len(data))
"""


def test_parser_without_a_target_is_a_fault(tmp_path: Path) -> None:
    package = _package(tmp_path, PARSER)
    assert surfaces.parsers(package) == {("engine.words", "Words.take"), (KERNEL, "refsync_new")}
    empty = Table((), ())
    found = list(surfaces.faults(empty, [], package))
    assert len(found) == 2
    assert found[0].startswith("engine.words:Words.take: no target takes its bytes")


def test_table_that_is_out_of_date_is_a_fault(tmp_path: Path) -> None:
    package = _package(tmp_path, "def plain(data):\n    return data\n")
    table = Table(
        (Surface("engine.words", ("plain",), "nobody"),), (Ours(KERNEL, ("refsync_new", "refsync_new"), ""),)
    )
    assert list(surfaces.faults(table, [], package)) == [
        "engine.words: no target is called 'nobody'",
        "engine.words:plain: is no parser any more, or has gone",
        f"{KERNEL}: says not why",
        f"{KERNEL}:refsync_new: twice",
    ]


def test_row_with_a_field_too_many_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "surfaces.toml"
    place.write_text('ours = []\n[[surface]]\nmodule = "a"\nfunctions = []\ntarget = "b"\nother = 1\n')
    with pytest.raises(ValueError, match="other"):
        surfaces.read(place)


def test_what_is_entered_is_seen() -> None:
    wanted = {("wire.integers", "varint"), ("wire.integers", "nothing")}
    found = surfaces.entered(targets.load("varint"), wanted)
    assert found == {("wire.integers", "varint")}
