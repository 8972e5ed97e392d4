"""What the options together mean for what is told: levels, formats, and when a line is printed.

Clauses OUT-1, OUT-10 to OUT-13; upstream ``options.c:parse_arguments`` (its last part).
"""

from __future__ import annotations

from .logformat import has
from .model import Options

#: The formats that other options imply.
ITEMIZED = "%i %n%L"
NAMED = "%n%L"


def settle(options: Options) -> None:
    """Work out what is printed, once all options are known. To do so again changes nothing."""
    for levels in (options.info, options.debug):
        levels.imply_verbosity(options.verbose)
    if options.stats:
        options.info.imply("STATS3" if options.verbose > 1 else "STATS2")
    if options.out_format is not None:
        if options.server and has(options.out_format, "I"):
            options.format_has_i = 2
        elif has(options.out_format, "i"):
            options.format_has_i = options.itemize | 1
        options.log_before = not options.server and not any(has(options.out_format, x) for x in "bcC")
    elif options.itemize:
        options.out_format, options.format_has_i = ITEMIZED, options.itemize
        options.log_before = not options.server
    if options.progress and not options.server:
        if not options.log_before and not options.info["NAME"]:
            options.info.imply("NAME")
        options.info.imply("FLIST2,PROGRESS")
    if options.info["NAME"] and options.out_format is None:
        options.out_format, options.log_before = NAMED, not options.server
    options.format_has_o_or_i = bool(options.format_has_i) or has(options.out_format, "o")
    if options.log_file:
        options.log_file_format = options.log_file_format if options.log_file_format is not None else ITEMIZED
        settle_log(options)


def settle_log(options: Options) -> None:
    """What the log file's format asks for."""
    options.logfile_has_i = has(options.log_file_format, "i")
    options.logfile_has_o_or_i = options.logfile_has_i or has(options.log_file_format, "o")
