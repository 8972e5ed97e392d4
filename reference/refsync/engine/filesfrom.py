"""Where the names of ``--files-from`` are, and how they get to the sender.

==================  ==================  =====================================
the file is         sender              receiver
==================  ==================  =====================================
with the sender     reads it
with the receiver   takes names from    sends names while the list comes,
                    the connection      below protocol 31 outside the frames
==================  ==================  =====================================

Clauses FROM-1 to FROM-6; upstream ``flist.c:send_file_list``, ``io.c:start_filesfrom_forwarding``,
``options.c:parse_arguments``.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable

from ..files.sources import PLAIN, Files, is_dir, is_there, join, read_all
from ..options.filesfrom import remote_file
from ..options.model import Options
from ..options.named import read_named
from ..options.wrong import wrong
from ..wire import filesfrom
from ..wire.errors import Exit, RefsyncError
from .module import ModuleContext, first_hidden
from .session import Session


def over_the_link(options: Options) -> bool:
    """Whether the names travel: then a sender takes and a receiver sends them."""
    if options.files_from is None:
        return False
    with_us = not (options.files_from == "-" if options.server else remote_file(options.files_from))
    return with_us != options.sender


def load(
    options: Options, root: bytes = b"", module: ModuleContext | None = None, files: Files = PLAIN
) -> None:
    """FROM-5: read the file if it is on this side; exit 1 if it can't be read, or a module hides it."""
    name = options.files_from
    if name is None or options.files_from_data is not None:
        return
    if (name == "-") if options.server else remote_file(name):
        return
    path: bytes | int = 0 if name == "-" else os.fsencode(name)
    if isinstance(path, bytes) and module is not None:
        inside = clean_name(path)
        if first_hidden(module.rules(sender=options.sender), inside, False) is not None:
            raise RefsyncError("Your options have been rejected by the server.", Exit.SYNTAX)
        path = join(root, inside)
    try:
        if isinstance(path, bytes):
            options.files_from_data = read_named(path) if module is None else read_all(files, path)
        else:
            with open(path, "rb", closefd=False) as file:
                options.files_from_data = file.read()
    except OSError as error:
        raise wrong(f"failed to open files-from file {name}: {error.strerror}") from None


def clean_name(path: bytes) -> bytes:
    """FROM-4: no leading slash and no ``..``, so that a list can't name what is outside; dots stay."""
    kept: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            kept = kept[:-1]
        elif part:
            kept.append(part)
    directory = path.endswith((b"/", b"/..")) and kept
    return (b"/".join(kept) or b".") + (b"/" if directory else b"")


async def plain(arguments: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Names that are all here."""
    for argument in arguments:
        yield argument


def chosen_names(session: Session, arguments: list[bytes], root: bytes) -> tuple[AsyncIterator[bytes], bytes]:
    """What a sender is to send, and where relative names start: with a file, in the one argument."""
    options = session.options
    if options.files_from is None:
        return plain(arguments), root
    if arguments:
        root = join(root, arguments[0])
        if not is_dir(session.files, root or b"."):
            reason = (
                "Not a directory (20)" if is_there(session.files, root) else "No such file or directory (2)"
            )
            shown = os.fsdecode(os.path.abspath(root))
            raise RefsyncError(f'change_dir "{shown}" failed: {reason}', Exit.FILE_SELECT)
    if over_the_link(options):
        return _arriving(session), root
    names = filesfrom.read_names(options.files_from_data or b"", from0=options.from0)
    return plain(map(clean_name, names)), root


async def _arriving(session: Session) -> AsyncIterator[bytes]:
    """FROM-3: the names as they come; behind them the frames go on."""
    link, dialect = session.link, session.dialect
    framed_later = link.framed_in or not session.options.server
    if not dialect.files_from_framed and link.framed_in:
        link.stop_frames_in()
    charset = session.charset if session.options.secluded_args else None
    while (name := await link.read(filesfrom.decode)) is not None:
        yield clean_name(name if charset is None else charset.text_from_wire(name))
    if not dialect.files_from_framed and framed_later:
        link.start_frames_in()


async def forward(session: Session) -> None:
    """FROM-2: a receiver's names to the sender, while the list is being read."""
    options, link = session.options, session.link
    if not over_the_link(options):
        return
    charset = session.charset if options.secluded_args else None
    convert = None if charset is None else charset.text_to_wire
    stream = memoryview(
        filesfrom.encode(options.files_from_data or b"", from0=options.from0, convert=convert)
    )
    raw = not session.dialect.files_from_framed and link.framed_out
    if raw:
        link.pause_frames_out()
    for start in range(0, len(stream), _PIECE):
        link.write(stream[start : start + _PIECE])
        await link.drain()
    if raw:
        link.resume_frames_out()


#: So much of the stream goes out in one piece.
_PIECE = 16 * 1024
