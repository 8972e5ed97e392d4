"""Running the suite against mutants until a case finds each.

A mutant counts as found when a cell fails whose case names the broken clause, fails once more, and passes
with the intact reference. Each case is run in all of its places (pipes, daemon, local copy), always in the
same protocol version, so that it does not depend on whose turn it is in the matrix.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from refsync_conformance import registry
from refsync_conformance.model import TRANSPORTS, Case, Cell, Finding, Outcome, Verdict
from refsync_conformance.peers.model import Peer
from refsync_conformance.peers.registry import resolve
from refsync_conformance.runner import run_cell
from refsync_conformance.selection import Axes, Group, plan

from .records import Mutant, make

#: The name of the mutant (and of the intact copy) in cells.
MINE = "mine"
#: Where in its case's places a mutant is looked for first.
_ORDER = {name: number for number, name in enumerate(("pipe", "daemon", "local"))}
assert set(_ORDER) == set(TRANSPORTS)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one mutant; ``cell`` is where it was found, if it was.

    ``elsewhere`` are cells that failed although their cases do not name the clause, or that do not count
    because they were not steady.
    """

    mutant: Mutant
    cell: Cell | None
    finding: Finding | None
    elsewhere: tuple[str, ...] = ()
    cells: int = 0
    seconds: float = 0.0


def groups(mutant: Mutant, control: str) -> list[Group]:
    """The groups that may find a mutant: the first place of each of its cases, then the second places."""
    rounds = []
    for pattern in mutant.cases:
        for case in registry.select([pattern]):
            spoken = [one for one in case.protocols if not mutant.protocols or one in mutant.protocols]
            if not spoken:
                continue
            axes = Axes(protocols=frozenset(spoken[-1:]), full=True)
            mine = plan([case], [MINE], control, axes)
            rounds.append(sorted((_narrowed(group, control) for group in mine), key=_rank))
    return [group for one in itertools.zip_longest(*rounds) for group in one if group is not None]


def _narrowed(group: Group, control: str) -> Group:
    """Without the mutant at both ends of a connection: what it does wrong it may do to itself unseen."""
    both = (MINE, MINE) if group.judged[0].transport != "local" else ()
    kept = tuple(cell for cell in group.judged if (cell.client, cell.server) != both)
    return Group(group.case, group.control, kept)


def _rank(group: Group) -> int:
    return _ORDER[group.judged[0].transport]


def judges(case: Case, clause: str) -> bool:
    """Whether a failure of the case says that the clause is broken."""
    return clause == case.clause or clause in case.also


@dataclass(slots=True)
class Hunter:
    """The means of a run: the control, the intact reference, and what is known about both."""

    package: Path
    scratch: Path
    control: str
    control_path: bytes
    intact: bytes
    _controls: dict[Cell, Outcome] = field(default_factory=dict)
    _sound: dict[Cell, bool] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _number: Iterator[int] = field(default_factory=itertools.count)

    def hunt(self, mutant: Mutant) -> Result:
        """Run the mutant's cells until one finds it. Raises :class:`MutantError` if it does not fit."""
        began = time.monotonic()
        elsewhere: list[str] = []
        count = 0
        with tempfile.TemporaryDirectory(prefix=f"{mutant.name}-", dir=self.scratch) as name:
            program = bytes(make(mutant, self.package, Path(name)))
            for group in groups(mutant, self.control):
                for cell in group.judged:
                    outcome = self._run(group, cell, program)
                    count += 1
                    if outcome.verdict is not Verdict.FAIL:
                        continue
                    if not judges(group.case, mutant.clause):
                        elsewhere.append(str(cell))
                        continue
                    again = self._run(group, cell, program)
                    if again.verdict is Verdict.FAIL and self._holds(group, cell):
                        spent = time.monotonic() - began
                        return Result(mutant, cell, outcome.findings[0], tuple(elsewhere), count, spent)
                    elsewhere.append(f"{cell} (not steady)")
        return Result(mutant, None, None, tuple(elsewhere), count, time.monotonic() - began)

    def _run(self, group: Group, cell: Cell, program: bytes) -> Outcome:
        """The outcome of one cell with this program as the judged peer."""
        held: Outcome | None = None
        if group.control is not None:
            held = self._control(group)
            if held.verdict is not Verdict.PASS:
                return Outcome(cell, Verdict.UNSUPPORTED, reason="the control does not pass it")
        return run_cell(group.case, cell, self._programs(program), self._place(), control=held)

    def _control(self, group: Group) -> Outcome:
        assert group.control is not None
        with self._lock:
            known = self._controls.get(group.control)
        if known is None:
            programs = self._programs(self.intact)
            place = self._place()
            known = run_cell(group.case, group.control, programs, place, control=None, is_control=True)
            with self._lock:
                self._controls[group.control] = known
        return known

    def _holds(self, group: Group, cell: Cell) -> bool:
        """Whether the intact reference passes the cell."""
        with self._lock:
            known = self._sound.get(cell)
        if known is None:
            known = self._run(group, cell, self.intact).verdict is Verdict.PASS
            with self._lock:
                self._sound[cell] = known
        return known

    def _programs(self, program: bytes) -> dict[str, Peer]:
        table = {self.control: self.control_path, MINE: program}
        return {name: Peer(name, "", 0, Path(os.fsdecode(path)), "exec") for name, path in table.items()}

    def _place(self) -> Path:
        """A directory for one cell: several mutants may be in cells of one name at a time."""
        with self._lock:
            place = self.scratch / f"cell-{next(self._number)}"
        place.mkdir(mode=0o755)
        return place


def package() -> Path:
    """Where the reference lies; it is not imported for it."""
    found = importlib.util.find_spec("refsync")
    if found is None or found.origin is None:
        raise LookupError("the refsync package can't be imported by this interpreter")
    return Path(found.origin).parent


def hunt_all(
    mutants: Sequence[Mutant], *, control: str, jobs: int, report: Callable[[Result], None]
) -> list[Result]:
    """Look for all of them, ``jobs`` at a time; ``report`` is called as each is done. In their order."""
    peer = resolve(control)
    found: dict[str, Result] = {}
    with tempfile.TemporaryDirectory(prefix="refsync-mutants-") as name:
        scratch = Path(name)
        scratch.chmod(0o755)
        intact = scratch / "intact"
        intact.mkdir()
        program = bytes(make(None, package(), intact))
        hunter = Hunter(package(), scratch, peer.name, bytes(peer.path), program)
        with ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="mutant") as pool:
            waiting = [pool.submit(hunter.hunt, mutant) for mutant in mutants]
            try:
                for done in as_completed(waiting):
                    result = done.result()
                    found[result.mutant.name] = result
                    report(result)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return [found[mutant.name] for mutant in mutants]
