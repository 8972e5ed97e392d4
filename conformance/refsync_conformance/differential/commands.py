"""Command lines: each option alone, pairs of one group, and any number at random.

They are made from the option table: an option that is added there is tried as soon as it is not refused. One
that takes an argument needs a row in ``ARGUMENTS``, or a reason in ``NOT_HERE``; ``check`` tells which have
neither.
"""

from __future__ import annotations

import itertools
import random
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from refsync.options import rows_choosing, rows_saying, rows_updating
from refsync.options.option import Option


@dataclass(frozen=True, slots=True)
class Line:
    """Options, sources and a destination below the run's directory, which ``{area}`` stands for."""

    options: tuple[str, ...]
    sources: tuple[str, ...] = ("src/",)
    dest: str = "dst/"

    @property
    def text(self) -> str:
        """As one would type it."""
        return shlex.join([*self.options, *self.sources, self.dest])


#: For an option that takes an argument: arguments worth trying. ``{area}`` is the run's own directory.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "info": (
        "name2,del",
        "all",
        "none",
        "stats2",
        "progress2",
        "flist2",
        "skip2",
        "symsafe,nonreg0,misc2",
        "backup,copy,remove,mount",
    ),
    "debug": ("del", "none"),
    "stderr": ("all", "errors", "client"),
    "out-format": ("%i|%n|%L|%l|%o", "%f %B %U %G", "%-9l|%''l|%C %i"),
    "log-format": ("%n",),
    "log-file": ("{area}/log",),
    "log-file-format": ("%o %n", ""),
    "outbuf": ("N", "L", "B"),
    "protocol": ("29", "30", "31", "32"),
    "remote-option": ("--verbose", "-q"),
    "address": ("127.0.0.1",),
    "sockopts": ("SO_KEEPALIVE",),
    "password-file": ("{area}/password",),
    "early-input": ("{area}/names",),
    "contimeout": ("30",),
    "write-batch": ("{area}/batch",),
    "only-write-batch": ("{area}/batch",),
    "stop-at": ("2099-12-31T23:59", "2001-01-01"),
    "timeout": ("60",),
    "filter": ("- *.o", "P extra", "+ /d/", ". {area}/merge", ": .rsync-filter", "H,/ src/big", "-! */"),
    "exclude": ("*.o", "d/", "/same", "*"),
    "include": ("*.o",),
    "exclude-from": ("{area}/patterns",),
    "include-from": ("{area}/patterns",),
    "modify-window": ("1", "-1"),
    "block-size": ("700", "1k"),
    "checksum-choice": ("md5", "xxh64", "none", "auto", "md4,sha1"),
    "cc": ("md4",),
    "checksum-seed": ("7",),
    "max-size": ("10", "1k"),
    "min-size": ("3",),
    "max-delete": ("1", "0"),
    "partial-dir": (".part", "{area}/temp"),
    "temp-dir": ("{area}/temp",),
    "backup-dir": ("{area}/backups", "kept"),
    "suffix": (".old",),
    "chmod": ("Dg+s,ugo=rw", "u+x", "D700,F600"),
    "compare-dest": ("{area}/alt",),
    "copy-dest": ("{area}/alt",),
    "link-dest": ("{area}/alt",),
    "files-from": ("{area}/names", "{area}/absent"),
    "compress-choice": ("zlib", "zlibx", "zstd", "lz4", "none"),
    "zc": ("zlib",),
    "compress-level": ("1",),
    "zl": ("9",),
    "skip-compress": ("gz/o",),
    "max-alloc": ("1g",),
    "bwlimit": ("100m", "0"),
    "stop-after": ("5",),
    "time-limit": ("5",),
    "iconv": ("utf-8,utf-8", "."),
    "usermap": ("*:0", "1234:77"),
    "groupmap": ("*:0",),
    "chown": ("0:0", ":7"),
}
#: Options that no line has, and why.
NOT_HERE: dict[str, str] = {
    **dict.fromkeys(
        ("daemon", "config", "dparam", "detach", "check-config"),
        "another kind of run: daemons have cases of their own",
    ),
    **dict.fromkeys(("server", "sender"), "for servers"),
    **dict.fromkeys(
        ("io-uring", "io-uring-depth", "io-uring-sqpoll", "zero-copy"),
        "the reference's own: upstream has none",
    ),
    **dict.fromkeys(("version", "help"), "answers for itself"),
    **dict.fromkeys(("rsh", "rsync-path"), "each line over a remote shell has it"),
    "read-batch": "needs a batch; the cases of BATCH read each other's",
    "port": "each line to a daemon has one",
    "ipv6": "the machine may have none",
    "copy-as": "needs root, and other users",
    "qsort": "upstream's server refuses it",
}
#: What a line alone begins with, so that there is something to do.
BASES = (("-r",), ("-ai",))
#: What a pair begins with.
PAIR_BASE = "-ai"
#: Sources and destinations of lines at random, the likeliest first.
PLACES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("src/",), "dst/"),
    (("src",), "dst/"),
    (("src/",), "new"),
    (("src/d", "src/big", "src/link"), "dst/"),
    (("src/content",), "dst/renamed"),
    (("src/./d/inner", "src/absent"), "dst"),
    (("src/d/", "src/same"), "dst/d/"),
    (("src/big",), "new/deeper/"),
)
PLACE_WEIGHTS = (12, 3, 2, 3, 1, 1, 1, 1)


def tried(option: Option) -> bool:
    """Whether a line can have it."""
    return not option.refused and option.name not in NOT_HERE


def check() -> list[str]:
    """Options of the table that would be tried with an argument, but none is known."""
    return [
        option.name
        for group in groups()
        for option in group
        if option.argument and option.name not in ARGUMENTS
    ]


def forms(option: Option) -> Iterator[str]:
    """The option as it is written, with its arguments, and turned off."""
    dash = f"-{option.name}" if len(option.name) == 1 else f"--{option.name}"
    if option.argument:
        for value in ARGUMENTS.get(option.name, ()):
            yield f"{dash}={value}" if dash.startswith("--") else f"{dash}{value}"
    else:
        yield dash
        if option.short and option.short != option.name:
            yield f"-{option.short}"
        if option.kind == "count":
            yield f"-{option.short or option.name}" * 2 if not option.short else f"-{option.short * 2}"
    if option.negatable:
        yield f"--no-{option.name}"


def groups() -> Iterator[list[Option]]:
    """The options of each table that a line can have."""
    for rows in (rows_saying, rows_choosing, rows_updating):
        yield [option for option in rows.OPTIONS if tried(option)]


def singles() -> Iterator[Line]:
    """Each form of each option, with little and with much beside it."""
    for group in groups():
        for option in group:
            for form in forms(option):
                for base in BASES:
                    yield Line((*base, form))


def pairs() -> Iterator[Line]:
    """Two options of one table, each in its first form."""
    for group in groups():
        for one, other in itertools.combinations([option for option in group if any(forms(option))], 2):
            yield Line((PAIR_BASE, next(forms(one)), next(forms(other))))


def at_random(count: int, seed: int) -> Iterator[Line]:
    """The same lines for the same seed and option table."""
    source = random.Random(seed)
    every = [list(forms(option)) for group in groups() for option in group]
    every = [found for found in every if found]
    for _ in range(count):
        chosen = source.sample(every, source.randint(2, 6))
        (places,) = source.choices(PLACES, PLACE_WEIGHTS)
        base = "-ai" if source.random() < 0.7 else "-r"
        yield Line((base, *(source.choice(found) for found in chosen)), *places)
