"""How files are compared, written, deleted and compressed."""

from __future__ import annotations

from .option import Option

OPTIONS: tuple[Option, ...] = (
    # comparing
    Option(
        "checksum", "c", field="checksum", help="compare by checksum, not by size and time", negatable=True
    ),
    Option("ignore-times", "I", field="ignore_times", help="skip no file because size and time match"),
    Option("size-only", field="size_only", help="skip files that match in size"),
    Option("update", "u", field="update", help="skip files that are newer on the receiver"),
    Option(
        "modify-window", "@", "int", "modify_window", help="seconds by which times may differ", argument="NUM"
    ),
    Option("whole-file", "W", field="whole_file", help="send files whole, without a delta", negatable=True),
    Option("block-size", "B", "size", "block_size", help="the block length of the delta", argument="SIZE"),
    Option(
        "checksum-choice", kind="str", field="checksum_choice", help="the checksum algorithm", argument="NAME"
    ),
    Option("cc", kind="str", field="checksum_choice", argument="NAME", hidden=True),
    Option(
        "checksum-seed", kind="int", field="checksum_seed", help="the seed of the block sums", argument="NUM"
    ),
    Option(
        "fuzzy",
        "y",
        "count",
        "fuzzy",
        help="look for a similar file as the basis",
        negatable=True,
    ),
    Option(
        "compare-dest",
        kind="do",
        value="compare",
        help="also compare with the files of another directory",
        argument="DIR",
    ),
    Option(
        "copy-dest",
        kind="do",
        value="copy",
        help="the same, and copy what is unchanged",
        argument="DIR",
    ),
    Option(
        "link-dest",
        kind="do",
        value="link",
        help="the same, and hard-link what is unchanged",
        argument="DIR",
    ),
    # writing
    Option("dry-run", "n", field="dry_run", help="change nothing, show what would be done"),
    Option("inplace", field="inplace", help="update files in their place", negatable=True),
    Option("append", kind="do", field="append", help="append to shorter files", negatable=True),
    Option("append-verify", field="append", value=2, help="the same, and verify the old part"),
    Option("partial", field="partial", help="keep partly transferred files", negatable=True),
    Option(
        "partial-dir",
        kind="str",
        field="partial_dir",
        help="keep them in a directory",
        argument="DIR",
    ),
    Option(
        "delay-updates",
        field="delay_updates",
        help="put all updated files in place at the end",
        negatable=True,
    ),
    Option(
        "temp-dir",
        "T",
        "str",
        "temp_dir",
        help="make temporary files in a directory",
        argument="DIR",
    ),
    Option("sparse", "S", field="sparse", help="turn runs of zeros into holes", negatable=True),
    Option("preallocate", field="preallocate", help="allocate room for files before writing"),
    Option("fsync", field="fsync", help="fsync every written file"),
    Option(
        "mkpath",
        field="mkpath",
        help="make the destination's missing directories",
        negatable=True,
    ),
    Option(
        "backup",
        "b",
        field="backup",
        help="keep backups of what is replaced or deleted",
        negatable=True,
    ),
    Option(
        "backup-dir",
        kind="str",
        field="backup_dir",
        help="keep them in a directory",
        argument="DIR",
    ),
    Option(
        "suffix",
        kind="str",
        field="suffix",
        help="the suffix of backups (~ without --backup-dir)",
        argument="SUFFIX",
    ),
    Option(
        "remove-source-files",
        field="remove_source_files",
        value=1,
        help="remove what was sent from the source",
    ),
    Option("remove-sent-files", field="remove_source_files", value=2, hidden=True),
    # deleting
    Option("delete", field="delete", help="delete what the sender does not have"),
    Option("delete-before", kind="do", value="before", help="delete before the transfer"),
    Option("delete-during", kind="do", value="during", help="delete while the transfer goes on"),
    Option("del", kind="do", value="during", help="the same as --delete-during"),
    Option("delete-delay", kind="do", value="delay", help="find deletions during, delete after"),
    Option("delete-after", kind="do", value="after", help="delete after the transfer"),
    Option("delete-excluded", kind="do", help="delete excluded files too"),
    Option(
        "max-delete",
        kind="int",
        field="max_delete",
        help="delete no more files than this",
        argument="NUM",
    ),
    Option("ignore-errors", field="ignore_errors", help="delete even after I/O errors", negatable=True),
    Option("force", field="force", help="delete full directories that are in the way", negatable=True),
    # compression
    Option(
        "compress",
        "z",
        "count",
        "compress",
        help="compress file data on the way",
        negatable=True,
    ),
    Option(
        "compress-choice",
        kind="str",
        field="compress_choice",
        help="the compression algorithm",
        argument="NAME",
    ),
    Option("zc", kind="str", field="compress_choice", argument="NAME", hidden=True),
    Option(
        "compress-level",
        kind="int",
        field="compress_level",
        help="the compression level",
        argument="NUM",
    ),
    Option("zl", kind="int", field="compress_level", argument="NUM", hidden=True),
    Option("old-compress", field="compress_choice", value="zlib", hidden=True),
    Option("new-compress", field="compress_choice", value="zlibx", hidden=True),
    Option(
        "skip-compress",
        kind="str",
        field="skip_compress",
        help="suffixes of files not to compress",
        argument="LIST",
    ),
)
