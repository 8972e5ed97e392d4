"""The daemon's process: it listens, and forks for each client.

Clauses DAEMON-13, DAEMON-21; upstream ``clientserver.c:daemon_main``,
``become_daemon``, ``create_pid_file``, ``socket.c:start_accept_loop``.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence

from .. import __version__
from ..files.interrupt import install
from ..files.log import Log
from ..options.model import Options
from ..transport import tcp
from ..typed import NoReturn
from ..wire.errors import Exit, RefsyncError
from .activation import inherited, is_socket
from .config import Config
from .entrance import NO_ADDRESS, Start, serve_over_shell, serve_socket
from .pidfile import PidFile
from .rules import module_rules

__all__ = ["run_daemon", "serve_over_shell"]

#: Seconds to wait when a fork has failed, or a connection can't be taken: the machine has too much to do.
_FORK_PAUSE = 2.0


class _Stop(BaseException):
    """A signal asked the daemon to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_daemon(options: Options) -> int:
    """Serve until a signal ends it; returns the exit code. A socket as standard input is the only client."""
    start = Start.of(options)
    if is_socket(0) and not options.check_config:
        return _serve_standard_input(start)
    if options.check_config:
        from .check import check

        return check(start)
    notes: list[str] = []
    config = _load_checked(start, notes)
    main = config.main
    listeners = inherited()
    if listeners:
        port = listeners[0].getsockname()[1] if listeners[0].family != socket.AF_UNIX else 0
    else:
        port = options.port or main.number("port") or tcp.DAEMON_PORT
        listeners = tcp.listen(
            options.address or main.text("address") or None,
            port,
            backlog=main.number("listen backlog"),
            family=tcp.family_of(options.address_family),
            options=options.sockopts or main.text("socket options"),
        )
    if options.detach:
        _detach()
    from . import connection  # noqa: F401 - its modules are shared by all children, and a chroot would hide them

    log = start.log(main)
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _stop)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the children
        with PidFile(main.text("pid file")):
            for note in notes:
                log(note)
            log(f"rsyncd version refsync {__version__} starting, listening on port {port}")
            _accept_loop(start, listeners, log)
    except _Stop as stop:
        log("rsyncd is told to stop")
        return Exit.OK if stop.number == signal.SIGTERM else Exit.SIGNAL
    finally:
        for listener in listeners:
            listener.close()


def _load_checked(start: Start, notes: list[str]) -> Config:
    """The configuration, with all that would keep a module from working found before any client comes."""
    config = start.load(notes)
    for module in config.modules:
        try:
            module_rules(module)
        except RefsyncError as error:
            raise RefsyncError(f"module {module.name}: {error.message}", error.code) from None
    return config


def _accept_loop(start: Start, listeners: Sequence[socket.socket], log: Log) -> NoReturn:
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
            except (BlockingIOError, ConnectionAbortedError):
                continue  # it went away again
            except OSError as error:  # no descriptors, no memory: at once it would be the same
                log(f"could not accept a connection: {error.strerror} ({error.errno})")
                time.sleep(_FORK_PAUSE)
                continue
            with client:
                _fork_for(start, client, _address(client, where), listeners, log)


def _address(client: socket.socket, where: object) -> str:
    return str(where[0]) if client.family != socket.AF_UNIX and isinstance(where, tuple) else NO_ADDRESS


def _fork_for(
    start: Start, client: socket.socket, address: str, listeners: Sequence[socket.socket], log: Log
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
        if client.family != socket.AF_UNIX:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = serve_socket(start, client, address)
    finally:
        os._exit(code)


def _serve_standard_input(start: Start) -> int:
    """Standard input is the client: its answers go there too, and nothing else may."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    connection = socket.socket(fileno=os.dup(0))
    os.dup2(null, 0)
    os.close(null)
    try:
        address = _address(connection, connection.getpeername())
    except OSError:
        address = NO_ADDRESS
    return serve_socket(start, connection, address)


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
