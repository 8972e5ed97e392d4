"""Figures as JSON, as a table and as a chart, and the machine that they were taken on."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from . import programs

Row = Mapping[str, object]


def machine() -> dict[str, str]:
    """What a figure means nothing without."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    from refsync.uring.choice import offers

    native = "unknown"
    try:
        from refsync import native as kernel

        native = kernel.describe()
    except ImportError:
        pass
    return {
        "date": datetime.date.today().isoformat(),
        "kernel": platform.release(),
        "cpu": f"{os.cpu_count()} x {model}",
        "python": platform.python_version(),
        "refsync": f"{programs.version(programs.refsync())} ({native})",
        "upstream": programs.version(programs.upstream()),
        "io_uring": offers()[0],
        "load": f"{os.getloadavg()[0]:.1f} (of a minute; others on the machine slow both programs)",
    }


def merge(old: Sequence[Row], new: Sequence[Row], keys: Sequence[str]) -> list[Row]:
    """New rows take the place of old ones with the same keys."""

    def key(row: Row) -> tuple[object, ...]:
        return tuple(row.get(name) for name in keys)

    rows = {key(row): row for row in old}
    rows.update({key(row): row for row in new})
    return list(rows.values())


def number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)


def table(rows: Sequence[Row]) -> str:
    """The comparison, one line a workload and transport."""
    lines = [
        "| Workload | Over | refsync at | Wall (s) | Upstream | CPU (s) | Upstream "
        "| Peak (MiB) | Upstream | Ratio | Spread | Goal | Met |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |",
    ]
    for row in rows:
        met = "yes" if number(row["ratio"]) <= number(row["goal"]) else "no"
        lines.append(
            f"| {row['title']} | {row['transport']} | {row['ends']} | {number(row['wall']):.3f} | "
            f"{number(row['wall_upstream']):.3f} | {number(row['cpu']):.2f} | "
            f"{number(row['cpu_upstream']):.2f} | "
            f"{number(row['peak_kib']) / 1024:.0f} | {number(row['peak_kib_upstream']) / 1024:.0f} | "
            f"{number(row['ratio']):.2f} | "
            f"{number(row['ratio_low']):.2f} to {number(row['ratio_high']):.2f} | "
            f"{row['goal']} | {met} |"
        )
    return "\n".join(lines)


def chart(rows: Sequence[Row]) -> str:
    """Bars of the ratio; the line is upstream, a tick is the goal."""
    left, width, step = 330, 420, 22
    top = max([1.5, *(min(number(row["ratio"]), 8.0) for row in rows)])
    scale = width / top
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" '
        f'height="{step * len(rows) + 40}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, row in enumerate(rows):
        y, ratio = 24 + place * step, number(row["ratio"])
        shown = min(ratio, top) * scale
        colour = "#2a7f62" if ratio <= number(row["goal"]) else "#4f7cac" if ratio <= 1 else "#b5543c"
        goal = left + min(number(row["goal"]), top) * scale
        label = escape(f"{row['title']} ({row['transport']}, {row['ends']})")
        parts += [
            f'<text x="{left - 6}" y="{y + 11}" text-anchor="end" font-size="10">{label}</text>',
            f'<rect x="{left}" y="{y}" width="{shown:.1f}" height="14" fill="{colour}"/>',
            f'<line x1="{goal:.1f}" x2="{goal:.1f}" y1="{y - 2}" y2="{y + 16}" stroke="black"/>',
            f'<text x="{left + shown + 4:.1f}" y="{y + 11}">{ratio:.2f}</text>',
        ]
    at_one = left + scale
    parts.append(
        f'<line x1="{at_one:.1f}" x2="{at_one:.1f}" y1="16" y2="{24 + step * len(rows)}" stroke="#888"/>'
    )
    parts.append(f'<text x="{at_one:.1f}" y="12" text-anchor="middle">upstream = 1</text></svg>')
    return "\n".join(parts) + "\n"


def write(
    folder: Path, name: str, about: Mapping[str, str], rows: Sequence[Row], keys: Sequence[str]
) -> list[Row]:
    """``name``.json, with rows of earlier runs kept unless this one has them anew."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    old = json.loads(path.read_text())["rows"] if path.exists() else []
    dated = [{**row, "date": about["date"]} for row in rows]
    merged = merge(old, dated, keys)
    path.write_text(json.dumps({"machine": about, "rows": merged}, indent=1) + "\n")
    return merged


def page(about: Mapping[str, str], rows: Sequence[Row]) -> str:
    facts = "\n".join(f"- {name}: {value}" for name, value in about.items())
    return (
        "# Benchmarks\n\nWritten by `ci/bench`: refsync and upstream in turn, medians, the ratio pair by\n"
        "pair (refsync's wall time over upstream's on the same job: below 1 is faster), page cache warm,\n"
        "into fresh names. CPU is that of all processes; peak memory is the sum of their proportional\n"
        "sizes, from a run of its own. *refsync at* tells at which end it is; upstream is at the other.\n\n"
        f"{facts}\n\n{table(rows)}\n\n![Ratios](transfers.svg)\n\n"
        "[What limits the figures](limits.md), and what would help.\n"
    )
