"""What the receiving side's roles share for writing: places, parts, backups, bases, and how files end."""

from __future__ import annotations

import os

from ..records import dataclass
from .altdest import AltDests
from .backup import Backups
from .basis import Bases
from .finish import Finisher
from .partial import Parts
from .places import Places
from .session import Session
from .target import Target


@dataclass(slots=True)
class Writing:
    """One run's means of writing."""

    parts: Parts
    backups: Backups
    bases: Bases
    finisher: Finisher
    alternates: AltDests


def prepare(session: Session, target: Target) -> Writing:
    """Check the directories that options name; ``RefsyncError`` if one can't be used."""
    places = Places(target.dest, session.module.root if session.module else None)
    if session.options.temp_dir is not None and not target.missing:
        target.use_temp_dir(os.fsencode(session.options.temp_dir), places)
    backups = Backups(session, target, places)
    parts = Parts(session, target, places)
    alternates = AltDests(session, target, places)
    return Writing(
        parts,
        backups,
        Bases(session, target, parts, backups, alternates),
        Finisher(session, target, backups, parts),
        alternates,
    )
