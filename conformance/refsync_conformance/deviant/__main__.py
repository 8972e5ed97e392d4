"""``python -m refsync_conformance.deviant NAME ARGUMENT...``: refsync with one deviation."""

from __future__ import annotations

import os
import sys

# The deviations are made in Python: a fast path in C would go round them.
os.environ["REFSYNC_NATIVE"] = "off"

from refsync.cli.main import main

from .table import load

if __name__ == "__main__":
    load()[sys.argv[1]].apply()
    sys.exit(main(sys.argv[2:]))
