"""Mutations of parts: what is cut is whole again, lengths are right unless they lie, both engines use it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refsync.wire import mux
from refsync_fuzz import corpus, harness, structure
from refsync_fuzz import target as targets
from refsync_fuzz.mutate import Mutator
from refsync_fuzz.structure import Shape, fixed

FRAMES = Shape(fixed(1), 3, 1)
LINES = Shape(fixed(0))
SHAPED = [target for target in targets.load_all() if target.surface.shape is not None]


def test_the_surfaces_that_are_made_of_parts_have_a_shape() -> None:
    assert {"multiplex", "filter_wire", "session", "daemon_session"} <= {target.name for target in SHAPED}


@given(st.binary(max_size=300))
def test_parts_together_are_the_input(data: bytes) -> None:
    for shape in (FRAMES, LINES):
        assert b"".join(shape.cut(data)) == data


@pytest.mark.parametrize("target", SHAPED, ids=lambda target: target.name)
def test_every_seed_is_the_sum_of_its_parts(target: targets.Target) -> None:
    shape = target.surface.shape
    assert shape is not None
    counts = []
    for _, data in corpus.inputs(target.name):
        parts = shape.cut(data)
        assert b"".join(parts) == data
        counts.append(len(parts))
    assert max(counts) > 2, "no seed has two parts"


def test_frames_are_cut_at_their_borders_and_mended() -> None:
    first, second = mux.encode(mux.DATA, b"hello"), mux.encode(mux.INFO, b"hi\n")
    assert FRAMES.cut(b"\1" + first + second + b"cut") == [b"\1", first, second, b"cut"]
    assert FRAMES.mend(first + b" and more") == mux.encode(mux.DATA, b"hello and more")
    assert FRAMES.mend(b"\1") == b"\1"
    assert LINES.cut(b"one\ntwo\nthree") == [b"", b"one\n", b"two\n", b"three"]
    assert LINES.mend(b"one\n") == b"one\n"


def test_a_length_may_lie() -> None:
    first = mux.encode(mux.DATA, b"hello")
    chance = random.Random(1)
    lengths = {int.from_bytes(FRAMES.lie(first, chance)[:3], "little") for _ in range(100)}
    assert {4, 6, 0, 0xFFFF, 0xFFFFFF} <= lengths and 5 not in lengths
    assert LINES.lie(b"one\n", chance) == b"one"


def test_mutations_keep_to_the_limit_and_repeat_themselves() -> None:
    data = b"\1" + mux.encode(mux.DATA, b"hello") + mux.encode(mux.NOOP) * 3

    def made(seed: int) -> list[bytes]:
        chance = random.Random(seed)
        return [structure.mutate(data, FRAMES, 40, chance, lambda part: part[::-1]) for _ in range(100)]

    assert made(1) == made(1) != made(2)
    assert max(map(len, made(1))) <= 40
    assert len(set(made(1))) > 20
    whole = [
        one for one in made(1) if b"".join(FRAMES.cut(one)) == one and mux.encode(mux.DATA, b"olleh") in one
    ]
    assert whole, "what is inside a frame is changed, and the frame is whole"
    assert structure.mutate(b"\1", FRAMES, 40, random.Random(1), lambda part: part + b"!") == b"\1!"


def test_inputs_cross_at_the_borders() -> None:
    one = b"\1" + mux.encode(mux.DATA, b"hello") + mux.encode(mux.DATA, b"there")
    other = b"\2" + mux.encode(mux.INFO, b"hi\n") + mux.encode(mux.NOOP)
    known = {*FRAMES.cut(one), *FRAMES.cut(other)}
    for seed in range(50):
        crossed = structure.cross(one, other, FRAMES, 400, random.Random(seed))
        assert crossed[:1] == b"\1" and set(FRAMES.cut(crossed)) <= known


def test_plain_runner_works_on_parts() -> None:
    seeds = [b"\1" + mux.encode(mux.DATA, bytes([letter]) * 9) for letter in b"abc"]
    mutator = Mutator(seeds, [], 400, 1, FRAMES)
    made = [mutator.next() for _ in range(300)]
    assert any(seeds[0][1:] in data and seeds[1][1:] in data for data in made), "two inputs met at a border"


def test_engine_is_given_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    atheris = pytest.importorskip("atheris")
    monkeypatch.setattr(atheris, "Mutate", lambda data, most: data + b"#")
    ways = harness._by_parts(FRAMES)
    one = b"\1" + mux.encode(mux.DATA, b"hello")
    assert any(ways["custom_mutator"](one, 100, seed) == one + b"#" for seed in range(20))
    assert any(
        mux.encode(mux.DATA, b"hello#") in ways["custom_mutator"](one, 100, seed) for seed in range(200)
    )
    assert ways["custom_crossover"](one, one, 100, 3)[:1] == b"\1"
