"""The beginning of a conversation: a daemon's lines, versions, flags, negotiated names, the seed.

Clauses GREET-1 to GREET-9, SETUP-1 to SETUP-12; the order is that of
``refsync.session.setup`` and ``daemon_server``.
"""

from __future__ import annotations

import os

from refsync.daemon.connection import is_secluded
from refsync.options.model import Options
from refsync.options.parse import parse
from refsync.session.prologue import decode_peer_greeting
from refsync.wire import compat, greeting, negotiation
from refsync.wire.dialect import MAX_PROTOCOL, build
from refsync.wire.errors import RefsyncError
from refsync.wire.integers import read_int32

from .context import Context, Setup
from .stream import Stream


class Unreadable(Exception):
    """The rest can't be read, for a reason that is no fault of the bytes."""


async def open_client(stream: Stream, context: Context, *, daemon: bool) -> Setup:
    """The client's part, up to its first frame."""
    if daemon:
        await _ask_daemon(stream, context)
    else:
        if context.known("secluded"):
            seen = [os.fsencode(word) for word in await context.hear("secluded") if word.startswith("-")]
            _take_options(context, seen + (await _arguments(stream, nulls=True))[1:])
        context.tell("version >", await stream.read("version", "SETUP-1", read_int32, _version))
    return await _agree(stream, context)


async def open_server(stream: Stream, context: Context, *, daemon: bool) -> Setup:
    """The server's part, up to its first frame."""
    if daemon:
        await _answer_client(stream, context)
    else:
        context.tell("version <", await stream.read("version", "SETUP-1", read_int32, _version))
    return await _agree(stream, context)


def take_arguments(context: Context, words: list[str]) -> None:
    """The server's arguments, as far as they are known from outside."""
    try:
        options, _ = parse(words)
    except RefsyncError as error:
        raise Unreadable(f"the server's arguments: {error}") from None
    if options.secluded_args:
        context.tell("secluded", words)
    else:
        context.tell("options", options)


def _take_options(context: Context, words: list[bytes]) -> None:
    """All arguments, of which the secluded ones have come over the connection."""
    try:
        options, _ = parse([os.fsdecode(word) for word in words])
    except RefsyncError as error:
        raise Unreadable(f"the server's arguments: {error}") from None
    context.tell("options", options)


def _version(number: object) -> str:
    return f"protocol version {number}"


async def _ask_daemon(stream: Stream, context: Context) -> None:
    theirs = await stream.read(
        "line",
        "GREET-1",
        lambda cursor: decode_peer_greeting(cursor, from_server=False),
        greeting.explain_greeting,
    )
    context.tell("version >", theirs.protocol)
    request = await stream.read("line", "GREET-6", greeting.decode_request, greeting.explain_request)
    if request.kind == "early":
        length = request.length
        await stream.read("early input", "GREET-7", lambda cursor: cursor.take(length), _bytes)
        request = await stream.read("line", "GREET-6", greeting.decode_request, greeting.explain_request)
    answer = await context.hear("answer")
    if answer == "auth":
        await stream.read("response", "AUTH-3", greeting.decode_line, _text)
        answer = await context.hear("answer after auth")
    if answer != "ok":
        raise Unreadable("the daemon has nothing more for this client")
    protocol = min(theirs.protocol, await context.hear("version <"), MAX_PROTOCOL)
    nulls = protocol >= greeting.NULLS_SINCE
    words = await _arguments(stream, nulls=nulls)
    if is_secluded(words):
        words = [word for word in words if word.startswith(b"-")]
        words += (await _arguments(stream, nulls=True))[1:]
    _take_options(context, words)


async def _arguments(stream: Stream, *, nulls: bool) -> list[bytes]:
    reader = greeting.ArgumentReader(nulls=nulls)
    words: list[bytes] = []
    while word := await stream.read("argument", "GREET-9", reader.decode, lambda w: _text(w) or "(end)"):
        words.append(word)
    return words


async def _answer_client(stream: Stream, context: Context) -> None:
    ours = await stream.read(
        "line",
        "GREET-1",
        lambda cursor: decode_peer_greeting(cursor, from_server=True),
        greeting.explain_greeting,
    )
    context.tell("version <", ours.protocol)
    asked = False
    while True:
        answer = await stream.read("line", "GREET-8", greeting.decode_answer, greeting.explain_answer)
        if answer.kind == "text":
            continue
        context.tell("answer after auth" if asked else "answer", answer.kind)
        asked |= answer.kind == "auth"
        if answer.kind == "ok":
            return
        if answer.kind in ("exit", "error"):
            raise Unreadable("the daemon has nothing more to say")


async def _agree(stream: Stream, context: Context) -> Setup:
    """SETUP-1: what each side says in turn; both directions come to the same ``Setup``."""
    client, server = await context.hear("version >"), await context.hear("version <")
    options: Options = await context.hear("options")
    protocol = min(client, server)
    serving = stream.way == "<"
    if protocol >= 30 and serving:
        flags = await stream.read("flags", "SETUP-6", compat.decode_flags, compat.explain_flags)
        context.tell("flags", flags)
    flags = await context.hear("flags") if protocol >= 30 else 0
    try:
        dialect = build(protocol, flags)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    chosen: dict[str, str | None] = {}
    for kind, choice, wanted, fallback in (
        ("checksum", _choice(options.checksum_choice), True, "md5" if protocol >= 30 else "md4"),
        ("compress", _choice(options.compress_choice), bool(options.compress), "zlib"),
    ):
        if choice or not wanted:
            chosen[kind] = choice if wanted else None
        elif not dialect.negotiated_strings:
            chosen[kind] = fallback
        else:
            names = await stream.read(f"{kind} names", "SETUP-8", negotiation.decode_names, " ".join)
            context.tell(f"{kind} {stream.way}", names)
    for kind in ("checksum", "compress"):
        if kind not in chosen:
            theirs = await context.hear(f"{kind} >"), await context.hear(f"{kind} <")
            chosen[kind] = negotiation.choose(kind, *theirs, on_server=serving)
    if serving:
        await stream.read("seed", "SUM-6", read_int32, lambda seed: f"checksum seed {seed}")
    transfer, _, listing = (chosen["checksum"] or "").partition(",")
    if not context.known("setup"):
        compression = None if chosen["compress"] == "none" else chosen["compress"]
        sending = "<" if options.sender else ">"
        context.tell("setup", Setup(dialect, options, transfer, listing or transfer, compression, sending))
    if serving or dialect.multiplex_to_server:
        stream.start_frames()
    setup: Setup = await context.hear("setup")
    return setup


def _choice(named: str | None) -> str | None:
    return None if named in (None, "auto") else named


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _bytes(raw: bytes) -> str:
    return f"{len(raw)} bytes"
