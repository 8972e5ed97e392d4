"""Numbers and sizes as options have them.

Clause OPT-5; upstream ``options.c:parse_size_arg``, popt's integers.
"""

from __future__ import annotations

from ..wire.integers import INT32_MAX, INT32_MIN, INT64_MAX
from .wrong import wrong

#: A number is allowed to be missing: it is 0 then. What is longer than this is no number that anybody means.
_SIZE = r"(?P<whole>[0-9]{,24})(?:\.(?P<fraction>[0-9]{,24}))?(?P<unit>[A-Za-z]{,3})(?P<change>[+-]1)?"
_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtp", 1):
    _UNITS |= {_letter: 1024**_power, _letter + "ib": 1024**_power, _letter + "b": 1000**_power}
_UNITS |= {"bb": 1, "bib": 1}


def integer(name: str, value: str) -> int:
    """A C int."""
    try:
        if not value.isascii() or "_" in value:  # what Python takes for a number, but C does not
            raise ValueError
        number = int(value)
    except ValueError:
        raise wrong(f"--{name}={value}: invalid numeric value") from None
    if not INT32_MIN <= number <= INT32_MAX:
        raise wrong(f"--{name}={value}: number too large or too small")
    return number


def parse_size(
    name: str, value: str, *, unit: str = "b", least: int = 0, most: int = INT64_MAX, zero: bool = False
) -> int:
    """Digits, a fraction, a unit (K, M, G, T, P: 1024; KB …: 1000; KiB …), ``+1`` or ``-1``.

    ``unit`` is that of a number without one; ``zero`` may be given though it is less than ``least``.
    """
    import re

    found = re.fullmatch(_SIZE, value)
    factor = _UNITS.get((found["unit"] or unit).lower()) if found else None
    if found is None or factor is None or (found["change"] and not found.start("change")):
        raise wrong(f"--{name}={value} is invalid")
    whole, fraction = int(found["whole"] or 0), found["fraction"] or ""
    size = whole * factor + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)
    size += int(found["change"] or 0)
    if not 0 <= size <= most:
        limit = f" (max: {_short(most)})" if most < INT64_MAX else ""
        raise wrong(f"--{name}={value} is too large{limit}")
    if size < least and not (zero and size == 0):
        other = " or 0 for unlimited" if zero else ""
        raise wrong(f"--{name}={value} is too small (min: {_short(least)}{other})")
    return size


def _short(size: int) -> str:
    """As upstream's messages have a size: ``128.00K``."""
    for power, letter in ((4, "T"), (3, "G"), (2, "M"), (1, "K")):
        if size >= 1000 * 1024 ** (power - 1):
            return f"{size / 1024**power:.2f}{letter}"
    return str(size)
