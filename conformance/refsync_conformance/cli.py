"""``refsync-conformance``: run, list, show, peers."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from refsync_conformance import (
    advisories,
    clauses,
    expectations,
    matrix,
    reading,
    registry,
    results,
    scratch,
    selection,
    smoke,
    summary,
)
from refsync_conformance.model import DIRECTIONS, PROTOCOLS, TRANSPORTS, Case
from refsync_conformance.peers import commands as peer_commands
from refsync_conformance.peers import probe
from refsync_conformance.peers.model import Peer, PeerError, PeerSpecError
from refsync_conformance.peers.registry import resolve
from refsync_conformance.peers.specs import FORMS
from refsync_conformance.runner import Manner, default_jobs, exit_code, run_all

OK, NOT_CONFORMANT, USAGE, SUITE_ERROR, STALE = range(5)
CONTROL = "upstream-3.4.1"
SUBJECT = "refsync"


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="refsync-conformance",
        description="Judge an implementation of the rsync protocol, case by case.",
        epilog="exit codes: 0 conformant, 1 not conformant, 2 wrong usage, 3 error of the suite, "
        "4 stale expectations",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    run = verbs.add_parser("run", help="run cases against a peer and write the report")
    run.add_argument(
        "--peer",
        action="append",
        metavar="PEER",
        help=f"who is judged: a name that `peers list` shows, or {FORMS} (default: {SUBJECT})",
    )
    run.add_argument(
        "--against", metavar="NAME", default=CONTROL, help="who it is judged with (default: %(default)s)"
    )
    run.add_argument(
        "--cases", action="append", default=[], metavar="GLOB", help="only these cases; may be repeated"
    )
    run.add_argument("--transport", action="append", default=[], choices=TRANSPORTS)
    run.add_argument("--direction", action="append", default=[], choices=DIRECTIONS)
    run.add_argument("--protocol", action="append", default=[], type=int, choices=PROTOCOLS)
    run.add_argument("--pair", action="append", default=[], metavar="CLIENT:SERVER", help="only these two")
    run.add_argument("--full", action="store_true", help="every case in every combination (long)")
    run.add_argument("--narrow", action="store_true", help="each case in one combination (quick)")
    run.add_argument(
        "--control-only", action="store_true", help="check the suite itself: the control at both ends"
    )
    run.add_argument("--jobs", type=int, default=default_jobs(), metavar="N", help="cells at a time")
    run.add_argument("--expect", type=Path, metavar="FILE", help="known failures (TOML)")
    run.add_argument(
        "--write-expectations", type=Path, metavar="FILE", help="write this run's failures there"
    )
    run.add_argument(
        "--report", type=Path, default=Path("report"), metavar="DIR", help="default: %(default)s"
    )
    run.add_argument(
        "--no-probe",
        action="store_true",
        help="do not ask the peer which options it knows: one that it lacks is a failure, not unsupported",
    )
    run.add_argument(
        "--strict", action="store_true", help="a case of what only should be makes a run fail like any other"
    )
    run.add_argument(
        "--transcripts",
        action="store_true",
        help="what is said in every cell, for the report; not only in failed ones",
    )
    run.add_argument("--keep", action="store_true", help="leave the scratch directories")
    run.add_argument("--list", action="store_true", help="say which cells would be run, and stop")
    smoke_test = verbs.add_parser("smoke", help="is a peer usable, and what does it support? (seconds)")
    smoke_test.add_argument("peer", metavar="PEER", help=f"a name, or {FORMS}")
    smoke_test.add_argument("--json", action="store_true", help="for programs")
    smoke_test.add_argument("--jobs", type=int, default=default_jobs(), metavar="N")
    matrix.add_arguments(verbs.add_parser("matrix", help="every client with every server of some peers"))
    listing = verbs.add_parser("list", help="list the cases")
    listing.add_argument("pattern", nargs="*", metavar="GLOB")
    show = verbs.add_parser("show", help="say what a case is about")
    show.add_argument("case")
    explain = verbs.add_parser("explain", help="what a clause or a CVE is about, and which cases judge it")
    explain.add_argument("clause")
    register = verbs.add_parser("advisories", help="every published fault and the cases that play it")
    register.add_argument("--write", action="store_true", help=f"write {advisories.PAGE}")
    vectors = verbs.add_parser("vectors", help="write the wire vectors as JSON")
    vectors.add_argument("action", choices=["export"])
    vectors.add_argument("directory", type=Path)
    difference = verbs.add_parser("diff", help="what has changed between two runs")
    difference.add_argument("before", type=Path, metavar="RESULTS.json")
    difference.add_argument("after", type=Path, metavar="RESULTS.json")
    again = verbs.add_parser("report", help="draw the page of a run again")
    again.add_argument("results", type=Path, metavar="RESULTS.json")
    again.add_argument("directory", type=Path)
    verbs.add_parser("schema", help="print the JSON schema of results.json")
    peers = verbs.add_parser("peers", help="list, fetch or find the peers", add_help=False)
    peers.add_argument("rest", nargs=argparse.REMAINDER)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code. Wrong usage is 2, as argparse has it."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["peers"]:
        return peer_commands.main(words[1:])
    try:
        chosen = parser().parse_args(words)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        match chosen.verb:
            case "run":
                return run(chosen)
            case "smoke":
                return smoke.smoke(resolve(chosen.peer), jobs=chosen.jobs, as_json=chosen.json)
            case "matrix":
                return matrix.run(chosen)
            case "schema":
                return reading.print_schema()
            case "list":
                return list_cases(chosen.pattern)
            case "show":
                return show_case(chosen.case)
            case "explain":
                return reading.explain(chosen.clause)
            case "advisories":
                return advisories.command(chosen.write)
            case "vectors":
                return reading.export_vectors(chosen.directory)
            case "diff":
                return reading.difference(chosen.before, chosen.after)
            case _:
                return reading.draw_again(chosen.results, chosen.directory)
    except (
        registry.RegistryError,
        reading.Unreadable,
        PeerSpecError,
        expectations.ExpectationError,
    ) as error:
        return _complain(str(error), USAGE)
    except (PeerError, clauses.ClauseError, advisories.AdvisoryError) as error:
        return _complain(str(error), SUITE_ERROR)


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"refsync-conformance: {message}\n")
    return code


def list_cases(patterns: Sequence[str]) -> int:
    """One line for each case: id, clause, breadth, title."""
    for case in registry.select(patterns):
        print(f"{case.id:10} {case.clause:10} {case.breadth.value:7} {case.title}")
    return OK


def show_case(id: str) -> int:
    """A case with its clause and how it works."""
    case = registry.select([id])[0]
    print(f"{case.id}  {case.title}\n")
    clause = clauses.load().get(case.clause)
    if clause is not None:
        print(f"clause {clause.id}: {clause.title} ({clause.strength}, {clause.since} to {clause.until})")
        for line in clause.text.strip().splitlines():
            print(f"    {line.strip()}")
        print(f"    upstream: {', '.join(clause.upstream)}\n")
    print(case.description)
    if held := advisories.of_case(case.id):
        print(f"\nadvisories: {', '.join(one.id for one in held)}", end="")
    print(f"\njudges: {case.judged.value}; transports: {', '.join(case.transports)}", end="")
    print(f"; directions: {', '.join(case.directions)}; protocols: {', '.join(map(str, case.protocols))}")
    if case.optional:
        print(f"may be unsupported: {', '.join(case.optional)}")
    if case.needs_root:
        print("needs root")
    return OK


def _pairs(words: Sequence[str]) -> frozenset[tuple[str, str]]:
    found = set()
    for word in words:
        client, colon, server = word.partition(":")
        if not colon:
            raise registry.RegistryError(f"--pair {word}: CLIENT:SERVER is wanted")
        found.add((client, server))
    return frozenset(found)


def _peers(chosen: argparse.Namespace) -> tuple[Peer, list[Peer]]:
    """The control and the subjects. Raises PeerError if one of them isn't to be had."""

    def say(text: str) -> None:
        print(text, flush=True)

    control = resolve(chosen.against, progress=say)
    if control.kind in ("ssh", "daemon"):
        raise PeerSpecError(f"--against {chosen.against}: what others are held to must run at both ends")
    if chosen.control_only:
        return control, []
    subjects = [resolve(spec, progress=say) for spec in chosen.peer or [SUBJECT]]
    names = [peer.name for peer in subjects]
    for peer in subjects:
        if names.count(peer.name) > 1 or (peer.name == control.name and peer.path != control.path):
            raise PeerSpecError(f"two peers are called {peer.name}: give one of them another NAME=")
    return control, subjects


