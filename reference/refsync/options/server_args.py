"""The arguments that a client gives the server, in upstream's form and order.

Clause OPT-2, OPT-4; upstream ``options.c:server_options``.
"""

from __future__ import annotations

from ..wire.compat import capability_letters
from .model import Options


def build(options: Options, *, inc_recurse: bool) -> list[str]:
    """From ``--server`` to the last option; a dot and the paths follow.

    ``options.sender`` is the client's own role: the server's is the other.
    """
    push = options.sender
    args = ["--server"]
    if not push:
        args.append("--sender")
    letters = _letters(options, push)
    letters += "e." + capability_letters(inc_recurse) if options.protocol >= 30 else ""
    if letters:
        args.append("-" + letters)
    args += _long(options, push)
    return args


def _letters(options: Options, push: bool) -> str:
    flat = options.dirs and not options.recurse
    listing = flat and (options.list_only or (options.delete and push))
    chosen = [
        ("v" * options.verbose, True),
        ("q", options.quiet),
        ("u", options.update),
        ("n", options.dry_run),
        ("l", options.links),
        ("d", flat or listing),
        ("O", push and options.omit_dir_times),
        ("J", push and options.omit_link_times),
        ("W", bool(options.whole_file)),
        ("H", options.hard_links),
        ("o", options.owner),
        ("g", options.group),
        ("D", options.devices),
        ("t", options.times),
        ("p", options.perms),
        ("E", options.executability and push and not options.perms),
        ("r", options.recurse),
        ("c", options.checksum),
        ("C", options.cvs_exclude),
        ("I", options.ignore_times),
        ("x" * options.one_file_system, True),
        ("S", options.sparse),
    ]
    return "".join(letter for letter, on in chosen if on)


def _long(options: Options, push: bool) -> list[str]:
    args: list[str] = []
    if options.list_only and options.list_only_given:
        args.append("--list-only")
    if options.dirs and not options.recurse and options.delete and push:
        args.append("--no-r")
    if options.devices and not options.specials:
        args.append("--no-specials")
    elif options.specials and not options.devices:
        args.append("--specials")
    if push and options.itemize:
        args.append("--log-format=%i%I" if options.itemize > 1 else "--log-format=%i")
    elif push and options.progress and not options.verbose:
        args.append("--log-format=X")
    if options.block_size:
        args.append(f"-B{options.block_size}")
    if options.timeout:
        args.append(f"--timeout={options.timeout}")
    if options.checksum_choice:
        args.append(f"--checksum-choice={options.checksum_choice}")
    if push:
        if options.delete_when:
            args.append(f"--delete-{options.delete_when}")
        elif options.delete and not options.delete_excluded:
            args.append("--delete")
        if options.delete_excluded:
            args.append("--delete-excluded")
        if options.force:
            args.append("--force")
        if options.size_only:
            args.append("--size-only")
        if options.stats:
            args.append("--stats")
        if options.modify_window:
            window = options.modify_window
            args.append(f"-@{window}" if window < 0 else f"--modify-window={window}")
    if options.checksum_seed:
        args.append(f"--checksum-seed={options.checksum_seed}")
    if options.partial and push:
        args.append("--partial")
    if options.ignore_errors:
        args.append("--ignore-errors")
    if options.numeric_ids:
        args.append("--numeric-ids")
    if push and options.ignore_existing:
        args.append("--ignore-existing")
    if push and options.existing:
        args.append("--existing")
    if options.inplace:
        args.append("--inplace")
    return args
