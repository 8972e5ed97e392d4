"""``ci/kill9``: SIGKILL at random moments, of either end, and what is there afterwards.

A run is killed at a moment between its start and its usual end. Every file of
the destination must be whole, old or new, and the next run must complete.
Exit: 0 all is well, 1 it is not, 2 usage, 3 the runs that nobody kills fail.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from . import trees
from .runner import WORKLOADS, Workload, fork, prepare, run, wait


@dataclass(slots=True)
class Tally:
    """What was seen of one workload."""

    kills: Counter[str]
    codes: Counter[str]
    left: int = 0
    whole: int = 0
    wrong: int = 0


def victims(session: int) -> list[int]:
    """The processes of a run, the first one first."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as stream:
                    state, _, _, leader = stream.read().rpartition(b")")[2].split()[:4]
            except OSError:
                continue
            if int(leader) == session and state not in b"ZX":
                found.append(int(name))
    return sorted(found, key=lambda pid: (pid != session, pid))


def usual(scratch: Path, workload: Workload) -> float:
    """Seconds that a run takes which nobody kills."""
    took = []
    for _ in range(3):
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            base = Path(place)
            trees.build(base)
            prepare(base)
            began = time.monotonic()
            ended = run(base, workload)
            took.append(time.monotonic() - began)
            if ended.code or trees.problems(base, complete=True):
                raise RuntimeError(f"{workload.name} fails with nobody killing it: {ended}")
    return statistics.median(took)


def kill_once(
    scratch: Path, workload: Workload, seconds: float, chance: random.Random, tally: Tally
) -> list[str]:
    """One run that is killed; what is wrong afterwards."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        base = Path(place)
        trees.build(base)
        prepare(base)
        moment = chance.uniform(0, seconds)
        pid = fork(base, workload)
        time.sleep(moment)
        alive = victims(pid)
        chosen = chance.choice(alive) if alive else pid
        try:
            os.kill(chosen, signal.SIGKILL)
        except ProcessLookupError:
            pass
        ended = wait(pid, base)
        tally.kills["client" if chosen == pid else "other end"] += 1
        tally.codes["killed" if ended.code == -9 else str(ended.code)] += 1
        wrong = [] if ended.code is not None else ["the end that was left hangs"]
        if "Traceback" in ended.said:
            wrong.append("a traceback: " + ended.said.strip().splitlines()[-1])
        wrong += trees.problems(base, complete=False, inplace=workload.inplace, killed=True)
        tally.left += bool(trees.temporaries(base))
        tally.whole += not trees.problems(base, complete=True, killed=True)
        again = run(base, workload)
        if again.code != 0:
            wrong.append(f"the next run ends with {again.code}: {again.said.strip()[-200:]}")
        wrong += [f"after the next run {each}" for each in trees.problems(base, complete=True, killed=True)]
        wrong += [f"after the next run {name} is left" for name in trees.temporaries(base / "dst")]
        tally.wrong += bool(wrong)
        return wrong


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="ci/kill9", description=__doc__)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--table", type=Path, help="write the table there")
    args = parser.parse_args(argv)
    import refsync.cli.main
    import refsync.cli.serve  # noqa: F401 - a warm start for each run

    chance = random.Random(args.seed)
    tallies = {workload.name: Tally(Counter(), Counter()) for workload in WORKLOADS}
    bad = 0
    with tempfile.TemporaryDirectory(prefix="refsync-kill9-") as place:
        scratch = Path(place)
        lengths = {workload.name: usual(scratch, workload) for workload in WORKLOADS}
        for number in range(args.times):
            workload = WORKLOADS[number % len(WORKLOADS)]
            wrong = kill_once(scratch, workload, lengths[workload.name], chance, tallies[workload.name])
            if wrong:
                bad += 1
                print(
                    f"  {workload.name}, number {number} of seed {args.seed}: {'; '.join(wrong)}", flush=True
                )
    print(f"{args.times} kills (seed {args.seed}), {bad} with something wrong")
    if args.table:
        args.table.write_text(table(tallies, args.times, args.seed, bad), encoding="utf-8")
    return 1 if bad else 0


def table(tallies: dict[str, Tally], times: int, seed: int, bad: int) -> str:
    lines = [
        "# SIGKILL at random moments",
        "",
        "Made by `ci/kill9 --table docs/audits/kill9.md`; do not edit. Each run is killed between its",
        "start and its usual end, at one of its ends. Then every file of the destination must be whole,",
        "old or new (in place: any), the other end must end, and the next run must complete and clear",
        "away what was left.",
        "",
        f"{times} kills (seed {seed}), {bad} with something wrong.",
        "",
        "| Workload | Client killed | Other end killed | The client's exit code | All done | Left | Wrong |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, tally in tallies.items():
        codes = ", ".join(f"{code}: {count}" for code, count in sorted(tally.codes.items()))
        lines.append(
            f"| {name} | {tally.kills['client']} | {tally.kills['other end']} | {codes} | {tally.whole} "
            f"| {tally.left} | {tally.wrong} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
