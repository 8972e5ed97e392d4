"""Which files are transferred, and which of their attributes."""

from __future__ import annotations

from .option import NO_CRTIMES, Option

OPTIONS: tuple[Option, ...] = (
    # what to select
    Option("archive", "a", "do", help="archive mode: -rlptgoD"),
    Option("recursive", "r", field="recurse", value=2, help="go into directories", negatable=True),
    Option("inc-recursive", field="inc_recurse", hidden=True, negatable=True),
    Option("i-r", field="inc_recurse", hidden=True, negatable=True),
    Option(
        "dirs",
        "d",
        field="dirs",
        value=2,
        help="transfer directories without going into them",
        negatable=True,
    ),
    Option("old-dirs", field="dirs", value=4, help="as --dirs, for old servers"),
    Option("old-d", field="dirs", value=4, hidden=True),
    Option("relative", "R", field="relative", help="use relative path names", negatable=True),
    Option(
        "implied-dirs",
        field="implied_dirs",
        help="with --relative: send the directories on the way",
        hidden=True,
        negatable=True,
    ),
    Option("i-d", field="implied_dirs", hidden=True, negatable=True),
    Option(
        "files-from",
        kind="str",
        field="files_from",
        help="read the names of source files from a file",
        argument="FILE",
    ),
    Option(
        "from0",
        "0",
        field="from0",
        help="names and patterns in files end with NUL",
        negatable=True,
    ),
    Option(
        "one-file-system", "x", "count", "one_file_system", help="stay in one file system", negatable=True
    ),
    Option(
        "prune-empty-dirs",
        "m",
        field="prune_empty_dirs",
        help="leave out directories without files",
        negatable=True,
    ),
    Option(
        "max-size",
        kind="do",
        field="max_size",
        help="skip files larger than this",
        argument="SIZE",
    ),
    Option(
        "min-size",
        kind="do",
        field="min_size",
        help="skip files smaller than this",
        argument="SIZE",
    ),
    Option("existing", field="existing", help="create no new files on the receiver"),
    Option("ignore-non-existing", field="existing", hidden=True),
    Option("ignore-existing", field="ignore_existing", help="skip files that the receiver has"),
    Option(
        "ignore-missing-args",
        field="ignore_missing_args",
        help="say nothing of source arguments that are missing",
    ),
    Option(
        "delete-missing-args",
        field="delete_missing_args",
        help="delete what missing source arguments name",
    ),
    Option("qsort", field="qsort", hidden=True),
    Option("cvs-exclude", "C", field="cvs_exclude", help="leave out what CVS ignores"),
    Option("F", "F", "do", help="read .rsync-filter files (twice: leave them out too)"),
    Option("filter", "f", "do", help="add a filter rule", argument="RULE"),
    Option("exclude", kind="do", value=False, help="exclude what matches", argument="PATTERN"),
    Option("exclude-from", kind="do", value=False, help="read exclude patterns from a file", argument="FILE"),
    Option("include", kind="do", value=True, help="do not exclude what matches", argument="PATTERN"),
    Option("include-from", kind="do", value=True, help="read include patterns from a file", argument="FILE"),
    # links
    Option("links", "l", field="links", help="copy symlinks as symlinks", negatable=True),
    Option("copy-links", "L", field="copy_links", help="copy what symlinks point to"),
    Option(
        "copy-unsafe-links",
        field="copy_unsafe_links",
        help="the same where they lead out of the tree",
    ),
    Option("safe-links", field="safe_links", help="skip symlinks that lead out of the tree"),
    Option(
        "munge-links",
        field="munge_links",
        help="store symlinks so that they can't be followed",
        negatable=True,
    ),
    Option(
        "copy-dirlinks",
        "k",
        field="copy_dirlinks",
        help="copy directories that symlinks point to",
    ),
    Option(
        "keep-dirlinks",
        "K",
        field="keep_dirlinks",
        help="take a symlink to a directory for one",
    ),
    Option("hard-links", "H", "count", "hard_links", help="preserve hard links", negatable=True),
    # attributes
    Option("perms", "p", field="perms", help="preserve permissions", negatable=True),
    Option("executability", "E", field="executability", help="preserve executability"),
    Option(
        "chmod",
        kind="do",
        field="chmod",
        help="change the permissions of what is sent",
        argument="CHMOD",
    ),
    Option("acls", "A", "do", "acls", help="preserve ACLs (with -p)", negatable=True),
    Option("xattrs", "X", "count", "xattrs", help="preserve extended attributes", negatable=True),
    Option("owner", "o", field="owner", help="preserve the owner (root only)", negatable=True),
    Option("group", "g", field="group", help="preserve the group", negatable=True),
    Option("devices", field="devices", help="preserve device files (root only)", negatable=True),
    Option("copy-devices", field="copy_devices", help="copy what devices contain"),
    Option(
        "write-devices",
        field="write_devices",
        help="write to devices as to files",
        negatable=True,
    ),
    Option("specials", field="specials", help="preserve FIFOs and sockets", negatable=True),
    Option("D", "D", "do", help="the same as --devices --specials", negatable=True),
    Option("times", "t", field="times", help="preserve modification times", negatable=True),
    Option("atimes", "U", "do", "atimes", help="preserve access times", negatable=True),
    Option(
        "open-noatime",
        field="open_noatime",
        help="do not change access times of what is read",
        negatable=True,
    ),
    Option(
        "crtimes",
        "N",
        field="crtimes",
        help="preserve creation times",
        negatable=True,
        refused=NO_CRTIMES,
    ),
    Option(
        "omit-dir-times", "O", field="omit_dir_times", help="leave directories' times alone", negatable=True
    ),
    Option(
        "omit-link-times", "J", field="omit_link_times", help="leave symlinks' times alone", negatable=True
    ),
    Option("super", kind="do", field="super_user", help="let the receiver try what root may", negatable=True),
    Option(
        "fake-super",
        kind="do",
        field="fake_super",
        help="keep what only root may set in extended attributes",
    ),
    Option("numeric-ids", field="numeric_ids", help="do not map ids by name", negatable=True),
    Option("usermap", kind="do", field="usermap", help="map user names", argument="STRING"),
    Option("groupmap", kind="do", field="groupmap", help="map group names", argument="STRING"),
    Option("chown", kind="do", help="map all users and groups to one", argument="USER:GROUP"),
    Option(
        "copy-as",
        kind="str",
        argument="USER[:GROUP]",
        hidden=True,
        refused="is not supported: run as that user instead",
    ),
)
