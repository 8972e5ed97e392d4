"""The names of ``--files-from``, from a peer or from a file.

Input: a byte of switches, then the stream (or the file).
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.engine.arguments import split_argument
from refsync.engine.filesfrom import clean_name
from refsync.files.sources import join
from refsync.wire import filesfrom
from refsync.wire.cursor import Cursor
from refsync.wire.errors import RefsyncError
from refsync.wire.limits import MAX_PATH

from ..choices import Choices
from ..oracle import Value, check_decoder, expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("FROM-1", "FROM-2", "FROM-3", "FROM-4"),
    code=("refsync.wire.filesfrom", "refsync.engine.filesfrom", "refsync.engine.arguments"),
    oracle="ERBTMD",
    dictionary={
        "up": b"../",
        "cut": b"/./",
        "comment": b"\n#c\n",
        "crlf": b"\r\n",
        "end": b"\0\0",
        "root": b"/",
    },
    max_length=8192,
    slow="some hundred names are cleaned and taken apart in five ways, a file's by a model too",
)


def fuzz_one(data: bytes) -> None:
    """Oracle: names of less than a path's length are taken, byte for byte, and encode to what they came as.

    A file's names are those of a model that makes all ends the same and splits. No
    name, once cleaned, leads out of where it starts, with or without ``--relative``.
    """
    choices = Choices(data)
    switches = choices.byte()
    stream = choices.rest()
    got = check_decoder(lambda: filesfrom.decode, stream)
    if isinstance(got, Value) and isinstance(got.value, bytes):
        same(got.value, stream[: got.consumed - 1], "the name")
        expect(len(got.value) < MAX_PATH, "a name no longer than a path")
    from0 = bool(switches & 1)
    lines = _model(stream, from0)
    same(list(filesfrom.read_names(stream, from0=from0)), [x for x in lines if x[:1] not in b"#;"], "names")
    encoded = filesfrom.encode(stream, from0=from0)
    if all(len(line) < MAX_PATH for line in lines):
        cursor = Cursor(encoded)
        names = []
        while (name := filesfrom.decode(cursor)) is not None:
            names.append(name)
        same(names, lines, "decoded again")
        same(cursor.remaining(), 0, "what is left")
    for line in lines[:64]:
        _as_argument(line)
        cleaned = clean_name(line)
        for relative in (False, True):
            try:
                argument = split_argument(cleaned, relative=relative)
            except RefsyncError:
                expect(relative, "a cleaned name is refused")
                continue
            for part in (argument.base, argument.name):
                expect(b".." not in part.split(b"/"), f"{line!r} leads to {part!r}")
                expect(not part.startswith(b"/"), f"{line!r} starts at the root: {part!r}")


def _as_argument(path: bytes) -> None:
    """As a user writes it: only with ``--relative`` is it refused, for what would lead out of its base."""
    for relative in (False, True):
        try:
            made = split_argument(path, relative=relative)
        except RefsyncError:
            expect(relative and b".." in path.split(b"/"), f"{path!r} is refused")
            continue
        expect(not relative or b".." not in made.name.split(b"/"), f"{path!r} is called {made.name!r}")
        expect(join(made.base, made.name).endswith(made.name.lstrip(b"/")), f"{made} of {path!r}")
        expect(made.base or not path.startswith(b"/") or relative, f"{path!r} starts nowhere")


def _model(data: bytes, from0: bool) -> list[bytes]:
    """What stands between the ends of lines."""
    for end in b"" if from0 else b"\r\n":
        data = data.replace(bytes((end,)), b"\0")
    return [line for line in data.split(b"\0") if line]


def seeds() -> Iterator[tuple[str, bytes]]:
    """Streams and files of every form."""
    for name, text in {
        "plain": b"a\0b/c\0\0",
        "arguments": b"..\0a/..\0/\0/a/\0./\0a/./../b\0/./\0a/./b/\0/b/./c\0./a\0.\0\0",
        "empty": b"\0",
        "lines": b"a\r\nb\n\n#c\n;d\n ./e/ \n",
        "up": b"../a\0a/../../b\0/./../c\0..\0a/..\0\0",
        "cut": b"a/./b\0/./c\0./d\0e//./\0\0",
        "long": b"n" * (MAX_PATH - 1) + b"\0\0",
        "too_long": b"n" * MAX_PATH + b"\0\0",
        "unended": b"a\0b",
    }.items():
        for switch in (0, 1):
            yield f"{name}.{switch}", bytes((switch,)) + text
