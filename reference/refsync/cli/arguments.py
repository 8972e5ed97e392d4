"""Sources and destination: what is local, what is behind a remote shell, what a daemon has.

Clauses OPT-7, OPT-8; upstream ``main.c:start_client``, ``options.c:check_for_hostspec``.
"""

from __future__ import annotations

from ..options.filesfrom import remote_file
from ..options.model import Options
from ..records import dataclass, field
from ..wire.errors import Exit, RefsyncError

DAEMON_PORT = 873


@dataclass(slots=True)
class Remote:
    """``host``, perhaps with a ``user``; ``daemon`` if it is reached as one, at ``port`` (0: the default)."""

    host: str
    user: str = ""
    daemon: bool = False
    port: int = 0


@dataclass(slots=True)
class Job:
    """What to transfer: ``remote`` None is a local copy; ``sender`` tells that we have the files."""

    sources: list[str]
    dest: str | None
    sender: bool
    remote: Remote | None = field(default=None)


def split_host(argument: str) -> tuple[Remote | None, str]:
    """(where, path): ``host:path``, ``host::module/path``, ``rsync://host:port/module/path``, else local."""
    lowered = argument[:8].lower()
    if lowered == "rsync://":
        authority, _, path = argument[8:].partition("/")
        user, at, hostport = authority.rpartition("@")
        host, port = _host_port(hostport, argument)
        return Remote(host, user if at else "", True, port), path
    at_bracket = argument.find("[")
    if at_bracket >= 0 and argument.find("]:", at_bracket) > 0 and "/" not in argument[:at_bracket]:
        end = argument.find("]:", at_bracket)
        host, rest = argument[at_bracket + 1 : end], argument[end + 1 :]
        user = argument[:at_bracket].rstrip("@")
    else:
        colon = argument.find(":")
        if colon < 0 or "/" in argument[:colon]:
            return None, argument
        user, _, host = argument[:colon].rpartition("@")
        rest = argument[colon:]
    if host.startswith("-"):
        raise RefsyncError(f"Invalid remote host name: {host}", Exit.SYNTAX)
    if rest.startswith("::"):
        return Remote(host, user, True), rest[2:]
    return Remote(host, user), rest[1:]


def _host_port(text: str, argument: str) -> tuple[str, int]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else ""
    else:
        host, _, port = text.partition(":")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise RefsyncError(f"invalid port in {argument}", Exit.SYNTAX)
    return host, int(port or 0)


def plan_replay(paths: list[str]) -> Job:
    """BATCH-3: a batch has the files; the last argument tells where they go."""
    if not paths:
        raise RefsyncError("rsync: nothing to do: give a destination (see --help)", Exit.SYNTAX)
    if split_host(paths[-1])[0] is not None:
        raise RefsyncError("remote destination is not allowed with --read-batch", Exit.SYNTAX)
    return Job([], paths[-1], False)


def _same_place(first: Remote, remote: Remote | None, source: str) -> None:
    """OPT-7: a further source has the host of the first, or none before its colon."""
    if remote is None:
        raise RefsyncError(
            f"Unexpected local arg: {source}\nIf arg is a remote file/dir, prefix it with a colon (:).",
            Exit.SYNTAX,
        )
    if remote.host and (remote.host, remote.user) != (first.host, first.user):
        raise RefsyncError("All source args must come from the same machine.", Exit.SYNTAX)
    if remote.daemon != first.daemon:
        raise RefsyncError("All source args must use the same hostspec format.", Exit.SYNTAX)
    if remote.port != first.port:
        raise RefsyncError("All source args must use the same port number.", Exit.SYNTAX)


def plan(paths: list[str], *, list_only: bool) -> Job:
    """OPT-7: the last argument is the destination, unless there is only one: then it is listed."""
    if not paths:
        raise RefsyncError("rsync: nothing to do: give a source and a destination (see --help)", Exit.SYNTAX)
    dest: str | None = None
    sources = paths
    if len(paths) > 1:
        *sources, dest = paths
    if any(not source for source in sources):
        raise RefsyncError("Empty source arg specified.", Exit.SYNTAX)
    to, dest_path = split_host(dest) if dest is not None else (None, None)
    froms = [split_host(source) for source in sources]
    first = froms[0][0]
    if first is not None:
        if dest is not None and dest.startswith(":"):
            froms.append(split_host(dest))  # one more source, so all of them are only listed
            dest_path = None
        elif to is not None:
            raise RefsyncError("The source and destination cannot both be remote.", Exit.SYNTAX)
        for (remote, _), source in zip(froms[1:], paths[1:], strict=False):
            _same_place(first, remote, source)
        return Job([path for _, path in froms], dest_path, False, first)
    for (remote, _), source in zip(froms[1:], paths[1:], strict=False):
        if remote is not None:
            raise RefsyncError(f"Unexpected remote arg: {source}", Exit.SYNTAX)
    local = [path for _, path in froms]
    if to is not None:
        return Job(local, dest_path, True, to)
    return Job(local, dest_path, dest_path is not None and not list_only)


def check_files_from(options: Options, job: Job) -> None:
    """FROM-5: the file goes with one source and a destination, and is here or with the transfer's host."""
    if options.files_from is None:
        return
    if len(job.sources) != 1 or job.dest is None:
        raise RefsyncError("--files-from wants one source directory and a destination", Exit.SYNTAX)
    remote = remote_file(options.files_from)
    if remote is None:
        return
    host, path = remote
    if path == "-":
        raise RefsyncError("Invalid --files-from remote filename", Exit.SYNTAX)
    if job.remote is None:
        raise RefsyncError("--files-from cannot be remote when the transfer is local", Exit.SYNTAX)
    if host and host != job.remote.host:
        raise RefsyncError("--files-from hostname is not the same as the transfer hostname", Exit.SYNTAX)
