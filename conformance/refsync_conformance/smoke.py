"""``smoke``: is this peer usable, and what does it support? Found out in seconds, by trying.

It is run both ways with the reference in each protocol version, over a pipe and as a daemon; what it offers
(compatibility flags, digests, compression) is taken from what it says on the wire, and which options it knows
from what it refuses. Nothing here is a verdict: ``run`` judges.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from refsync.options.table import OPTIONS
from rich.console import Console
from rich.table import Table

from refsync_conformance import trees
from refsync_conformance.model import PROTOCOLS, Case, Cell, Outcome, Verdict
from refsync_conformance.peers import greeting, limits, probe
from refsync_conformance.peers.model import Known, Peer, PeerError
from refsync_conformance.peers.registry import reference
from refsync_conformance.runner import run_cell
from refsync_conformance.trial import Trial

OK, NOT_USABLE = 0, 1
#: The partner's name in the cells.
PARTNER = "refsync.as.partner"
TREE = [trees.file("a", b"smoke\n"), trees.file("sub/b", b"test\n" * 300), trees.symlink("link", "a")]


def _transfer(*options: str) -> Callable[[Trial], None]:
    def run(t: Trial) -> None:
        """Transfer three files, and look whether they are there."""
        t.build(TREE)
        t.sync("-rlt", *options)
        t.same_tree(ignore=("mode", "owner", "mtime"))
        if t.case.tapped:
            _note(t)

    return run


def _note(t: Trial) -> None:
    """Remember what the peer said of itself in a conversation that was taken down."""
    arguments, found = t.overhear()
    way = ">" if t.cell.server == PARTNER else "<"
    for record in found:
        if record.way == way and record.name in ("flags", "checksum names", "compress names"):
            t.observe(record.name, record.text)
    if way == ">":
        letters = [re.search(r"e[\d.]*\.(\w+)$", word) for word in arguments[:3]]
        t.observe("capability letters", next((one[1] for one in letters if one), ""))


def _case(name: str, run: Callable[[Trial], None], *, tapped: bool = False) -> Case:
    return Case(name, "NEG-1", name, run, tapped=tapped, differential=False, timeout=8.0)


def _plan(name: str) -> list[tuple[Case, Cell]]:
    """What is tried: a case and where, the peer under its name."""
    plain = _case("SMOKE-001", _transfer())
    tapped = _case("SMOKE-002", _transfer(), tapped=True)
    compressed = _case("SMOKE-003", _transfer("-z"), tapped=True)
    newest = max(PROTOCOLS)
    tried = [(plain, Cell(plain.id, "local", "push", newest, name, name))]
    for protocol in PROTOCOLS:
        case = tapped if protocol == newest else plain
        tried += [
            (case, Cell(case.id, "pipe", "pull", protocol, PARTNER, name)),
            (case, Cell(case.id, "pipe", "push", protocol, name, PARTNER)),
        ]
    for case, transport in ((compressed, "pipe"), (plain, "daemon")):
        tried += [
            (case, Cell(case.id, transport, "pull", newest, PARTNER, name)),
            (case, Cell(case.id, transport, "push", newest, name, PARTNER)),
        ]
    return tried


def _fitted(cell: Cell, highest: int) -> Cell:
    """The newest version stands for the newest that the peer has."""
    fits = cell.protocol <= highest or cell.protocol != max(PROTOCOLS)
    return cell if fits else dataclasses.replace(cell, protocol=highest)


def look(peer: Peer, jobs: int) -> dict[str, Any]:
    """Everything that ``smoke`` tells of a peer. Raises PeerError if it can't be asked at all."""
    began = time.monotonic()
    partner = dataclasses.replace(reference(), name=PARTNER)
    with (
        ThreadPoolExecutor(jobs) as pool,
        tempfile.TemporaryDirectory(prefix="refsync-conformance-") as place,
    ):
        Path(place).chmod(0o755)
        asked = pool.submit(probe.both, peer)
        # Which options there are is known a moment later; what is tried needs none of the rarer ones.
        asking = asked.result()
        peers = {asking.name: asking, PARTNER: partner}
        waiting: list[Future[Outcome]] = []
        for number, (case, cell) in enumerate(_plan(peer.name)):
            fitted = _fitted(cell, peer.protocol)
            scratch = Path(place, str(number))
            waiting.append(pool.submit(_try, case, fitted, peers, scratch))
        outcomes = [one.result() for one in waiting]
    data = _told(asking, outcomes)
    data["seconds"] = round(time.monotonic() - began, 1)
    return data


def _try(case: Case, cell: Cell, peers: Mapping[str, Peer], scratch: Path) -> Outcome:
    if reason := limits.barred(case, cell, peers[cell.client], peers[cell.server]):
        return Outcome(cell, Verdict.UNSUPPORTED, reason=reason)
    scratch.mkdir(mode=0o755)
    return run_cell(case, cell, peers, scratch, control=None)


