"""The arguments of client and server.

Input: arguments, each ended by NUL.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from refsync.options import parse, server_args, table
from refsync.options.model import Options
from refsync.records import names
from refsync.wire.errors import RefsyncError

from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("OPT-1", "OPT-2", "OPT-3", "OPT-4", "OPT-5", "OPT-6"),
    code=("refsync.options.parse", "refsync.options.server_args", "refsync.options.table"),
    oracle="ERMS",
    dictionary={
        **{f"long_{option.name}": b"--" + option.name.encode() for option in table.OPTIONS},
        **{f"short_{option.short}": b"-" + option.short.encode() for option in table.OPTIONS if option.short},
        "server": b"--server\0--sender\0-vlogDtpre.iLsfxCIvu\0",
        "no": b"--no-",
        "equals": b"=",
        "end": b"--\0",
        "size": b"1.5m+1",
        "int_max": b"2147483647",
        "int_past": b"2147483648",
        "digits": b"9" * 30,
        "exponent": b"1.e999",
    },
    max_length=400,
)

#: Options that read a file when they are parsed, standard input for ``-``: not for a fuzzer.
READS_FILES = tuple(option.name for option in table.OPTIONS if option.name.endswith("-from"))


def _parse(arguments: list[str]) -> tuple[Options, list[str]] | None:
    try:
        return parse.parse(arguments)
    except RefsyncError as error:
        expect(1 <= error.code <= 4 and error.message, f"refused with code {error.code}: {error.message!r}")
        return None


def fuzz_one(data: bytes) -> None:
    """Oracle: any arguments are understood or refused with exit 1, 2 or 4 and a reason.

    Integers fit a C int, sizes eight bytes. The arguments for a server parse,
    on the server, to options that make the same arguments again.
    """
    arguments = [word.decode("utf-8", "surrogateescape") for word in data.split(b"\0")][:40]
    if any(name in argument for name in READS_FILES for argument in arguments):
        return
    parsed = _parse(arguments)
    if parsed is None:
        return
    options, paths = parsed
    expect(len(paths) <= len(arguments), "more paths than arguments")
    for name in names(Options):
        value = getattr(options, name)
        if isinstance(value, int):
            expect(abs(value) < 1 << 63, f"{name} is {value}")
    same(_parse(arguments), parsed, "parsed twice")
    if options.help or options.version or options.remote_options:
        return  # nothing is asked of a server, or what a user has it told, in any words
    for sender in (False, True):
        mine = copy.deepcopy(options)
        mine.sender, mine.server = sender, False
        _server(mine)


def _server(options: Options) -> None:
    for inc_recurse in (False, True):
        sent = server_args.build(options, inc_recurse=inc_recurse)
        came = _parse([*sent, ".", "path"])
        expect(came is not None, f"a server refuses {sent}")
        if came is None:
            return
        there, paths = came
        same(paths, [".", "path"], f"paths behind {sent}")
        expect(there.server and there.sender != options.sender, f"roles of {sent}")
        there.server, there.sender = False, not there.sender
        there.protocol, there.progress = options.protocol, options.progress
        same(
            server_args.build(there, inc_recurse=inc_recurse),
            sent,
            "arguments made from the server's options",
        )


#: Command lines, the arguments of each parted by "|".
LINES = """\
-av|src/|host:dst/
-a|--delete|--exclude=*.o|a|b
-rlptgoD|--numeric-ids|a|b
--server|--sender|-vlogDtpre.iLsfxCIvu|.|path
--server|-logDtpre.iLsfxCIvu|.|path
-ni|--out-format=%n|a|b
-B|700|-W|a|b
--block-size=1.5k|a|b
--block-size=1.e999|a|b
-e|ssh -p 22|a|h:b
--no-recursive|-a|--no-D|a|b
--unknown
-Q
--timeout
--timeout=x
--timeout=99999999999999999999|a|b
--|-a|b
-h
--delete|a|b
--protocol=29|-r|a|b
--protocol=99
-vvvvvvvvvvvv|-q|a|b
--help=1
--list-only|a/
-r|--delete-before|--delete-after|a|b
-f- x|-f+ y|a|b
-P|-h|-h|a|b
--size-only|--modify-window=-1|--checksum-seed=5|a|b
-dO|--delete|--existing|a|b
-FF|-C|-r|a|b
-r|--backup-dir=x|--suffix=y|--bwlimit=5|--stderr=all|-z|--compress-level=3|a|b
-r|--stderr=client|--info=stats2|--stats|--super|--size-only|--only-write-batch=f|a|b
-r|--skip-compress=gz|--max-alloc=5m|--delete-missing-args|--max-delete=0|--min-size=1|--max-size=9|a|b
-r|--ignore-missing-args|--delete-excluded|--force|--partial-dir=p|--delay-updates|a|b
-r|--usermap=1:2|--groupmap=1:2|--ignore-existing|--temp-dir=t|--fsync|--link-dest=d|--append|a|b
-rS|--inplace|--no-W|--modify-window=2|--compress-choice=lz4|--checksum-choice=md5|a|b
-rR|--no-implied-dirs|--files-from=h:list|--from0|--iconv=utf8,latin1|h:a|b
-R|--files-from=list|--no-relative|a|h:b
--devices|--no-specials|-B|900|--timeout=9|--list-only|a"""


def seeds() -> Iterator[tuple[str, bytes]]:
    """Usual command lines, server arguments, faults."""
    for number, line in enumerate(LINES.splitlines()):
        yield f"line.{number:02}", line.replace("|", "\0").encode()
