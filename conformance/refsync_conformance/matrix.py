"""``matrix``: every client with every server of some peers, as one picture.

Each case is visited once for each pair, in a version that both speak, and held to the control as in ``run``.
The picture has a square for each pair: how many of the cells that could be judged have passed.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, select_autoescape
from markupsafe import Markup

from refsync_conformance import expectations, registry, results, scratch, selection, summary
from refsync_conformance.model import SCRIPTED, Case
from refsync_conformance.peers import probe
from refsync_conformance.peers.model import Peer, PeerSpecError
from refsync_conformance.peers.registry import resolve
from refsync_conformance.runner import default_jobs, exit_code, run_all

#: Verdicts of cells that were judged and are not as they should be, expected or not.
WRONG = ("fail", "flaky", "error", "xfail")
#: The share of passed cells from which on a square has the next colour.
STEPS = (1.0, 0.97, 0.9, 0.5)


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("peers", nargs="+", metavar="PEER", help="at least two; as for run --peer")
    verb.add_argument("--against", metavar="NAME", required=True, help="the control that cells are held to")
    verb.add_argument("--cases", action="append", default=[], metavar="GLOB")
    verb.add_argument(
        "--sample", type=int, metavar="N", help="only the first N cases of each topic: the whole takes hours"
    )
    verb.add_argument(
        "--expect",
        action="append",
        default=[],
        type=Path,
        metavar="PEER.toml",
        help="known failures of the peer that the file is named after; may be repeated",
    )
    verb.add_argument("--jobs", type=int, default=default_jobs(), metavar="N")
    verb.add_argument("--report", type=Path, default=Path("matrix"), metavar="DIR")
    verb.add_argument("--list", action="store_true", help="say which cells would be run, and stop")


def run(chosen: argparse.Namespace) -> int:
    """The verb; exit codes as those of ``run``. Raises PeerError, RegistryError and ExpectationError."""
    cases = sample(registry.select(chosen.cases), chosen.sample)
    control = resolve(chosen.against)
    peers = [resolve(spec) for spec in chosen.peers]
    names = [peer.name for peer in peers]
    if len(set(names)) < max(2, len(names)):
        raise PeerSpecError("a matrix takes two peers or more, each of another name")
    if "daemon" in {peer.kind for peer in (*peers, control)}:
        raise PeerSpecError("a daemon that is up already is judged by run, not in a matrix")
    expected = _expected(chosen.expect, peers)
    axes = selection.Axes(narrow=True)
    protocols = {peer.name: peer.protocol for peer in peers}
    groups = selection.plan_matrix(cases, protocols, control.name, axes)
    cells = [cell for group in groups for cell in group.cells]
    if chosen.list:
        for cell in cells:
            print(cell)
        return 0
    peers = [probe.both(peer) for peer in peers]
    ticker = summary.Ticker(len(cells))
    table = {peer.name: peer for peer in (control, *peers)}
    place = scratch.choose(list(table.values()))
    done = run_all(groups, table, jobs=chosen.jobs, scratch=place, report=ticker)
    ticker.close()
    expectations.apply(expected, done.outcomes)
    code = 3 if done.interrupted else exit_code(done.outcomes)
    command = "refsync-conformance run --peer " + " --peer ".join(chosen.peers)
    data = results.as_data(done, registry.load(), peers, command=command, code=code, control=control.name)
    write(chosen.report, data)
    print(markdown(data))
    print(f"picture: {chosen.report / 'index.html'}")
    return code


def sample(cases: Sequence[Case], most: int | None) -> list[Case]:
    """The first so many cases of each topic, all for None."""
    met: Counter[str] = Counter()
    found = []
    for case in cases:
        met[case.topic] += 1
        if most is None or met[case.topic] <= most:
            found.append(case)
    return found


def _expected(files: Sequence[Path], peers: Sequence[Peer]) -> list[expectations.Expectation]:
    """The entries in force of files that are each named after the peer that they are about.

    Raises ExpectationError for a file that can't be read and PeerSpecError for one about nobody here.
    """
    versions = {peer.name: peer.version for peer in peers}
    found = []
    for path in files:
        if path.stem not in versions:
            raise PeerSpecError(f"{path}: it has to be named after one of the peers: {', '.join(versions)}")
        try:
            entries = expectations.parse(path.read_text(encoding="utf-8"))
        except OSError as problem:
            raise expectations.ExpectationError(f"{path}: {problem.strerror}") from problem
        found += expectations.in_force(entries, versions[path.stem])
    return found


def write(folder: Path, data: Mapping[str, Any]) -> None:
    """``results.json``, ``index.html`` and ``README.md`` of a matrix."""
    folder.mkdir(parents=True, exist_ok=True)
    results.write_json(folder / "results.json", data)
    (folder / "index.html").write_text(render(data), encoding="utf-8")
    (folder / "README.md").write_text(markdown(data), encoding="utf-8")


def squares(data: Mapping[str, Any]) -> dict[tuple[str, str], Counter[str]]:
    """Verdicts counted by (client, server); the control's own cells count for its pair."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for cell in data["cells"]:
        if SCRIPTED not in (cell["client"], cell["server"]):
            found.setdefault((cell["client"], cell["server"]), Counter())[cell["verdict"]] += 1
    return found


