"""From an accepted connection to the first word: who is there, and with what rights we go on.

The configuration is read anew for each connection, so that changes count at once. Then come, in this
order: the header of a proxy, the name of the client, the daemon's own root, group and user.
Clauses DAEMON-14, DAEMON-18 to DAEMON-20; upstream ``clientserver.c:start_daemon``, ``load_config``.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket

from ..files.log import Log
from ..options.model import Options
from ..records import dataclass, field
from ..transport import tcp
from ..wire import proxyproto
from ..wire.cursor import Cursor
from ..wire.errors import Exit, NeedMoreData, ProtocolError, RefsyncError
from . import privileges
from .access import UNDETERMINED, Client, listed, look_up
from .config import Config, Section, load, overrides_from

#: Where the configuration is unless ``--config`` says otherwise.
DEFAULT_CONFIG = "/etc/rsyncd.conf"
#: Where it is for an ordinary user who is reached over a remote shell: in his home directory.
USER_CONFIG = "rsyncd.conf"
#: What is known of a client that is reached over something else than TCP.
NO_ADDRESS = "0.0.0.0"
_PIECE = 1024


@dataclass(frozen=True, slots=True)
class Start:
    """What the command line says: it outweighs the configuration whenever that is read."""

    path: str
    overrides: list[tuple[str, str]] = field(default_factory=list)
    log_file: str = ""
    log_format: str = ""
    bwlimit: int = 0  # KiB a second

    @classmethod
    def of(cls, options: Options, path: str = DEFAULT_CONFIG) -> Start:
        return cls(
            options.config or path,
            overrides_from(options.dparams),
            options.log_file or "",
            options.log_file_format or "",
            options.bwlimit,
        )

    def load(self, notes: list[str]) -> Config:
        """The configuration as it is now; ``notes`` gets what was passed over."""
        return load(self.path, self.overrides, notes.append)

    def log(self, section: Section) -> Log:
        """The log of a section. A file of the command line's is everyone's."""
        path = self.log_file or section.text("log file")
        return Log(path, section.text("syslog tag"), section.text("syslog facility"))


def serve_socket(start: Start, connection: socket.socket, address: str) -> int:
    """Serve one client over a socket; returns the exit code."""
    from .connection import Connection, begin_deadline

    begin_deadline()
    notes: list[str] = []
    try:
        config = start.load(notes)
    except RefsyncError as error:
        connection.sendall(b"@ERROR: the daemon's configuration is wrong -- contact admin\n")
        tcp.part(connection)
        Log(start.log_file)(error.message)
        return error.code
    log = start.log(config.main)
    for note in notes:
        log(note)
    try:
        head = b""
        if config.main.flag("proxy protocol"):
            address, head = through_proxy(connection, address, config.main)
        client = _client(address, config.main)
        confine_daemon(config.main, log)
    except RefsyncError as error:  # who comes this way is told nothing, as upstream has it
        log(error.message)
        signal.alarm(0)
        return error.code
    descriptor = connection.fileno()
    code = Connection(
        start,
        config,
        client,
        log,
        descriptor,
        descriptor,
        finish=lambda: tcp.finish(connection),
        head=head,
    ).run()
    tcp.finish(connection)
    return code


def serve_over_shell(options: Options) -> int:
    """DAEMON-14: serve who started us over a remote shell, and end; an ordinary user has his own file."""
    from .connection import Connection

    start = Start.of(options, DEFAULT_CONFIG if os.getuid() == 0 else USER_CONFIG)
    notes: list[str] = []
    config = start.load(notes)
    address = NO_ADDRESS
    for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH2_CLIENT"):
        if os.environ.get(name, "").split():
            address = os.environ[name].split()[0]
            break
    client = _client(address, config.main)
    log = start.log(config.main)
    for note in notes:
        log(note)
    confine_daemon(config.main, log)
    return Connection(start, config, client, log, 0, 1).run()


def through_proxy(connection: socket.socket, address: str, main: Section) -> tuple[str, bytes]:
    """DAEMON-19: the address that the proxy says, and what came behind its header.

    ``RefsyncError``: the peer is none of ``proxy protocol hosts``, which speak for others, or its header
    is wrong.
    """
    hosts = main.text("proxy protocol hosts")
    if not listed(Client(address), hosts):
        raise RefsyncError(f"{address} is not one of the proxy protocol hosts", Exit.START_CLIENT)
    data = b""
    while True:
        cursor = Cursor(data)
        try:
            said = proxyproto.decode(cursor)
        except NeedMoreData:
            piece = connection.recv(_PIECE)
            if not piece:
                raise RefsyncError(f"the proxy {address} has gone", Exit.START_CLIENT) from None
            data += piece
            continue
        except ProtocolError as error:
            raise RefsyncError(f"the proxy {address} says what is {error.message}", error.code) from None
        return said or address, data[cursor.pos :]


def confine_daemon(main: Section, log: Log) -> None:
    """DAEMON-18: the daemon's own root, group and user, for all modules; ``RefsyncError`` if one fails."""
    root, group, user = (main.text(f"daemon {what}") for what in ("chroot", "gid", "uid"))
    uid = privileges.user_number(user) if user else None
    gid = privileges.group_number(group) if group else None
    if root:
        try:
            os.chroot(root)
            os.chdir("/")
        except OSError as error:
            text = f'daemon chroot("{root}") failed: {error.strerror} ({error.errno})'
            raise RefsyncError(text, Exit.START_CLIENT) from None
    if group and gid is None:
        raise RefsyncError(f"Invalid daemon gid: {group}", Exit.START_CLIENT)
    if user and uid is None:
        raise RefsyncError(f"Invalid daemon uid: {user}", Exit.START_CLIENT)
    try:
        what = "group to daemon gid"
        if gid is not None:
            os.setgroups([gid])  # upstream leaves the other groups
            os.setgid(gid)
        what = "user to daemon uid"
        if uid is not None:
            os.setuid(uid)
    except OSError as error:
        raise RefsyncError(
            f"Unable to set {what}: {error.strerror} ({error.errno})", Exit.START_CLIENT
        ) from None


def _client(address: str, main: Section) -> Client:
    """The client, with its name if all have one: looked up before a root hides the resolver's files."""
    address = _plain(address)
    return Client(address, look_up(address) if main.flag("reverse lookup") else UNDETERMINED)


def _plain(address: str) -> str:
    """An IPv4 address as such, also where it came as one of IPv6."""
    try:
        mapped = getattr(ipaddress.ip_address(address.partition("%")[0]), "ipv4_mapped", None)
    except ValueError:
        return address
    return str(mapped) if mapped is not None else address
