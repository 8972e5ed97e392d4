"""``python -m refsync_conformance.wiretap``: the command ``refsync-tap``."""

from __future__ import annotations

import sys

from .tap import main

sys.exit(main())
