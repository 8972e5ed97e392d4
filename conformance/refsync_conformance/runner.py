"""Running a plan: groups of cells in parallel, each in a scratch directory, the control's cell first."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from refsync_conformance import clauses, compare, owned
from refsync_conformance import scratch as places
from refsync_conformance.model import Case, Cell, Outcome, Verdict
from refsync_conformance.peers.limits import barred
from refsync_conformance.peers.model import Peer
from refsync_conformance.sandbox import Sandbox
from refsync_conformance.selection import Group
from refsync_conformance.transports import OutOfReach
from refsync_conformance.trees import SECOND
from refsync_conformance.trial import Stop, Trial, Unsupported, against_control
from refsync_conformance.wiretap.transcript import transcribe

#: Who takes part, by the names that cells have them under.
Peers = Mapping[str, Peer]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run goes about it. ``strict``: what only should be is held to as what must be. ``keep``: the
    scratch directories stay. ``transcripts``: what is said is taken down in every cell, not only in those
    that fail.
    """

    strict: bool = True
    keep: bool = False
    transcripts: bool = False


def default_jobs() -> int:
    """How many cells at a time: half of a cell is waiting, for a process to start, a timeout, a daemon."""
    return min(3 * len(os.sched_getaffinity(0)), 48)


@dataclass(slots=True)
class Run:
    """Everything that one run of the suite found out."""

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    began: float = 0.0
    interrupted: bool = False


def run_cell(
    case: Case,
    cell: Cell,
    peers: Peers,
    scratch: Path,
    *,
    control: Outcome | None,
    is_control: bool = False,
    keep: bool = False,
    recording: bool = False,
) -> Outcome:
    """Run one cell. ``control`` is the outcome that observations are held to, if there is one.

    With ``recording``, and in a case that looks at it, what is said on the wire is taken down and explained.
    Never raises for what a case does: a mistake of the suite is a verdict, ``error``, with its traceback.
    """
    outcome = Outcome(cell=cell, verdict=Verdict.PASS, control=is_control)
    began = time.monotonic()
    if case.needs_root and os.geteuid() != 0:
        outcome.verdict, outcome.reason = Verdict.UNSUPPORTED, "only root can make and judge this"
        return outcome
    name = f"{cell.case}.{cell.transport}.{cell.direction}.{cell.protocol}.{cell.client}-{cell.server}"
    name += ".recorded" if recording else ""
    with Sandbox(scratch / name, keep=keep, recording=recording or case.tapped) as sandbox:
        trial = Trial(case, cell, sandbox, peers)
        try:
            case.run(trial)
            if case.differential:
                since = trial.began_ns - SECOND
                trial.observe("tree dst", compare.undated(trial.snapshot("dst"), since))
        except (Unsupported, OutOfReach) as lack:
            outcome.verdict, outcome.reason = Verdict.UNSUPPORTED, str(lack)
        except Stop:
            pass
        except Exception:  # whatever a case does wrong is a verdict, not the end of the run
            outcome.verdict, outcome.reason = Verdict.ERROR, traceback.format_exc()
        finally:
            trial.close()
        outcome.findings = trial.findings
        outcome.grave = trial.grave
        outcome.observations = trial.observations
        outcome.runs = sandbox.runs
        if sandbox.recording and not is_control:
            outcome.transcripts = transcribe(sandbox.taken_down())
        if control is not None and not trial.findings and outcome.verdict is Verdict.PASS:
            outcome.findings = against_control(control.observations, trial.observations)
        if outcome.findings and outcome.verdict is not Verdict.ERROR:
            outcome.verdict = Verdict.FAIL
    outcome.seconds = time.monotonic() - began
    return outcome


def run_judged(
    case: Case,
    cell: Cell,
    peers: Peers,
    scratch: Path,
    *,
    control: Outcome | None,
    how: Manner,
) -> Outcome:
    """Run one cell of the peer's; one that fails is run again, for its transcript and in case it is flaky."""
    keep = how.keep
    outcome = run_cell(case, cell, peers, scratch, control=control, keep=keep, recording=how.transcripts)
    if outcome.verdict is Verdict.FAIL:
        again = run_cell(case, cell, peers, scratch, control=control, keep=keep, recording=True)
        outcome.transcripts = again.transcripts
        if again.verdict is Verdict.PASS:
            outcome.verdict, outcome.reason = Verdict.FLAKY, "it passed when it was run again"
        elif not how.strict and not outcome.grave and strength(case) != "must":
            outcome.verdict = Verdict.DEPARTS
    return outcome