def _said(outcome: Outcome) -> str:
    """``ok``, or why not in a line."""
    if outcome.verdict is Verdict.PASS:
        return "ok"
    if outcome.findings:
        first = outcome.findings[0]
        return f"{first.what}: {' '.join(first.got.split())[:160]}"
    return outcome.reason.strip().splitlines()[-1][:160] if outcome.reason else outcome.verdict.value


def _told(peer: Peer, outcomes: list[Outcome]) -> dict[str, Any]:
    protocols: dict[str, dict[str, str]] = {"client": {}, "server": {}}
    transports: dict[str, str] = {}
    offers: dict[str, dict[str, str]] = {"client": {}, "server": {}}
    for outcome in outcomes:
        cell = outcome.cell
        role = "server" if cell.server == peer.name else "client"
        said = _said(outcome)
        if cell.transport == "local":
            transports["local copy"] = said
        elif cell.transport == "daemon":
            transports["daemon" if role == "server" else "client of a daemon"] = said
        elif cell.case == "SMOKE-003":
            transports[f"compressed, as {role}"] = said
        else:
            protocols[role][str(cell.protocol)] = said
            if cell.case == "SMOKE-002":
                transports[f"pipe, as {role}"] = said
        offers[role] |= {name: str(value) for name, value in outcome.observations.items()}
    data: dict[str, Any] = {
        "peer": {
            "name": peer.name,
            "kind": peer.kind,
            "version": peer.version,
            "protocol": peer.protocol,
            "path": str(peer.path),
        },
        "usable": "ok" in transports.values(),
        "protocols": protocols,
        "ways": transports,
        "checksums": _list(offers, "checksum names"),
        "compressions": _list(offers, "compress names"),
        "flags": offers["server"].get("flags", ""),
        "capability_letters": offers["client"].get("capability letters", ""),
        "options": {"client": _options(peer.as_client), "server": _options(peer.as_server)},
    }
    if peer.address is not None:
        data["daemon_digests"] = greeting.digests(peer.address.port)
        data["usable"] = True  # it has greeted, or there would be no peer
    return data


def _list(offers: Mapping[str, Mapping[str, str]], name: str) -> list[str]:
    return (offers["server"].get(name) or offers["client"].get(name) or "").split()


def _options(known: Known) -> dict[str, Any]:
    return {"known": len(known.known), "lacks": sorted(known.lacks), "unclear": dict(known.unclear)}


def show(data: Mapping[str, Any]) -> None:
    """Print it for people."""
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False, markup=False)
    peer = data["peer"]
    console.print(
        f"{peer['name']}: version {peer['version'] or '?'}, protocol {peer['protocol']}, {peer['path']}"
    )
    ways = Table(box=None, show_header=False, pad_edge=False)
    for name, said in data["ways"].items():
        ways.add_row(name, said, style=None if said == "ok" else "yellow")
    console.print(ways)
    for role in ("server", "client"):
        spoken = [number for number, said in data["protocols"][role].items() if said == "ok"]
        console.print(f"protocols as {role}: {', '.join(spoken) or 'none of 27 to 32'}")
    for title, name in (
        ("checksums", "checksums"),
        ("compression", "compressions"),
        ("digests", "daemon_digests"),
    ):
        if data.get(name):
            console.print(f"{title}: {' '.join(data[name])}")
    if data["flags"]:
        console.print(f"compatibility flags as server: {data['flags']}")
    if data["capability_letters"]:
        console.print(f"capability letters as client: {data['capability_letters']}")
    options = data["options"]
    for role in ("client", "server"):
        found = options[role]
        same = options["client"] == options["server"]
        if same and role == "server":
            continue
        total = found["known"] + len(found["lacks"]) + len(found["unclear"])
        plain = _plainly(found["lacks"])
        who = "client and server" if same else role
        lacks = f"; not {' '.join(plain)}" if plain else ""
        console.print(f"option words as {who}: {found['known']} of {total}{lacks}")
        for word, said in found["unclear"].items():
            console.print(f"    {word}: {said}", style="yellow")
    console.print(f"{'usable' if data['usable'] else 'NOT usable'}, found in {data['seconds']} s")


def _plainly(lacks: Sequence[str]) -> list[str]:
    """Without what follows from the rest: negated forms, and the letter of an option that is named."""
    short = {f"-{option.short}" for option in OPTIONS if option.short and f"--{option.name}" in lacks}
    negated = {f"--no-{option.name}" for option in OPTIONS if f"--{option.name}" in lacks}
    return [word for word in lacks if word not in short | negated]


def smoke(peer: Peer, *, jobs: int, as_json: bool) -> int:
    """The verb: 0 if anything can be done with the peer, 1 if not."""
    data = look(peer, jobs)
    if as_json:
        print(json.dumps(data, indent=1))
    else:
        show(data)
    return OK if data["usable"] else NOT_USABLE


__all__ = ["PeerError", "look", "show", "smoke"]
