"""``python -m refsync_conformance.differential``: see ``ci/differential``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from refsync_conformance.peers.registry import REQUIRED, resolve

from . import commands
from .run import Bench, Difference, known_differences


def main() -> int:
    """Exit 0 if all differences are known, 1 if not."""
    parser = argparse.ArgumentParser(prog="ci/differential", description=__doc__)
    parser.add_argument("--mode", choices=("local", "push", "pull"), action="append")
    parser.add_argument("--pairs", action="store_true", help="pairs of options of one group too")
    parser.add_argument("--no-singles", action="store_true", help="leave out the options alone")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="N command lines at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--against", default=REQUIRED, help="the control (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the differences to a file")
    chosen = parser.parse_args()
    lines = [] if chosen.no_singles else list(commands.singles())
    if chosen.pairs:
        lines += commands.pairs()
    lines += commands.at_random(chosen.random, chosen.seed)
    subject, control = resolve("refsync").path, resolve(chosen.against).path
    found: list[Difference] = []
    for mode in chosen.mode or ["local"]:
        with Bench(subject, control, mode) as bench:
            for number, one in enumerate(bench.differences(lines, known_differences()), 1):
                if one is not None:
                    found.append(one)
                    _show(one)
                if number % 100 == 0:
                    print(f"  {mode}: {number} of {len(lines)}", file=sys.stderr)
    unknown = [one for one in found if not one.reason]
    runs = len(lines) * len(chosen.mode or ["local"])
    print(f"{runs} command lines, {len(found)} differ, {len(unknown)} of them without a reason")
    if chosen.json:
        report = {
            "lines": runs,
            "seed": chosen.seed,
            "differences": [dataclasses.asdict(one) for one in found],
        }
        chosen.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if unknown else 0


def _show(one: Difference) -> None:
    print(f"{'known' if one.reason else 'DIFFERS'}  {one.mode}  {' '.join(one.arguments)}")
    for part, texts in one.parts.items():
        for text in texts if not one.reason else []:
            print(f"    {part}: {text}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
