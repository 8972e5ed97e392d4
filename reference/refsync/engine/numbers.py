"""Numbers as rsync prints them.

Clause OUT-6; upstream ``lib/compat.c:do_big_num``, ``do_big_dnum``.
"""

from __future__ import annotations


def human(value: int, level: int) -> str:
    """Level 0: digits; 1: grouped by thousands; 2: units of 1000; 3: units of 1024."""
    if level > 1:
        base = 1000 if level == 2 else 1024
        if abs(value) >= base:
            scaled = value / base
            for unit in "KMGTP":
                if abs(scaled) < base or unit == "P":
                    return f"{scaled:.2f}{unit}"
                scaled /= base
    return f"{value:,}" if level else str(value)


def human_float(value: float, digits: int, level: int) -> str:
    """As ``human``, with decimals."""
    if level > 1 and value >= (1000 if level == 2 else 1024):
        return human(int(value), level)
    return f"{value:,.{digits}f}" if level else f"{value:.{digits}f}"
