"""The options that a daemon's client asks for: what is refused before they are parsed, and by a module.

Input: a byte of switches, ``refuse options``, a NUL, then arguments, each ended by NUL.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from refsync.daemon.connection import check_options, guess_options, is_secluded, split_arguments
from refsync.engine.server import offer_from
from refsync.options.model import Options
from refsync.options.parse import parse
from refsync.options.refusal import Refusals
from refsync.options.table import OPTIONS
from refsync.session.daemon_server import Admitted
from refsync.wire.errors import RefsyncError

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

#: Options that read a file, or that run or write something, while they are parsed or before a module's walls
#: are up. A client must not have any of them set. (Of ``rsh`` a server only takes what the client can do.)
NEVER = (
    *("rsync_path", "remote_options", "password_file", "early_input", "config", "log_file"),
    *("read_batch", "write_batch", "help", "version"),
)

SURFACE = Surface(
    priority=0,
    clauses=("DAEMON-10", "OPT-3"),
    code=("refsync.daemon.connection", "refsync.options.refusal"),
    oracle="EDMS",
    dictionary={
        "server": b"--server\0--sender\0-vlogDtpre.iLsfxCIvu\0.\0mod/\0",
        "secluded": b"-se.LsfxCIvu\0", "refuse_all": b"*", "refuse_not": b"!delete", "refuse_some": b"del*",
        "archive": b"a", "no_iconv": b"no-iconv", "dot": b".\0",
        **{f"long_{option.name}": b"--" + option.name.encode() for option in OPTIONS},
    },
    max_length=400,
    slow="the whole table of options is parsed, with and without what is refused",
)  # fmt: skip

_UNASKED = Options()


def _parsed(words: list[bytes], refusals: Refusals | None) -> Options | RefsyncError:
    try:
        if refusals is None:
            return parse([os.fsdecode(word) for word in words])[0]
        options, _ = parse([os.fsdecode(word) for word in words], allow=refusals.check)
        refusals.check_implied(options)
    except RefsyncError as error:
        expect(error.message and 0 < error.code < 256, f"refused with {error.code}: {error.message!r}")
        return error
    return options


def fuzz_one(data: bytes) -> None:
    """Oracle: what passes sets none of the fields that act on the daemon's own files or run something.

    A module that refuses an option takes nothing that the same module without the refusal would not,
    and makes
    the same of the rest. What can't be parsed still decides how the setup goes, without an error.
    """
    choices = Choices(data)
    switches = choices.byte()
    text, _, rest = choices.rest().partition(b"\0")
    words = rest.split(b"\0")[:30]
    head, named = split_arguments(words)
    same([*head, *([b"."] if b"." in words else []), *named], words, "arguments")
    is_secluded(head)
    admitted = Admitted(b"mod", words, 27 + switches % 6, 27 + switches % 6)
    offer_from(guess_options(head, admitted), remote_protocol=admitted.remote_protocol)
    try:
        check_options(head)
    except RefsyncError as error:
        expect(error.message.startswith("The server is configured to refuse -"), error.message)
        return
    if any(word.startswith(b"--files-from") for word in head):
        return  # of this machine's files; the target files_from has lists
    plain = _parsed(head, None)
    if isinstance(plain, Options) and plain.server:
        for name in NEVER:
            same(getattr(plain, name), getattr(_UNASKED, name), f"{name} by {head}")
        expect(not plain.filters, f"rules of the client's by {head}")
    refusals = Refusals(text.decode("utf-8", "surrogateescape"), iconv=bool(switches & 64))
    made = _parsed(head, refusals)
    if isinstance(made, Options):
        same(made, plain, "options that are not refused")
    stricter = Refusals(
        f"{text.decode('utf-8', 'surrogateescape')} delete* compress", iconv=bool(switches & 64)
    )
    if isinstance(_parsed(head, stricter), Options):
        expect(isinstance(made, Options), f"more refusals allow {head}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """What clients send, what they must not, and modules that refuse some of it."""
    usual = b"--server\0-vlogDtpre.iLsfxCIvu\0.\0mod/"
    yield "push", b"\5\0" + usual
    yield "pull", b"\5\0--server\0--sender\0-vvlogDtpre.iLsfxCIvu\0.\0mod/a\0mod/b"
    refused = (
        b"--log-file=x",
        b"--config=x",
        b"-M--x",
        b"-f- a",
        b"--rsync-path=x",
        b"--read-batch=x",
        b"-e",
        b"-F",
    )
    for number, word in enumerate(refused):
        yield f"never.{number}", b"\5\0--server\0" + word + b"\0.\0mod/"
    texts = (
        b"delete",
        b"* !a",
        b"!copy-devices",
        b"a",
        b"z",
        b"no-iconv",
        b"nothing del*",
        b"c checksum",
        b"partial inplace",
    )
    asked = (
        b"--delete",
        b"--copy-devices",
        b"-z",
        b"-c",
        b"--inplace",
        b"--append",
        b"--iconv=utf8",
        b"--del",
    )
    for number, text in enumerate(texts):
        yield (
            f"refuse.{number}",
            bytes((64 * (number & 1),)) + text + b"\0--server\0" + asked[number % 8] + b"\0" + usual[9:],
        )
    yield "secluded", b"\0\0--server\0-se.LsfxCIvu\0"
    yield "old", b"\0\0--server\0-vlogDtpr\0.\0mod/"
    yield (
        "guess",
        b"\3\0--server\0-ze.CIvuqqq\0--checksum-choice=md5\0--new-compress\0--compress-level=9\0--what\0.",
    )
    yield "nothing", b""
