"""The arguments that a client gives the server, in upstream's form and order.

Clause OPT-2, OPT-4; upstream ``options.c:server_options``.
"""

from __future__ import annotations

from ..wire.compat import capability_letters
from .check_writing import DELAYED
from .filesfrom import remote_file
from .model import Options
from .words import RECEIVER, SENDER, SERVER

#: What ``--max-alloc`` is when nobody has said.
_DEFAULT_MAX_ALLOC = 1 << 30


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
    return [*args, *_first(options, push), *_middle(options, push), *_last(options, push)]


def seclude(args: list[str]) -> tuple[list[str], list[str]]:
    """OPT-11: what the shell sees, up to the bundle of letters and ``--iconv``, and what it does not."""
    at = next(place for place, word in enumerate(args) if not word.startswith("--")) + 1
    if args[at : at + 1] and args[at].startswith("--iconv="):
        at += 1  # the server needs it to read the others (ICONV-6)
    return args[:at], args[at:]


def _letters(options: Options, push: bool) -> str:
    flat = options.dirs and not options.recurse
    asked = options.dirs == 2 or (flat and (options.list_only or (options.delete and push)))
    pull = not push
    chosen = [
        ("s", bool(options.secluded_args)),
        ("v" * options.verbose, True),
        ("q", options.quiet and options.stderr != "client"),
        ("b", options.backup),
        ("u", options.update),
        ("n", options.dry_run and options.only_write_batch is None),
        ("l", options.links),
        ("d", bool(asked)),
        ("K", push and options.keep_dirlinks),
        ("m", push and options.prune_empty_dirs),
        ("O", push and options.omit_dir_times and not options.backup_beside),
        ("J", push and options.omit_link_times),
        ("y" * _fuzziness(options), push),
        ("L", pull and options.copy_links),
        ("k", pull and options.copy_dirlinks),
        ("W", bool(options.whole_file)),
        ("H" * min(options.hard_links, 2), True),
        ("o", options.owner),
        ("g", options.group),
        ("D", options.devices),
        ("t", options.times),
        ("U" * min(options.atimes, 2), True),
        ("p", options.perms),
        ("E", options.executability and push and not options.perms),
        ("A", bool(options.acls)),
        ("X" * min(options.xattrs, 2), True),
        ("r", bool(options.recurse)),
        ("c", options.checksum),
        ("C", options.cvs_exclude),
        ("I", options.ignore_times),
        ("R", bool(options.relative)),
        ("x" * min(options.one_file_system, 2), True),
        ("S", options.sparse),
        ("z", options.compress > 0 and (options.compress_choice or "zlib").lower() == "zlib"),
    ]
    return "".join(letter for letter, on in chosen if on)


def _fuzziness(options: Options) -> int:
    """ALT-13: the second ``-y`` is about the other directories."""
    return min(options.fuzzy, 2 if options.alt_dests else 1)


def _first(options: Options, push: bool) -> list[str]:
    """Up to the choice of algorithms."""
    args: list[str] = []
    if options.iconv is not None and options.iconv != "-":
        # LOCAL,REMOTE: what follows the first comma, even nothing at all (the server's own locale)
        args.append("--iconv=" + options.iconv.partition(",")[2 if "," in options.iconv else 0])
    if options.list_only and options.list_only_given:
        args.append("--list-only")
    if options.dirs and not options.recurse and options.delete and push:
        args.append("--no-r")
    if options.compress and options.compress_level is not None:
        args.append(f"--compress-level={options.compress_level}")
    if options.devices and not options.specials:
        args.append("--no-specials")
    elif options.specials and not options.devices:
        args.append("--specials")
    if push:
        args += _log_format(options)
    if options.stderr == "all":
        args.append("--msgs2stderr")
    elif options.stderr == "client":
        args.append("--no-msgs2stderr")
    if options.block_size:
        args.append(f"-B{options.block_size}")
    if options.timeout:
        args.append(f"--timeout={options.timeout}")
    if options.bwlimit:
        args.append(f"--bwlimit={options.bwlimit}")
    if options.backup_dir:
        args += ["--backup-dir", options.backup_dir]
    if options.suffix is not None and options.suffix != ("" if options.backup_dir else "~"):
        args.append("--suffix=" + options.suffix)
    if options.checksum_choice:
        args.append(f"--checksum-choice={options.checksum_choice}")
    if options.compress_choice:
        old = {"zlibx": "--new-compress", "zlib": "--old-compress"}
        args.append(old.get(options.compress_choice.lower(), f"--compress-choice={options.compress_choice}"))
    return args


def _log_format(options: Options) -> list[str]:
    """OPT-4: the server prints nothing, but what it reports depends on what the client's lines show."""
    if options.out_format is None:
        return []
    if options.format_has_i:
        return ["--log-format=%i%I" if options.format_has_i > 1 else "--log-format=%i"]
    if options.format_has_o_or_i:
        return ["--log-format=%o"]
    return [] if options.verbose else ["--log-format=X"]