def strength(case: Case) -> str:
    """The strongest of a case's clauses: it can't be passed without all of them."""
    table = clauses.load()
    found = [table[id].strength for id in (case.clause, *case.also) if id in table]
    return min(found, key=clauses.STRENGTHS.index, default="must")


def run_group(group: Group, peers: Peers, scratch: Path, how: Manner = Manner()) -> list[Outcome]:
    """The control's cell, then the judged ones; if the control fails, these can't be judged: ``error``.

    A cell that a peer can't take part in is unsupported, and nothing is run for it.
    """
    outcomes = []
    control: Outcome | None = None
    reasons = {
        cell: barred(group.case, cell, peers.get(cell.client), peers.get(cell.server))
        for cell in group.judged
    }
    if group.control is not None and not (reasons and all(reasons.values())):
        control = run_cell(
            group.case, group.control, peers, scratch, control=None, is_control=True, keep=how.keep
        )
        outcomes.append(control)
    for cell in group.judged:
        if reasons[cell]:
            outcomes.append(Outcome(cell, Verdict.UNSUPPORTED, reason=reasons[cell]))
        elif control is None:
            outcomes.append(run_judged(group.case, cell, peers, scratch, control=None, how=how))
        elif control.verdict is Verdict.UNSUPPORTED:
            outcomes.append(Outcome(cell, Verdict.UNSUPPORTED, reason=f"the control: {control.reason}"))
        elif control.verdict is not Verdict.PASS:
            outcomes.append(
                Outcome(
                    cell,
                    Verdict.ERROR,
                    reason="the control failed this cell, so there is nothing to hold it to",
                )
            )
        else:
            outcomes.append(run_judged(group.case, cell, peers, scratch, control=control, how=how))
    for outcome in outcomes:
        outcome.observations = {}
        if outcome.verdict in (Verdict.PASS, Verdict.UNSUPPORTED):
            outcome.runs = []  # no report shows them, and a long run has many
    return outcomes


def run_all(
    groups: Sequence[Group],
    peers: Peers,
    *,
    jobs: int,
    scratch: Path | None = None,
    how: Manner = Manner(),
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> Run:
    """Run every group with ``jobs`` at a time; ``report`` is called for each outcome, one at a time.

    Scratch directories are made below ``scratch`` (default: the system's temporary directory) and removed
    unless they are to be kept. An interrupt ends the run early with what is there; the peers that were
    running are ended first.
    """
    run = Run(began=time.time())
    began = time.monotonic()
    top = places.make(scratch or Path(tempfile.gettempdir()), keep=how.keep)
    # The longest cases first, or one of them is left running alone at the end.
    queue = sorted(groups, key=lambda group: -group.case.timeout)
    pool = ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="cell")
    try:
        waiting = [pool.submit(run_group, group, peers, top, how) for group in queue]
        for done in as_completed(waiting):
            for outcome in done.result():
                run.outcomes.append(outcome)
                report(outcome)
    except KeyboardInterrupt:
        run.interrupted = True
        pool.shutdown(wait=True, cancel_futures=True)
    finally:
        pool.shutdown(wait=True)
        owned.release(top, keep=how.keep)
    run.outcomes.sort(key=lambda outcome: (outcome.cell, not outcome.control))
    run.seconds = time.monotonic() - began
    return run


def exit_code(outcomes: Iterable[Outcome], *, stale: int = 0) -> int:
    """0 conformant, 1 not, 3 the suite (or its control) failed, 4 expectations that are no longer true."""
    found = list(outcomes)
    verdicts = {outcome.verdict for outcome in found}
    if Verdict.ERROR in verdicts or any(one.control and one.verdict is Verdict.FAIL for one in found):
        return 3
    if verdicts & {Verdict.FAIL, Verdict.FLAKY}:
        return 1
    if Verdict.XPASS in verdicts or stale:
        return 4
    return 0


def control_failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Cells in which the control itself did not do what the case demands."""
    return [one for one in outcomes if one.control and one.verdict in (Verdict.FAIL, Verdict.ERROR)]
