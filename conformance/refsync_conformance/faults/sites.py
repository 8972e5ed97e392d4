"""``ci/faults``: a fault at each call site of the I/O layer in turn, and what became of the run.

Exit: 0 every verdict is good, 1 one is not, 2 usage, 3 the runs without a fault fail.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import inject, moments, trees
from .journal import Journal, Outcome
from .runner import WORKLOADS, Ended, Workload, prepare, run

#: What a run may end with, if it was not whole.
CODES = {3, 10, 11, 12, 13, 14, 22, 23, 24}


def judge(base: Path, workload: Workload, ended: Ended, words: tuple[str, ...]) -> list[str]:
    """What is wrong with a run that met a fault; ``words`` are what an error may say of it."""
    wrong = []
    if ended.code is None:
        wrong.append("it hangs")
    if "Traceback" in ended.said:
        wrong.append("a traceback: " + ended.said.strip().splitlines()[-1])
    if ended.code:
        if ended.code not in CODES:
            wrong.append(f"exit {ended.code}")
        if not any(word in ended.said for word in words):
            wrong.append("the error does not say what happened: " + ended.said.strip()[-200:])
        if "rsync error: " not in ended.said and "rsync warning: " not in ended.said:
            wrong.append("there is no last line")
    wrong += trees.problems(base, complete=ended.code == 0, inplace=workload.inplace)
    again = run(base, workload)
    if again.code != 0:
        wrong.append(f"the next run ends with {again.code}: {again.said.strip()[-200:]}")
    wrong += [f"after the next run {problem}" for problem in trees.problems(base, complete=True)]
    return wrong


def sites_of(scratch: Path, workload: Workload) -> list[inject.Site]:
    """Where a whole run of the workload calls the system."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        base = Path(place)
        trees.build(base)
        prepare(base)
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        ended = run(base, workload, lambda: inject.record(writer))
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
        problems = trees.problems(base, complete=True)
        if ended.code != 0 or problems:
            raise RuntimeError(f"{workload.name} fails without a fault: {ended} {problems}")
    return sorted({inject.Site(file, int(line), name) for file, line, name in map(_fields, lines)})


def _fields(line: str) -> tuple[str, str, str]:
    file, number, name = line.split("\t")
    return file, number, name


def one(scratch: Path, workload: Workload, site: inject.Site, fault: str) -> Outcome | None:
    """One run; None if the call was not made this time."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        base = Path(place)
        trees.build(base)
        prepare(base)
        reader, writer = os.pipe()
        ended = run(base, workload, lambda: inject.plant(site, fault, writer))
        os.close(writer)
        met = bool(os.read(reader, 1))
        os.close(reader)
        if not met:
            return None
        words = (os.strerror(getattr(errno, fault)),) if fault != "short" else ("",)
        wrong = judge(base, workload, ended, (*words, "vanished", "closed"))
        if fault == "short" and ended.code:
            wrong.insert(0, f"exit {ended.code} for a call that did a part of its work: {ended.said[-200:]}")
        return Outcome(workload.name, str(site), fault, ended.code, "; ".join(wrong))


def sources(scratch: Path) -> list[Outcome]:
    """A source that vanishes, grows or shrinks, a clock that jumps, a storm of signals: for each workload."""
    found = []
    for workload in WORKLOADS:
        for name, (before, codes) in moments.MOMENTS.items():
            if workload.remote and name in moments.LOCAL_ONLY:
                continue
            with tempfile.TemporaryDirectory(dir=scratch) as place:
                base = Path(place)
                trees.build(base)
                prepare(base)
                ended = run(base, workload, lambda before=before, base=base: before(base))  # type: ignore[misc]
                wrong = [] if ended.code in codes else [f"exit {ended.code}: {ended.said.strip()[-300:]}"]
                if "Traceback" in ended.said:
                    wrong.append("a traceback")
                moments.restore(base)
                again = run(base, workload)
                wrong += [] if again.code == 0 else [f"the next run ends with {again.code}"]
                wrong += trees.problems(base, complete=True)
                found.append(Outcome(workload.name, name, "", ended.code, "; ".join(wrong)))
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="ci/faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=0, help="stop after that time, with what was tried")
    parser.add_argument("--seed", type=int, default=1, help="the order in which places are tried")
    parser.add_argument("--workload", choices=[each.name for each in WORKLOADS])
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep there what was tried, and go on")
    parser.add_argument("--table", type=Path, help="write the table there")
    args = parser.parse_args(argv)
    os.environ["REFSYNC_NATIVE"] = "off"  # the C kernel calls the system by itself
    import refsync.cli.main
    import refsync.cli.serve  # noqa: F401 - a warm start for each run

    stop = time.monotonic() + args.minutes * 60 if args.minutes else float("inf")
    outcomes: list[Outcome] = []
    journal = Journal(args.resume)
    with tempfile.TemporaryDirectory(prefix="refsync-faults-") as place:
        scratch = Path(place)
        plans = []
        for workload in WORKLOADS:
            if args.workload in (None, workload.name):
                for site in sites_of(scratch, workload):
                    plans += [(workload, site, fault) for fault in inject.ERRORS[site.function]]
        total = len(plans)
        print(f"{total} faults at {len({site for _, site, _ in plans})} places", flush=True)
        random.Random(args.seed).shuffle(plans)
        tried = 0
        for workload, site, fault in plans:
            if time.monotonic() > stop:
                break
            tried += 1
            key = f"{workload.name} {site} {fault}"
            if key not in journal:
                journal.add(key, one(scratch, workload, site, fault))
            outcome = journal[key]
            if outcome is not None:
                outcomes.append(outcome)
                if outcome.wrong:
                    print(f"  {outcome.workload}, {site}, {fault}: {outcome.wrong}", flush=True)
        others = sources(scratch)
    for outcome in others:
        if outcome.wrong:
            print(f"  {outcome.workload}, {outcome.where}: {outcome.wrong}")
    bad = sum(bool(outcome.wrong) for outcome in (*outcomes, *others))
    print(
        f"{tried} of {total} faults planted, {len(outcomes)} met; "
        f"{len(others)} other trials; {bad} bad verdicts"
    )
    if args.table:
        from .table import write_faults

        write_faults(args.table, outcomes, others, tried, total, args.seed)
    return 1 if bad else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
