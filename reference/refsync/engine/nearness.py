"""How near two names are: what ``--fuzzy`` chooses by.

Clause ALT-12; upstream ``util1.c:fuzzy_distance``, ``find_filename_suffix``.
"""

from __future__ import annotations

#: What one edit of a name weighs; the difference of two bytes counts below that.
UNIT = 1 << 16
#: A file whose name is farther away is none that helps.
FARTHEST = 25 * UNIT
#: Farther than anything: the lengths alone were too different.
BEYOND = 0xFFFF * UNIT + 1
#: What the distance of the suffixes counts beside that of the whole names.
SUFFIX_WEIGHT = 10


def suffix_of(name: bytes) -> bytes:
    """ALT-12: the last suffix that tells something; those of backups do not, digits only for want of better.

    With the dot. Empty if there is none.
    """
    name = name.lstrip(b".")
    tilde = len(name) > 1 and name.endswith(b"~")
    best = b""
    end = len(name) - tilde
    while end > 1:
        dot = name.rfind(b".", 1, end)
        if dot < 0:
            break
        suffix, end = name[dot:end], dot
        if name[dot:] in (b".bak", b".old", b".orig"):  # only at the very end
            continue
        # upstream looks no further at a suffix of these lengths
        if tilde and len(suffix) not in (1, 2, 4, 5) and suffix[1:2] == b"~" and suffix[2:3].isdigit():
            continue
        best = suffix
        if not suffix[1:].isdigit():
            break
    return best


def distance(one: bytes, other: bytes, limit: int) -> int:
    """ALT-12: edits from one name to another in ``UNIT``, and how far apart the bytes are as their fraction.

    ``BEYOND`` where the lengths alone make it more than ``limit``.
    """
    if abs(len(one) - len(other)) * UNIT > limit:
        return BEYOND
    if not one or not other:
        rest = one or other
        return len(rest) * UNIT + sum(rest)
    row = [(at + 1) * UNIT for at in range(len(other))]
    for at, byte in enumerate(one):
        diagonal, above = at * UNIT, (at + 1) * UNIT
        for place, second in enumerate(other):
            left = row[place]
            changed = diagonal + (UNIT + abs(byte - second) if byte != second else 0)
            # inserted or deleted, whichever is behind; upstream compares before it adds
            shifted = left + UNIT + byte if left < above else above + UNIT + second
            above = row[place] = min(shifted, changed)
            diagonal = left
    return row[-1]


def nearness(name: bytes, suffix: bytes, wanted: bytes, wanted_suffix: bytes, limit: int) -> int:
    """ALT-12: the distance of the names, and ten times that of their suffixes."""
    far = distance(name, wanted, limit)
    if far < 0xFFFF * UNIT:
        far += distance(suffix, wanted_suffix, 0xFFFF * UNIT) * SUFFIX_WEIGHT
    return far
