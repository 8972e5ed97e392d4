"""``python -m refsync_conformance``."""

from __future__ import annotations

import sys

from refsync_conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