def run(chosen: argparse.Namespace) -> int:
    """The verb ``run``: plan, run, judge, report."""
    cases: list[Case] = registry.select(chosen.cases)
    entries: list[expectations.Expectation] = []
    if chosen.expect is not None:
        try:
            entries = expectations.parse(chosen.expect.read_text(encoding="utf-8"))
        except (OSError, expectations.ExpectationError) as error:
            return _complain(f"{chosen.expect}: {error}", USAGE)
    axes = selection.Axes(
        transports=frozenset(chosen.transport),
        directions=frozenset(chosen.direction),
        protocols=frozenset(chosen.protocol),
        pairs=_pairs(chosen.pair),
        full=chosen.full,
        narrow=chosen.narrow,
    )
    control, subjects = _peers(chosen)
    if subjects:
        axes = dataclasses.replace(axes, highest=max(peer.protocol for peer in subjects))
    groups = selection.plan(cases, [peer.name for peer in subjects], control.name, axes)
    if not groups:
        return _complain("no cell fits what was asked for", USAGE)
    cells = [cell for group in groups for cell in group.cells]
    if chosen.list:
        for cell in cells:
            print(cell)
        return OK
    try:  # now, not when all has been run
        _writable(chosen.report)
        if chosen.write_expectations is not None:
            _writable(chosen.write_expectations.parent)
    except OSError as error:
        return _complain(f"{error.filename}: what is found can't be written there: {error.strerror}", USAGE)
    if not chosen.no_probe:
        subjects = [probe.both(peer) for peer in subjects]
    for peer in (*subjects, control):
        role = "control" if peer is control else "judged"
        print(f"{role}: {peer.name}, version {peer.version}, protocol {peer.protocol}", flush=True)
    place = scratch.choose((*subjects, control), keep=chosen.keep)
    print(f"cells: {len(cells)}, {chosen.jobs} at a time, below {place}", flush=True)
    ticker = summary.Ticker(len(cells))
    done = run_all(
        groups,
        {peer.name: peer for peer in (control, *subjects)},
        jobs=chosen.jobs,
        scratch=place,
        how=Manner(strict=chosen.strict, keep=chosen.keep, transcripts=chosen.transcripts),
        report=ticker,
    )
    ticker.close()
    for peer in subjects:
        expectations.apply(expectations.in_force(entries, peer.version), done.outcomes)
    stale = expectations.stale(entries, cells, registry.load())
    for entry in stale:
        print(f"stale expectation: {entry.cell} ({entry.reason}) fits no case")
    code = SUITE_ERROR if done.interrupted else exit_code(done.outcomes, stale=len(stale))
    if chosen.write_expectations is not None:
        text = expectations.write(done.outcomes, datetime.date.today())
        chosen.write_expectations.write_text(text, encoding="utf-8")
    command = results.default_command()
    for spec in chosen.peer or ():
        command += f" --peer {spec}"
    if chosen.against != CONTROL:
        command += f" --against {chosen.against}"
    data = results.as_data(
        done, registry.load(), (*subjects, control), command=command, code=code, control=control.name
    )
    _write(chosen.report, data)
    summary.show(data)
    print(f"report: {chosen.report / 'index.html'}")
    return code


def _writable(folder: Path) -> None:
    """Make the directory if there is none; ``OSError`` if it can't be written to."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _write(folder: Path, data: dict[str, object]) -> None:
    from refsync_conformance import report

    results.write_json(folder / "results.json", data)
    results.write_junit(folder / "junit.xml", data)
    for name, text in report.pages(data).items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
