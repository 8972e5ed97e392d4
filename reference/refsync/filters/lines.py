"""The lines of a file of rules.

Clause FILT-15; upstream ``exclude.c:parse_filter_file``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .rules import rule_from_pattern

#: The longest line that is not thrown away, in bytes (upstream ``BIGPATHBUFLEN`` less its NUL).
MAX_LINE = 4096 + 1024 - 1
_SPACE = b" \t\n\v\f\r"


def _nothing(line: bytes) -> None:
    """Over-long lines are dropped unless a caller wants to hear of them."""


def parse_lines(
    data: bytes, *, from0: bool = False, words: bool = False, overlong: Callable[[bytes], None] = _nothing
) -> Iterator[bytes]:
    """The rules' texts in a file: without empty lines and, unless it is split into words, without comments.

    Lines end at CR or LF, with ``from0`` at NUL instead; ``words`` also ends one at
    any white space. A line of more than ``MAX_LINE`` bytes is given to ``overlong`` and skipped.
    """
    ends = (_SPACE if words else b"") + (b"\0" if from0 else b"\r\n")
    table = bytes.maketrans(ends, ends[-1:] * len(ends))
    for line in data.translate(table).split(ends[-1:]):
        if not line or line[0] == 0:
            continue
        if len(line) > MAX_LINE:
            overlong(line[:MAX_LINE])
        elif words or line[0] not in b";#":
            yield line.split(b"\0", 1)[0]


def rules_from_file(data: bytes, include: bool, *, from0: bool = False) -> list[str]:
    """What ``--exclude-from`` or ``--include-from`` makes of a file, as rule texts in order."""
    made = (rule_from_pattern(line, include) for line in parse_lines(data, from0=from0))
    return [text for text in made if text]
