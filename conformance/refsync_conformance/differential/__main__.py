"""The same command lines for refsync and for upstream: trees, exit codes and texts have to be the same."""

from __future__ import annotations

import argparse
import itertools
import os
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from refsync_conformance.peers.registry import REQUIRED, resolve

from . import commands, known, report, work
from .commands import Line
from .meetings import MODES, SIDES, meetings
from .run import Difference
from .state import State, Task, fingerprint

#: What the exit code says.
SAME, DIFFERS, UNFINISHED = 0, 1, 4
#: Sets of rules that a worker takes at a time.
FILTER_RUNS = 20


def main() -> int:
    """Exit 0 if all differences are known, 1 if not, 2 for a wrong argument, 4 if time ended the run."""
    chosen = arguments().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(UNFINISHED))  # the workers are told, too
    if chosen.page:
        report.write(report.load())
        return SAME
    missing = commands.check()
    if missing:
        print(f"commands.py knows no argument for: {', '.join(missing)}", file=sys.stderr)
        return DIFFERS
    setting = work.Setting(
        resolve(chosen.against).path, resolve("refsync").path, chosen.user, chosen.locale, chosen.cold
    )
    stop = time.monotonic() + chosen.minutes * 60 if chosen.minutes else float("inf")
    if chosen.filters:
        return _filters(chosen, setting, stop)
    return _lines(chosen, setting, stop)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ci/differential", description=__doc__)
    add = parser.add_argument
    add("--mode", choices=MODES, action="append", help="only there (repeat; default: everywhere)")
    add("--side", choices=SIDES, action="append", help="which end is the reference (default: both in turn)")
    add("--only", metavar="REGEX", help="only lines in which this is found")
    add("--singles", action="store_true", help="each option alone")
    add("--pairs", action="store_true", help="all pairs of options within a group")
    add("--count", type=int, metavar="N", help="N command lines at random (default: 200)")
    add("--seed", type=int, default=1, help="of the lines at random (default: 1)")
    add(
        "--everywhere",
        action="store_true",
        help="pairs and lines at random in all modes, not each in one in turn",
    )
    add("--line", action="append", metavar="OPTIONS", help="these options, and nothing else (repeat)")
    add("--filters", type=int, metavar="N", help="instead: N random pairs of filter rules and paths")
    add("--user", type=int, metavar="UID", help="as this user (needs root)")
    add("--locale", default="C.UTF-8", help="LC_ALL of both programs (default: %(default)s)")
    add("--cold", action="store_true", help="start the reference anew for each line, as people do")
    add("--against", default=REQUIRED, help="the control (default: %(default)s)")
    add(
        "--workers",
        type=int,
        default=min(2, os.cpu_count() or 1),
        help="how many at a time (default: %(default)s)",
    )
    add("--minutes", type=float, metavar="N", help="stop after so long; --state goes on later")
    add("--state", type=Path, metavar="FILE", help="keep results here, and go on with what is missing")
    add("--page", action="store_true", help="run nothing: write docs/differential.md anew from its figures")
    add("--docs", action="store_true", help="write what was found to docs/differential.md")
    return parser


def _lines(chosen: argparse.Namespace, setting: work.Setting, stop: float) -> int:
    tasks = list(dict.fromkeys(_tasks(chosen)))
    about = {
        "reference": fingerprint(),
        "against": chosen.against,
        "user": str(chosen.user if chosen.user is not None else os.geteuid()),
        "locale": chosen.locale,
    }
    state = State(chosen.state, about)
    if state.discarded:
        print(
            "the results in the file are of another reference or environment: starting anew", file=sys.stderr
        )
    left = [task for task in tasks if task.key not in state.done]
    batches = [
        list(group) for _, group in itertools.groupby(left, key=lambda one: (one.line, _mode(one.meeting)))
    ]
    listed, shown = known.load(), 0
    results = work.differences(setting, batches, chosen.workers)
    for number, (task, found) in enumerate(results, 1):
        state.add(task, found)
        if found is not None:
            found.reason = known.explain(found, listed)
            shown += not found.reason
            _show(found)
        if number % 200 == 0:
            print(f"  {number} of {len(left)}, {shown} differ", file=sys.stderr, flush=True)
        if time.monotonic() > stop:
            results.close()
            break
    return _verdict(chosen, tasks, state, listed, about)


