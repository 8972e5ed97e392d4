"""One workload over one transport: both programs in turn, and what came of it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from . import programs
from .measure import Pairs, Taken, run
from .workloads import Destinations, Workload, check

#: Which program is at which end: "both" ends ours, or only the one named, the other being upstream.
ENDS = ("both", "client", "server")


def compare(
    workload: Workload, transport: str, root: Path, *, pairs: int, ends: str = "both", keep: bool = False
) -> dict[str, object]:
    """The figures of upstream at both ends against ours. Raises RunFailed if any run goes wrong."""
    ours, theirs = programs.refsync(), programs.upstream()
    client, server = (ours if ends != "server" else theirs), (ours if ends != "client" else theirs)
    source = workload.source(root)
    basis = workload.basis(root) if workload.basis else None
    destinations = Destinations(root, keep)
    result = Pairs()
    with ExitStack() as stack:
        shell = programs.fake_shell(root)
        pids, ports = {ours: 0, theirs: 0}, {ours: 0, theirs: 0}
        if transport in ("push", "pull"):
            for program in {server, theirs}:
                pids[program], ports[program] = stack.enter_context(programs.daemon(program, root))

        def once(near: str, far: str, *, memory: bool = False, first: bool = False) -> Taken:
            dest = destinations.fresh(basis)
            line = programs.command(
                transport,
                near,
                far,
                list(workload.options),
                source,
                dest,
                root=root,
                shell=shell,
                port=ports[far],
            )
            taken = run(line, also=pids[far], memory=memory, log=root / "errors")
            if first:
                check(workload, source, dest)
            destinations.done(dest)
            return taken

        once(client, server, first=True)
        once(theirs, theirs, first=True)
        for _ in range(pairs):
            result.ours.append(once(client, server))
            result.theirs.append(once(theirs, theirs))
        result.our_peak = once(client, server, memory=True).peak
        result.their_peak = once(theirs, theirs, memory=True).peak
    destinations.clear()
    goal = workload.goal if transport in ("local", "pipe") else workload.goal_daemon
    return {
        "workload": workload.name,
        "title": workload.title,
        "transport": transport,
        "ends": ends,
        "goal": goal,
        **result.summary(),
    }
