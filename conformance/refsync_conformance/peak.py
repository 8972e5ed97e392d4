"""The process between the suite and a peer whose memory is judged.

    peak.py FILE PROGRAM ARGUMENT...    runs the program, and writes what it has held at its peak, in KiB

The kernel counts for a process what the one that started it had held by then: a large run of the suite would
be taken for a wasteful peer. This one is small. It is run as a file and imports next to nothing.
"""

from __future__ import annotations

import os
import sys


def main(words: list[str]) -> int:
    """Run the program in this process's group; ends as it ends."""
    child = os.fork()
    if child == 0:
        try:
            os.execv(words[1], words[1:])
        finally:
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    with open(words[0], "w", encoding="ascii") as stream:
        stream.write(str(usage.ru_maxrss))
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
