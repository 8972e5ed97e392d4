"""What a run was asked to do: plain data, filled in by the option table's parser.

Field names follow upstream's options; sizes are bytes, times seconds.
"""

from __future__ import annotations

from ..records import dataclass, field
from .levels import Levels, debug_levels, info_levels


@dataclass(slots=True)
class Options:
    """All settings of one run, on either side of the connection."""

    # what kind of run
    server: bool = False
    sender: bool = False
    daemon: bool = False
    help: bool = False
    version: int = 0
    # what to say
    verbose: int = 0
    quiet: bool = False
    itemize: int = 0
    stats: bool = False
    progress: bool = False
    list_only: bool = False
    list_only_given: bool = False  # by option, not for want of a destination
    human_readable: int = 1
    out_format: str | None = None
    info: Levels = field(default_factory=info_levels)
    debug: Levels = field(default_factory=debug_levels)
    help_on: str = ""  # "info", "debug": --info=help, --debug=help
    # what follows from the formats (options.saying)
    format_has_i: int = 0  # the lines on standard output have %i; 2: for unchanged items too
    format_has_o_or_i: bool = False
    log_before: bool = False  # a file is named before its data moves
    logfile_has_i: bool = False
    logfile_has_o_or_i: bool = False
    stderr: str | None = None  # "errors", "all", "client"; None was not asked for
    eight_bit: bool = False
    outbuf: str | None = None
    log_file: str | None = None
    log_file_format: str | None = None
    no_motd: bool = False
    # what to select
    recurse: int = 0  # 2: by its own option, so that --files-from leaves it on
    dirs: int | None = None  # 2: by its own option; None: as the other options need it
    inc_recurse: bool = True
    qsort: bool = False  # a sort that is not stable: no incremental recursion
    relative: bool | None = None  # None: only with --files-from
    implied_dirs: bool = True
    files_from: str | None = None
    files_from_data: bytes | None = None  # what the file holds, once it has been read
    from0: bool = False
    one_file_system: int = 0
    prune_empty_dirs: bool = False
    min_size: int = -1  # -1: no limit
    max_size: int = -1
    min_size_given: str | None = None  # as it was written, for the server
    max_size_given: str | None = None
    ignore_missing_args: bool = False
    delete_missing_args: bool = False
    cvs_exclude: bool = False
    filters: list[str] = field(default_factory=list)  # rule texts in order, rsync's filter syntax
    # links
    links: bool = False
    copy_links: bool = False
    copy_unsafe_links: bool = False
    safe_links: bool = False
    copy_dirlinks: bool = False
    keep_dirlinks: bool = False
    munge_links: bool = False  # symlinks are stored so that they can't be followed
    hard_links: int = 0
    # attributes
    perms: bool = False
    executability: bool = False
    chmod: list[str] = field(default_factory=list)
    times: bool = False
    owner: bool = False
    group: bool = False
    numeric_ids: bool = False
    usermap: str | None = None
    groupmap: str | None = None
    by_chown: set[str] = field(default_factory=set)  # those of the two that --chown has set
    devices: bool = False
    specials: bool = False
    copy_devices: bool = False
    write_devices: bool = False
    acls: int = 0
    xattrs: int = 0
    atimes: int = 0
    crtimes: bool = False
    open_noatime: bool = False
    omit_dir_times: bool = False
    omit_link_times: bool = False
    super_user: bool | None = None  # None: whether we are root decides
    fake_super: bool = False
    # comparing
    checksum: bool = False
    ignore_times: bool = False
    size_only: bool = False
    update: bool = False
    whole_file: bool | None = None  # None: upstream's default (on when local)
    existing: bool = False
    ignore_existing: bool = False
    modify_window: int | None = None
    block_size: int = 0
    checksum_choice: str | None = None
    checksum_seed: int = 0
    fuzzy: int = 0
    alt_dest_kind: str = ""  # "compare", "copy", "link"
    alt_dests: list[str] = field(default_factory=list)
    # writing
    dry_run: bool = False
    inplace: bool = False
    append: int = 0  # 1: --append, 2: --append-verify
    partial: bool = False
    partial_dir: str | None = None
    delay_updates: bool = False
    temp_dir: str | None = None
    sparse: bool = False
    preallocate: bool = False
    fsync: bool = False
    mkpath: bool = False
    backup: bool = False
    backup_dir: str | None = None
    suffix: str | None = None
    backup_beside: bool = False  # which implies omit_dir_times, on either side without being told
    remove_source_files: int = 0  # 2: by its old name
    # deleting
    delete: bool = False
    delete_excluded: bool = False
    delete_when: str = ""  # "before", "during", "after", "delay"; "" lets the protocol choose
    max_delete: int | None = None
    ignore_errors: bool = False
    force: bool = False
    sanitize_links: bool = False  # a module keeps what it stores from leading out of it
    # compression
    compress: int = 0  # how often -z came; -1: on by its level alone
    compress_choice: str | None = None
    compress_level: int | None = None
    skip_compress: str | None = None
    # connection
    rsh: str | None = None
    rsync_path: str = "rsync"
    secluded_args: bool | None = None
    old_args: int | None = None
    trust_sender: bool = False
    protocol: int = 32
    protocol_given: bool = False
    iconv: str | None = None
    no_iconv: bool = False  # even if the environment asks for it
    port: int = 0
    address: str | None = None
    address_family: int = 0  # 4, 6, or 0 for either
    sockopts: str | None = None
    blocking_io: bool | None = None
    password_file: str | None = None
    early_input: str | None = None
    timeout: int = 0
    contimeout: int = 0
    bwlimit: int = 0  # KiB a second
    stop_at: float | None = None  # seconds since 1970
    max_alloc: int = 1 << 30  # 0: no limit
    max_alloc_given: str | None = None
    remote_options: list[str] = field(default_factory=list)
    capabilities: str = ""  # on a server: the letters after ``-e.`` that the client sent
    # how data moves on this side
    io_uring: str = "auto"  # "require", "off"
    io_uring_depth: int = 0  # 0: by the number of processors
    io_uring_sqpoll: bool = False
    zero_copy: str = "auto"  # "on", "off"
    # batch files
    write_batch: str | None = None
    only_write_batch: str | None = None
    read_batch: str | None = None
    # daemon
    config: str | None = None
    dparams: list[str] = field(default_factory=list)
    unmatched_ids: bool = False  # a daemon's "numeric ids": names travel as ever, but do not count
    module_chmod: str = ""  # a daemon's "incoming chmod" or "outgoing chmod"
    detach: bool = True
    check_config: bool = False
    local: bool = False  # both ends are here
    # how far the run has come, which names the process in messages
    forked: bool = False  # a receiving side has its list, and generator and receiver are two
    only_lists: bool = False  # a dry run because nothing but a listing was asked for

    @property
    def writes_batch(self) -> bool:
        return self.write_batch is not None or self.only_write_batch is not None

    @property
    def moves_data(self) -> bool:
        """Whether files are asked for and sent: not in a dry run, unless the data goes into a batch."""
        return not self.dry_run or self.only_write_batch is not None

    @property
    def tells_unchanged(self) -> bool:
        """Whether items are told of that have not changed: ``-ii``, or ``-i`` with ``-vv``."""
        return self.format_has_i > 1 or bool(self.format_has_i and self.info["NAME"] > 1)

    @property
    def window(self) -> int:
        """``--modify-window`` in seconds; negative: to the nanosecond."""
        return self.modify_window or 0
