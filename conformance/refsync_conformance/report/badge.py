"""The badge: how many of the judged cells have passed, as a picture that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

LABEL = "rsync conformance"
#: By exit code: what is said behind the figure, and the colour.
_SAID = {0: ("", "#3f9465"), 1: ("", "#cf3f3a"), 3: ("no verdict", "#8a2be2"), 4: ("", "#d0489c")}
_KNOWN = "#b8860b"  # conformant but for failures that are expected
_NARROW, _WIDE = set("ijlftr.,:;'| 1()[]!"), set("mwMW%@")


def text(data: Mapping[str, Any]) -> tuple[str, str]:
    """What the badge says of a run's data, and its colour."""
    said, colour = _SAID.get(data["exit_code"], _SAID[3])
    counts = data["counts"]
    judged = sum(number for verdict, number in counts.items() if verdict != "unsupported")
    if said or not judged:
        return said or "nothing judged", colour
    if counts["pass"] == judged:
        return f"{judged} of {judged}", colour
    if data["exit_code"] == 0:
        colour = _KNOWN
    return f"{counts['pass']} of {judged}", colour


def _width(words: str) -> int:
    """About how wide the words are in an 11 px sans serif; the picture stretches them to just that."""
    return round(sum(3.9 if one in _NARROW else 9.3 if one in _WIDE else 6.6 for one in words))


def render(data: Mapping[str, Any]) -> str:
    """The badge of a run as SVG."""
    said, colour = text(data)
    left, right = _width(LABEL) + 14, _width(said) + 14
    title = escape(f"{LABEL}: {said}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="4"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#454c57"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14" textLength="{left - 14}">{escape(LABEL)}</text>'
        f'<text x="{left + right / 2}" y="14" textLength="{right - 14}">{escape(said)}</text>'
        "</g></svg>\n"
    )
