"""Sizes, rates and times on a command line: ``1.5m+1``, ``--bwlimit``, ``--stop-at``.

Input: a byte that chooses the option, then the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from refsync.options.sizes import integer, parse_size
from refsync.options.times import stop_after, stop_at

from ..choices import Choices
from ..oracle import asked, expect, same
from ..target import Surface

UNITS = {letter: power for power, letter in enumerate("kmgtp", 1)}
MOST = (1 << 63) - 1
#: (unit, least, most, whether 0 may be given though it is less)
LIMITS = (("b", 0, MOST, False), ("k", 512, MOST, True), ("b", 1024, 1 << 20, True), ("m", 0, 1 << 40, False))
#: When the times are asked for: in a leap year, near the end of a month, in the night of a year's end.
MOMENTS = (
    datetime(2024, 2, 28, 23, 59, 30),
    datetime(2025, 12, 31, 23, 59, 59),
    datetime(2026, 6, 15, 12, 0),
)

SURFACE = Surface(
    priority=3,
    clauses=("OPT-5", "END-12"),
    code=("refsync.options.sizes", "refsync.options.times"),
    oracle="DMS",
    dictionary={
        "kilo": b"k", "kib": b"KiB", "mb": b"mb", "more": b"+1", "less": b"-1", "half": b".5",
        "long": b"9" * 25,
        "date": b"2026-12-31T23:59", "minute": b":30", "leap": b"2-29", "day": b"31", "hour": b"T7:00",
    },
    max_length=60,
)  # fmt: skip


def _size(text: str, unit: str) -> int | None:
    """The size, with the rules of the manual; None for a text that is none."""
    found = re.fullmatch(r"(\d{0,24})(\.\d{0,24})?([a-z]{0,3})([+-]1)?", text, re.ASCII | re.IGNORECASE)
    if not found or (found[4] and not found.start(4)):
        return None
    letters = (found[3] or unit).lower()
    if letters.strip("b") == "" or letters == "bib":
        factor = 1 if letters in ("b", "bb", "bib") else 0
    elif letters[0] in UNITS and letters[1:] in ("", "b", "ib"):
        factor = (1000 if letters[1:] == "b" else 1024) ** UNITS[letters[0]]
    else:
        factor = 0
    if not factor:
        return None
    whole = Fraction((found[1] or "0") + (found[2] if found[2] and found[2] != "." else ""))
    return int(whole * factor) + int(found[4] or 0)


def fuzz_one(data: bytes) -> None:
    """Oracle: sizes by exact fractions, within their limits, and the same with a nought before them.

    A moment to stop at is in the future,
    and says of itself what was asked for; whatever is refused ends with 1.
    """
    choices = Choices(data)
    kind = choices.byte()
    text = choices.rest().decode("utf-8", "surrogateescape")
    if kind & 4:
        _times(text, MOMENTS[kind % 3])
        return
    unit, least, most, zero = LIMITS[kind & 3]
    expected = _size(text, unit)
    if expected is not None and not (least <= expected <= most or (zero and expected == 0)):
        expected = None
    found = asked(lambda: parse_size("size", text, unit=unit, least=least, most=most, zero=zero))
    same(found, expected, f"{text!r}")
    if found is not None and len(text) < 20:
        same(
            asked(lambda: parse_size("size", "0" + text, unit=unit, least=least, most=most, zero=zero)),
            found,
            "0",
        )
    number = asked(lambda: integer("number", text))
    expect(
        number is None or (isinstance(number, int) and -(1 << 31) <= number < 1 << 31), f"{text!r}: {number}"
    )


def _times(text: str, here: datetime) -> None:
    now = here.timestamp()
    after = asked(lambda: stop_after("stop-after", text, now))
    expect(after is None or (isinstance(after, float) and after >= now + 60), f"{text!r}: {after}")
    at = asked(lambda: stop_at(text, now))
    if at is None:
        return
    assert isinstance(at, float)
    expect(at > now, f"{text!r} is in the past")
    then = datetime.fromtimestamp(at)
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if ":" in text:
        same(then.minute, numbers[-1], f"minute of {text!r}")
        numbers = numbers[:-1] if text.startswith(":") else numbers[:-2]
    if numbers:
        same(then.day, numbers[-1], f"day of {text!r}")
    if len(numbers) > 1:
        same(then.month, numbers[-2], f"month of {text!r}")
    if len(numbers) > 2:
        same(then.year % 100, numbers[-3] % 100, f"year of {text!r}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Sizes with each unit, limits, and moments of each form."""
    sizes = (
        "0", "1", "1.5m+1", "100k", "2KB", "3kib-1", "8388607t", "9223372036854775807b",
        "9223372036854775808", ".5g", "1.", ".",
        "1e3", "-1", "512b", "511b", "1_0", "\u0661", "k", "+1", "1k+2", "1mB", "0.000001p",
        "99999999999999999999999999",
    )  # fmt: skip
    times = (
        "2026-12-31T23:59", "12/31", "31", "2-29", "T7:00", "7:00", ":30", ":60", "25:00", "99-1-1",
        "1999-01-01", "29T",
        "30", "13-1", "2-30", "26-6-15T12:01",
    )  # fmt: skip
    for number, text in enumerate(sizes):
        yield f"size.{number}", bytes((number & 3,)) + text.encode()
    for number, text in enumerate(times):
        yield f"time.{number}", bytes((4 + number % 3,)) + text.encode()
    yield "after", b"\4 +90"
