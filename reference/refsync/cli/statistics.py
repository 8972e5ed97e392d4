"""The totals at the end.

Clauses OUT-8, OUT-9; upstream ``main.c:output_summary``.
"""

from __future__ import annotations

from ..engine.numbers import human, human_float
from ..engine.report import Reporter
from ..engine.session import Session


def print_summary(session: Session, reporter: Reporter, seconds: int) -> None:
    """What ``--stats`` and ``-v`` print; ``seconds`` is how long the run took. Empty lines are not logged."""
    options, stats = session.options, session.stats
    wanted = options.info["STATS"]
    if not wanted:
        return
    level = options.human_readable
    lines: list[str] = []
    if wanted > 1:
        deletions = session.deletions
        files = [stats.num_files, stats.num_dirs, stats.num_symlinks, stats.num_devices, stats.num_specials]
        created = [
            stats.created_files,
            stats.created_dirs,
            stats.created_symlinks,
            stats.created_devices,
            stats.created_specials,
        ]
        deleted = [deletions.total, deletions.dirs, deletions.symlinks, deletions.devices, deletions.specials]
        lines += ["", f"Number of files: {_kinds(files)}"]
        if session.dialect.iflags:
            lines.append(f"Number of created files: {_kinds(created)}")
        if session.dialect.delete_stats:
            lines.append(f"Number of deleted files: {_kinds(deleted)}")
        lines += [
            f"Number of regular files transferred: {stats.num_transferred_files:,}",
            f"Total file size: {human(stats.total_size, level)} bytes",
            f"Total transferred file size: {human(stats.total_transferred_size, level)} bytes",
            f"Literal data: {human(stats.literal_data, level)} bytes",
            f"Matched data: {human(stats.matched_data, level)} bytes",
            f"File list size: {human(stats.flist_size, level)}",
        ]
        if stats.flist_buildtime:
            lines += [
                f"File list generation time: {stats.flist_buildtime / 1000:,.3f} seconds",
                f"File list transfer time: {stats.flist_xfertime / 1000:,.3f} seconds",
            ]
        lines += [
            f"Total bytes sent: {human(stats.total_written, level)}",
            f"Total bytes received: {human(stats.total_read, level)}",
        ]
    moved = stats.total_written + stats.total_read
    rate = human_float(moved / (0.5 + seconds), 2, level)
    sent, received = human(stats.total_written, level), human(stats.total_read, level)
    speedup = human_float(stats.total_size / moved if moved else 0.0, 2, min(level, 1))
    mark = (
        " (BATCH ONLY)"
        if options.only_write_batch
        else " (DRY RUN)"
        if options.dry_run and not options.only_lists
        else ""
    )
    lines += [
        "",
        f"sent {sent} bytes  received {received} bytes  {rate} bytes/sec",
        f"total size is {human(stats.total_size, level)}  speedup is {speedup}{mark}",
    ]
    for line in lines:
        (reporter.info if line else reporter.client)(f"{line}\n".encode())


def _kinds(counts: list[int]) -> str:
    """The total, and in brackets its parts: all but the four named kinds are regular files."""
    total = counts[0]
    if not total:
        return "0"
    parts = [total - sum(counts[1:]), *counts[1:]]
    named = [
        f"{name}: {count:,}"
        for name, count in zip(("reg", "dir", "link", "dev", "special"), parts, strict=True)
        if count
    ]
    return f"{total:,} ({', '.join(named)})"
