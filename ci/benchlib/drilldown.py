"""One stage at a time, so that a change can be put down to what it changed."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from refsync.delta.checksums import Checksums

from .workloads import WORKLOADS


def drilldown(root: Path) -> list[dict[str, object]]:
    """Seconds for each stage, in this process, nothing else running."""
    jobs = {workload.name: workload for workload in WORKLOADS}
    big = jobs["bulk"].source(root) / "big"
    basis = jobs["delta"].source(root) / "big"
    stages: tuple[tuple[str, Callable[[], object]], ...] = (
        ("read only: 1 GiB, whole-file sum", lambda: _read(big)),
        ("write only: 1 GiB from memory", lambda: _write(root)),
        ("sums only: 1 GiB, weak and strong", lambda: _sums(big)),
        ("match only: 1 GiB against 1 % changed", lambda: _match(big, basis)),
        (
            "match only: 256 MiB, nothing in common",
            lambda: _match(
                jobs["nothing-common"].source(root) / "big",
                (jobs["nothing-common"].basis or jobs["bulk"].source)(root) / "big",
            ),
        ),
        ("list only: 100,000 files", lambda: _scan(jobs["nothing"].source(root))),
    )
    rows: list[dict[str, object]] = []
    for title, stage in stages:
        took = []
        for _ in range(3):
            begin = time.perf_counter()
            stage()
            took.append(time.perf_counter() - begin)
        rows.append({"figure": title, "s": round(statistics.median(took), 3)})
    return rows


def _checksums() -> Checksums:
    return Checksums("xxh128", "xxh128", 12345, 32, True, named=True)


def _read(path: Path) -> None:
    from refsync.delta.match import whole_file_ops
    from refsync.delta.source import Source

    fd = os.open(path, os.O_RDONLY)
    for _ in whole_file_ops(Source(fd, os.fstat(fd).st_size), _checksums().new_file()):
        pass
    os.close(fd)


def _write(root: Path) -> None:
    from refsync.files.writer import Writer

    path = root / "written"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    writer, data = Writer(fd), bytes(262144)
    for _ in range(4096):
        writer.write(data)
    writer.finish()
    os.close(fd)
    path.unlink()


def _sums(path: Path) -> bytes:
    from refsync.delta.signature import choose_sums, make_sums

    fd = os.open(path, os.O_RDONLY)
    try:
        return make_sums(fd, choose_sums(os.fstat(fd).st_size, protocol=32, digest_length=16), _checksums())
    finally:
        os.close(fd)


def _match(path: Path, basis: Path) -> None:
    from refsync.delta.search import Search
    from refsync.delta.signature import choose_sums, make_sums
    from refsync.delta.source import Source

    fd = os.open(basis, os.O_RDONLY)
    head = choose_sums(os.fstat(fd).st_size, protocol=32, digest_length=16)
    sums = make_sums(fd, head, _checksums())
    os.close(fd)
    fd = os.open(path, os.O_RDONLY)
    source = Source(fd, os.fstat(fd).st_size)
    for _ in Search(head, sums, _checksums(), source, _checksums().new_file()).ops():
        pass
    os.close(fd)


def _scan(path: Path) -> None:
    from refsync.files.ids import IdNames
    from refsync.files.scan import stat_entry
    from refsync.options.model import Options

    options, ids = Options(), IdNames(True)
    todo = [os.fsencode(path)]
    while todo:
        folder = todo.pop()
        for name in os.listdir(folder):
            entry = stat_entry(folder + b"/" + name, name, options, ids)
            if entry.is_dir:
                todo.append(folder + b"/" + name)
