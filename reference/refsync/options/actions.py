"""What the options of kind ``do`` do: those that set more than one field, or work their argument out.

Clauses OPT-1, OPT-5; upstream ``options.c:parse_arguments``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..filters.lines import rules_from_file
from ..filters.rules import rule_from_pattern
from ..wire.errors import Exit, RefsyncError
from .model import Options
from .named import read_named
from .option import Option
from .sizes import integer, parse_size
from .wrong import wrong

#: Alternate directories of one run; their numbers have to fit into a byte with others.
MAX_ALT_DESTS = 20


def act(options: Options, option: Option, value: str) -> None:
    """Apply one option of kind ``do``; ``value`` is its argument, empty if it takes none."""
    _ACTIONS[option.name](options, option, value)


def negate(options: Options, option: Option) -> None:
    """``--no-NAME``: back to what the field is without the option."""
    if option.name == "D":
        options.devices = options.specials = False
    elif option.name == "msgs2stderr":
        options.stderr = "client"
    elif option.name == "super":
        options.super_user = options.fake_super = False
    elif option.name == "compress":
        options.compress, options.compress_choice = 0, None
    elif option.kind == "str":
        setattr(options, option.field, None)
        options.no_iconv |= option.name == "iconv"
    elif option.name == "human-readable":
        options.human_readable = 0
    else:
        setattr(options, option.field, False if option.kind == "set" else 0)


def _archive(options: Options, option: Option, value: str) -> None:
    options.recurse = options.recurse or 1
    options.links = options.perms = options.times = True
    options.group = options.owner = options.devices = options.specials = True


def _devices_and_specials(options: Options, option: Option, value: str) -> None:
    options.devices = options.specials = True


def _partial_and_progress(options: Options, option: Option, value: str) -> None:
    options.partial = options.progress = True


def _human(options: Options, option: Option, value: str) -> None:
    options.human_readable += 1


def _atimes(options: Options, option: Option, value: str) -> None:
    options.atimes += 1
    options.open_noatime |= options.atimes > 1


def _acls(options: Options, option: Option, value: str) -> None:
    options.acls = 1
    options.perms = True


def _super(options: Options, option: Option, value: str) -> None:
    options.super_user, options.fake_super = True, False


def _fake_super(options: Options, option: Option, value: str) -> None:
    options.fake_super, options.super_user = True, None


def _append(options: Options, option: Option, value: str) -> None:
    # a server counts: two of them are --append-verify (OPT-4)
    options.append = options.append + 1 if options.server else 1


def _delete_excluded(options: Options, option: Option, value: str) -> None:
    options.delete = options.delete_excluded = True


def _delete_when(options: Options, option: Option, value: str) -> None:
    """``--delete-delay`` is another kind of ``--delete-during``: the last of these counts."""
    during = ("during", "delay")
    if options.delete_when not in ("", option.value, *(during if option.value in during else ())):
        raise wrong("You may not combine multiple --delete-WHEN options.")
    options.delete, options.delete_when = True, str(option.value)


def _filter(options: Options, option: Option, value: str) -> None:
    options.filters.append(value)


def _pattern(options: Options, option: Option, value: str) -> None:
    rule = rule_from_pattern(value, bool(option.value))
    if rule:
        options.filters.append(rule)


def _patterns(options: Options, option: Option, value: str) -> None:
    options.filters += rules_from_file(_read(value, option.name), bool(option.value), from0=options.from0)


def _per_directory(options: Options, option: Option, value: str) -> None:
    again = ": /.rsync-filter" in options.filters
    options.filters.append("- .rsync-filter" if again else ": /.rsync-filter")


def _protocol(options: Options, option: Option, value: str) -> None:
    options.protocol, options.protocol_given = integer(option.name, value), True


def _levels(options: Options, option: Option, value: str) -> None:
    """OUT-10: one table's words; a server passes over those that it does not know."""
    levels = options.info if option.name == "info" else options.debug
    if levels.choose(value, lenient=options.server):
        options.help_on = option.name


def _stderr(options: Options, option: Option, value: str) -> None:
    modes = ("errors", "all", "client")
    chosen = [mode for mode in modes if value and mode.startswith(value)]
    if len(chosen) != 1:
        raise wrong(f'--stderr mode "{value}" is not one of errors, all, or client')
    options.stderr = chosen[0]


def _msgs2stderr(options: Options, option: Option, value: str) -> None:
    options.stderr = "all"


def _size_limit(options: Options, option: Option, value: str) -> None:
    setattr(options, option.field, parse_size(option.name, value))
    setattr(options, option.field + "_given", value)


def _max_alloc(options: Options, option: Option, value: str) -> None:
    limit_allocation(options, value)


def limit_allocation(options: Options, value: str) -> None:
    """OPT-16: at least a MiB, or 0 for no limit."""
    size = parse_size("max-alloc", value)
    if size and size < 1024 * 1024:
        raise wrong(f"--max-alloc={value} is too small (min: 1.00M or 0 for unlimited)")
    options.max_alloc, options.max_alloc_given = size, value


def _bwlimit(options: Options, option: Option, value: str) -> None:
    """KiB a second unless a unit is given; rounded, as the server is told whole KiB."""
    size = parse_size(option.name, value, unit="k", least=512, zero=True)
    options.bwlimit = (size + 512) // 1024


