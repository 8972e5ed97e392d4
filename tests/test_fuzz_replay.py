"""Every committed fuzz input still holds, and every target and corpus keeps its rules. Needs no fuzzer."""

from __future__ import annotations

import pytest
from refsync_fuzz import check, corpus, triage
from refsync_fuzz import target as targets

NAMES = targets.names()


def test_targets_are_found() -> None:
    assert {"varint", "negotiation_prologue", "filter_wire", "multiplex", "flist_entry"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_hold(name: str) -> None:
    target = targets.load(name)
    inputs = list(corpus.inputs(name))
    assert inputs, "a target without inputs tests nothing"
    broken = {
        str(path.name): str(found) for path, data in inputs if (found := triage.run(target, data)) is not None
    }
    assert not broken


@pytest.mark.parametrize("name", NAMES)
def test_target_keeps_the_rules(name: str) -> None:
    assert list(check.faults(targets.load(name), replay=False)) == []


def test_nothing_is_without_a_target() -> None:
    assert list(check.strays()) == []


def test_corpus_stays_small() -> None:
    size = sum(path.stat().st_size for path in corpus.root().rglob("*") if path.is_file())
    assert size < 5 * 1024 * 1024
