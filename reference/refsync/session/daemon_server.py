"""The daemon's half of the conversation, up to the client's arguments.

What it knows of modules, users and the machine it asks of a ``Host``, which
does all I/O. Clauses GREET-1 to GREET-9, AUTH-1 to AUTH-4; upstream
``clientserver.c:start_daemon``, ``rsync_module``, ``authenticate.c:auth_server``.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..records import dataclass
from ..typed import Protocol
from ..wire import greeting
from ..wire.cursor import Cursor
from ..wire.dialect import MAX_PROTOCOL
from ..wire.errors import Exit, ProtocolError, RefsyncError
from ..wire.negotiation import DIGEST_NAMES
from .link import Link
from .prologue import decode_peer_greeting
from .setup import agree_on_version


class Refused(RefsyncError):
    """The daemon will not serve this client: ``message`` is what the client is told."""

    def __init__(self, message: str, code: int = Exit.START_CLIENT) -> None:
        super().__init__(message, code)


class Host(Protocol):
    """What the daemon's half asks of the machine; each method may raise ``Refused``."""

    def motd(self) -> bytes:
        """The message of the day as it is sent, newline and all; empty for none."""

    def listing(self) -> Iterable[tuple[bytes, bytes]]:
        """Name and comment of each module that is listed."""

    def open(self, name: bytes) -> bool:
        """Take the module if it exists and this client may have it; True if it wants a password."""

    def challenge(self, length: int) -> bytes:
        """So many unpredictable bytes."""

    def authenticate(self, user: bytes, expected: Responder, response: bytes) -> bool:
        """Whether the response is that of the user's password in the module's secrets."""

    def enter(self, early_input: bytes) -> None:
        """Go where the module is and become who it says; nothing of the machine is needed afterwards."""


class Responder(Protocol):
    """Gives the right response for a password."""

    def __call__(self, password: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client that was let into ``module``; its ``arguments`` are as it sent them."""

    module: bytes
    arguments: list[bytes]
    protocol: int
    remote_protocol: int
    user: bytes = b""
    early_input: bytes = b""


async def start(
    link: Link, host: Host, *, protocol: int = MAX_PROTOCOL, digests: tuple[str, ...] = DIGEST_NAMES
) -> Admitted | None:
    """Converse until the client has sent its arguments; None if it only wanted the list.

    Refusals and what the client gets wrong are told to it (``@ERROR``) and
    raised. After the OK that is no longer possible: a client then takes
    nothing but the setup (GREET-9), so wrong arguments just end the connection.
    """
    try:
        admitted = await _converse(link, host, protocol, digests)
    except (Refused, ProtocolError) as error:
        link.write(greeting.error_answer(error.message))
        await link.flush()
        raise
    if admitted:
        link.write(greeting.encode_answer(greeting.Answer("ok")))
        nulls = admitted.protocol >= greeting.NULLS_SINCE
        admitted.arguments.extend(await read_arguments(link, nulls=nulls))
    return admitted


async def read_arguments(link: Link, *, nulls: bool = True) -> list[bytes]:
    """GREET-9: arguments up to the empty one that ends them."""
    reader = greeting.ArgumentReader(nulls=nulls)
    arguments: list[bytes] = []
    while argument := await link.read(reader.decode):
        arguments.append(argument)
    return arguments


async def _converse(link: Link, host: Host, ours: int, digests: tuple[str, ...]) -> Admitted | None:
    link.write(greeting.encode_greeting(greeting.Greeting(ours, 0, digests)))
    link.write(host.motd())
    theirs = await link.read(_decode_greeting)
    agree_on_version(ours, theirs.protocol, server=True)
    protocol = greeting.version_to_speak(ours, 0, theirs)
    early_input = b""
    request = await link.read(greeting.decode_request)
    if request.kind == "early":
        length = request.length
        early_input = await link.read(lambda cursor: cursor.take(length))
        request = await link.read(greeting.decode_request)
    if request.kind == "list":
        for name, comment in host.listing():
            link.write(greeting.list_line(name, comment))
            await link.drain()
        link.write(greeting.encode_answer(greeting.Answer("exit")))
        await link.flush()
        return None
    if request.kind != "module":
        text = greeting.encode_request(request)[:-1]
        raise Refused(f"Unknown command '{text.decode('utf-8', 'surrogateescape')}'")
    module = request.text
    user = b""
    if host.open(module):
        user = await _authenticate(link, host, module, theirs.digests, digests, protocol)
    host.enter(early_input)
    return Admitted(module, [], protocol, theirs.protocol, user, early_input)


async def _authenticate(
    link: Link,
    host: Host,
    module: bytes,
    theirs: tuple[str, ...] | None,
    ours: tuple[str, ...],
    protocol: int,
) -> bytes:
    """AUTH-1 to AUTH-4: one challenge, one response; a failure never says what was wrong."""
    from . import auth

    digest = auth.choose_digest(theirs, ours, protocol)
    if digest is None:
        raise Refused(
            f"your client does not support one of our daemon-auth checksums: {' '.join(ours)}",
            Exit.UNSUPPORTED,
        )
    challenge = auth.encode(host.challenge(auth.DIGEST_LENGTHS[digest]))
    link.write(greeting.encode_answer(greeting.Answer("auth", challenge)))
    line = await link.read(greeting.decode_line)
    user, space, response = line.partition(b" ")

    def expected(password: bytes) -> bytes:
        return auth.respond(digest, password, challenge)

    if not space or not host.authenticate(user, expected, response):
        raise Refused(f"auth failed on module {module.decode('utf-8', 'surrogateescape')}")
    return user


def _decode_greeting(cursor: Cursor) -> greeting.Greeting:
    return decode_peer_greeting(cursor, from_server=False)
