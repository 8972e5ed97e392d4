"""The differences that ``real_sessions`` may meet between a real rsync and ours: ``real-sessions.toml``."""

from __future__ import annotations

import datetime
import re
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from refsync.wire.dialect import MAX_PROTOCOL

from .targets._victims import Ended

FILE = Path(__file__).with_name("real-sessions.toml")


@dataclass(frozen=True, slots=True)
class Met:
    """A session with both victims."""

    victim: str
    sends: bool
    protocol: int
    options: str
    put: bytes
    ours: Ended
    theirs: Ended


@dataclass(frozen=True, slots=True)
class Known:
    """A difference that is meant, or known: of a victim, of outcomes, of what is said, of releases of rsync.

    ``victim`` is a regular expression for ``server receives OPTIONS`` and its like, ``put`` for the bytes
    that were put in, in hexadecimal, ``ours`` and ``theirs`` for ``KIND CODE: what was said``. ``releases``
    are the first and the last release that it is true of, ``protocols`` the same of versions. ``reason``
    says why it is so, ``date`` since when it is listed.
    """

    victim: re.Pattern[str]
    put: re.Pattern[str]
    ours: re.Pattern[str]
    theirs: re.Pattern[str]
    releases: tuple[str, str]
    protocols: tuple[int, int]
    reason: str
    date: datetime.date


def read(path: Path = FILE) -> list[Known]:
    """The list; ``ValueError`` for an entry without a reason or a bound."""
    found = []
    for row in tomllib.loads(path.read_text(encoding="utf-8")).get("known", []):
        if not row.get("reason") or len(row.get("releases", ())) != 2 or not row.get("theirs"):
            raise ValueError(f"{path.name}: an entry needs a reason, what is theirs, and two releases: {row}")
        found.append(
            Known(
                re.compile(row.get("victim", "")),
                re.compile(row.get("put", "")),
                re.compile(row.get("ours", ""), re.DOTALL),
                re.compile(row["theirs"], re.DOTALL),
                (row["releases"][0], row["releases"][1]),
                tuple(row.get("protocols", (20, 40))),
                row["reason"],
                row["date"],
            )
        )
    return found


@cache
def _listed() -> list[Known]:
    return read()


@cache
def _version() -> str:
    from .targets.real_filters import program

    if not program():
        return ""
    return subprocess.run([program(), "--version"], capture_output=True, text=True, check=False).stdout


def release() -> tuple[int, ...]:
    """The release of the real rsync; none if there is no rsync."""
    found = re.search(r"version v?(\d+(?:\.\d+)*)", _version())
    return _numbers(found[1]) if found else ()


def newest() -> int:
    """The newest protocol that the real rsync speaks."""
    found = re.search(r"protocol version (\d+)", _version())
    return int(found[1]) if found else MAX_PROTOCOL


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def text_of(ended: Ended) -> str:
    """What patterns are matched with."""
    return f"{ended.kind} {ended.code}: {ended.said}"


def reason_for(met: Met, known: list[Known] | None = None, version: tuple[int, ...] | None = None) -> str:
    """Why the outcomes may differ, or why a real rsync may hang or crash; empty if nobody knows."""
    who = f"{met.victim} {'sends' if met.sends else 'receives'} {met.options}"
    now = release() if version is None else version
    for one in _listed() if known is None else known:
        first, last = map(_numbers, one.releases)
        if not first <= now or (last and now[: len(last)] > last):
            continue
        if not one.protocols[0] <= met.protocol <= one.protocols[1]:
            continue
        if not (one.victim.search(who) and one.put.search(met.put.hex())):
            continue
        if one.ours.search(text_of(met.ours)) and one.theirs.search(text_of(met.theirs)):
            return one.reason
    return ""
