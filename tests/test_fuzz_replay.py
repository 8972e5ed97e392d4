"""Every committed fuzz input still holds, and every target and corpus keeps its rules. Needs no fuzzer."""

from __future__ import annotations

import pkgutil

import pytest
import refsync.delta
import refsync.filters
import refsync.session
import refsync.wire
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


#: Modules of the pure layers that take no bytes from anyone, and why.
WITHOUT_TARGET = {
    "refsync.wire.cursor": "every decoder's position: all targets run it",
    "refsync.wire.errors": "exceptions and codes",
    "refsync.wire.limits": "constants",
    "refsync.session.waits": "four words",
    "refsync.session.bulk": "an interface: what stands behind it is the target native_bulk",
    "refsync.filters.source": "the way to files, replaced in the targets",
}


def test_every_parser_has_a_target() -> None:
    owned = {module for target in targets.load_all() for module in target.surface.code}
    layers = [refsync.wire, refsync.session, refsync.filters, refsync.delta]
    there = {
        f"{layer.__name__}.{module.name}"
        for layer in layers
        for module in pkgutil.iter_modules(layer.__path__)
    }
    assert there - owned - WITHOUT_TARGET.keys() == set(), "name it in a target's SURFACE.code"
    assert WITHOUT_TARGET.keys() <= there
    assert not WITHOUT_TARGET.keys() & owned


def test_corpus_stays_small() -> None:
    size = sum(path.stat().st_size for path in corpus.root().rglob("*") if path.is_file())
    assert size < 5 * 1024 * 1024