def _mode(meeting: str) -> str:
    return meeting.partition("/")[0]


def _tasks(chosen: argparse.Namespace) -> Iterator[Task]:
    """What is to be compared, lines with all their meetings of one mode together."""
    modes, sides = tuple(chosen.mode or MODES), tuple(chosen.side or SIDES)
    kinds: list[tuple[str, Iterator[Line], bool]] = []
    nothing = not chosen.singles and not chosen.pairs and not chosen.line
    if chosen.line:
        kinds.append(("chosen", (Line(tuple(shlex.split(one))) for one in chosen.line), True))
    if chosen.singles:
        kinds.append(("alone", commands.singles(), True))
    if chosen.pairs:
        kinds.append(("pair", commands.pairs(), chosen.everywhere))
    if chosen.count or nothing:
        lines = commands.at_random(chosen.count or 200, chosen.seed)
        kinds.append(("random", lines, chosen.everywhere))
    matching = report.pattern(chosen.only)
    for kind, lines, everywhere in kinds:
        for number, line in enumerate(lines):
            if not matching.search(line.text):
                continue
            for mode in modes if everywhere else (modes[number % len(modes)],):
                for meeting in meetings((mode,), sides):
                    yield Task(kind, line, meeting)


def _show(one: Difference) -> None:
    print(f"{'known' if one.reason else 'DIFFERS'}  {one.meeting}  {one.command}")
    for part, texts in one.parts.items():
        for text in texts if not one.reason else []:
            print(f"    {part}: {text}")
    sys.stdout.flush()


def _verdict(
    chosen: argparse.Namespace,
    tasks: list[Task],
    state: State,
    listed: list[known.Known],
    about: dict[str, str],
) -> int:
    tally: Counter[tuple[str, str, str]] = Counter()
    for task in tasks:
        if task.key not in state.done:
            result = "missing"
        elif (found := state.done[task.key]) is None:
            result = "same"
        else:
            result = "known" if known.explain(found, listed) else "unknown"
        tally[task.kind, task.meeting, result] += 1
    total = Counter(dict.fromkeys(("same", "known", "unknown", "missing"), 0))
    for (_, _, result), count in tally.items():
        total[result] += count
    print(
        f"{len(tasks)} comparisons: {total['same']} the same, {total['known']} differ for a listed reason, "
        f"{total['unknown']} differ, {total['missing']} not reached"
    )
    if chosen.docs:
        report.record_lines(about, chosen, tally)
    return DIFFERS if total["unknown"] else UNFINISHED if total["missing"] else SAME


def _filters(chosen: argparse.Namespace, setting: work.Setting, stop: float) -> int:
    """Runs until so many pairs were judged."""
    judged = runs = differ = 0
    jobs = [
        (chosen.seed * 1_000_000 + number, FILTER_RUNS) for number in range(chosen.filters // FILTER_RUNS + 1)
    ]
    results = work.verdicts(setting, jobs, chosen.workers)
    for verdict in results:
        judged, runs, differ = judged + verdict.judged, runs + 1, differ + len(verdict.differ)
        if verdict.differ:
            print("DIFFERS  " + "  ".join(map(repr, verdict.rules)))
            print("".join(f"    {line}\n" for line in verdict.differ[:8]), end="", flush=True)
        if judged >= chosen.filters or time.monotonic() > stop:
            results.close()
            break
    print(f"{judged} pairs of rules and a path, {runs} sets of rules: {differ} decisions differ")
    if chosen.docs:
        report.record_filters(chosen, judged, runs, differ)
    return DIFFERS if differ else UNFINISHED if judged < chosen.filters else SAME


if __name__ == "__main__":
    sys.exit(main())
