"""What a run was asked to do: plain data, filled in by the option table's parser.

Field names follow upstream's options; sizes are bytes, times seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
    no_motd: bool = False
    # what to select
    recurse: bool = False
    dirs: bool = False
    inc_recurse: bool = True
    one_file_system: int = 0
    cvs_exclude: bool = False
    filters: list[str] = field(default_factory=list)  # rule texts in order, rsync's filter syntax
    # attributes
    links: bool = False
    perms: bool = False
    times: bool = False
    owner: bool = False
    group: bool = False
    devices: bool = False
    specials: bool = False
    numeric_ids: bool = False
    hard_links: bool = False
    acls: bool = False
    xattrs: int = 0
    atimes: int = 0
    crtimes: bool = False
    omit_dir_times: bool = False
    omit_link_times: bool = False
    executability: bool = False
    # comparing
    checksum: bool = False
    ignore_times: bool = False
    size_only: bool = False
    update: bool = False
    whole_file: bool | None = None  # None: upstream's default (on when local)
    existing: bool = False
    ignore_existing: bool = False
    modify_window: int = 0
    block_size: int = 0
    checksum_choice: str | None = None
    checksum_seed: int = 0
    # writing
    dry_run: bool = False
    inplace: bool = False
    partial: bool = False
    sparse: bool = False
    delete: bool = False
    delete_excluded: bool = False
    delete_when: str = ""  # "before", "during", "after", "delay"; "" lets the protocol choose
    ignore_errors: bool = False
    force: bool = False
    secluded_args: bool = False
    sanitize_links: bool = False  # a module keeps what it stores from leading out of it
    prune_empty_dirs: bool = False
    # compression
    compress: bool = False
    compress_choice: str | None = None
    compress_level: int | None = None
    # connection
    rsh: str | None = None
    rsync_path: str = "rsync"
    protocol: int = 32
    protocol_given: bool = False
    port: int = 0
    address: str | None = None
    timeout: int = 0
    contimeout: int = 0
    remote_options: list[str] = field(default_factory=list)
    capabilities: str = ""  # on a server: the letters after ``-e.`` that the client sent
    # daemon
    config: str | None = None
    munge_links: bool = False  # symlinks are stored so that they can't be followed
    unmatched_ids: bool = False  # a daemon's "numeric ids": names travel as ever, but do not count
    detach: bool = True
    # on a server: the client prints each item, though not its flags
    log_format_given: bool = False
