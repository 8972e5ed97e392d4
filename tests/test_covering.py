"""Covering arrays: any two choices meet, rows stay, and the cases in combination are just these."""

from __future__ import annotations

import itertools

import pytest
from refsync_conformance import covering, registry
from refsync_conformance.cases import pairwise

SMALL = {"a": ("1", "2"), "b": ("x", "y", "z"), "c": ("p", "q")}


def rows() -> list[dict[str, str]]:
    return [dict(zip(pairwise.GROUPS, row, strict=True)) for row in pairwise.ROWS]


def test_any_two_choices_meet() -> None:
    found = covering.extend((), SMALL)
    for one, other in itertools.combinations(SMALL, 2):
        met = {(row[one], row[other]) for row in found}
        assert met == set(itertools.product(SMALL[one], SMALL[other]))
    assert 6 <= len(found) <= 8
    assert covering.missing(found, SMALL) == set()


def test_what_is_missing_is_told() -> None:
    found = covering.extend((), SMALL)
    lacking = covering.missing(found[1:], SMALL)
    assert lacking and lacking <= covering.met(found[0], SMALL)


def test_rows_that_are_there_stay() -> None:
    """With a value more and with a group more."""
    found = covering.extend((), SMALL)
    more = covering.extend(found, {**SMALL, "a": ("1", "2", "3")})
    assert more[: len(found)] == found and len(more) > len(found)
    wider = {**SMALL, "d": ("n", "m")}
    assert covering.missing(covering.extend(found, wider), wider) == set()


def test_the_cases_are_what_the_generator_makes() -> None:
    assert covering.extend((), pairwise.GROUPS) == rows()
    assert len(rows()) < 1.3 * 30  # the two largest groups need 30
    ids = [f"PAIR-{number:03}" for number in range(1, len(rows()) + 1)]
    assert [id for id in registry.load() if id.startswith("PAIR-")] == ids


@pytest.mark.parametrize("group", pairwise.OPTIONS)
def test_no_value_is_spelt_like_another(group: str) -> None:
    written = list(pairwise.OPTIONS[group].values())
    assert len(set(written)) == len(written)


def test_a_case_tells_its_choices() -> None:
    case = registry.load()["PAIR-003"]
    assert case.title.startswith("Together: --delete-before")
    assert "deletion: before" in case.description and "{" not in case.description
