"""PAIR: options in combination, so that any two choices of two groups meet in one case at least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from refsync_conformance.model import PROTOCOLS, Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import EPOCH_NS, SECOND, Noise, Tree, file, folder, hardlink, symlink
from refsync_conformance.trial import Trial

#: Names of values and the options that they stand for. New groups and values go to the end.
OPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "deletion": {
        "keep": (),
        "delete": ("--delete",),
        "before": ("--delete-before",),
        "delay": ("--delete-delay",),
        "after, excluded": ("--delete-after", "--delete-excluded"),
    },
    "choice": {
        "quick": (),
        "checksum": ("-c",),
        "update": ("-u",),
        "size only": ("--size-only",),
        "ignore times": ("-I",),
    },
    "writing": {
        "plain": (),
        "inplace": ("--inplace",),
        "partial": ("--partial-dir=.part",),
        "delayed": ("--delay-updates",),
        "backup": ("--backup", "--suffix=.old"),
        "sparse": ("--sparse",),
    },
    "delta": {
        "matched": ("--no-whole-file",),
        "whole": ("--whole-file",),
        "small blocks": ("--no-whole-file", "--block-size=512"),
    },
    "compression": {"none": (), "zlib": ("--compress",), "level 9": ("-z", "--compress-level=9")},
    "attributes": {
        "-a": ("-a",),
        "-rlt": ("-rlt",),
        "-aH": ("-aH",),
        "-rlptD": ("-rlptD", "--omit-dir-times"),
    },
    "filter": {
        "all": (),
        "exclude": ("--exclude=*.o",),
        "include": ("--include=keep.o", "--exclude=*.o"),
        "size": ("--max-size=40000",),
        "prune": ("--exclude=*.c", "--prune-empty-dirs"),
    },
    "recursion": {"incremental": (), "whole": ("--no-inc-recursive",)},
}
GROUPS = {group: tuple(values) for group, values in OPTIONS.items()}

_BIG = Noise(41, 90_000)
SOURCE: Tree = (
    file("a.c", b"int a;\n", mode=0o640),
    file("a.o", b"\x7fELF" * 40),
    file("keep.o", b"keep\n"),
    file("big", _BIG, mode=0o755),
    file("holes", b"begin" + bytes(50_000) + b"end"),
    file("same", b"same\n" * 900),
    file("hidden", b"1234"),
    file("older", b"source\n", mtime_ns=EPOCH_NS - 500 * SECOND),
    file("sub/one", b"one\n", mode=0o600),
    file("sub/deep/two.c", b"two\n"),
    file("only/x.c", b"x\n"),
    symlink("link", "sub/one"),
    folder("void"),
    hardlink("twin", "same"),
)
#: What is there before: older, newer, of the same size and time, to be deleted, and protected from it.
THERE: Tree = (
    file("a.c", b"int b;\n", mode=0o600, mtime_ns=EPOCH_NS - 100 * SECOND),
    file("big", Noise(41, 70_000), mtime_ns=EPOCH_NS - 100 * SECOND),
    file("hidden", b"4321"),
    file("older", b"destination\n"),
    file("gone", b"gone\n"),
    file("gone.o", b"gone\n"),
    file("sub/gone/deeper", b"gone\n"),
    file("link", b"a file is in the way\n"),
)


def combined(t: Trial, row: Mapping[str, str]) -> None:
    """Run twice, and hold what is said and what is left to the control's."""
    options = [word for group, value in row.items() for word in OPTIONS[group][value]]
    t.build(SOURCE)
    t.build(THERE, "dst")
    before = t.snapshot("src")
    t.items(t.sync("-i", *options))
    t.items(t.sync("-i", *options), "itemised lines of the second run")
    t.untouched(before, "src")
    if "-aH" in row.values():
        t.observe("names that are one file", _groups(t))


def _groups(t: Trial) -> list[list[str]]:
    """The names at the destination that are one file, by file."""
    found: dict[Any, list[str]] = {}
    for name, facts in t.snapshot().items():
        if facts.kind == "file" and facts.group:
            found.setdefault(facts.group, []).append(repr(name))
    return sorted(sorted(names) for names in found.values() if len(names) > 1)


