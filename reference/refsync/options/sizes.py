"""Numbers and sizes as options have them.

Clause OPT-5; upstream ``options.c:parse_size_arg``, popt's integers.
"""

from __future__ import annotations

from ..wire.integers import INT32_MAX, INT32_MIN, INT64_MAX
from .wrong import wrong

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtp", 1):
    _UNITS |= {_letter: 1024**_power, _letter + "ib": 1024**_power, _letter + "b": 1000**_power}


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


def parse_size(name: str, value: str, *, unit: str = "b") -> int:
    """Digits, a fraction, a unit (K, M, G, T, P: 1024; KB …: 1000; KiB …), ``+1`` or ``-1``.

    ``unit`` is that of a number without one.
    """
    text, change = value, 0
    if text[-2:] in ("+1", "-1") and len(text) > 2:
        text, change = text[:-2], int(text[-2:])
    digits = text.rstrip(_LETTERS)
    factor = _UNITS.get(text[len(digits) :].lower() or unit)
    try:
        if factor is None or not digits or len(digits) > 24 or not digits.isascii() or "_" in digits:
            raise ValueError
        size = (int(float(digits) * factor) if "." in digits else int(digits) * factor) + change
        if abs(size) > INT64_MAX:
            raise ValueError
    except (ValueError, OverflowError):  # "1.e999" is infinite
        raise wrong(f"--{name}={value} is invalid") from None
    return size
