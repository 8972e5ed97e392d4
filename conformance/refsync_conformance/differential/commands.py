"""Command lines: each option alone, pairs of one group, and any number at random."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from refsync.options import rows_choosing, rows_saying, rows_updating
from refsync.options.option import Option

#: For an option that takes an argument: arguments worth trying. ``{area}`` is the run's own directory.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "info": ("name2,del", "all", "none", "stats2"),
    "debug": ("del", "none"),
    "stderr": ("all", "errors", "client"),
    "out-format": ("%i|%n|%L|%l|%o", "%f %B %M"),
    "log-format": ("%n",),
    "log-file": ("{area}/log",),
    "log-file-format": ("%o %n",),
    "outbuf": ("N", "L", "B"),
    "protocol": ("29", "30", "31", "32"),
    "timeout": ("60",),
    "filter": ("- *.o", "P extra", "+ /d/"),
    "exclude": ("*.o", "d/", "/same"),
    "include": ("*.o",),
    "exclude-from": ("{area}/patterns",),
    "include-from": ("{area}/patterns",),
    "modify-window": ("1", "-1"),
    "block-size": ("700", "1k"),
    "checksum-choice": ("md5", "xxh64", "none"),
    "cc": ("md4",),
    "checksum-seed": ("7",),
    "max-size": ("10", "1k"),
    "min-size": ("3",),
    "max-delete": ("1", "0"),
    "partial-dir": (".part",),
    "temp-dir": ("{area}/temp",),
    "backup-dir": ("{area}/backups",),
    "suffix": (".old",),
    "chmod": ("Dg+s,ugo=rw", "u+x"),
    "compare-dest": ("{area}/alt",),
    "copy-dest": ("{area}/alt",),
    "link-dest": ("{area}/alt",),
    "files-from": ("{area}/names",),
    "compress-choice": ("zlib", "zlibx"),
    "zc": ("zlib",),
    "compress-level": ("1",),
    "zl": ("9",),
    "skip-compress": ("gz/o",),
    "max-alloc": ("1g",),
    "bwlimit": ("100m",),
    "stop-after": ("5",),
    "time-limit": ("5",),
    "iconv": ("utf-8,utf-8", "."),
    "usermap": ("*:0",),
    "groupmap": ("*:0",),
    "chown": ("0:0",),
}
#: Kinds of run, what needs another machine, and what answers for itself.
NOT_HERE = frozenset(
    (
        "daemon",
        "config",
        "dparam",
        "detach",
        "server",
        "sender",
        "version",
        "help",
        "rsh",
        "rsync-path",
        "remote-option",
        "secluded-args",
        "protect-args",
        "old-args",
        "address",
        "port",
        "ipv4",
        "ipv6",
        "sockopts",
        "blocking-io",
        "password-file",
        "early-input",
        "contimeout",
        "write-batch",
        "only-write-batch",
        "read-batch",
        "stop-at",
        "copy-as",
        "no-motd",
        "motd",
        "qsort",
    )
)
#: What every line begins with, so that there is something to do.
BASE = ("-r",)


def tried(option: Option) -> bool:
    """Whether a line can have it."""
    return not option.refused and option.name not in NOT_HERE


def forms(option: Option) -> Iterator[str]:
    """The option as it is written, with its arguments, and turned off; ``KeyError`` if none is known."""
    dash = f"-{option.name}" if len(option.name) == 1 else f"--{option.name}"
    if option.argument:
        for value in ARGUMENTS[option.name]:
            yield f"{dash}={value}" if dash.startswith("--") else f"{dash}{value}"
    else:
        yield dash
        if option.short and option.short != option.name:
            yield f"-{option.short}"
    if option.negatable:
        yield f"--no-{option.name}"


def groups() -> Iterator[list[Option]]:
    """The options of each table that a line can have."""
    for rows in (rows_saying, rows_choosing, rows_updating):
        yield [option for option in rows.OPTIONS if tried(option)]


def singles() -> Iterator[list[str]]:
    for group in groups():
        for option in group:
            for form in forms(option):
                yield [*BASE, form]
                yield ["-ai", form]


def pairs() -> Iterator[list[str]]:
    for group in groups():
        for one, other in itertools.combinations(group, 2):
            yield ["-ai", next(forms(one)), next(forms(other))]


def at_random(count: int, seed: int) -> Iterator[list[str]]:
    """The same lines for the same seed and option table."""
    source = random.Random(seed)
    every = [option for group in groups() for option in group]
    for _ in range(count):
        chosen = source.sample(every, source.randint(2, 6))
        yield ["-ai" if source.random() < 0.7 else "-r", *(source.choice(list(forms(one))) for one in chosen)]
