"""Where a process of the command begins and ends.

What must be so before the rest is imported: a signal ends the run as it does
later (END-13), and the imports, which make hardly any garbage, are not
searched for it again and again.
"""

from __future__ import annotations

import gc
import os

from ..files.interrupt import Interrupted, install
from ..typed import NoReturn

#: Objects made between two searches for cycles. Few things here are in cycles, and a file list is long.
_GARBAGE_AFTER = 50_000


def run() -> NoReturn:
    """Run the command with the arguments of this process, and leave it with the exit code.

    Everything has been closed and said by then, so that there is nothing left
    for the interpreter to take down piece by piece.
    """
    gc.set_threshold(_GARBAGE_AFTER)
    install()
    try:
        from .main import main

        code = main()
    except Interrupted as stop:
        code = stop.code
    os._exit(code)


if __name__ == "__main__":
    run()
