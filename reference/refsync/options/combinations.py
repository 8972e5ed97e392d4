"""Combinations of options that make no sense, by topic.

Clause OPT-6; upstream ``options.c:parse_arguments``.
"""

from __future__ import annotations

from collections.abc import Mapping

from .actions import limit_allocation
from .model import Options
from .wrong import wrong

#: Characters of a batch file's name.
MAX_BATCH_NAME = 256


def settle_arguments(options: Options, environ: Mapping[str, str]) -> None:
    """OPT-9, OPT-11, ICONV-2: what the environment says where no option has done so.

    Whether arguments are kept from the remote shell, whether it may split them, and what is converted.
    """
    if options.iconv is None and not options.no_iconv:
        options.iconv = environ.get("RSYNC_ICONV") or None  # ICONV-2
    if options.iconv == "-":
        options.iconv = None
    old = environ.get("RSYNC_OLD_ARGS")
    if options.old_args and options.secluded_args:
        raise wrong("--secluded-args conflicts with --old-args.")
    if options.old_args is None and not options.secluded_args and old:
        options.old_args, options.secluded_args = _leading_number(old), False
    elif options.old_args:
        options.secluded_args = False
    if options.secluded_args is None:
        options.secluded_args = _leading_number(environ.get("RSYNC_PROTECT_ARGS", "")) != 0


def settle_max_alloc(options: Options, environ: Mapping[str, str]) -> None:
    """OPT-16: either side's environment has the limit that no option has set."""
    if options.max_alloc_given is None and (value := environ.get("RSYNC_MAX_ALLOC")):
        limit_allocation(options, value)


def cap_max_alloc(options: Options, environ: Mapping[str, str]) -> None:
    """OPT-16: a daemon's client can lower the daemon's own limit, not raise it or take it away."""
    own = Options()
    settle_max_alloc(own, environ)
    if own.max_alloc:
        options.max_alloc = min(options.max_alloc or own.max_alloc, own.max_alloc)


def _leading_number(text: str) -> int:
    """As C's ``atoi`` has it."""
    import re

    found = re.match(r"\s*([+-]?\d{1,9})", text, re.ASCII)
    return int(found[1]) if found else 0


def check_batch(options: Options) -> None:
    """BATCH-8. On a server only ``--only-write-batch`` counts: the data goes into a file instead."""
    if options.writes_batch and options.read_batch is not None:
        raise wrong("--write-batch and --read-batch can not be used together")
    if options.server:
        options.write_batch = options.read_batch = None
    elif options.dry_run and options.writes_batch:
        options.write_batch = options.only_write_batch = None  # nothing is sent that could be written down
    if options.read_batch is not None:
        if options.files_from is not None:
            raise wrong("--read-batch cannot be used with --files-from")
        if options.remove_source_files:
            kind = "source" if options.remove_source_files == 1 else "sent"
            raise wrong(f"--read-batch cannot be used with --remove-{kind}-files")
    for name in (options.write_batch, options.only_write_batch, options.read_batch):
        if name is not None and len(name) > MAX_BATCH_NAME:
            raise wrong(f"the batch-file name must be {MAX_BATCH_NAME} characters or less.")
    options.dry_run |= options.only_write_batch is not None
