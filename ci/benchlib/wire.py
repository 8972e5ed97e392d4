"""Entries a second through the file list codec, on one core, beside the previous commit's figure.

Run as ``python -m benchlib.wire`` it measures the ``refsync`` on its path and prints JSON, which is how the
previous commit, in a checkout of its own, is measured by the same code.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENTRIES = 200_000
ROOT = Path(__file__).resolve().parent.parent.parent


def measure() -> dict[str, float]:
    """Entries a second, encoded and decoded, and what the codec keeps of each."""
    from refsync.wire import compat, dialect
    from refsync.wire.cursor import Cursor
    from refsync.wire.entry import FileEntry
    from refsync.wire.flist import Preserve
    from refsync.wire.flist_decode import FlistDecoder
    from refsync.wire.flist_encode import FlistEncoder

    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    flags = compat.VARINT_FLIST_FLAGS | compat.SAFE_FLIST
    speech = dialect.build(32, flags)
    preserve = Preserve(links=True, uid=True, gid=True, devices=True, specials=True, recurse=True)
    entries = []
    for number in range(ENTRIES):
        entry = FileEntry(b"usr/share/dir%03d/file%06d.dat" % (number // 100, number), 0o100644)
        entry.size, entry.mtime, entry.nsec = (
            number * 37 % 100_000,
            1_600_000_000 + number % 5000,
            number * 4973,
        )
        entry.uid, entry.gid = 1000, 1000
        entries.append(entry)
    encode_best = decode_best = 0.0
    for _ in range(3):
        encoder = FlistEncoder(speech, preserve)
        start = time.process_time()
        pieces = [encoder.encode(entry, number, 0) for number, entry in enumerate(entries)]
        encode_best = max(encode_best, ENTRIES / (time.process_time() - start))
        cursor, decoder = Cursor(b"".join(pieces)), FlistDecoder(speech, preserve)
        none: list[FileEntry] = []
        start = time.process_time()
        for _ in range(ENTRIES):
            decoder.decode(cursor, none, 0)
        decode_best = max(decode_best, ENTRIES / (time.process_time() - start))
    return {
        "encode": encode_best,
        "decode": decode_best,
        "bytes_per_entry": len(cursor.data) / ENTRIES,
        **_growth(),
    }


def _growth() -> dict[str, float]:
    """What the codec itself holds on to after many entries: its state, not the entries."""
    import tracemalloc

    from refsync.wire import dialect
    from refsync.wire.cursor import Cursor
    from refsync.wire.entry import FileEntry
    from refsync.wire.flist import Preserve
    from refsync.wire.flist_decode import FlistDecoder
    from refsync.wire.flist_encode import FlistEncoder

    speech, preserve = dialect.build(31), Preserve(uid=True, gid=True)
    encoder, decoder = FlistEncoder(speech, preserve), FlistDecoder(speech, preserve)

    def pass_through(count: int) -> None:
        for number in range(count):
            entry = FileEntry(b"dir/file%07d" % number, 0o100644, number, number)
            decoder.decode(Cursor(encoder.encode(entry, number, 0)), [], 0)

    pass_through(2000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    pass_through(20_000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {"held_bytes_per_entry": grown / 20_000}


def _measured_at(source: Path, python: str, kernel: Path | None) -> dict[str, float]:
    paths = [str(source / "reference"), str(ROOT / "ci")]
    if kernel is not None:
        shutil.copy(kernel, source / "reference" / "refsync")
    code = (
        "import sys, json; sys.path[:0] = "
        + repr(paths)
        + "\nimport refsync; assert refsync.__file__.startswith("
        + repr(str(source))
        + ")\nfrom benchlib import wire; print(json.dumps(wire.measure()))"
    )
    shown = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=source)
    return {str(name): float(value) for name, value in json.loads(shown.stdout).items()}


def _previous() -> str:
    """The commit to compare with: the last one if the tree is changed, else the one before it."""
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "reference"], cwd=ROOT, check=False)
    return "HEAD" if changed.returncode else "HEAD^"


def compare(commit: str | None = None) -> list[dict[str, object]]:
    """This tree and an earlier commit, each in a process of its own, in turn; one row a figure."""
    commit = commit or _previous()
    with tempfile.TemporaryDirectory(prefix="refsync-wire-") as work:
        archive = subprocess.run(
            ["git", "archive", commit, "reference"], cwd=ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", work], input=archive.stdout, check=True)
        runs = [
            (_measured_at(ROOT, sys.executable, None), _measured_at(Path(work), sys.executable, None))
            for _ in range(2)
        ]
    rows: list[dict[str, object]] = []
    for name in ("encode", "decode"):
        now, then = max(run[0][name] for run in runs), max(run[1][name] for run in runs)
        rows.append(
            {
                "figure": f"{name}, entries a second",
                "now": round(now),
                "before": round(then),
                "commit": commit,
            }
        )
    for name, title in (
        ("bytes_per_entry", "bytes an entry on the wire"),
        ("held_bytes_per_entry", "bytes an entry that the codec keeps"),
    ):
        rows.append(
            {
                "figure": title,
                "now": round(runs[0][0][name], 2),
                "before": round(runs[0][1][name], 2),
                "commit": commit,
            }
        )
    return rows


def table(rows: list[dict[str, object]]) -> str:
    lines = [f"| File list codec, {ENTRIES:,} entries | Now | {rows[0]['commit']} |", "| --- | ---: | ---: |"]
    lines += [f"| {row['figure']} | {row['now']:,} | {row['before']:,} |" for row in rows]
    return "\n".join(lines)
