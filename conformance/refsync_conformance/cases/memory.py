"""MEM: how much may be held at once."""

from __future__ import annotations

from typing import Any

from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import Noise, file
from refsync_conformance.trial import Trial

NEEDS: dict[str, Any] = {"optional": ("--max-alloc",)}
#: Blocks of ten bytes: so many that a table of them takes more than a MiB, of which a block has 24 bytes.
TINY = ("--no-whole-file", "--block-size=10")


def refused(t: Trial, *options: str, env: dict[str, str] | None = None) -> None:
    """Below protocol 31 a client may hear no more of the server than that it is gone. Later it hears why, but
    one that is just writing may notice first that nobody reads and end with 10 or 12: upstream does, by luck.
    """
    told = t.protocol > 30 and not t.remote_is_source
    run = t.sync("-a", *TINY, *options, expect=22 if told else (10, 12, 22), env=env)
    if t.protocol > 30:
        t.matches("standard error", r"\[sender\] exceeded --max-alloc=1048576 setting", run.stderr)


def many_blocks(t: Trial) -> None:
    t.build([file("f", Noise(5, 600_000))])
    t.build([file("f", Noise(5, 599_000), mtime_ns=10**18)], "dst")


@case("MEM-001", clause="OPT-16", title="A table of blocks beyond --max-alloc: exit 22", **NEEDS)
def sums(t: Trial) -> None:
    """It is the sender that holds it."""
    many_blocks(t)
    refused(t, "--max-alloc=1M")
    t.sync("-a", *TINY, "--max-alloc=0")
    t.same_tree()


@case("MEM-002", clause="OPT-16", title="RSYNC_MAX_ALLOC is the limit if no option is given", **NEEDS)
def environment(t: Trial) -> None:
    """The client has it, and tells its server."""
    many_blocks(t)
    limited = {"RSYNC_MAX_ALLOC": "1M"}
    refused(t, env=limited)
    t.sync("-a", *TINY, "--max-alloc=2G", env=limited)
    t.same_tree()


@case(
    "MEM-003",
    clause="OPT-16",
    title="Less than a MiB is refused: exit 1",
    transports=("local",),
    breadth=Breadth.NARROW,
    **NEEDS,
)
def too_small(t: Trial) -> None:
    t.build([file("f", b"1")])
    run = t.sync("-a", "--max-alloc=1000K", expect=1)
    t.matches(
        "standard error", r"--max-alloc=1000K is too small \(min: 1.00M or 0 for unlimited\)", run.stderr
    )
    run = t.sync("-a", "--max-alloc=much", expect=1)
    t.matches("standard error", r"--max-alloc=much is invalid", run.stderr)