def _alt_dest(options: Options, option: Option, value: str) -> None:
    kind = str(option.value)
    if options.alt_dest_kind not in ("", kind):
        raise wrong(
            f"ERROR: the --{kind}-dest option conflicts with the --{options.alt_dest_kind}-dest option"
        )
    if len(options.alt_dests) == MAX_ALT_DESTS:
        raise wrong(f"at most {MAX_ALT_DESTS} --{kind}-dest args may be specified")
    options.alt_dest_kind = kind
    options.alt_dests.append(value)


def _chmod(options: Options, option: Option, value: str) -> None:
    from . import chmod

    try:
        chmod.parse(value, 0)
    except ValueError:
        raise wrong(f"Invalid argument passed to --chmod ({value})") from None
    options.chmod.append(value)


def _id_map(options: Options, option: Option, value: str) -> None:
    """The field is the option's name; a map of users means that owners are kept."""
    if getattr(options, option.field) is not None:
        if option.field in options.by_chown:
            raise wrong(f"--{option.name} conflicts with prior --chown.")
        raise wrong(f"You can only specify --{option.name} once.")
    setattr(options, option.field, value)
    setattr(options, "owner" if option.field == "usermap" else "group", True)


def _chown(options: Options, option: Option, value: str) -> None:
    """``USER``, ``USER:GROUP``, ``:GROUP``: all users and groups become these."""
    user, _, group = value.partition(":")
    for name, field, kept in ((user, "usermap", "owner"), (group, "groupmap", "group")):
        if not name:
            continue
        if getattr(options, field) is not None:
            if field not in options.by_chown:
                raise wrong(f"--chown conflicts with prior --{field}.")
            raise wrong(f"You can only specify a {field[:-3]}-affecting --chown once.")
        setattr(options, field, "*:" + name)
        setattr(options, kept, True)
        options.by_chown.add(field)


def _old_args(options: Options, option: Option, value: str) -> None:
    options.old_args = max(options.old_args or 0, 0) + 1


def _stop_at(options: Options, option: Option, value: str) -> None:
    from .times import stop_at

    options.stop_at = stop_at(value, time.time())


def _stop_after(options: Options, option: Option, value: str) -> None:
    from .times import stop_after

    options.stop_at = stop_after(option.name, value, time.time())


def _write_batch(options: Options, option: Option, value: str) -> None:
    only = option.name.startswith("only")
    options.write_batch, options.only_write_batch = (None, value) if only else (value, None)


def _remote_option(options: Options, option: Option, value: str) -> None:
    if not value.startswith("-"):
        raise wrong(f"Remote option must start with a dash: {value}")
    options.remote_options.append(value)


def _read(path: str, option: str) -> bytes:
    """The file of rules that an option names; ``-`` is standard input."""
    try:
        if path != "-":
            return read_named(path)
        with open(0, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        kind = option.removesuffix("-from")
        text = f"failed to open {kind} file {path}: {error.strerror} ({error.errno})"
        raise RefsyncError(text, Exit.FILE_IO) from None


def _one_of(options: Options, option: Option, value: str) -> None:
    """A word of a few."""
    known = {"io-uring": ("auto", "require", "off"), "zero-copy": ("auto", "on", "off")}[option.name]
    if value not in known:
        raise wrong(f"--{option.name}={value} is not one of {', '.join(known)}")
    setattr(options, option.field, value)


def _io_uring_depth(options: Options, option: Option, value: str) -> None:
    depth = integer(option.name, value)
    if not 1 <= depth <= 4096 or depth & (depth - 1):
        raise wrong(f"--io-uring-depth={value} is not a power of two from 1 to 4096")
    options.io_uring_depth = depth


_ACTIONS: dict[str, Callable[[Options, Option, str], None]] = {
    "archive": _archive,
    "D": _devices_and_specials,
    "P": _partial_and_progress,
    "human-readable": _human,
    "atimes": _atimes,
    "acls": _acls,
    "super": _super,
    "fake-super": _fake_super,
    "append": _append,
    "delete-excluded": _delete_excluded,
    "delete-before": _delete_when,
    "delete-during": _delete_when,
    "del": _delete_when,
    "delete-delay": _delete_when,
    "delete-after": _delete_when,
    "filter": _filter,
    "exclude": _pattern,
    "include": _pattern,
    "exclude-from": _patterns,
    "include-from": _patterns,
    "F": _per_directory,
    "protocol": _protocol,
    "info": _levels,
    "debug": _levels,
    "stderr": _stderr,
    "msgs2stderr": _msgs2stderr,
    "max-size": _size_limit,
    "min-size": _size_limit,
    "max-alloc": _max_alloc,
    "bwlimit": _bwlimit,
    "compare-dest": _alt_dest,
    "copy-dest": _alt_dest,
    "link-dest": _alt_dest,
    "chmod": _chmod,
    "usermap": _id_map,
    "groupmap": _id_map,
    "chown": _chown,
    "old-args": _old_args,
    "remote-option": _remote_option,
    "stop-at": _stop_at,
    "stop-after": _stop_after,
    "time-limit": _stop_after,
    "write-batch": _write_batch,
    "only-write-batch": _write_batch,
    "io-uring": _one_of,
    "io-uring-depth": _io_uring_depth,
    "zero-copy": _one_of,
}
