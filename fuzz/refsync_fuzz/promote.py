"""Makes a finding permanent: a regression of the target, what is known of it, and a conformance case.

::

    corpus/TARGET/regressions/NAME       the minimised input, which ``ci/test`` replays
    corpus/TARGET/found/NAME.toml        title, clause, date, exception, frames, annotated transcript
    conformance/.../found/FOUND-NNN.toml what a peer says to give it to any implementation, where one can
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from . import corpus, transcript, triage
from .target import Played, Target

_ID = re.compile(r"FOUND-(\d{3})\.toml")


@dataclass(frozen=True, slots=True)
class Promoted:
    """The files written: the input, its sidecar and, where a peer could say it, the case."""

    regression: Path
    sidecar: Path
    case: Path | None


def cases() -> Path:
    """Where the conformance suite looks for its cases; ``REFSYNC_FOUND`` names another place."""
    named = os.environ.get("REFSYNC_FOUND")
    return Path(named) if named else corpus.root().parent / "conformance" / "refsync_conformance" / "found"


def sidecar(target: str, name: str) -> Path:
    """``corpus/TARGET/found/NAME.toml``."""
    return corpus.root() / target / "found" / f"{name}.toml"


def promote(
    target: Target,
    data: bytes,
    *,
    date: str,
    name: str = "",
    title: str = "",
    clause: str = "",
    fixed: bool = False,
) -> Promoted:
    """Minimise and write; ``date`` is a day as YYYY-MM-DD.

    ``fixed``: what was found is repaired already, so that the input is taken as it is; it needs
    a title. ``ValueError`` if the input breaks nothing (any more), or if nothing says what it is about.
    """
    finding = triage.run(target, data)
    if finding is None and not fixed:
        raise ValueError("the input breaks nothing; --fixed keeps one that did")
    small = data if finding is None else triage.minimize(target, data)
    finding = triage.run(target, small)
    if not title:
        if finding is None:
            raise ValueError("an input that is fixed needs a title")
        title = f"{finding.kind}: {finding.message}"[:100].splitlines()[0]
    clause = clause or (finding.clause if finding else "") or target.surface.clauses[0]
    name = name or corpus.content_name(small)[:12]
    regression = corpus.directory(target.name, "regressions") / name
    note = sidecar(target.name, name)
    for path, content in ((regression, small), (note, b"")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    fields = {
        "target": target.name,
        "title": title,
        "clause": clause,
        "found": date,
        "exception": finding.kind if finding else "",
        "frames": " < ".join(finding.frames) if finding else "",
    }
    case = _write_case(target.played(small), fields, name)
    if case is not None:
        fields["case"] = case.stem
    text = "".join(f"{key} = {_quoted(value)}\n" for key, value in fields.items() if value)
    note.write_text(f"{text}transcript = {_long(transcript.annotated(target, small))}\n")
    return Promoted(regression, note, case)


def _write_case(played: Played | None, fields: dict[str, str], name: str) -> Path | None:
    if played is None:
        return None
    place = cases()
    place.mkdir(parents=True, exist_ok=True)
    origin = f"corpus/{fields['target']}/regressions/{name}"
    taken = {int(found[1]) for path in place.iterdir() if (found := _ID.fullmatch(path.name))}
    path = place / f"FOUND-{max(taken, default=0) + 1:03}.toml"
    for known in place.glob("FOUND-*.toml"):  # promoted again: the case keeps its number
        if f"input = {_quoted(origin)}\n" in known.read_text():
            path = known
    lines = {
        "title": fields["title"],
        "clause": fields["clause"],
        "found": fields["found"],
        "input": origin,
        "plays": played.plays,
    }
    text = "".join(f"{key} = {_quoted(value)}\n" for key, value in lines.items())
    options = ", ".join(map(_quoted, played.options))
    text += f"options = [{options}]\npush = {str(played.push).lower()}\nprotocol = {played.protocol}\n"
    rows = [played.stream[at : at + 32].hex() for at in range(0, len(played.stream), 32)]
    path.write_text(text + f"stream = {_long(''.join(row + chr(10) for row in rows))}\n")
    return path


def _quoted(text: str) -> str:
    """A string of one line in TOML."""
    escaped = "".join(
        f"\\u{ord(letter):04x}" if letter < " " or letter == "\x7f" else letter
        for letter in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{escaped}"'


def _long(text: str) -> str:
    """A string of several lines in TOML."""
    escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'"""\n{escaped}"""'
