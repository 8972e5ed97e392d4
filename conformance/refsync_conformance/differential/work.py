"""The workers: each has a bench of its own, as the user and in the locale that are asked for."""

from __future__ import annotations

import codecs
import multiprocessing
import multiprocessing.context
import os
import signal
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from .filters import FilterBench, Verdict
from .programs import Cold, Program, Warm, readable_copy
from .run import Bench, Difference, discard, scratch
from .state import Task


@dataclass(frozen=True)
class Setting:
    """Who runs what, where: the programs, the user's id (None: who we are), the locale, warm or cold."""

    control: Path
    subject: Path
    user: int | None
    locale: str
    cold: bool

    def environment(self) -> dict[str, str]:
        """The variables of both programs: nothing of ours gets through but the way to programs."""
        return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": self.locale, "TZ": "UTC"}


def differences(
    setting: Setting, batches: Sequence[list[Task]], workers: int
) -> Generator[tuple[Task, Difference | None]]:
    """Each task's result, as they come. A batch is one line in the meetings of one mode."""
    for found in _spread(setting, _compare, list(batches), workers):
        assert isinstance(found, tuple)
        yield found


def verdicts(setting: Setting, seeds: Sequence[tuple[int, int]], workers: int) -> Generator[Verdict]:
    """The verdicts of ``(seed, runs)`` each."""
    for found in _spread(setting, _filter, list(seeds), workers):
        assert isinstance(found, Verdict)
        yield found


def _compare(
    root: Path, control: Program, subject: Program, jobs: Iterator[object], answers: Connection
) -> None:
    bench = Bench(root, control, subject)
    try:
        for batch in jobs:
            assert isinstance(batch, list)
            for task, found in zip(
                batch, bench.compare(batch[0].line, [one.meeting for one in batch]), strict=True
            ):
                answers.send((task, found))
            answers.send(None)
    finally:
        bench.close()


def _filter(
    root: Path, control: Program, subject: Program, jobs: Iterator[object], answers: Connection
) -> None:
    for job in jobs:
        assert isinstance(job, tuple)
        for verdict in FilterBench(root, control, subject, job[0]).verdicts(job[1]):
            answers.send(verdict)
        answers.send(None)


def _spread(setting: Setting, what: object, jobs: list[object], workers: int) -> Generator[object]:
    """Give ``jobs`` to the workers one by one; what they send back, until all are done.

    Raises ``RuntimeError`` if a worker dies. Closing the generator ends the workers.
    """
    context = multiprocessing.get_context("fork")
    pipes: dict[Connection, multiprocessing.context.ForkProcess] = {}
    roots = []
    waiting = iter(jobs)
    try:
        for _ in range(min(workers, max(1, len(jobs)))):
            ours, theirs = context.Pipe()
            roots.append(scratch())
            process = context.Process(
                target=_work, args=(setting, what, roots[-1], theirs, [ours, *pipes]), daemon=True
            )
            process.start()
            theirs.close()
            pipes[ours] = process
            ours.send(next(waiting, None))
        while pipes:
            for ready in wait(list(pipes)):
                assert isinstance(ready, Connection)
                try:
                    found = ready.recv()
                except (EOFError, ConnectionResetError):
                    process = pipes.pop(ready)
                    process.join()
                    if process.exitcode:
                        raise RuntimeError(f"a worker died with code {process.exitcode}") from None
                    continue
                if found is None:
                    ready.send(next(waiting, None))
                else:
                    yield found
    finally:
        for connection, process in pipes.items():
            connection.close()
            process.join(40)
            if process.is_alive():
                process.terminate()
        for root in roots:
            discard(root)


def _work(
    setting: Setting, what: object, root: Path, channel: Connection, others: Sequence[Connection]
) -> None:
    """A worker's process; ``others`` are not its own."""
    for other in others:
        other.close()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    env = setting.environment()
    control = Cold(readable_copy(setting.control, root, setting.user), env)
    subject: Program
    if setting.user is not None:
        os.chown(root, setting.user, setting.user)
    subject = Cold(setting.subject, env) if setting.cold else Warm(root, env, setting.user)
    os.umask(0o022)
    for encoding in ("ascii", "latin-1", "unicode_escape"):  # their modules may be out of the user's reach
        codecs.lookup(encoding)
    if setting.user is not None:
        os.setgroups([])
        os.setresgid(setting.user, setting.user, setting.user)
        os.setresuid(setting.user, setting.user, setting.user)
    try:
        assert callable(what)
        what(root, control, subject, _jobs(channel), channel)
    except (BrokenPipeError, EOFError):
        pass  # nobody wants to know any more
    finally:
        subject.close()


def _jobs(channel: Connection) -> Iterator[object]:
    while (job := channel.recv()) is not None:
        yield job
