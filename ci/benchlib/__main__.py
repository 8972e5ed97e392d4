"""The command line of ``ci/bench``."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from . import compare, data, drilldown, extras, report, wire
from .measure import RunFailed
from .workloads import GROUPS, WORKLOADS

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks"


def main() -> int:
    """Exit: 0 measured, 3 something could not be run (the figures of the rest are written)."""
    parser = argparse.ArgumentParser(
        prog="ci/bench", description="Time refsync against upstream rsync 3.4.1."
    )
    names = [*GROUPS, *(w.name for w in WORKLOADS if w.name not in GROUPS)]
    parser.add_argument(
        "jobs", nargs="*", metavar="JOB", help=f"wire, baseline, {', '.join(names)}; all if none is named"
    )
    parser.add_argument("--where", default="tmpfs", help="tmpfs, disk, or a directory to work in")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each program after the warm-up")
    parser.add_argument("--over", default=None, help="only these transports: local,pipe,push,pull")
    parser.add_argument("--ends", default="both", choices=compare.ENDS, help="at which end refsync is")
    parser.add_argument("--drilldown", action="store_true", help="each stage by itself")
    parser.add_argument("--profile", metavar="JOB", help="the hot functions of a local run of JOB")
    parser.add_argument("--dry", action="store_true", help="print, and leave docs/benchmarks as it is")
    parser.add_argument("--clean", action="store_true", help="remove the prepared data")
    options = parser.parse_args()
    root = data.base(options.where)
    try:
        data.claim(root)
    except data.Busy as busy:
        print(busy, file=sys.stderr)
        return 3
    if options.clean:
        shutil.rmtree(root)
        return 0
    if options.profile:
        extras.profile(options.profile, root)
        return 0
    if options.drilldown:
        return small(drilldown.drilldown(root), "drilldown", options.dry)
    unknown = set(options.jobs) - {*names, "wire", "baseline"}
    if unknown:
        parser.error(f"no such job: {', '.join(sorted(unknown))}")
    jobs = options.jobs or ["wire", "baseline", *GROUPS]
    if "wire" in jobs:
        rows = wire.compare()
        print(wire.table(rows))
        if not options.dry:
            report.write(FOLDER, "wire", report.machine(), rows, ["figure"])
    if "baseline" in jobs:
        small(extras.baselines(root), "baseline", options.dry)
    if "start" in jobs:
        small(extras.start(), "start", options.dry)
    wanted = [workload for workload in WORKLOADS if workload.name in jobs or workload.group in jobs]
    over = options.over.split(",") if options.over else None
    failed = 0
    for workload in wanted:
        for transport in workload.transports:
            if over and transport not in over:
                continue
            try:
                row = compare.compare(
                    workload,
                    transport,
                    root,
                    pairs=options.pairs,
                    ends=options.ends,
                    keep=options.where != "tmpfs",
                )
            except RunFailed as problem:
                failed += 1
                print(f"{workload.name} over {transport}: {problem}", file=sys.stderr)
                continue
            row["where"] = options.where
            print(report.table([row]).splitlines()[2], flush=True)
            if not options.dry:  # at once, so that a long run that is cut off leaves what it has measured
                keep(row)
    return 3 if failed else 0


def keep(row: report.Row) -> None:
    """Write a transfer's figures, and the page and the chart anew."""
    about = report.machine()
    rows = report.write(FOLDER, "transfers", about, [row], ["workload", "transport", "ends", "where"])
    (FOLDER / "README.md").write_text(report.page(about, rows))
    (FOLDER / "transfers.svg").write_text(report.chart(rows))


def small(rows: list[dict[str, object]], name: str, dry: bool) -> int:
    """A list of single figures."""
    for row in rows:
        unit = "ms" if "ms" in row else "s"
        print(f"{row['figure']}: {row[unit]} {unit}")
    if not dry:
        report.write(FOLDER, name, report.machine(), rows, ["figure"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
