"""What surrounds the comparison: starting times, the limits of the machine, where time goes."""

from __future__ import annotations

import os
import pstats
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from . import programs
from .measure import run
from .workloads import WORKLOADS, Destinations


def start(runs: int = 15) -> list[dict[str, object]]:
    """Milliseconds, as medians: bare Python, `--version`, and a server's first byte."""
    ours, theirs = programs.refsync(), programs.upstream()
    rows: list[dict[str, object]] = []
    for title, command in (
        ("bare Python", [sys.executable, "-I", "-S", "-c", "pass"]),
        ("refsync --version", [ours, "--version"]),
        ("upstream --version", [theirs, "--version"]),
    ):
        rows.append({"figure": title, "ms": _median(partial(_wall, command), runs)})
    for title, program in (("refsync, server's first byte", ours), ("upstream, server's first byte", theirs)):
        rows.append({"figure": title, "ms": _median(partial(_first_byte, program), runs)})
    return rows


def _wall(command: list[str]) -> float:
    return run(command).wall


def _median(take: Callable[[], float], runs: int) -> float:
    take()
    return round(1000 * statistics.median(take() for _ in range(runs)), 1)


def _first_byte(program: str) -> float:
    begin = time.perf_counter()
    with subprocess.Popen(
        [program, "--server", "-e.LsfxCIvu", ".", "/tmp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        taken = time.perf_counter() - begin
        process.kill()
    return taken


def baselines(root: Path) -> list[dict[str, object]]:
    """The physical limit: cp of the large file and of the small ones, dd, and bytes over loopback."""
    jobs = {workload.name: workload for workload in WORKLOADS}
    big, small = jobs["bulk"].source(root) / "big", jobs["small"].source(root)
    place = Destinations(root, keep=False)
    rows: list[dict[str, object]] = []
    for title, words in (
        ("cp, 1 GiB", ["cp", str(big), "{}/big"]),
        ("dd, 1 GiB in pieces of 256 KiB", ["dd", f"if={big}", "of={}/big", "bs=256K"]),
        ("cp -a, 20,000 files", ["cp", "-a", str(small), "{}/small"]),
    ):
        took = []
        for _ in range(4):
            to = place.fresh(None)
            took.append(run([word.replace("{}", str(to)) for word in words]).wall)
            place.done(to)
        rows.append({"figure": title, "s": round(statistics.median(took[1:]), 3)})
    rows.append({"figure": "1 GiB through a loopback socket, nothing kept", "s": round(_loopback(big), 3)})
    place.clear()
    return rows


def _loopback(path: Path) -> float:
    import socket

    took = []
    for _ in range(4):
        listener = socket.create_server(("127.0.0.1", 0))
        pid = os.fork()
        if not pid:
            with socket.create_connection(listener.getsockname()) as out, path.open("rb") as data:
                while piece := data.read(262144):
                    out.sendall(piece)
            os._exit(0)
        taken, _ = listener.accept()
        room = bytearray(262144)
        begin = time.perf_counter()
        while taken.recv_into(room):
            pass
        took.append(time.perf_counter() - begin)
        taken.close()
        listener.close()
        os.waitpid(pid, 0)
    return statistics.median(took[1:])


def profile(name: str, root: Path, lines: int = 25) -> None:
    """The hot functions of either side of a local transfer, to standard output."""
    workload = next(workload for workload in WORKLOADS if workload.name == name)
    source = workload.source(root)
    basis = workload.basis(root) if workload.basis else None
    place = Destinations(root, keep=False)
    out = root / "profile"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    script = (
        "import cProfile, os, sys\nfrom refsync.cli import main\n"
        "profile = cProfile.Profile()\n"
        "def end(code):\n    profile.disable()\n"
        f"    profile.dump_stats({str(out)!r} + '/' + str(os.getpid()))\n    leave(code)\n"
        "leave, os._exit = os._exit, end\nprofile.enable()\nend(main.main(sys.argv[1:]))\n"
    )
    dest = place.fresh(basis)
    subprocess.run([sys.executable, "-c", script, *workload.options, f"{source}/", f"{dest}/"], check=True)
    for side in sorted(out.iterdir()):
        print(f"== process {side.name}")
        pstats.Stats(str(side)).sort_stats(pstats.SortKey.TIME).print_stats(lines)
    place.clear()
