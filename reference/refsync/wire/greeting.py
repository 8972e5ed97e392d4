"""What a daemon and its client say to each other in lines of text, before the protocol proper.

::

    both ways   @RSYNCD: 32.0 sha512 sha256 sha1 md5 md4
    client      #early_input=LENGTH and LENGTH bytes     (only if it has any)
    client      the module's name; an empty line or #list asks for their names
    daemon      lines for people (message of the day, list of modules), then one of
                @RSYNCD: OK, @RSYNCD: EXIT, @RSYNCD: AUTHREQD challenge, @ERROR...
    client      USER RESPONSE after an AUTHREQD
    client      after the OK its arguments, then an empty one; each ends in NUL, below protocol 30 in newline

Decoders take a ``Cursor``. Carriage returns in lines are dropped, as upstream
does. Clauses GREET-1 to GREET-9; upstream ``clientserver.c:exchange_protocols``,
``start_inband_exchange``, ``start_daemon`` and ``io.c:read_line_old``, ``read_args``.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..records import dataclass
from ..typed import NoReturn
from .cursor import Cursor
from .errors import Exit, NeedMoreData, ProtocolError
from .limits import MAX_DAEMON_ARG_BYTES, MAX_DAEMON_ARGS, MAX_DAEMON_LINE, MAX_DAEMON_REQUEST
from .negotiation import DIGEST_NAMES

#: What every line of the daemon's that is not for people starts with, and the greeting of both.
TAG = b"@RSYNCD:"
EARLY_INPUT = b"#early_input="
#: From these versions on a greeting has to carry the subprotocol, the list of digests (GREET-2, GREET-3).
NEEDS_SUBPROTOCOL = 30
NEEDS_DIGESTS = 32
#: From this version on arguments end in NUL (GREET-9).
NULLS_SINCE = 30
#: More digits than any version needs; bounds what is turned into a number.
_MAX_DIGITS = 9


# -- lines ----------------------------------------------------------------


def decode_line(cursor: Cursor, limit: int = MAX_DAEMON_LINE) -> bytes:
    """GREET-5: one line, without its end and without carriage returns.

    A line that holds a NUL, or that does not end within a buffer of ``limit`` bytes, is refused.
    """
    data, start = cursor.data, cursor.pos
    window = bytes(data[start : start + limit - 1])
    end = window.find(b"\n")
    zero = window.find(b"\0", 0, end if end >= 0 else len(window))
    if zero >= 0:
        raise ProtocolError(
            "a NUL in a line of text", clause="GREET-5", offset=start + zero, code=Exit.START_CLIENT
        )
    if end < 0:
        if len(window) >= limit - 1:
            raise ProtocolError(
                f"a line of more than {limit - 2} bytes",
                clause="GREET-5",
                offset=start,
                code=Exit.START_CLIENT,
            )
        raise NeedMoreData
    cursor.pos = start + end + 1
    return window[:end].replace(b"\r", b"")


def encode_line(text: bytes) -> bytes:
    """GREET-5: a line; ``ValueError`` if the text cannot be one."""
    if b"\n" in text or b"\0" in text:
        raise ValueError("a line can't hold a newline or a NUL")
    return text + b"\n"


# -- greeting -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Greeting:
    """GREET-1: ``sub`` is 0 but for pre-releases; ``digests`` is None if there was no list at all."""

    protocol: int
    sub: int = 0
    digests: tuple[str, ...] | None = DIGEST_NAMES


def encode_greeting(greeting: Greeting) -> bytes:
    """GREET-1: the first line of either side."""
    names = "" if greeting.digests is None else " " + " ".join(greeting.digests)
    return encode_line(b"%s %d.%d%s" % (TAG, greeting.protocol, greeting.sub, names.encode("ascii")))


def parse_greeting(line: bytes, *, from_server: bool) -> Greeting:
    """GREET-1 to GREET-3: the greeting in a line.

    The messages are those that a client shows; ``from_server`` says whose
    greeting it is. Error code: 5, as anything that goes wrong this early.
    """
    peer = "the server" if from_server else "your client"
    text = line.decode("latin-1")
    offset = len(TAG)
    protocol, offset = _number(line, offset) if line.startswith(TAG) else (None, 0)
    if protocol is None:
        if from_server:
            _refuse(f'server sent "{text}" rather than greeting', "GREET-1")
        _refuse("protocol startup error", "GREET-1")
    sub: int | None = None
    if line[offset : offset + 1] == b".":
        sub, _ = _number(line, offset + 1)
    if sub is None or sub < 0:
        if protocol >= NEEDS_SUBPROTOCOL:
            _refuse(f"{peer} omitted the subprotocol value: {text}", "GREET-2")
        sub = 0
    space = line.find(b" ", len(TAG) + 1)
    if space < 0:
        if protocol >= NEEDS_DIGESTS:
            _refuse(f"{peer} omitted the digest name list: {text}", "GREET-3")
        return Greeting(protocol, sub, None)
    return Greeting(protocol, sub, tuple(line[space + 1 :].decode("latin-1").split()))


def version_to_speak(ours: int, our_sub: int, greeting: Greeting) -> int:
    """SETUP-2, SETUP-3: the lower version, and one less where a pre-release meets anything but its like."""
    if ours > greeting.protocol:
        return greeting.protocol - (1 if greeting.sub else 0)
    if ours == greeting.protocol:
        return ours - (1 if greeting.sub != our_sub else 0)
    return ours - (1 if our_sub else 0)


def explain_greeting(greeting: Greeting) -> str:
    """For a transcript."""
    sub = f", pre-release {greeting.sub}" if greeting.sub else ""
    names = "no digests" if greeting.digests is None else "digests " + ", ".join(greeting.digests)
    return f"greeting: protocol {greeting.protocol}{sub}; {names}"


# -- what the daemon answers ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """GREET-8: ``kind`` is "ok", "exit", "auth", "error" or "text"; ``text`` the challenge or the line."""

    kind: str
    text: bytes = b""


def parse_answer(line: bytes) -> Answer:
    """GREET-8: anything that is not a known line is text for people; nothing tells the two apart better."""
    if line == b"@RSYNCD: OK":
        return Answer("ok")
    if line == b"@RSYNCD: EXIT":
        return Answer("exit")
    if line.startswith(b"@RSYNCD: AUTHREQD "):
        return Answer("auth", line[len(b"@RSYNCD: AUTHREQD ") :])
    if line.startswith(b"@ERROR"):
        return Answer("error", line)
    return Answer("text", line)


def decode_answer(cursor: Cursor) -> Answer:
    """GREET-8: the daemon's next line."""
    return parse_answer(decode_line(cursor))


