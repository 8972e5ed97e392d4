"""TCP: connecting to a daemon and listening as one.

Clauses TCP-1 to TCP-3; upstream ``socket.c:open_socket_out``, ``open_socket_in``,
``sock_exec``.
"""

from __future__ import annotations

import os
import socket
import sys

from ..wire.errors import Exit, RefsyncError
from . import proxy, sockopts

#: The daemon's port unless something else is said.
DAEMON_PORT = 873


def connect(
    host: str,
    port: int,
    *,
    address: str | None = None,
    timeout: int = 0,
    family: int = 0,
    options: str | None = None,
) -> socket.socket:
    """A connection to the first of the host's addresses that answers.

    ``address`` is the local one to connect from; ``timeout`` is in seconds,
    0 for as long as the system waits; ``family`` is 4, 6 or 0 for either;
    ``options`` are for the socket (TCP-4). ``RSYNC_PROXY`` names a proxy
    (TCP-5), ``RSYNC_CONNECT_PROG`` a command to talk to instead.
    ``RefsyncError``: exit 10 with the reason for each address, or exit 35
    when the time is up.
    """
    program = os.environ.get("RSYNC_CONNECT_PROG")
    if program:
        return _run(program, host)
    named = os.environ.get("RSYNC_PROXY")
    via = proxy.parse(named) if named else None
    target = (host, port)
    if via is not None:
        host, port = via.host, via.port
    try:
        found = socket.getaddrinfo(host, port, family_of(family), socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RefsyncError(f"getaddrinfo: {host} {port}: {_reason(error)}", Exit.SOCKET_IO) from None
    failures = []
    for kind, type_, protocol, _, where in found:
        try:
            with_errors = _bound(kind, type_, protocol, address)
        except OSError as error:
            failures.append(f"bind to {address} failed: {error.strerror} ({error.errno})")
            continue
        try:
            for complaint in sockopts.apply(with_errors, options):
                print(complaint, file=sys.stderr)
            with_errors.settimeout(timeout or None)
            with_errors.connect(where)
        except TimeoutError as error:
            with_errors.close()
            if timeout and error.errno is None:
                raise RefsyncError("", Exit.CON_TIMEOUT) from None
            failures.append(_failure(host, where, error))
        except OSError as error:
            with_errors.close()
            failures.append(_failure(host, where, error))
        else:
            if via is not None:
                try:
                    proxy.establish(with_errors, via, *target)
                except RefsyncError as error:
                    with_errors.close()
                    failures.append(error.message)
                    continue
            _prepare(with_errors)
            return with_errors
    raise RefsyncError("\n".join(dict.fromkeys(failures)) or f"no address for {host}", Exit.SOCKET_IO)


def family_of(number: int) -> int:
    """The address family that 4 or 6 means; any for 0."""
    return {4: socket.AF_INET, 6: socket.AF_INET6}.get(number, socket.AF_UNSPEC)


def listen(
    address: str | None,
    port: int,
    *,
    backlog: int = 512,
    family: int = socket.AF_UNSPEC,
    options: str | None = None,
) -> list[socket.socket]:
    """Sockets that listen on every address that ``address`` (None: all of the machine's) stands for.

    With port 0 the system chooses one, the same for all. ``options`` are for the sockets (TCP-4).
    ``RefsyncError`` (exit 10) if there is none to listen on.
    """
    try:
        found = socket.getaddrinfo(address or None, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise RefsyncError(f"getaddrinfo: bind address {address}: {_reason(error)}", Exit.SOCKET_IO) from None
    sockets: list[socket.socket] = []
    failures = []
    for kind, type_, protocol, _, where in found:
        try:
            listener = socket.socket(kind, type_, protocol)
        except OSError as error:
            failures.append(f"socket({kind:d},{type_:d},{protocol}) failed: {error.strerror}")
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for complaint in sockopts.apply(listener, options):
                print(complaint, file=sys.stderr)
            if kind == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((where[0], port, *where[2:]))
            listener.listen(backlog)
        except OSError as error:
            failures.append(f"bind() failed: {error.strerror} (address-family {kind:d})")
            listener.close()
            continue
        port = port or listener.getsockname()[1]
        sockets.append(listener)
    if not sockets:
        failures.append(f"unable to bind any inbound sockets on port {port}")
        raise RefsyncError("\n".join(failures), Exit.SOCKET_IO)
    return sockets


def finish(connection: socket.socket) -> None:
    """Say that nothing more will be sent, so that what was sent is not lost with what is still to be read."""
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def part(connection: socket.socket, seconds: float = 2.0) -> None:
    """Finish, then drop what still comes: closing with unread bytes would undo the last words."""
    finish(connection)
    connection.settimeout(seconds)
    try:
        while connection.recv(1 << 16):
            pass
    except OSError:
        pass


def _bound(kind: int, type_: int, protocol: int, address: str | None) -> socket.socket:
    made = socket.socket(kind, type_, protocol)
    if address:
        try:
            made.bind(socket.getaddrinfo(address, None, kind, type_, flags=socket.AI_PASSIVE)[0][4])
        except OSError:
            made.close()
            raise
    return made


def _prepare(connection: socket.socket) -> None:
    """Frames are gathered before they are sent, so the system need not wait for more."""
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _failure(host: str, where: tuple[object, ...], error: OSError) -> str:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"failed to connect to {host} ({where[0]}): {reason} ({error.errno or 0})"


def _reason(error: OSError | UnicodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "the name is no host name"


def _run(command: str, host: str) -> socket.socket:
    """A shell runs the command, ``%H`` being the host; a socket is its standard input and output."""
    import shlex

    command = "%".join(part.replace("%H", shlex.quote(host)) for part in command.split("%%"))
    shell = os.environ.get("RSYNC_SHELL", "/bin/sh")
    ours, theirs = socket.socketpair()
    with theirs:
        streams = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), number) for number in (0, 1)]
        try:
            os.posix_spawnp(shell, [shell, "-c", command], os.environ, file_actions=streams)
        except OSError as error:
            ours.close()
            raise RefsyncError(f"Failed to run {command}: {error.strerror}", Exit.IPC) from None
    return ours