def alone(data: Mapping[str, Any]) -> dict[str, dict[str, Counter[str]]]:
    """By peer and role: the cells in which the suite plays the other end."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for cell in data["cells"]:
        for role, other in (("client", "server"), ("server", "client")):
            if cell[other] == SCRIPTED:
                found.setdefault(cell[role], {}).setdefault(role, Counter())[cell["verdict"]] += 1
    return found


def judged(count: Mapping[str, int]) -> int:
    return sum(number for verdict, number in count.items() if verdict != "unsupported")


def step(count: Mapping[str, int]) -> str:
    """The class of a square: ``s0`` (all passed) to ``s4``, ``none`` where nothing could be judged."""
    total = judged(count)
    if not total:
        return "none"
    share = count.get("pass", 0) / total
    return f"s{next((at for at, bound in enumerate(STEPS) if share >= bound), len(STEPS))}"


def _figure(count: Mapping[str, int]) -> str:
    total = judged(count)
    return f"{count.get('pass', 0)} of {total}" if total else "–"


def _peer_names(data: Mapping[str, Any]) -> list[str]:
    return [peer["name"] for peer in data["peers"]]


def departures(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each case that is not passed everywhere: with whom it isn't, and why."""
    titles = {case["id"]: case for case in data["cases"]}
    found: dict[str, dict[str, Any]] = {}
    for cell in data["cells"]:
        if cell["verdict"] not in WRONG:
            continue
        entry = found.setdefault(
            cell["case"], {"case": titles[cell["case"]], "pairs": [], "reasons": [], "expected": True}
        )
        entry["pairs"].append(f"{cell['client']} → {cell['server']}")
        entry["expected"] &= cell["verdict"] == "xfail"
        reason = cell.get("reason") or next((one["what"] for one in cell.get("findings", ())), "")
        if reason and reason not in entry["reasons"]:
            entry["reasons"].append(reason.strip().splitlines()[-1])
    return [found[id] for id in sorted(found)]


def markdown(data: Mapping[str, Any]) -> str:
    """The picture as text, for a repository page or a job's summary."""
    names = _peer_names(data)
    grid, single = squares(data), alone(data)
    lines = [
        "# Who gets on with whom",
        "",
        f"{len(data['cases'])} cases, {len(data['cells'])} cells, {data['began'][:10]}; held to "
        f"{data['control']}. A row is the client, a column the server: cells passed of those that could be "
        "judged. What a peer does not support is left out of both figures and counted below.",
        "",
        "| client \\ server | " + " | ".join(names) + " |",
        "| --- |" + " --- |" * len(names),
    ]
    for client in names:
        row = [_figure(grid.get((client, server), Counter())) for server in names]
        lines.append(f"| **{client}** | " + " | ".join(row) + " |")
    lines += [
        "",
        "| peer | version | newest protocol | client of the suite | server of the suite | unsupported |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for peer in data["peers"]:
        lacking = sum(
            cell["verdict"] == "unsupported"
            for cell in data["cells"]
            if peer["name"] in (cell["client"], cell["server"])
        )
        roles = single.get(peer["name"], {})
        figures = " | ".join(_figure(roles.get(role, Counter())) for role in ("client", "server"))
        lines.append(f"| {peer['name']} | {peer['version']} | {peer['protocol']} | {figures} | {lacking} |")
    lines += ["", "## Cases that are not passed everywhere", ""]
    for entry in departures(data):
        reasons = "; ".join(entry["reasons"][:3])
        pairs = ", ".join(entry["pairs"][:6]) + (" and more" if len(entry["pairs"]) > 6 else "")
        lines.append(f"- `{entry['case']['id']}` {entry['case']['title']}: {pairs}. {reasons}".rstrip())
    return "\n".join(lines) + "\n"


def render(data: Mapping[str, Any]) -> str:
    """The picture as a page of its own."""
    environment = Environment(
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    assets = resources.files("refsync_conformance.report")
    template = environment.from_string(assets.joinpath("matrix.html.j2").read_text(encoding="utf-8"))
    return template.render(
        data=data,
        style=Markup(assets.joinpath("style.css").read_text(encoding="utf-8")),
        names=_peer_names(data),
        squares=squares(data),
        alone=alone(data),
        empty=Counter(),
        step=step,
        figure=_figure,
        judged=judged,
        wrong=WRONG,
        departures=departures(data),
    )
