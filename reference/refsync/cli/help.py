"""``--help`` and ``--version``.

Clause OPT-10; upstream ``usage.c``.
"""

from __future__ import annotations

from .. import __version__, native
from ..delta.checksums import LENGTHS
from ..options.table import shown
from ..wire import compression
from ..wire.dialect import MAX_PROTOCOL, MIN_PROTOCOL


def print_help() -> None:
    print(f"refsync {__version__}  protocol versions {MIN_PROTOCOL} to {MAX_PROTOCOL}\n")
    print("Usage: refsync [OPTION]... SRC [SRC]... DEST")
    print(
        "  SRC or DEST may be  PATH,  [USER@]HOST:PATH,  HOST::MODULE/PATH,  rsync://HOST[:PORT]/MODULE/PATH"
    )
    print("  with one argument the files are listed\n\nOptions")
    for option in shown():
        short = f"-{option.short}, " if option.short and option.short != option.name else ""
        name = f"-{option.name}" if len(option.name) == 1 else f"--{option.name}"
        left = short + name + (f"={option.argument}" if option.argument else "")
        print(f"{left:<28} {option.help}")


def print_version(times: int) -> None:
    """Once: for a person; twice: JSON."""
    if times > 1:
        import json

        facts = {
            "program": "refsync",
            "version": __version__,
            "protocol": f"{MAX_PROTOCOL}.0",
            "protocols": list(range(MIN_PROTOCOL, MAX_PROTOCOL + 1)),
            "checksum_list": list(LENGTHS),
            "compress_list": list(compression.available()),
            "native": native.HAVE_KERNEL,
        }
        print(json.dumps(facts, indent=2))
        return
    print(f"refsync  version {__version__}  protocol version {MAX_PROTOCOL}")
    print(f"Protocols: {MIN_PROTOCOL} to {MAX_PROTOCOL}")
    print(f"Checksums: {' '.join(LENGTHS)}")
    print(f"Compression: {' '.join(compression.available())}")
    for name, package in compression.missing().items():
        print(f"  without {name}: the package {package} is not installed")
    print(f"Data path: POSIX calls; {native.describe()}")
    print("Free software under the GNU General Public License, version 3 or later; there is no warranty.")
