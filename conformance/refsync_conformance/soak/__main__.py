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
from refsync_conformance.soak.place import Place
from refsync_conformance.soak.report import left_behind, report
from refsync_conformance.soak.unfair import deviations

AUDIT = Path(__file__).resolve().parents[3] / "docs/audits/soak.md"
#: Seconds that processes of clients who are gone may take to end.
SETTLE = 75.0
#: Seconds from one look to the next.
PAUSE = 2.0


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
    place = Place(root, str(resolve(chosen.peer).path), places=chosen.clients * 2, seed=chosen.seed)
    try:
        text, faults = soak(chosen, place, programs)
    finally:
        place.abandon()
        shutil.rmtree(root, ignore_errors=True)
    print(text)
    if chosen.write:
        AUDIT.write_text(text, encoding="utf-8")
    return 1 if faults else 0


def soak(chosen: argparse.Namespace, place: Place, programs: list[tuple[str, str]]) -> tuple[str, list[str]]:
    """The report, and what is wrong."""
    place.begin()
    deviations()  # now: threads that import at once get in each other's way
    tally = Tally()
    began = time.monotonic()
    until = began + chosen.seconds
    before = place.look(began)
    workers = [Worker(place, programs, number, tally) for number in range(chosen.clients)]
    threads = [threading.Thread(target=worker.run, args=(until,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    samples = [before]
    while any(thread.is_alive() for thread in threads):
        samples.append(place.look(began))
        time.sleep(PAUSE)
    seconds = time.monotonic() - began
    settled = time.monotonic() + SETTLE
    while (place.children() or place.strays()) and time.monotonic() < settled:
        time.sleep(0.1)
    after = place.look(began)
    faults = [*tally.faults, *left_behind(place, samples, before, after)]
    code = place.end()
    if code != 0:
        faults.append(f"told to stop, the daemon ended with {code}")
    return report(chosen, tally, samples, (before, after), seconds, faults), faults


if __name__ == "__main__":
    sys.exit(main())
