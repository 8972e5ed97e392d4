"""The client's half of the conversation with a daemon, up to the arguments.

What follows (``session.setup.negotiate`` with the daemon's version as
``remote_protocol``) is the same as behind a remote shell. Clauses GREET-1 to
GREET-9, AUTH-1 to AUTH-3; upstream ``clientserver.c:start_inband_exchange``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..records import dataclass
from ..typed import TypeVar
from ..wire import greeting
from ..wire.cursor import Cursor
from ..wire.dialect import MAX_PROTOCOL
from ..wire.errors import Exit, RefsyncError
from ..wire.limits import MAX_DAEMON_LINE
from ..wire.negotiation import DIGEST_NAMES
from .link import Link, PeerClosed
from .prologue import decode_peer_greeting
from .setup import agree_on_version

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """What a client wants of a daemon.

    ``module`` empty asks for the list of modules. ``arguments`` gives what
    follows once the version is known: options, a dot, paths (OPT-3).
    ``password`` is asked only if the module wants one; ``on_text`` gets each
    line for people (message of the day, list), without its newline.
    ``digests`` is what the greeting offers for authentication; ``secluded``
    gives what follows the arguments if they are only some of them (OPT-11).
    """

    module: bytes
    arguments: Callable[[int], Sequence[bytes]]
    on_text: Callable[[bytes], None]
    password: Callable[[], bytes]
    user: bytes = b"nobody"
    protocol: int = MAX_PROTOCOL
    early_input: bytes = b""
    digests: tuple[str, ...] = DIGEST_NAMES
    secluded: Callable[[], bytes] = bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """``protocol`` is the version to speak, ``remote_protocol`` the daemon's own.

    ``listed`` is True if the daemon has said all that it had to say.
    """

    protocol: int
    remote_protocol: int
    listed: bool = False


async def start(link: Link, call: Call) -> Answered:
    """Converse until the daemon has our arguments, or has listed its modules.

    ``RefsyncError`` with exit code 5 and the daemon's ``@ERROR`` line if it refuses.
    """
    link.write(greeting.encode_greeting(greeting.Greeting(call.protocol, 0, call.digests)))
    theirs = await _read(link, _decode_greeting, "did not see server greeting")
    agree_on_version(call.protocol, theirs.protocol, server=False)
    protocol = greeting.version_to_speak(call.protocol, 0, theirs)
    answered = Answered(protocol, theirs.protocol)
    arguments = call.arguments(protocol) if call.module else ()
    _ask(link, call)
    while True:
        answer = await _read(link, greeting.decode_answer, "didn't get server startup line")
        if answer.kind == "ok":
            break
        if answer.kind == "exit":
            return Answered(protocol, theirs.protocol, listed=True)
        if answer.kind == "error":
            raise RefsyncError(_text(answer.text), Exit.START_CLIENT)
        if answer.kind == "auth":
            link.write(_credentials(call, theirs, protocol, answer.text))
        else:
            call.on_text(answer.text)
    try:
        link.write(greeting.encode_arguments(arguments, nulls=protocol >= greeting.NULLS_SINCE))
        link.write(call.secluded())
    except ValueError as error:
        raise RefsyncError(str(error), Exit.SYNTAX) from None
    return answered


def module_arguments(module: bytes, paths: Sequence[bytes], *, old_args: bool = False) -> list[bytes]:
    """OPT-3: paths ``module/...`` as a daemon of any version takes them for one path each.

    The module alone becomes ``module/``; a leading dash gets ``./``; where a
    path holds `` module/``, at which a daemon splits, a bracket stops it.
    """
    split = b" " + module + b"/"
    result = []
    for path in paths:
        if path == module:
            result.append(module + b"/")
            continue
        if not old_args:
            path = path.replace(split, b"[ ]" + module + b"/")
        result.append(b"./" + path if path.startswith(b"-") else path)
    return result


def _ask(link: Link, call: Call) -> None:
    """GREET-6, GREET-7: early input, then the module."""
    if call.early_input:
        if len(call.early_input) > MAX_DAEMON_LINE:
            raise RefsyncError(f"the early input is > {MAX_DAEMON_LINE} bytes.", Exit.START_CLIENT)
        link.write(greeting.encode_request(greeting.Request("early", length=len(call.early_input))))
        link.write(call.early_input)
    try:
        request = greeting.Request("module" if call.module else "list", call.module)
        link.write(greeting.encode_request(request))
    except ValueError:
        raise RefsyncError(f"{_text(call.module)!r} can't be a module's name", Exit.START_CLIENT) from None


def _credentials(call: Call, theirs: greeting.Greeting, protocol: int, challenge: bytes) -> bytes:
    """AUTH-3: ``user response``."""
    from .auth import choose_digest, respond

    digest = choose_digest(call.digests, theirs.digests, protocol)
    if digest is None:
        raise RefsyncError(
            "Failed to negotiate a daemon auth checksum choice.\n"
            f"Server list: {' '.join(theirs.digests or ())}\nClient list: {' '.join(call.digests)}",
            Exit.UNSUPPORTED,
        )
    response = respond(digest, call.password(), challenge)
    try:
        return greeting.encode_line((call.user or b"nobody") + b" " + response)
    except ValueError:
        raise RefsyncError("a user name can't hold a newline", Exit.SYNTAX) from None


def _decode_greeting(cursor: Cursor) -> greeting.Greeting:
    return decode_peer_greeting(cursor, from_server=True)


async def _read(link: Link, decode: Callable[[Cursor], T], missing: str) -> T:
    """What the daemon says next; that it hangs up instead is a failed start, not a broken stream."""
    try:
        return await link.read(decode)
    except PeerClosed:
        raise RefsyncError(missing, Exit.START_CLIENT) from None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