def _levels(options: Options, push: bool) -> list[str]:
    """OUT-11: what the user has said about words that the server has a use for; ``--debug`` stays here."""
    words = options.info.for_server(SERVER | (RECEIVER if push else SENDER))
    return [words] if words else []


def _middle(options: Options, push: bool) -> list[str]:
    """Deleting, comparing, what is kept of parts."""
    args: list[str] = []
    if push:
        args += _deleting(options)
        if options.only_write_batch:
            args.append("--only-write-batch=X")
        if options.super_user:
            args.append("--super")
        if options.size_only:
            args.append("--size-only")
        if options.stats:
            args.append("--stats")
    elif options.skip_compress is not None:
        args.append("--skip-compress=" + options.skip_compress)
    if options.max_alloc_given and options.max_alloc != _DEFAULT_MAX_ALLOC:
        args.append("--max-alloc=" + options.max_alloc_given)
    if options.delete_missing_args:
        args.append("--delete-missing-args")
    elif options.ignore_missing_args and not push:
        args.append("--ignore-missing-args")
    if push and options.modify_window is not None:
        window = options.modify_window
        args.append(f"-@{window}" if window < 0 else f"--modify-window={window}")
    if options.checksum_seed:
        args.append(f"--checksum-seed={options.checksum_seed}")
    if push:
        if options.partial_dir and not (options.delay_updates and options.partial_dir == DELAYED):
            args += ["--partial-dir", options.partial_dir]
        if options.delay_updates:
            args.append("--delay-updates")
        if options.partial and not options.partial_dir and not options.delay_updates:
            args.append("--partial")
    for given, word in (
        (options.ignore_errors, "--ignore-errors"),
        (options.copy_unsafe_links, "--copy-unsafe-links"),
        (options.safe_links, "--safe-links"),
        (options.numeric_ids, "--numeric-ids"),
    ):
        if given:
            args.append(word)
    return args


def _deleting(options: Options) -> list[str]:
    args: list[str] = []
    if options.max_delete is not None:
        args.append(f"--max-delete={options.max_delete if options.max_delete > 0 else -1}")
    if options.min_size_given is not None:
        args.append("--min-size=" + options.min_size_given)
    if options.max_size_given is not None:
        args.append("--max-size=" + options.max_size_given)
    if options.delete_when:
        args.append(f"--delete-{options.delete_when}")
    elif options.delete and not options.delete_excluded:
        args.append("--delete")
    if options.delete_excluded:
        args.append("--delete-excluded")
    if options.force:
        args.append("--force")
    return args


def _last(options: Options, push: bool) -> list[str]:
    """Where files go and where they come from."""
    args: list[str] = []
    if push:
        if options.usermap is not None:
            args.append("--usermap=" + options.usermap)
        if options.groupmap is not None:
            args.append("--groupmap=" + options.groupmap)
        if options.ignore_existing:
            args.append("--ignore-existing")
        if options.existing:
            args.append("--existing")
        if options.temp_dir:
            args += ["--temp-dir", options.temp_dir]
        if options.fsync:
            args.append("--fsync")
        for path in options.alt_dests:
            args += [f"--{options.alt_dest_kind}-dest", path]
    args += _levels(options, push)
    if options.append:
        args += ["--append"] * options.append
    elif options.inplace:
        args.append("--inplace")
        if options.sparse and not options.whole_file and push:
            args.append("--no-W")  # older servers would take the file whole
    args += _names(options, push)
    for given, word in (
        (options.write_devices and push, "--write-devices"),
        (options.remove_source_files == 1, "--remove-source-files"),
        (options.remove_source_files == 2, "--remove-sent-files"),
        (options.copy_devices and not push, "--copy-devices"),
        (options.preallocate and push, "--preallocate"),
        (options.open_noatime and options.atimes <= 1, "--open-noatime"),
        (options.mkpath and push, "--mkpath"),
    ):
        if given:
            args.append(word)
    return [*args, *options.remote_options]


def _names(options: Options, push: bool) -> list[str]:
    """``--files-from``, whose names a server that sends reads from us, and ``--relative``'s fine print."""
    args: list[str] = []
    remote = remote_file(options.files_from) if options.files_from is not None else None
    if options.files_from is not None and (remote or not push):
        if remote:
            args += ["--files-from", remote[1]]
            if options.from0:
                args.append("--from0")
        else:
            args += ["--files-from=-", "--from0"]
        if not options.relative:
            args.append("--no-relative")
    if options.relative and not options.implied_dirs and (not push or options.protocol >= 30):
        args.append("--no-implied-dirs")
    return args
