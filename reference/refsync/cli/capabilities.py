"""What this program can do, as ``--version`` tells it: each answer comes from the code that does it.

Clause OPT-10; upstream ``usage.c:print_info_flags``, ``print_rsync_version``.
"""

from __future__ import annotations

import json
import os
import socket
import textwrap
from collections.abc import Iterator

from .. import __version__, native
from ..files import landlock
from ..files.beneath import have_openat2
from ..options.table import by_name
from ..uring import choice
from ..wire import compression
from ..wire.dialect import MAX_PROTOCOL
from ..wire.negotiation import CHECKSUM_NAMES, DIGEST_NAMES

PROGRAM = "refsync"
COPYRIGHT = "(C) 2026 by the refsync contributors."
URL = "https://rsync.samba.org/"
LICENCE = "GPLv3"
CAVEAT = f"{PROGRAM} comes with ABSOLUTELY NO WARRANTY"

#: A fact: true or false, a number of bits, or a word.
Facts = dict[str, "bool | int | str"]


def capabilities() -> Facts:
    """By upstream's names for ``--version``, in its order."""
    options = by_name()

    def has(name: str) -> bool:
        return not options[name].refused

    links = os.link in os.supports_follow_symlinks
    return {
        "file bits": 64,
        "inum bits": 64,
        "timestamp bits": 64,
        "long int bits": 64,
        "socketpairs": hasattr(socket, "socketpair"),
        "symlinks": has("links"),
        "symtimes": os.utime in os.supports_follow_symlinks,
        "hardlinks": has("hard-links"),
        "hardlink-specials": has("hard-links") and links,
        "hardlink-symlinks": has("hard-links") and links,
        "IPv6": socket.has_ipv6,
        "atimes": has("atimes"),
        "batchfiles": has("write-batch") and has("read-batch"),
        "inplace": has("inplace"),
        "append": has("append"),
        "ACLs": has("acls"),
        "xattrs": has("xattrs"),
        "secluded-args": "optional",
        "iconv": has("iconv"),
        "prealloc": has("preallocate"),
        "stop-at": has("stop-at"),
        "crtimes": has("crtimes"),
    }


def optimizations() -> Facts:
    """Upstream's, of which this program has another kind, and its own."""
    return {
        "SIMD-roll": False,
        "asm-roll": False,
        "openssl-crypto": True,  # hashlib's
        "asm-MD5": False,
        "native-kernel": native.HAVE_KERNEL,
        "io_uring": bool(choice.offers()[1]),
        "openat2": have_openat2(),
        "Landlock": landlock.available(),
    }


def algorithms() -> dict[str, tuple[str, ...]]:
    """Names in the order in which they are offered."""
    return {
        "Checksum list": CHECKSUM_NAMES,
        "Compress list": compression.available(),
        "Daemon auth list": DIGEST_NAMES,
    }


def as_text() -> Iterator[str]:
    """``--version``, ``-V``."""
    yield f"{PROGRAM}  version {__version__}  protocol version {MAX_PROTOCOL}"
    yield f"Copyright {COPYRIGHT}"
    yield f"Web site: {URL}"
    for title, facts in (("Capabilities", capabilities()), ("Optimizations", optimizations())):
        yield f"{title}:"
        items = ", ".join(_phrase(name, value) for name, value in facts.items())
        yield from _wrapped(items)
    for title, names in algorithms().items():
        yield f"{title}:"
        yield "    " + " ".join(name + (" (xxhash)" if name == "xxh64" else "") for name in names)
    yield "Data path:"
    yield from _wrapped(native.describe())
    state, opcodes = choice.offers()
    yield from _wrapped(f"io_uring: {state}")
    yield from _wrapped(", ".join(opcodes)) if opcodes else ()
    yield ""
    yield from textwrap.wrap(
        f"{CAVEAT}.  This is free software, and you are welcome to redistribute it under certain"
        " conditions.  See the GNU General Public Licence for details.",
        width=72,
    )


def as_json() -> str:
    """``-VV``: the keys are those that scripts look for in upstream's."""

    def keyed(facts: Facts) -> Facts:
        return {name.replace("-", "_").replace(" ", "_"): value for name, value in facts.items()}

    state, opcodes = choice.offers()
    facts = {
        "program": PROGRAM,
        "version": __version__,
        "protocol": f"{MAX_PROTOCOL}.0",
        "copyright": COPYRIGHT,
        "url": URL,
        "capabilities": keyed(capabilities()),
        "optimizations": keyed(optimizations()),
        **{title.lower().replace(" ", "_"): list(names) for title, names in algorithms().items()},
        "data_path": {"native": native.describe(), "io_uring": state, "opcodes": list(opcodes)},
        "license": LICENCE,
        "caveat": CAVEAT,
    }
    return json.dumps(facts, indent=2)


def _phrase(name: str, value: bool | int | str) -> str:
    if name.endswith(" bits"):
        return f"{value}-bit {name.removesuffix(' bits')}s"
    if isinstance(value, str):
        return f"{value} {name}"
    return name if value else f"no {name}"


def _wrapped(items: str) -> Iterator[str]:
    """Lines of less than 80 characters, indented; a fact stays on one line."""
    line = ""
    for item in items.split(", "):
        if line and len(line) + len(item) + 2 >= 74:
            yield f"    {line},"
            line = ""
        line += f", {item}" if line else item
    yield f"    {line}"
