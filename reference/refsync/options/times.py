"""When to stop, as ``--stop-at`` and ``--stop-after`` say it.

Clause END-12; upstream ``options.c:parse_time``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from .wrong import wrong

_DATE = r"(?:(?:(?P<year>\d{1,4})[-/])?(?P<month>\d{1,2})[-/])?(?P<day>\d{1,2})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})"
_FORMS = [re.compile(form, re.ASCII) for form in (f"{_DATE}(?:[Tt](?:{_TIME})?)?", f"[Tt]?{_TIME}")]
_MINUTE = re.compile(r":(\d{1,2})", re.ASCII)
#: Years in which the next 29th of February must be.
_YEARS = 9


def stop_at(text: str, now: float) -> float:
    """``[[[y-]m-]d][T][h:m]`` or ``:m``; what is left out makes it the next such moment."""
    here = datetime.fromtimestamp(now)
    found = _minute(text, here) if text.startswith(":") else _moment(text, here)
    if found is None:
        raise wrong(f"invalid --stop-at format: {text}")
    if found.timestamp() <= now:
        raise wrong(f"--stop-at time is not in the future: {text}")
    return found.timestamp()


def stop_after(name: str, text: str, now: float) -> float:
    """So many minutes from now."""
    digits = re.match(r"\s*\+?(\d{1,15})", text, re.ASCII)
    minutes = int(digits[1]) if digits else 0
    if not 0 < minutes < 1 << 48:
        raise wrong(f"invalid --{name} value: {text}")
    return now + 60 * minutes


def _minute(text: str, here: datetime) -> datetime | None:
    given = _MINUTE.fullmatch(text)
    if given is None or int(given[1]) > 59:
        return None
    then = here.replace(minute=int(given[1]), second=0, microsecond=0)
    return then if then > here else then + timedelta(hours=1)


def _moment(text: str, here: datetime) -> datetime | None:
    given = next((match.groupdict() for form in _FORMS if (match := form.fullmatch(text))), None)
    if given is None:
        return None
    year, month, day, hour, minute = (
        None if given.get(part) is None else int(given[part] or 0)
        for part in ("year", "month", "day", "hour", "minute")
    )
    if year is not None and year < 100:
        year += here.year // 100 * 100 + (100 if year < here.year % 100 else 0)
    last = None
    for on_year, on_month, on_day in _days(year, month, day, here):
        try:
            last = datetime(on_year, on_month, on_day, hour or 0, minute or 0)
        except ValueError:
            continue  # no such day in that month
        if last > here:
            return last
    return last


def _days(
    year: int | None, month: int | None, day: int | None, here: datetime
) -> Iterator[tuple[int, int, int]]:
    """The days that may be meant, the next one first."""
    if day is None:
        for date in (here, here + timedelta(days=1)):
            yield date.year, date.month, date.day
        return
    for on_year in range(here.year, here.year + _YEARS) if year is None else (year,):
        for on_month in range(1, 13) if month is None else (month,):
            if month is None and (on_year, on_month) < (here.year, here.month):
                continue
            yield on_year, on_month, day
