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
    """It explains a difference if ``options`` is found in the command line, ``where`` in the meeting, only
    ``parts`` differ, and each line that differs matches ``bound``.
    """

    options: re.Pattern[str]
    where: re.Pattern[str]
    parts: frozenset[str]
    bound: re.Pattern[str]
    reason: str
    date: datetime.date

    def explains(self, one: Difference) -> bool:
        return bool(
            self.options.search(one.command)
            and self.where.search(one.meeting)
            and set(one.parts) <= self.parts
            and all(self.bound.search(text) for texts in one.parts.values() for text in texts)
        )


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
    """The reason of a difference, empty if nobody knows one."""
    return next((entry.reason for entry in known if entry.explains(one)), "")