def encode_answer(answer: Answer) -> bytes:
    """GREET-8: a line of the daemon's; ``ValueError`` if reading it would give another answer."""
    heads = {
        "ok": b"@RSYNCD: OK",
        "exit": b"@RSYNCD: EXIT",
        "auth": b"@RSYNCD: AUTHREQD ",
        "error": b"",
        "text": b"",
    }
    line = heads[answer.kind] + answer.text
    if parse_answer(line) != answer:
        raise ValueError(f"{line!r} does not say {answer.kind!r}")
    return encode_line(line)


def error_answer(text: str) -> bytes:
    """GREET-8: ``@ERROR: text``, after which the daemon closes; what would break the line is replaced."""
    raw = text.encode("utf-8", "surrogateescape")
    return encode_line(b"@ERROR: " + raw.replace(b"\n", b" ").replace(b"\r", b"").replace(b"\0", b"?"))


def list_line(name: bytes, comment: bytes) -> bytes:
    """GREET-8: one module in the list."""
    return encode_line(b"%-15s\t%s" % (name, comment))


def explain_answer(answer: Answer) -> str:
    """For a transcript."""
    text = answer.text.decode("utf-8", "replace")
    return {"ok": "go on", "exit": "nothing more to say", "auth": f"prove who you are: challenge {text}"}.get(
        answer.kind, text
    )


# -- what the client asks -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """GREET-6, GREET-7: ``kind`` is "list", "module", "early" or "unknown"; ``text`` the line."""

    kind: str
    text: bytes = b""
    length: int = 0


def parse_request(line: bytes) -> Request:
    """GREET-6, GREET-7: what a client's line asks for."""
    if line.startswith(EARLY_INPUT):
        length, _ = _number(line, len(EARLY_INPUT))
        if not length or not 0 < length <= MAX_DAEMON_LINE:
            _refuse("invalid early_input length", "GREET-7")
        return Request("early", length=length)
    if line in (b"", b"#list"):
        return Request("list")
    if line.startswith(b"#"):
        return Request("unknown", line)
    return Request("module", line)


