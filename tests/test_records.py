"""Records: what ``dataclasses`` would have made of the same classes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path

import pytest
import refsync
from refsync import records


@records.dataclass(frozen=True, slots=True)
class Point:
    """Two numbers."""

    x: int
    y: int = 2

    @property
    def sum(self) -> int:
        return self.x + self.y


@records.dataclass(slots=True)
class Box:
    name: str
    content: list[int] = records.field(default_factory=list)
    total: int = records.field(init=False)
    spare: int = records.field(default=7, init=False)

    def __post_init__(self) -> None:
        self.total = sum(self.content)


@records.dataclass(slots=True)
class Nothing:
    """No attribute at all."""


def test_arguments_and_defaults() -> None:
    assert (Point(1).y, Point(1, 3).y, Point(y=5, x=4).sum) == (2, 3, 9)
    for wrong in ((), (1, 2, 3)):
        with pytest.raises(TypeError):
            Point(*wrong)
    one, other = Box("a"), Box("b", [1, 2])
    assert one.content == [] and one.content is not Box("c").content
    assert (other.total, other.spare) == (3, 7)
    Nothing()


def test_comparing() -> None:
    assert Point(1, 2) == Point(1) != Point(2)
    assert Point(1) != (1, 2)
    assert hash(Point(1)) == hash(Point(1, 2)) and len({Point(1), Point(1, 2)}) == 1
    assert Box("a", [1]) == Box("a", [1]) != Box("a", [2])
    with pytest.raises(TypeError):
        hash(Box("a"))
    assert Nothing() == Nothing()


def test_what_is_frozen_stays() -> None:
    with pytest.raises(AttributeError, match="cannot change field 'x' of Point"):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del Point(1).x  # type: ignore[misc]
    box = Box("a")
    box.name = "b"
    assert box.name == "b"
    with pytest.raises(AttributeError):
        box.other = 1  # type: ignore[attr-defined]


def test_values_names_and_changes() -> None:
    assert repr(Point(1)) == "Point(x=1, y=2)" and Point.__doc__ == "Two numbers."
    assert records.names(Point) == records.names(Point(1)) == ("x", "y")
    assert records.astuple(Box("a", [4])) == ("a", [4], 4, 7)
    assert records.replace(Point(1), y=9) == Point(1, 9)
    assert records.replace(Box("a", [1]), content=[2, 3]).total == 5
    match Point(1, 8):
        case Point(x, y):
            assert (x, y) == (1, 8)


@pytest.mark.parametrize("record", [Point(3, 4), Box("a", [1, 2])])
def test_copies(record: object) -> None:
    for made in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert made == record and made is not record


def test_the_same_as_a_dataclass() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Other:
        x: int
        y: int = 2

    for arguments in ((1,), (1, 2), (0, -1)):
        mine, theirs = Point(*arguments), Other(*arguments)
        assert (mine.x, mine.y) == (theirs.x, theirs.y)
        assert repr(theirs).endswith(repr(mine).removeprefix("Point"))
        assert hash(mine) == hash(theirs)


def test_the_reference_starts_without_dataclasses() -> None:
    root = Path(refsync.__file__).parent
    users = [path.name for path in root.rglob("*.py") if "from dataclasses import" in path.read_text()]
    assert users == []


def test_the_first_records_are_made_as_the_later_ones() -> None:
    """Before and after a class gets an ``__init__`` of its own."""

    @records.dataclass(slots=True)
    class Made:
        name: str
        more: list[int] = records.field(default_factory=list)
        count: int = records.field(init=False)
        spare: int = records.field(default=7, init=False)

        def __post_init__(self) -> None:
            self.count = len(self.more)

    first = Made.__init__
    made = [Made("a", more=[1]) for _ in range(records.PLAIN_CALLS - 1)]
    assert Made.__init__ is first
    made += [Made("a", more=[1]), Made("a", more=[1])]
    assert Made.__init__ is not first
    assert all(one == made[0] and (one.count, one.spare) == (1, 7) for one in made)


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, 2, 3), {}), ((1,), {"x": 2}), ((1,), {"z": 2}), ((), {"y": 2})],
)
def test_wrong_arguments_are_a_type_error_from_the_first_on(
    values: tuple[int, ...], named: dict[str, int]
) -> None:
    @records.dataclass(slots=True)
    class Fresh:
        x: int
        y: int = 2

    for _ in range(2):
        with pytest.raises(TypeError):
            Fresh(*values, **named)
