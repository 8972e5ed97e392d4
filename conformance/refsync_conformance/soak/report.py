"""What is wrong after a soak, and its table."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from textwrap import wrap

from refsync_conformance.soak.clients import Tally
from refsync_conformance.soak.place import IDLE, MEBIBYTE, NARROW, Place, Sample

#: What the listener may have gained since the first minute, in bytes.
GROWTH = MEBIBYTE
#: What one connection may have for itself, in bytes: the files are small.
LARGEST = 256 * MEBIBYTE
FIRST = 60.0
CLEAN = "No wrong byte; no process, descriptor, temporary file or place in a lock file left behind; nothing "
CLEAN += "written outside; no trace in the log."


def left_behind(place: Place, samples: Sequence[Sample], before: Sample, after: Sample) -> list[str]:
    """Each thing that should not be there when all clients have gone."""
    faults = []
    if after.children:
        faults.append(f"{after.children} processes are left")
    if strays := place.strays():
        faults.append(f"{len(strays)} processes of clients are left")
    if after.listener_fds > before.listener_fds + 1:  # the log is open or not
        faults.append(f"{after.listener_fds} descriptors of the listener, {before.listener_fds} at the start")
    if found := place.temporary():
        faults.append(f"temporary files are left: {found[:3]}")
    if changed := place.outside_changed():
        faults.append(f"written outside: {changed[:3]}")
    for lock, places in ((place.lock, place.places), (place.narrow_lock, NARROW)):
        if held := place.held_places(lock, places):
            faults.append(f"{held} places of {lock.name} are held")
    first = early(samples)
    if after.listener_bytes > max(sample.listener_bytes for sample in first) + GROWTH:
        faults.append(
            f"the listener has grown from {first[-1].listener_bytes} to {after.listener_bytes} bytes"
        )
    largest = max(sample.largest for sample in samples)
    if largest > LARGEST:
        faults.append(f"one connection has had {largest} bytes")
    log = place.log.read_text("utf-8", "replace")
    if "Traceback" in log:
        faults.append("a trace in the log: " + log[log.index("Traceback") :][:600])
    return faults


def early(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Those of the first minute or, in a short soak, of the first third."""
    until = min(FIRST, samples[-1].at / 3)
    return [sample for sample in samples if sample.at <= until] or samples[:1]


def report(
    chosen: argparse.Namespace,
    tally: Tally,
    samples: Sequence[Sample],
    ends: tuple[Sample, Sample],
    seconds: float,
    faults: Sequence[str],
) -> str:
    """The page of ``docs/audits``."""
    before, after = ends
    told = (
        f"The daemon is {chosen.peer}; its clients are refsync and upstream 3.4.1 by turns, "
        f"{chosen.clients} at once, on loopback. Honest ones are held to the bytes of the source. "
        "Killed ones get SIGKILL within 3 seconds; then each file at the destination has to be whole, and "
        f"the next run has to complete. Stopped ones get SIGSTOP for 2 or {IDLE + 15} seconds, while the "
        f"daemon waits {IDLE}. Stalled ones say a part of something and go away again, silent ones wait "
        "until the daemon ends it. Hostile ones send bytes that mean nothing, deviant ones keep to the "
        "protocol but for one thing (those of the cases HOSTILE-501 on). The module of narrow ones serves "
        f"{NARROW} at once."
    )
    lines = [
        "# A daemon under load",
        "",
        f"Written by `ci/soak --write --seconds {chosen.seconds} --clients {chosen.clients}"
        f" --seed {chosen.seed}`.",
        *wrap(told, 100),
        "",
        f"{sum(tally.done.values())} runs in {seconds:.0f} seconds; {len(faults)} faults.",
        "",
        "| Client | Outcome | Runs |",
        "| --- | --- | ---: |",
        *(f"| {kind} | {outcome} | {count} |" for (kind, outcome), count in sorted(tally.done.items())),
        "",
        "| Client | Timed | Seconds, median | Seconds, longest |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {kind} | {len(took)} | {statistics.median(took):.1f} | {max(took):.1f} |"
            for kind, took in sorted(tally.seconds.items())
        ),
        "",
        "| What | At the start | Most, first minute | Most, later | At the end |",
        "| --- | ---: | ---: | ---: | ---: |",
        _row("descriptors of the listener", before, samples, after, "listener_fds", 1),
        _row("MiB of the listener's own memory", before, samples, after, "listener_bytes", MEBIBYTE),
        _row("processes of connections", before, samples, after, "children", 1),
        _row("MiB of theirs, together", before, samples, after, "children_bytes", MEBIBYTE),
        _row("MiB of the largest", before, samples, after, "largest", MEBIBYTE),
        _row("places of the narrow module", before, samples, after, "narrow", 1),
        "",
    ]
    lines += ["Faults:", "", *(f"- {fault}" for fault in faults[:20])] if faults else wrap(CLEAN, 100)
    return "\n".join([*lines, ""])


def _row(name: str, before: Sample, samples: Sequence[Sample], after: Sample, field: str, unit: int) -> str:
    def shown(value: float) -> str:
        return f"{value / unit:.1f}" if unit > 1 else str(int(value))

    first = early(samples)
    later = [sample for sample in samples if sample not in first] or first
    most = [shown(max(getattr(sample, field) for sample in those)) for those in (first, later)]
    return (
        f"| {name} | {shown(getattr(before, field))} | {' | '.join(most)} | {shown(getattr(after, field))} |"
    )
