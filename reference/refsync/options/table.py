"""Every option of rsync 3.4, once: its names, what it takes, what it sets, what it is for.

Parser, help, server arguments and the tests read this table. An option of
rsync's that is not in ``OPTIONS`` is in ``UNSUPPORTED`` and refused by name.
Clauses OPT-1 to OPT-5; upstream ``options.c:long_options``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """``kind`` is how it acts on ``field`` of ``Options``:

    ``set`` stores ``value``; ``count`` adds one; ``str``, ``int``, ``size``
    store the argument; ``append`` adds it to a list; ``do`` is a name that
    the parser knows how to handle. ``negatable``: ``--no-NAME`` stores the
    field's zero. ``hidden`` options are for servers and not shown by ``--help``.
    """

    name: str
    short: str = ""
    kind: str = "set"
    field: str = ""
    value: object = True
    help: str = ""
    negatable: bool = False
    argument: str = ""
    hidden: bool = False


OPTIONS: tuple[Option, ...] = (
    Option("verbose", "v", "count", "verbose", help="say more (repeat for more still)", negatable=True),
    Option("quiet", "q", "set", "quiet", help="say nothing but errors"),
    Option("no-motd", field="no_motd", help="leave out a daemon's message of the day"),
    Option(
        "checksum", "c", field="checksum", help="compare by checksum, not by size and time", negatable=True
    ),
    Option("archive", "a", "do", help="archive mode: -rlptgoD"),
    Option("recursive", "r", field="recurse", help="go into directories", negatable=True),
    Option("dirs", "d", field="dirs", help="transfer directories without going into them", negatable=True),
    Option("update", "u", field="update", help="skip files that are newer on the receiver"),
    Option("inplace", field="inplace", help="update files in their place", negatable=True),
    Option("links", "l", field="links", help="copy symlinks as symlinks", negatable=True),
    Option("perms", "p", field="perms", help="preserve permissions", negatable=True),
    Option("executability", "E", field="executability", help="preserve executability"),
    Option("times", "t", field="times", help="preserve modification times", negatable=True),
    Option(
        "omit-dir-times", "O", field="omit_dir_times", help="leave directories' times alone", negatable=True
    ),
    Option(
        "omit-link-times", "J", field="omit_link_times", help="leave symlinks' times alone", negatable=True
    ),
    Option("owner", "o", field="owner", help="preserve the owner (root only)", negatable=True),
    Option("group", "g", field="group", help="preserve the group", negatable=True),
    Option("devices", field="devices", help="preserve device files (root only)", negatable=True),
    Option("specials", field="specials", help="preserve FIFOs and sockets", negatable=True),
    Option("D", "D", "do", help="the same as --devices --specials", negatable=True),
    Option("dry-run", "n", field="dry_run", help="change nothing, show what would be done"),
    Option("whole-file", "W", field="whole_file", help="send files whole, without a delta", negatable=True),
    Option(
        "one-file-system", "x", "count", "one_file_system", help="stay in one file system", negatable=True
    ),
    Option("block-size", "B", "size", "block_size", help="the block length of the delta", argument="SIZE"),
    Option("rsh", "e", "str", "rsh", help="the remote shell to use", argument="COMMAND"),
    Option(
        "rsync-path",
        kind="str",
        field="rsync_path",
        help="the rsync to run at the other end",
        argument="PROGRAM",
    ),
    Option("existing", field="existing", help="create no new files on the receiver"),
    Option("ignore-non-existing", field="existing", hidden=True),
    Option("ignore-existing", field="ignore_existing", help="skip files that the receiver has"),
    Option("delete", field="delete", help="delete what the sender does not have"),
    Option("delete-before", kind="do", value="before", help="delete before the transfer"),
    Option("delete-during", kind="do", value="during", help="delete while the transfer goes on"),
    Option("del", kind="do", value="during", help="the same as --delete-during"),
    Option("delete-delay", kind="do", value="delay", help="find deletions during, delete after"),
    Option("delete-after", kind="do", value="after", help="delete after the transfer"),
    Option("delete-excluded", kind="do", help="delete excluded files too"),
    Option("force", field="force", help="delete full directories that are in the way", negatable=True),
    Option("secluded-args", "s", field="secluded_args", hidden=True),
    Option("protect-args", field="secluded_args", hidden=True),
    Option("ignore-errors", field="ignore_errors", help="delete even after I/O errors", negatable=True),
    Option("partial", field="partial", help="keep partly transferred files", negatable=True),
    Option("numeric-ids", field="numeric_ids", help="do not map ids by name", negatable=True),
    Option(
        "timeout", kind="int", field="timeout", help="end when nothing moves for so long", argument="SECONDS"
    ),
    Option(
        "contimeout", kind="int", field="contimeout", help="time to connect to a daemon", argument="SECONDS"
    ),
    Option("ignore-times", "I", field="ignore_times", help="skip no file because size and time match"),
    Option("size-only", field="size_only", help="skip files that match in size"),
    Option(
        "modify-window", "@", "int", "modify_window", help="seconds by which times may differ", argument="NUM"
    ),
    Option(
        "checksum-choice", kind="str", field="checksum_choice", help="the checksum algorithm", argument="NAME"
    ),
    Option("cc", kind="str", field="checksum_choice", argument="NAME", hidden=True),
    Option(
        "checksum-seed", kind="int", field="checksum_seed", help="the seed of the block sums", argument="NUM"
    ),
    Option("cvs-exclude", "C", field="cvs_exclude", help="leave out what CVS ignores"),
    Option("F", "F", "do", help="read .rsync-filter files (twice: leave them out too)"),
    Option("filter", "f", "do", help="add a filter rule", argument="RULE"),
    Option("exclude", kind="do", value=False, help="exclude what matches", argument="PATTERN"),
    Option("exclude-from", kind="do", value=False, help="read exclude patterns from a file", argument="FILE"),
    Option("include", kind="do", value=True, help="do not exclude what matches", argument="PATTERN"),
    Option("include-from", kind="do", value=True, help="read include patterns from a file", argument="FILE"),
    Option("address", kind="str", field="address", help="the address to bind to", argument="ADDRESS"),
    Option("port", kind="int", field="port", help="the daemon's port", argument="PORT"),
    Option("stats", field="stats", help="print totals at the end"),
    Option("human-readable", "h", "do", help="numbers for people (repeat for units of 1024)", negatable=True),
    Option("progress", field="progress", help="show progress", negatable=True),
    Option("P", "P", "do", help="the same as --partial --progress"),
    Option("itemize-changes", "i", "count", "itemize", help="say for each file what changed", negatable=True),
    Option("list-only", field="list_only", help="list the files instead of copying them"),
    Option("protocol", kind="do", help="speak an older protocol version", argument="NUM"),
    Option("inc-recursive", field="inc_recurse", hidden=True, negatable=True),
    Option("i-r", field="inc_recurse", hidden=True, negatable=True),
    Option("daemon", field="daemon", help="run as an rsync daemon"),
    Option("config", kind="str", field="config", help="the daemon's configuration file", argument="FILE"),
    Option("detach", field="detach", help="daemon: leave the terminal (the default)", negatable=True),
    Option("version", "V", "count", "version", help="print the version and what it can do"),
    Option("help", kind="set", field="help", help="print this help"),
    Option("server", field="server", hidden=True),
    Option("sender", field="sender", hidden=True),
    Option("log-format", kind="do", hidden=True, argument="FORMAT"),
)

#: Options of rsync 3.4 that are refused by name; a letter is a short form.
UNSUPPORTED: frozenset[str] = frozenset(
    (
        "8-bit-output",
        "acls",
        "append",
        "append-verify",
        "atimes",
        "backup",
        "backup-dir",
        "blocking-io",
        "bwlimit",
        "chmod",
        "chown",
        "compare-dest",
        "compress",
        "compress-choice",
        "compress-level",
        "copy-as",
        "copy-dest",
        "copy-devices",
        "copy-dirlinks",
        "copy-links",
        "copy-unsafe-links",
        "crtimes",
        "debug",
        "delay-updates",
        "delete-missing-args",
        "dparam",
        "early-input",
        "fake-super",
        "files-from",
        "from0",
        "fsync",
        "fuzzy",
        "groupmap",
        "hard-links",
        "iconv",
        "ignore-missing-args",
        "implied-dirs",
        "info",
        "ipv4",
        "ipv6",
        "keep-dirlinks",
        "link-dest",
        "log-file",
        "log-file-format",
        "max-alloc",
        "max-delete",
        "max-size",
        "min-size",
        "mkpath",
        "msgs2stderr",
        "munge-links",
        "new-compress",
        "old-args",
        "old-compress",
        "old-d",
        "old-dirs",
        "only-write-batch",
        "open-noatime",
        "out-format",
        "outbuf",
        "partial-dir",
        "password-file",
        "preallocate",
        "prune-empty-dirs",
        "qsort",
        "read-batch",
        "relative",
        "remote-option",
        "remove-sent-files",
        "remove-source-files",
        "safe-links",
        "skip-compress",
        "sockopts",
        "sparse",
        "stderr",
        "stop-after",
        "stop-at",
        "suffix",
        "super",
        "temp-dir",
        "time-limit",
        "trust-sender",
        "usermap",
        "write-batch",
        "write-devices",
        "xattrs",
        "zc",
        "zl",
        "0",
        "4",
        "6",
        "8",
        "A",
        "H",
        "K",
        "L",
        "M",
        "N",
        "R",
        "S",
        "T",
        "U",
        "X",
        "b",
        "k",
        "m",
        "w",
        "y",
        "z",
    )
)


def by_name() -> dict[str, Option]:
    """Long names."""
    return {option.name: option for option in OPTIONS}


def by_letter() -> dict[str, Option]:
    """Short names."""
    return {option.short: option for option in OPTIONS if option.short}


def shown() -> Iterator[Option]:
    """Those that ``--help`` lists."""
    return (option for option in OPTIONS if not option.hidden)
