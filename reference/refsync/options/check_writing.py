"""Combinations of options about writing: what they imply, and what makes no sense.

Clause OPT-6, OPT-14; upstream ``options.c:parse_arguments``.
"""

from __future__ import annotations

import os
import posixpath

from .model import Options
from .wrong import wrong

#: The directory of ``--delay-updates`` if none was named.
DELAYED = ".~tmp~"
#: Longest path of an option's directory, with room for what is put behind it.
_MAX_DIRECTORY = 4096
_ROOM_FOR_BACKUP = 128
_ROOM_FOR_TEMP = 10


def check_writing(options: Options) -> None:
    """Set what follows from what was asked for; ``RefsyncError`` (exit 1) for a contradiction."""
    if options.temp_dir is not None and len(os.fsencode(options.temp_dir)) >= _MAX_DIRECTORY - _ROOM_FOR_TEMP:
        raise wrong("the --temp-dir path is WAY too long.")
    if options.max_delete is not None:
        options.max_delete = max(options.max_delete, 0)
    _backup(options)
    _in_place(options)
    _parts(options)


def _backup(options: Options) -> None:
    """OPT-14: ``--backup-dir`` implies ``--backup``; backups beside the files are not deleted again."""
    same_place = False
    if options.suffix is None:
        options.suffix = "~" if options.backup_dir is None else ""
    if "/" in options.suffix:
        raise wrong(f"--suffix cannot contain slashes: {options.suffix}")
    if options.backup_dir is not None:
        options.backup = True
        directory = options.backup_dir
        while directory.startswith("./"):
            directory = directory[2:]
        if directory == ".":
            directory = ""
        if len(os.fsencode(directory)) > _MAX_DIRECTORY - _ROOM_FOR_BACKUP:
            raise wrong("the --backup-dir path is WAY too long.")
        options.backup_dir = directory or None
        same_place = not directory
    if options.backup_dir:
        return
    if not options.suffix and not (options.server and options.sender):
        where = "when --backup-dir is the same as the dest dir" if same_place else "without a --backup-dir"
        raise wrong(f"--suffix cannot be empty {where}")
    if options.backup:
        if options.delete and not options.delete_excluded and not options.server:
            options.filters.append(f"P *{options.suffix}")
        options.omit_dir_times = options.backup_beside = True


def _in_place(options: Options) -> None:
    if options.append:
        if options.whole_file or str(options.checksum_choice).partition(",")[0] == "none":
            raise wrong("--append cannot be used with --whole-file")
        options.inplace = True
    if options.write_devices:
        options.inplace = True


def _parts(options: Options) -> None:
    """OPT-14: where parts go; a file that is updated in its place has none."""
    if options.delay_updates and not options.partial_dir:
        options.partial_dir = DELAYED
    if options.inplace:
        if options.partial_dir:
            first = "append" if options.append else "inplace"
            second = "delay-updates" if options.delay_updates else "partial-dir"
            raise wrong(f"--{first} cannot be used with --{second}")
        options.partial = False
        return
    if options.partial and not options.partial_dir and not options.server:
        options.partial_dir = os.environ.get("RSYNC_PARTIAL_DIR") or None
    if options.partial_dir is not None:
        directory = posixpath.normpath(options.partial_dir) if options.partial_dir else ""
        options.partial_dir = directory if directory not in ("", ".") else None
        options.partial = True
