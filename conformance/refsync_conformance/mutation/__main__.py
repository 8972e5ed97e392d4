"""``python -m refsync_conformance.mutation``: see ``ci/mutants``.

Exit codes: 0 enough were found, 1 too few, 2 wrong usage, 3 error of the suite.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from refsync_conformance.peers.model import PeerError
from refsync_conformance.peers.registry import REQUIRED
from refsync_conformance.registry import RegistryError

from . import table
from .hunt import Result, hunt_all
from .records import MutantError, load_all

ENOUGH, TOO_FEW, USAGE, SUITE_ERROR = range(4)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code. Of mutants that are named all have to be found."""
    parser = argparse.ArgumentParser(prog="ci/mutants", description=__doc__)
    parser.add_argument("mutants", nargs="*", metavar="NAME", help="names or globs; all if none is given")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="mutants at a time"
    )
    parser.add_argument(
        "--share", type=float, default=95.0, metavar="P", help="per cent to find (%(default)s)"
    )
    chosen = parser.parse_args(argv)
    try:
        mutants = load_all(chosen.mutants)
        results = hunt_all(mutants, control=REQUIRED, jobs=chosen.jobs, report=_show)
    except (LookupError, MutantError) as error:
        return _complain(str(error.args[0]), USAGE)
    except (PeerError, RegistryError) as error:
        return _complain(str(error), SUITE_ERROR)
    found = sum(result.cell is not None for result in results)
    print(f"{len(results)} mutants, {found} found")
    if chosen.out is not None:
        chosen.out.write_text(table.table(results), encoding="utf-8")
    wanted = 100.0 if chosen.mutants else chosen.share
    return ENOUGH if 100.0 * found >= wanted * len(results) else TOO_FEW


def _show(result: Result) -> None:
    where = f"found by {result.cell}" if result.cell else "MISSED"
    print(f"{result.mutant.name}: {where}; {result.cells} cells, {result.seconds:.0f} s", flush=True)
    if result.cell is None:
        for cell in result.elsewhere:
            print(f"    failed, but does not judge {result.mutant.clause}: {cell}", flush=True)


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"ci/mutants: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
