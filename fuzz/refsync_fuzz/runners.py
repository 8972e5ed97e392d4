"""Runs a target on new inputs: coverage-guided in a process of its own, by plain mutation, by Hypothesis.

Each returns the paths of the inputs that broke the oracle.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import corpus, triage
from .mutate import Mutator
from .target import Target

STUBS = Path(__file__).resolve().parent / "stubs"


@dataclass(slots=True)
class RunReport:
    """What a run did: inputs executed, a second, and the files it kept of what broke the oracle."""

    engine: str
    executions: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    findings: list[Path] = field(default_factory=list)
    log: str = ""

    @property
    def rate(self) -> float:
        """Executions a second."""
        return self.executions / self.seconds if self.seconds else 0.0

    @property
    def cpu_rate(self) -> float:
        """Executions a second of processor time, which other load on the machine does not change."""
        return self.executions / self.cpu_seconds if self.cpu_seconds else 0.0


def have_atheris() -> bool:
    """True if the coverage-guided engine can be imported."""
    return importlib.util.find_spec("atheris") is not None


def stub_text(name: str) -> str:
    """The executable of a target, as a program."""
    return f'''#!/usr/bin/env python3
"""libFuzzer's executable for the target ``{name}``."""

from refsync_fuzz.harness import main

main("{name}")
'''


def write_stub(name: str) -> bool:
    """Write the executable of a target; False if it was there."""
    path, text = STUBS / f"{name}.py", stub_text(name)
    if path.is_file() and path.read_text() == text and os.access(path, os.X_OK):
        return False
    path.write_text(text)
    path.chmod(0o755)
    return True


def stub(name: str) -> Path:
    """The executable of a target. libFuzzer starts it again by its own path, so it must be one."""
    path = STUBS / f"{name}.py"
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not an executable file: coverage-guided runs need a checkout")
    return path


def environment() -> dict[str, str]:
    """For a stub: its ``#!`` line finds this Python, and that finds these packages."""
    packages = [path for path in sys.path if path]
    return {
        **os.environ,
        "PATH": os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath))),
        "PYTHONPATH": os.pathsep.join(packages),
    }


def run_atheris(target: Target, *, seconds: int, runs: int, jobs: int = 1, seed: int = 0) -> RunReport:
    """Coverage-guided. New inputs go to the work directory, which the next run begins with."""
    work = corpus.work_root() / target.name
    found = work / "corpus"
    artifacts = work / "findings"
    found.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    before = set(artifacts.iterdir())
    command = [
        str(stub(target.name)),
        f"-artifact_prefix={artifacts}/",
        f"-max_len={target.surface.max_length}",
        f"-timeout={int(triage.TIME_LIMIT)}",
        f"-report_slow_units={int(triage.TIME_LIMIT)}",  # sooner, a busy machine makes findings of any input
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    if seconds:
        command.append(f"-max_total_time={seconds}")
    if runs:
        command.append(f"-runs={runs}")
    if seed:
        command.append(f"-seed={seed}")
    if target.surface.dictionary:
        command.append(f"-dict={corpus.dictionary_path(target.name)}")
    command.append(str(found))
    command += [str(path) for kind in corpus.KINDS if (path := corpus.directory(target.name, kind)).is_dir()]
    start = time.monotonic()
    logs: list[str] = []
    processes = [
        subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(max(1, jobs))
    ]
    failed = False
    for process in processes:
        output, _ = process.communicate()
        logs.append(output.decode(errors="replace"))
        failed |= process.returncode != 0
    report = RunReport("atheris", seconds=time.monotonic() - start, log="\n".join(logs))
    report.executions = sum(int(n) for n in re.findall(r"number_of_executed_units: (\d+)", report.log))
    report.findings = sorted(set(artifacts.iterdir()) - before)
    if failed and not report.findings:
        raise RuntimeError(f"the fuzzer of {target.name} ended badly:\n{report.log[-4000:]}")
    return report


def run_plain(target: Target, *, seconds: int, runs: int, seed: int = 0) -> RunReport:
    """Mutation of the corpus without guidance, in this process; stops at the first finding."""
    inputs = [data for _, data in corpus.inputs(target.name)]
    words = list(target.surface.dictionary.values())
    mutator = Mutator(inputs, words, target.surface.max_length, seed, target.surface.shape)
    report = RunReport("plain")
    start, cpu = time.monotonic(), time.process_time()
    while (not runs or report.executions < runs) and (not seconds or time.monotonic() - start < seconds):
        data = mutator.next()
        report.executions += 1
        found = triage.run(target, data)
        if found is not None:
            report.log = found.trace
            report.findings.append(keep(target, data))
            break
    report.seconds, report.cpu_seconds = time.monotonic() - start, time.process_time() - cpu
    return report


def run_hypothesis(target: Target, *, runs: int) -> RunReport:
    """Hypothesis chooses and shrinks the inputs."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    report = RunReport("hypothesis")
    last: list[bytes] = []

    @settings(
        max_examples=runs or 1000,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(max_size=min(target.surface.max_length, 4096)))
    def hold(data: bytes) -> None:
        report.executions += 1
        last[:] = [data]
        target.fuzz_one(data)

    start = time.monotonic()
    try:
        hold()
    except Exception:  # whatever it is, it is a finding
        found = triage.run(target, last[0])
        report.log = found.trace if found else "only once; not again"
        report.findings.append(keep(target, last[0]))
    report.seconds = time.monotonic() - start
    return report


def keep(target: Target, data: bytes) -> Path:
    """Write an input that broke the oracle where the coverage-guided runs leave theirs."""
    place = corpus.work_root() / target.name / "findings"
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"crash-{corpus.content_name(data)}"
    path.write_bytes(data)
    return path