#: One row a case, in the order of the groups; the number of a case is that of its row, so rows only come to
#: the end. ``covering.extend`` makes them, and a test holds them to it.
ROWS: tuple[tuple[str, ...], ...] = (
    ("keep", "quick", "plain", "matched", "none", "-a", "all", "incremental"),
    ("delete", "checksum", "inplace", "whole", "zlib", "-a", "exclude", "whole"),
    ("before", "update", "partial", "small blocks", "level 9", "-a", "include", "incremental"),
    ("delay", "size only", "delayed", "matched", "zlib", "-a", "prune", "whole"),
    ("after, excluded", "ignore times", "backup", "whole", "none", "-a", "size", "whole"),
    ("delete", "update", "sparse", "small blocks", "zlib", "-aH", "all", "whole"),
    ("before", "size only", "plain", "whole", "level 9", "-aH", "exclude", "incremental"),
    ("keep", "ignore times", "inplace", "matched", "level 9", "-aH", "include", "whole"),
    ("after, excluded", "quick", "partial", "small blocks", "none", "-aH", "prune", "incremental"),
    ("delay", "checksum", "delayed", "small blocks", "level 9", "-aH", "size", "incremental"),
    ("before", "checksum", "backup", "matched", "none", "-rlptD", "all", "incremental"),
    ("keep", "quick", "sparse", "whole", "zlib", "-rlptD", "exclude", "incremental"),
    ("delete", "ignore times", "plain", "small blocks", "zlib", "-rlptD", "include", "whole"),
    ("delay", "update", "inplace", "whole", "none", "-rlptD", "prune", "incremental"),
    ("delete", "size only", "partial", "matched", "level 9", "-rlptD", "size", "whole"),
    ("after, excluded", "size only", "delayed", "whole", "none", "-rlt", "all", "incremental"),
    ("delay", "quick", "backup", "small blocks", "level 9", "-rlt", "exclude", "whole"),
    ("after, excluded", "checksum", "sparse", "matched", "zlib", "-rlt", "include", "incremental"),
    ("keep", "update", "plain", "small blocks", "level 9", "-rlt", "prune", "incremental"),
    ("before", "quick", "inplace", "small blocks", "zlib", "-rlt", "size", "whole"),
    ("keep", "checksum", "partial", "whole", "zlib", "-rlt", "prune", "incremental"),
    ("delay", "checksum", "plain", "matched", "none", "-rlt", "size", "incremental"),
    ("delete", "ignore times", "delayed", "matched", "none", "-rlt", "exclude", "incremental"),
    ("delay", "ignore times", "partial", "matched", "level 9", "-rlptD", "all", "incremental"),
    ("before", "ignore times", "sparse", "matched", "none", "-a", "prune", "incremental"),
    ("keep", "quick", "delayed", "whole", "none", "-rlptD", "include", "incremental"),
    ("keep", "size only", "backup", "small blocks", "zlib", "-aH", "include", "incremental"),
    ("after, excluded", "size only", "inplace", "matched", "level 9", "-rlptD", "exclude", "incremental"),
    ("delay", "size only", "sparse", "matched", "level 9", "-a", "size", "incremental"),
    ("after, excluded", "update", "backup", "matched", "none", "-a", "exclude", "incremental"),
    ("keep", "update", "delayed", "matched", "none", "-a", "size", "incremental"),
    ("after, excluded", "quick", "plain", "matched", "none", "-a", "prune", "incremental"),
    ("before", "quick", "delayed", "matched", "none", "-a", "prune", "incremental"),
    ("delay", "quick", "backup", "matched", "none", "-a", "include", "incremental"),
    ("delete", "quick", "backup", "matched", "none", "-a", "prune", "incremental"),
    ("keep", "quick", "inplace", "matched", "none", "-a", "all", "incremental"),
    ("keep", "quick", "partial", "matched", "none", "-a", "exclude", "incremental"),
)


def _enter() -> None:
    for number, values in enumerate(ROWS, 1):
        row = dict(zip(GROUPS, values, strict=True))

        def run(t: Trial, row: Mapping[str, str] = row) -> None:
            combined(t, row)

        words = [word for group, value in row.items() for word in OPTIONS[group][value]]
        run.__doc__ = (
            f"{combined.__doc__}\n\nChoices: " + ", ".join(f"{one}: {row[one]}" for one in row) + "."
        )
        case(
            f"PAIR-{number:03}",
            clause="OPT-15",
            title=f"Together: {' '.join(words)}",
            breadth=Breadth.NARROW,
            # Empty directories are pruned from protocol 29 on.
            protocols=PROTOCOLS[2:] if row["filter"] == "prune" else PROTOCOLS,
            optional=("hard-links",) if row["attributes"] == "-aH" else (),
        )(run)


_enter()
