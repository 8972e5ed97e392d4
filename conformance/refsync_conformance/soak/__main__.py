"""``ci/soak``: put a daemon under load for a while and look at what is left; 0 if nothing is wrong.

The table goes to docs/audits/soak.md with ``--write``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from refsync_conformance.peers import resolve
from refsync_conformance.soak.clients import Tally, Worker
from refsync_conformance.soak.place import MEBIBYTE, Place, Sample

AUDIT = Path(__file__).resolve().parents[3] / "docs/audits/soak.md"
#: Seconds that processes of clients who are gone may take to end.
SETTLE = 45.0
#: What the listener may have gained when it is over, in bytes.
GROWTH = 2 * MEBIBYTE


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--clients", type=int, default=20, help="at once")
    parser.add_argument("--peer", default="refsync", help="whose daemon")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write docs/audits/soak.md")
    chosen = parser.parse_args()
    programs = [(name, str(resolve(name).path)) for name in ("refsync", "upstream-3.4.1")]
    root = Path(tempfile.mkdtemp(prefix="refsync-soak-"))
    try:
        text, faults = soak(chosen, root, programs)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(text)
    if chosen.write:
        AUDIT.write_text(text, encoding="utf-8")
    return 1 if faults else 0


def soak(chosen: argparse.Namespace, root: Path, programs: list[tuple[str, str]]) -> tuple[str, list[str]]:
    """The report, and what is wrong."""
    place = Place(root, str(resolve(chosen.peer).path), places=chosen.clients * 2, seed=chosen.seed)
    place.begin()
    tally = Tally()
    began = time.monotonic()
    until = began + chosen.seconds
    before = place.look(began)
    workers = [Worker(place, programs, number, tally) for number in range(chosen.clients)]
    threads = [threading.Thread(target=worker.run, args=(until,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    samples: list[Sample] = []
    while any(thread.is_alive() for thread in threads):
        samples.append(place.look(began))
        time.sleep(1)
    seconds = time.monotonic() - began
    settled = time.monotonic() + SETTLE
    while place.children() and time.monotonic() < settled:
        time.sleep(0.1)
    after = place.look(began)
    faults = [*tally.faults, *_left_behind(place, samples, before, after)]
    code = place.end()
    if code != 0:
        faults.append(f"told to stop, the daemon ended with {code}")
    return _report(chosen, tally, samples, (before, after), seconds, faults), faults


def _left_behind(place: Place, samples: list[Sample], before: Sample, after: Sample) -> list[str]:
    faults = []
    if after.children:
        faults.append(f"{after.children} processes are left")
    if after.listener_fds > before.listener_fds + 1:  # the log is open or not
        faults.append(f"{after.listener_fds} descriptors of the listener, {before.listener_fds} at the start")
    if place.temporary():
        faults.append(f"temporary files are left: {place.temporary()[:3]}")
    if place.held_places():
        faults.append(f"{place.held_places()} places of the lock file are held")
    first = [sample.listener_bytes for sample in samples[: max(1, len(samples) // 3)]]
    if after.listener_bytes > max(first) + GROWTH:
        faults.append(f"the listener has grown from {max(first)} to {after.listener_bytes} bytes")
    log = place.log.read_text("utf-8", "replace")
    if "Traceback" in log:
        faults.append("a trace in the log: " + log[log.index("Traceback") :][:600])
    return faults


def _report(
    chosen: argparse.Namespace,
    tally: Tally,
    samples: list[Sample],
    ends: tuple[Sample, Sample],
    seconds: float,
    faults: list[str],
) -> str:
    before, after = ends
    lines = [
        "# A daemon under load",
        "",
        f"Written by `ci/soak --write --seconds {chosen.seconds} --clients {chosen.clients}"
        f" --seed {chosen.seed}`.",
        f"The daemon is {chosen.peer}; its clients are refsync and upstream 3.4.1 by turns, all at once,",
        "on loopback. Honest ones are held to the bytes of the source. Killed ones get SIGKILL within 1.5",
        "seconds; then each file at the destination has to be whole, old or new, and the next run has to",
        "complete.",
        "Stalled ones say a part of something and wait, hostile ones say what no client does.",
        "",
        f"{sum(tally.done.values())} runs in {seconds:.0f} seconds; {len(faults)} faults.",
        "",
        "| Client | Outcome | Runs |",
        "| --- | --- | ---: |",
        *(f"| {kind} | {outcome} | {count} |" for (kind, outcome), count in sorted(tally.done.items())),
        "",
        "| What | At the start | At most | At the end |",
        "| --- | ---: | ---: | ---: |",
        _row("descriptors of the listener", before, samples, after, "listener_fds", 1),
        _row("MiB of the listener's own memory", before, samples, after, "listener_bytes", MEBIBYTE),
        _row("processes of connections", before, samples, after, "children", 1),
        _row("MiB of theirs, together", before, samples, after, "children_bytes", MEBIBYTE),
        "",
    ]
    lines += (
        ["Faults:", "", *(f"- {fault}" for fault in faults[:20]), ""]
        if faults
        else [
            "No wrong byte, no process, descriptor, temporary file or place in the lock file left behind.",
            "",
        ]
    )
    return "\n".join(lines)


def _row(name: str, before: Sample, samples: list[Sample], after: Sample, field: str, unit: int) -> str:
    def shown(value: float) -> str:
        return f"{value / unit:.1f}" if unit > 1 else str(int(value))

    most = max(getattr(sample, field) for sample in [before, *samples, after])
    return f"| {name} | {shown(getattr(before, field))} | {shown(most)} | {shown(getattr(after, field))} |"


if __name__ == "__main__":
    sys.exit(main())
