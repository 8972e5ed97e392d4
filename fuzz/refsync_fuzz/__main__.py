"""``python -m refsync_fuzz``."""

import sys

from .cli import main

sys.exit(main())
