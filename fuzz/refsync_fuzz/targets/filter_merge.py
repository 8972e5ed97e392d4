"""Merge files: in options and in directories, on a client and in a daemon's module.

Input: a byte of switches, a byte with the number of rules, the rules behind their
lengths, the content of files behind theirs, then the walk: one byte a step.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.filters import rules
from refsync.filters.rulelist import FilterList
from refsync.filters.source import Source
from refsync.wire.errors import Exit, RefsyncError

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

ROOT = b"/srv/mod"
DIRS = (b".", b"a", b"a/b", b"a/b/c", b"d")
NAMES = (b"x", b"x.o", b".filter", b".cvsignore", b"core")
FILES = (b".filter", b".cvsignore", b"a/.filter", b"a/b/.filter", b"d/.filter", b"rules", b"a/rules")

SURFACE = Surface(
    priority=1,
    clauses=("FILT-4", "FILT-14", "FILT-15", "HOST-2", "DAEMON-8"),
    code=(
        "refsync.filters.merge",
        "refsync.filters.rulelist",
        "refsync.filters.paths",
        "refsync.filters.cvs",
    ),
    oracle="MS",
    dictionary={
        "dir_merge": b"\x0a: /.filter",
        "merge": b"\x07. rules",
        "cvs": b"\3-C\n",
        "dir_cvs": b"\2:C",
        "self": b"\x0b:e .filter ",
        "no_inherit": b"\x0a:n .filter",
        "words": b"\x0a:w- .filter",
        "stdin": b"\3. -",
        "escape": b". ../../../etc/passwd",
        "escape_dir": b": ../../secret",
        "clear": b"\n!\n",
        "absolute": b"-/ /a/x",
        "nested": b". rules\n",
    },
    max_length=500,
)

#: Reading this often needs a loop that nothing stops.
MOST_READS = 4000


class _Files:
    """A tree of files in memory that notes what is read."""

    def __init__(self, contents: dict[bytes, bytes], confined: bool) -> None:
        self._contents = contents
        self._confined = confined
        self.reads = 0

    def read(self, path: bytes) -> bytes:
        """``OSError`` for what is not there; out of a module nothing may even be tried."""
        self.reads += 1
        expect(self.reads < MOST_READS, f"{self.reads} files read")
        if path.endswith(b"/.."):
            raise IsADirectoryError(21, "Is a directory", path)  # wherever it is, it can't be read
        if self._confined:
            inside = path == ROOT or path.startswith(ROOT + b"/")
            expect(inside and b".." not in path.split(b"/"), f"{path!r} lies outside the module")
        if path not in self._contents:
            raise FileNotFoundError(2, "No such file", path)
        return self._contents[path]

    def source(self) -> Source:
        """For a filter list."""
        return Source(read=self.read, cwd=lambda: ROOT, home=lambda: None, cvsignore=lambda: b"*.cvs")


def _make(choices: Choices, confined: bool) -> tuple[FilterList | None, _Files]:
    texts = [choices.text() for _ in range(choices.byte() % 6)]
    files = _Files({ROOT + b"/" + name: choices.text() for name in FILES}, confined)
    made = FilterList(source=files.source(), module_root=ROOT if confined else None)
    made.set_root(ROOT)
    for text in texts:
        try:
            made.add(text)
        except RefsyncError as error:
            expect(error.code in (Exit.SYNTAX, Exit.FILE_IO), f"exit code {error.code}")
            return None, files
    made.settle(rules.SENDER)
    return made, files


def _decide(made: FilterList, place: bytes) -> list[int]:
    prefix = b"" if place == b"." else place + b"/"
    return [made.check(prefix + name, is_dir) for name in NAMES for is_dir in (False, True)]


def fuzz_one(data: bytes) -> None:
    """Oracle: refusals have exit 1 or 11; entering and leaving directories leaves no trace.

    Back in a directory all is decided as it was before; the same walk by a
    fresh list decides the same. In a module no file outside it is even
    asked for, and files that merge themselves come to an end.
    """
    choices = Choices(data)
    switches = choices.byte()
    confined = bool(switches & 1)
    made, _ = _make(choices, confined)
    if made is None:
        return
    walk = choices.rest()[:24]
    first = _walk(made, walk)
    choices = Choices(data[1:])
    again, _ = _make(choices, confined)
    if again is not None:
        same(_walk(again, walk), first, "the same walk by a fresh list")


def _walk(made: FilterList, walk: bytes) -> list[list[int]]:
    """The decisions at each step; a step enters a directory below, or goes back up."""
    decided: list[list[int]] = []
    place: list[tuple[bytes, list[int]]] = []
    try:
        made.enter_dir(ROOT, b".")
        place.append((b".", _decide(made, b".")))
        for step in walk:
            here = place[-1][0]
            name = DIRS[step % len(DIRS)]
            below = name != here and (here == b"." or name.startswith(here + b"/"))
            if below:
                made.enter_dir(ROOT + b"/" + name, name)
                place.append((name, _decide(made, name)))
            elif len(place) > 1:
                place.pop()
                made.leave_to(place[-1][0])
                same(_decide(made, place[-1][0]), place[-1][1], f"back in {place[-1][0]!r}")
            decided.append(place[-1][1])
    except RefsyncError as error:
        expect(error.code in (Exit.SYNTAX, Exit.FILE_IO), f"exit code {error.code}")
    made.leave_all()
    return decided


def seeds() -> Iterator[tuple[str, bytes]]:
    """Inherited and local files, CVS, self-exclusion, loops, attempts to leave a module."""

    def pack(texts: list[bytes], *contents: bytes) -> bytes:
        out = bytes((len(texts),)) + b"".join(bytes((len(text),)) + text for text in texts)
        for at in range(len(FILES)):
            content = contents[at] if at < len(contents) else b""
            out += bytes((len(content),)) + content
        return out

    walk = bytes((1, 2, 3, 0, 0, 0, 4, 0, 1, 2))
    files = (
        b"- *.o\n",
        b"x core",
        b"+ x.o\n- x\n",
        b"!\n- core\n",
        b"-/ /a/x\n",
        b"- x\n. rules\n",
        b"- y\n",
    )
    lists = {
        "dir_merge": [b": .filter", b"- core"],
        "no_inherit": [b":n .filter"],
        "self": [b":e .filter"],
        "words": [b":w- .cvsignore"],
        "cvs": [b":C", b"-C"],
        "merge": [b". rules"],
        "merge_words": [b".w- .cvsignore"],
        "sided": [b":s .filter", b":r .filter"],
        "above": [b": /.filter"],
        "escape": [b". ../../../etc/passwd"],
        "escape_dir": [b": ../../secret", b": a/../../x"],
        "stdin": [b". -"],
        "escape_absolute": [b". /etc/passwd", b": /etc/x"],
    }
    for name, texts in lists.items():
        for confined in (0, 1):
            yield f"{name}.{confined}", bytes((confined,)) + pack(texts, *files) + walk
    yield "loop", b"\0" + pack([b". rules"], b"", b"", b"", b"", b"", b". rules\n. rules\n") + walk
    yield (
        "escape_file",
        b"\1" + pack([b": .filter"], b": ../../x\n. ../y\n", b"", b". ../../../etc/x\n") + walk,
    )
