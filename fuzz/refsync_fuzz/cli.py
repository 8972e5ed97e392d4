"""``refsync-fuzz``: run, replay, measure and keep the fuzz targets.

Exit codes: 0 all held; 1 a finding, or a fault of the corpus; 2 usage, or a file that can't be read;
3 the fuzzer failed, or a merge did.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import (
    audit,
    check,
    corpus,
    export,
    findings,
    floor,
    measure,
    merging,
    planted,
    promote,
    record,
    runners,
    sanitized,
    triage,
)
from . import target as targets


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = _parser().parse_args(argv)
    try:
        return int(options.action(options))
    except LookupError as error:
        print(f"refsync-fuzz: {error.args[0]}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"refsync-fuzz: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"refsync-fuzz: {error}", file=sys.stderr)
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="refsync-fuzz", description="Fuzz refsync.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, action: object, text: str, *, many: bool = True, of: str = "target"
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(action=action)
        if many:
            sub.add_argument(f"{of}s", nargs="*", metavar=of.upper(), help="all if none is named")
        else:
            sub.add_argument(of, metavar=of.upper())
        return sub

    command("list", _list, "show the targets")
    run = command("run", _run, "fuzz one target", many=False)
    run.add_argument("--time", type=int, default=0, metavar="S", help="seconds")
    run.add_argument("--runs", type=int, default=0, metavar="N", help="executions")
    run.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (coverage-guided only)")
    run.add_argument("--seed", type=int, default=0, metavar="N", help="makes the run repeatable")
    run.add_argument("--engine", choices=("auto", "atheris", "plain", "hypothesis"), default="auto")
    run.add_argument("--record", type=Path, default=None, metavar="FILE", help="add the run to a table")
    run.add_argument("--log", action="store_true", help="print what the engine printed")
    replay = command("replay", _replay, "run the committed inputs, or the given files")
    replay.add_argument(
        "--file", type=Path, action="append", default=[], help="an input of the one target named"
    )
    cover = command("coverage", _coverage, "replay the corpus under coverage and write reports")
    cover.add_argument("--out", type=Path, default=None, metavar="DIR")
    cover.add_argument("--floor", action="store_true", help="fail where branch coverage fell below its floor")
    cover.add_argument(
        "--raise", dest="lift", action="store_true", help="raise the floor to what is measured"
    )
    table = command(
        "audit", _audit, "write the table of all targets: oracle, coverage, rate", many=False, of="file"
    )
    table.set_defaults(targets=[])
    command("seeds", _seeds, "write the made seeds, the dictionaries and the stubs")
    command(
        "merge", _merge, "add what runs found and reaches new code to the seeds; nothing is lost", many=False
    )
    command("prune", _prune, "remove found seeds that take no branch that others don't", many=False)
    smaller = command("minimize", _minimize, "shorten an input that breaks the oracle", many=False)
    smaller.add_argument("crash", type=Path)
    smaller.add_argument("--out", type=Path, default=None, help="default: a regression of the target")
    sort = command("triage", _triage, "sort what runs have found: by exception, place and clause")
    sort.add_argument(
        "--file", type=Path, action="append", default=[], help="an input of the one target named"
    )
    keep = command(
        "promote", _promote, "make a finding a regression and, where a peer can send it, a case", many=False
    )
    keep.add_argument("crash", type=Path)
    keep.add_argument("--name", default="", help="default: from its content")
    keep.add_argument("--title", default="", help="what was wrong; default: the exception")
    keep.add_argument("--clause", default="", help="what it broke; default: what the exception says")
    keep.add_argument(
        "--date", default="", metavar="DAY", help="when it was found (YYYY-MM-DD); default: today"
    )
    keep.add_argument("--fixed", action="store_true", help="it is repaired: keep the input as it is")
    command("check", _check, "hold every target and the corpus to their rules")
    plant = command(
        "planted", _planted, "plant faults in a copy of the reference and look for them", of="fault"
    )
    plant.add_argument(
        "--time", type=int, default=60, metavar="S", help="seconds to fuzz, if the corpus misses"
    )
    plant.add_argument("--out", type=Path, default=None, metavar="FILE", help="write a table")
    native = command("native", _native, "fuzz the C kernel under sanitizers, or measure its coverage")
    native.add_argument("--time", type=int, default=0, metavar="S", help="seconds for each target")
    native.add_argument("--runs", type=int, default=0, metavar="N", help="executions of each target")
    native.add_argument(
        "--coverage", action="store_true", help="what the corpora reach of the C code, by gcov"
    )
    out = command("export", _export, "write corpora in the layout of OSS-Fuzz")
    out.add_argument("--out", type=Path, default=None, metavar="DIR")
    return parser


def _list(options: argparse.Namespace) -> int:
    for target in targets.load_all(options.targets):
        surface = target.surface
        count = sum(1 for _ in corpus.inputs(target.name))
        code = ", ".join(surface.code)
        print(f"P{surface.priority} {target.name:22} {surface.oracle:6} {count:4} inputs  {code}")
    return 0


def _run(options: argparse.Namespace) -> int:
    if not options.time and not options.runs:
        options.time = 60
    engine = options.engine
    if engine == "auto":
        engine = "atheris" if runners.have_atheris() else "plain"
        if engine == "plain":
            print("atheris is not installed: mutating without guidance", file=sys.stderr)
    target = targets.load(options.target)
    if engine == "atheris":
        report = runners.run_atheris(
            target, seconds=options.time, runs=options.runs, jobs=options.jobs, seed=options.seed
        )
    elif engine == "plain":
        report = runners.run_plain(target, seconds=options.time, runs=options.runs, seed=options.seed)
    else:
        report = runners.run_hypothesis(target, runs=options.runs)
    if options.log or report.findings:
        print(report.log if options.log else report.log[-6000:])
    print(
        f"{target.name}: {report.executions} executions in {report.seconds:.1f} s "
        f"({report.rate:.0f}/s, {report.engine}), {len(report.findings)} findings"
    )
    for path in report.findings:
        print(f"  {path}")
    if options.record:
        record.add(
            options.record,
            target.name,
            seconds=report.seconds,
            executions=report.executions,
            findings=len(report.findings),
            day=time.strftime("%Y-%m-%d", time.gmtime()),
        )
    return 1 if report.findings else 0


def _of_one(options: argparse.Namespace) -> None:
    """``LookupError`` if files are given, and not one target that reads them."""
    if options.file and len(options.targets) != 1:
        raise LookupError("--file goes with one target: refsync-fuzz replay varint --file INPUT")


def _replay(options: argparse.Namespace) -> int:
    _of_one(options)
    broken = 0
    for target in targets.load_all(options.targets):
        chosen = [(path, path.read_bytes()) for path in options.file] or list(corpus.inputs(target.name))
        start = time.monotonic()
        for path, data in chosen:
            found = triage.run(target, data)
            if found is not None:
                broken += 1
                print(f"{target.name}: {path.parent.name}/{path.name}: {found}")
                if options.file:
                    print(found.trace)
        print(f"{target.name}: {len(chosen)} inputs in {time.monotonic() - start:.2f} s")
    return 1 if broken else 0


def _coverage(options: argparse.Namespace) -> int:
    out = options.out or corpus.work_root() / "coverage"
    if options.targets and (options.floor or options.lift):
        raise LookupError("the floor is of all targets together")
    measured = {}
    for row in measure.measure(options.targets, out):
        measured[row.target] = row.branches
        print(
            f"{row.target:22} {row.inputs:4} inputs  lines {row.lines:5.1f} %  branches {row.branches:5.1f} %"
        )
    for layer, share in () if options.targets else measure.layers(out).items():
        measured[f"layer:{layer}"] = share
        print(f"{layer:22} all of it                  branches {share:5.1f} %")
    print(f"reports: {out}")
    below = floor.read()
    if options.lift:
        floor.write(floor.raised(measured, below))
    found = list(floor.faults(measured, below)) if options.floor else []
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


def _audit(options: argparse.Namespace) -> int:
    out = corpus.work_root() / "coverage"
    rows = measure.measure([], out)
    text = audit.table(targets.load_all(), rows, measure.layers(out))
    Path(options.file).write_text(text)
    return 0


def _seeds(options: argparse.Namespace) -> int:
    for target in targets.load_all(options.targets):
        count = corpus.write_seeds(target) + runners.write_stub(target.name)
        print(f"{target.name}: {count} files written")
    return 0


def _merge(options: argparse.Namespace) -> int:
    done = merging.merge(targets.load(options.target))
    print(
        f"{options.target}: {done.before} seeds before, {done.after} after;"
        f" {done.reached_before} {done.unit} before, {done.reached} after, none lost"
    )
    return 0


def _prune(options: argparse.Namespace) -> int:
    print(f"{options.target}: {measure.prune(targets.load(options.target))} seeds removed")
    return 0


def _minimize(options: argparse.Namespace) -> int:
    target = targets.load(options.target)
    data = options.crash.read_bytes()
    try:
        small = triage.minimize(target, data)
    except ValueError as error:
        print(f"{options.crash}: {error}", file=sys.stderr)
        return 1
    out = options.out or corpus.directory(target.name, "regressions") / corpus.content_name(small)[:12]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(small)
    print(f"{len(data)} -> {len(small)} bytes: {out}\n{triage.run(target, small)}")
    return 0


def _triage(options: argparse.Namespace) -> int:
    _of_one(options)
    broken = 0
    for target in targets.load_all(options.targets):
        buckets, holding = findings.sort(target, options.file or findings.kept(target))
        for bucket in buckets:
            broken += 1
            print(findings.described(bucket))
        if holding:
            print(f"{target.name}: {len(holding)} inputs break nothing any more")
    if not broken:
        print("nothing was found")
    return 1 if broken else 0


def _promote(options: argparse.Namespace) -> int:
    target = targets.load(options.target)
    date = options.date or time.strftime("%Y-%m-%d", time.gmtime())
    try:
        done = promote.promote(
            target,
            options.crash.read_bytes(),
            date=date,
            name=options.name,
            title=options.title,
            clause=options.clause,
            fixed=options.fixed,
        )
    except ValueError as error:
        print(f"{options.crash}: {error}", file=sys.stderr)
        return 1
    for path in (done.regression, done.sidecar, done.case):
        if path is not None:
            print(path)
    if done.case is None:
        print(f"no case: nothing says how a peer would send what {target.name} reads")
    return 0


def _check(options: argparse.Namespace) -> int:
    found = [] if options.targets else list(check.strays())
    for target in targets.load_all(options.targets):
        found += check.faults(target)
    print("\n".join(found) or "all held")
    return 1 if found else 0


def _planted(options: argparse.Namespace) -> int:
    results = []
    for fault in planted.load_all(options.faults):
        result = planted.hunt(fault, options.time)
        results.append(result)
        print(f"{result.how or 'MISSED':8} {fault.target:20} {fault.name}: {result.what[:120]}", flush=True)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(planted.table(results, options.time))
    return 1 if any(not result.how for result in results) else 0


def _native(options: argparse.Namespace) -> int:
    chosen = options.targets or list(sanitized.TARGETS)
    if options.coverage:
        print(sanitized.table(sanitized.count(chosen)))
        return 0
    runs = options.runs or (0 if options.time else 2000)
    limits = [f"--time={options.time}", f"--runs={runs}"]
    broken = 0
    for target, code, log in sanitized.fuzz(chosen, limits):
        if code:
            broken += 1
            print(log[-6000:])
        summary = f"{target}: a finding" if code else (log.strip().splitlines() or ["said nothing"])[-1]
        print(f"{summary} ({sanitized.counted_edges(log)} edges of C)", flush=True)
    return 1 if broken else 0


def _export(options: argparse.Namespace) -> int:
    out = options.out or corpus.work_root() / "export"
    for target in targets.load_all(options.targets):
        for path in export.export(target, out):
            print(path)
    archive = export.vectors(out) if not options.targets else None
    if archive is not None:
        print(archive)
    return 0