def decode_request(cursor: Cursor) -> Request:
    """GREET-6, GREET-7: the client's line; the cursor stays where it was if it is refused."""
    start = cursor.pos
    line = decode_line(cursor, MAX_DAEMON_REQUEST)
    try:
        return parse_request(line)
    except ProtocolError as error:
        cursor.pos = error.offset = start
        raise


def encode_request(request: Request) -> bytes:
    """GREET-6, GREET-7: upstream's client asks for the list with an empty line."""
    if request.kind == "early":
        return encode_line(b"%s%d" % (EARLY_INPUT, request.length))
    if parse_request(request.text).kind != request.kind:
        raise ValueError(f"{request.text!r} does not ask for {request.kind!r}")
    return encode_line(request.text)


def explain_request(request: Request) -> str:
    """For a transcript."""
    name = request.text.decode("utf-8", "replace")
    return {
        "list": "asks for the list of modules",
        "module": f"asks for module {name}",
        "early": f"announces {request.length} bytes of early input",
    }.get(request.kind, f"unknown command {name}")


# -- arguments ------------------------------------------------------------


def encode_arguments(arguments: Sequence[bytes], *, nulls: bool) -> bytes:
    """GREET-9: all arguments and the empty one that ends them; ``ValueError`` if one can't travel."""
    end = b"\0" if nulls else b"\n"
    for argument in arguments:
        if not argument or end in argument or b"\0" in argument:
            raise ValueError(f"the argument {argument!r} can't be sent to a daemon")
        if not nulls and b"\r" in argument:
            raise ValueError(f"the argument {argument!r} can't be sent below protocol 30")
    return b"".join(argument + end for argument in arguments) + end


class ArgumentReader:
    """GREET-9: decodes the arguments one by one; an empty one is their end.

    Holds how many there were, so that all of them together meet the limits.
    Upstream cuts an argument that is too long; here it is refused, because
    what is left of it may mean another thing.
    """

    def __init__(self, *, nulls: bool) -> None:
        self._nulls = nulls
        self._count = 0
        self._size = 0

    def decode(self, cursor: Cursor) -> bytes:
        """The next argument."""
        start = cursor.pos
        window = bytes(cursor.data[start : start + MAX_DAEMON_LINE])
        end = self._end(window)
        if end < 0:
            if len(window) >= MAX_DAEMON_LINE:
                self._refuse(f"an argument of more than {MAX_DAEMON_LINE - 1} bytes", start)
            raise NeedMoreData
        if end and self._count >= MAX_DAEMON_ARGS:
            self._refuse(f"more than {MAX_DAEMON_ARGS} arguments", start)
        if self._size + end > MAX_DAEMON_ARG_BYTES:
            self._refuse(f"arguments of more than {MAX_DAEMON_ARG_BYTES} bytes", start)
        self._count += 1
        self._size += end
        cursor.pos = start + end + 1
        return window[:end] if self._nulls else window[:end].partition(b"\0")[0]

    def _end(self, window: bytes) -> int:
        if self._nulls:
            return window.find(b"\0")
        ends = [place for place in (window.find(b"\n"), window.find(b"\r")) if place >= 0]
        return min(ends, default=-1)

    @staticmethod
    def _refuse(what: str, offset: int) -> None:
        raise ProtocolError(f"{what} from a client", clause="GREET-9", offset=offset)


def explain_arguments(arguments: Sequence[bytes]) -> str:
    """For a transcript: the arguments as a shell would need them quoted."""
    return " ".join(ascii(argument.decode("utf-8", "surrogateescape")) for argument in arguments)


# -- helpers --------------------------------------------------------------


def _number(line: bytes, offset: int) -> tuple[int | None, int]:
    """A decimal number with optional spaces and sign before it, as C's ``%d`` reads it, and where it ends."""
    start = offset
    while line[start : start + 1] in (b" ", b"\t", b"\v", b"\f"):
        start += 1
    sign = -1 if line[start : start + 1] == b"-" else 1
    if line[start : start + 1] in (b"-", b"+"):
        start += 1
    end = start
    while end < len(line) and 0x30 <= line[end] <= 0x39 and end - start < _MAX_DIGITS:
        end += 1
    return (sign * int(line[start:end]), end) if end > start else (None, offset)


def _refuse(message: str, clause: str) -> NoReturn:
    raise ProtocolError(message, clause=clause, code=Exit.START_CLIENT)
