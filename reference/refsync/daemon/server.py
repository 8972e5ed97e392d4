"""The daemon's process: it listens, and forks for each client.

Clause DAEMON-13; upstream ``clientserver.c:daemon_main``,
``become_daemon``, ``create_pid_file``, ``socket.c:start_accept_loop``.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import stat
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..files.interrupt import install
from ..files.log import Log
from ..options.model import Options
from ..transport import tcp
from ..wire.errors import Exit, RefsyncError
from .access import UNDETERMINED, Client, look_up
from .config import Config, load
from .pidfile import PidFile
from .rules import module_rules

#: Where the configuration is unless ``--config`` says otherwise.
DEFAULT_CONFIG = "/etc/rsyncd.conf"
#: Where it is for an ordinary user who is reached over a remote shell: in his home directory.
USER_CONFIG = "rsyncd.conf"
#: After a fork has failed the machine has too much to do already.
_FORK_PAUSE = 2.0


class _Stop(BaseException):
    """A signal asked the daemon to end."""


def run_daemon(options: Options) -> int:
    """Serve until a signal ends it; returns the exit code. A socket as standard input is the only client."""
    path = options.config or DEFAULT_CONFIG
    if is_socket(0):
        return _serve_standard_input(path, options.bwlimit)
    notes: list[str] = []
    config = _load_checked(path, notes)
    main = config.main
    port = options.port or main.number("port") or tcp.DAEMON_PORT
    address = options.address or main.text("address") or None
    listeners = tcp.listen(address, port, backlog=main.number("listen backlog"))
    if options.detach:
        _detach()
    _load_all()
    log = open_log(config)
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _stop)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the children
        with PidFile(main.text("pid file")):
            for note in notes:
                log(note)
            log(f"rsyncd version refsync {__version__} starting, listening on port {port}")
            _accept_loop(path, listeners, log, options.bwlimit)
    except _Stop as stop:
        log("rsyncd is told to stop")
        return Exit.OK if stop.args == (signal.SIGTERM,) else Exit.SIGNAL
    finally:
        for listener in listeners:
            listener.close()


def _load_all() -> None:
    """Import what a connection may need: all children share it, and a chroot would hide it."""
    import ctypes

    from ..session import auth
    from ..uring import choice, movers, ring
    from . import connection

    assert ctypes and auth and choice and movers and ring and connection


def serve_over_shell(options: Options) -> int:
    """DAEMON-14: serve who started us over a remote shell, and end; an ordinary user has his own file."""
    from .connection import Connection

    _load_all()
    path = options.config or (DEFAULT_CONFIG if os.getuid() == 0 else USER_CONFIG)
    config = load(path, say=lambda note: None)
    address = "0.0.0.0"
    for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH2_CLIENT"):
        if os.environ.get(name, "").split():
            address = os.environ[name].split()[0]
            break
    host = look_up(address) if config.main.flag("reverse lookup") else UNDETERMINED
    return Connection(config, Client(address, host), open_log(config), 0, 1, bwlimit=options.bwlimit).run()


def is_socket(descriptor: int) -> bool:
    """Whether a descriptor is a socket: then inetd, or its like, has accepted the client already."""
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def open_log(config: Config) -> Log:
    """The log of the main section; a module's own is opened when the module is."""
    main = config.main
    return Log(main.text("log file"), main.text("syslog tag"), main.text("syslog facility"))


def serve_connection(path: str, client: socket.socket, address: str, bwlimit: int = 0) -> int:
    """Serve one client; the configuration is read anew for it."""
    from .connection import Connection

    _load_all()

    notes: list[str] = []
    try:
        config = load(path, say=notes.append)
    except RefsyncError as error:
        client.sendall(b"@ERROR: the daemon's configuration is wrong -- contact admin\n")
        tcp.part(client)
        Log()(error.message)
        return error.code
    log = open_log(config)
    host = look_up(address) if config.main.flag("reverse lookup") else UNDETERMINED
    descriptor = client.fileno()
    code = Connection(
        config,
        Client(address, host),
        log,
        descriptor,
        descriptor,
        finish=lambda: tcp.finish(client),
        bwlimit=bwlimit,
    ).run()
    tcp.finish(client)
    return code


def _load_checked(path: str, notes: list[str]) -> Config:
    """The configuration, with all that would keep a module from working found before any client comes."""
    config = load(path, say=notes.append)
    for module in config.modules:
        try:
            module_rules(module)
        except RefsyncError as error:
            raise RefsyncError(f"module {module.name}: {error.message}", error.code) from None
    return config


def _accept_loop(path: str, listeners: Sequence[socket.socket], log: Log, bwlimit: int) -> NoReturn:
    poll = select.poll()
    ready = {listener.fileno(): listener for listener in listeners}
    for descriptor, listener in ready.items():
        listener.setblocking(False)
        poll.register(descriptor, select.POLLIN)
    gc.freeze()
    while True:
        log.release()
        for descriptor, _ in poll.poll():
            try:
                client, where = ready[descriptor].accept()
            except OSError:
                continue  # it went away again
            with client:
                _fork_for(path, client, str(where[0]), listeners, log, bwlimit)


def _fork_for(
    path: str, client: socket.socket, address: str, listeners: Sequence[socket.socket], log: Log, bwlimit: int
) -> None:
    try:
        pid = os.fork()
    except OSError as error:
        log(f"could not create child server process: {error.strerror} ({error.errno})")
        time.sleep(_FORK_PAUSE)
        return
    if pid:
        return
    code = int(Exit.CRASHED)
    try:
        install()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for listener in listeners:
            listener.close()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = serve_connection(path, client, address, bwlimit)
    finally:
        os._exit(code)


def _serve_standard_input(path: str, bwlimit: int) -> int:
    """Standard input is the client: its answers go there too, and nothing else may."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    connection = socket.socket(fileno=os.dup(0))
    try:
        address = str(connection.getpeername()[0]) if connection.family != socket.AF_UNIX else "0.0.0.0"
    except OSError:
        address = "0.0.0.0"
    return serve_connection(path, connection, address, bwlimit)


def _detach() -> None:
    """Go on in the background: no terminal, no standard streams."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)


def _stop(number: int, frame: object) -> None:
    raise _Stop(number)
