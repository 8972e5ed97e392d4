"""The differences that are meant, or wait for somebody: ``known.toml``."""

from __future__ import annotations

import datetime
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .run import Difference

LISTED = Path(__file__).with_name("known.toml")


@dataclass(frozen=True)
class Known:
    """It explains the lines of a difference that match ``bound`` and are of one of ``parts``.

    It has a say if ``options`` is found in the command line and ``where`` in the meeting.
    """

    options: re.Pattern[str]
    where: re.Pattern[str]
    parts: frozenset[str]
    bound: re.Pattern[str]
    reason: str
    date: datetime.date

    def fits(self, one: Difference) -> bool:
        """Whether it has a say in these options and this meeting."""
        return bool(self.options.search(one.command) and self.where.search(one.meeting))

    def explains(self, part: str, line: str) -> bool:
        """Whether a line of a difference that it fits is as it says."""
        return part in self.parts and bool(self.bound.search(line))


def load(path: Path = LISTED) -> list[Known]:
    """The entries of the list; ``ValueError`` for one that has no bound or no reason."""
    found = []
    with open(path, "rb") as listed:
        for one in tomllib.load(listed).get("known", []):
            if not one["bound"] or not one["reason"]:
                raise ValueError(f"{path.name}: the entry for {one['options']!r} needs a bound and a reason")
            found.append(
                Known(
                    re.compile(one["options"]),
                    re.compile(one.get("where", "")),
                    frozenset(one["parts"]),
                    re.compile(one["bound"]),
                    one["reason"],
                    one["date"],
                )
            )
    return found


def explain(one: Difference, known: list[Known]) -> str:
    """The reasons of a difference, empty if nobody knows one for each of its lines."""
    fitting = [entry for entry in known if entry.fits(one)]
    reasons = []
    for part, lines in one.parts.items():
        for line in lines:
            reason = next((entry.reason for entry in fitting if entry.explains(part, line)), "")
            if not reason:
                return ""
            reasons.append(reason)
    return "; ".join(dict.fromkeys(reasons))
