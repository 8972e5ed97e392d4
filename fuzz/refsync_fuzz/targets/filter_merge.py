"""Merge files: in options and in directories, on a client and in a daemon's module.

Input: a byte of switches, a byte with the number of rules, the rules behind their
lengths, the content of files behind theirs, then the walk: one byte a step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from refsync.filters import rules
from refsync.filters.module import module_texts
from refsync.filters.rulelist import FilterList
from refsync.filters.source import Source
from refsync.wire.errors import Exit, RefsyncError

from ..choices import Choices
from ..oracle import expect, same
from ..structure import Shape, fixed
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
        "refsync.filters.module",
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
    slow="each input is a tree that is walked twice, with some 20 decisions in every directory",
    shape=Shape(fixed(2), 1),
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

    def source(self, *, anywhere: bool = False) -> Source:
        """For a filter list; ``anywhere`` for one that is not a client's."""
        if anywhere:
            return _Files(self._contents, False).source()
        home = None if self._confined else ROOT + b"/d"
        return Source(read=self.read, cwd=lambda: ROOT, home=lambda: home, cvsignore=lambda: b"*.cvs")


class _Told:
    """A list with the rules that it has named as deciding."""

    def __init__(self, filters: FilterList, base: bytes) -> None:
        self.filters = filters
        self.base = base
        self._told: list[int] = []
        filters.tell = lambda rule, name, is_dir, origin: self._told.append(1 if rule.include else -1)

    def decide(self, place: bytes) -> list[int]:
        """On every name of a directory, by either side's rules; each decision is told once."""
        prefix = b"" if place == b"." else place + b"/"
        decided = []
        for name in NAMES:
            for is_dir in (False, True):
                self._told.clear()
                got = self.filters.check(prefix + name, is_dir)
                if got and (self._told or self.filters.daemon is None):
                    same(self._told, [got], f"the rule that decided on {name!r}")
                decided.append(got)
            self.filters.ignore_perishable = True
            decided.append(self.filters.check(prefix + name, False))
            self.filters.ignore_perishable = False
        decided.append(self.filters.check(b"user.x", False, xattr=True))
        decided.append(sender := self.filters.check_for_sender(prefix + b"x", False))
        expect(not sender or not self.filters.trusts_sender, "known, though only the sender can know it")
        return decided


def _make(choices: Choices, switches: int) -> _Told | None:
    """A list of the rules on either end, of a module's own ones, or of a client's under those."""
    confined = bool(switches & 1)
    texts = [choices.text() for _ in range(choices.byte() % 6)]
    contents = {ROOT + b"/" + name: choices.text() for name in FILES}
    if switches & 2:  # lines longer than a path, and than a line, may be
        contents[ROOT + b"/.filter"] += b"\n- " + b"p" * 4200 + b"\n- " + b"l" * 5200
    files = _Files(contents, confined)
    base = ROOT + b"/a" if switches & 4 else ROOT
    made = FilterList(source=files.source(), module_root=ROOT if confined else None)
    made.set_root(base)
    try:
        if confined and switches & 8:
            made = _of_module(made, texts, files)
            made.set_root(base)
        else:
            for text in texts:
                made.add(text)
    except RefsyncError as error:
        expect(error.code in (Exit.SYNTAX, Exit.FILE_IO), f"exit code {error.code}")
        return None
    made.settle(rules.SENDER)
    return _Told(made, base)


def _of_module(own: FilterList, texts: list[bytes], files: _Files) -> FilterList:
    """DAEMON-8: the first text is the module's, the others come from a client."""
    first = os.fsdecode(texts[0] if texts else b"")
    is_rules = first[:1] in tuple("+-.:!HSPR")
    formatted = module_texts(
        rules=first if is_rules else "",
        exclude="" if is_rules else first,
        include_from=os.fsdecode(ROOT + b"/a/rules") if len(texts) > 1 else "",
        source=files.source(anywhere=True),  # whoever configures a module may name any file
    )
    again = FilterList.from_options(formatted, source=files.source(), module_root=ROOT)
    same([os.fsdecode(rules.format_rule(rule)) for rule in again.rules], formatted, "a module's rules again")
    for text in formatted:
        own.add(text)
    own.work_for(rules.SENDER)
    return own.extended(texts[1:])


def fuzz_one(data: bytes) -> None:
    """Oracle: refusals have exit 1 or 11; entering and leaving directories leaves no trace.

    Back in a directory all is decided as it was before; the same walk by a
    fresh list decides the same, and so does entering a directory without leaving
    the others first. In a module no file outside it is even asked for, files that
    merge themselves come to an end, and a rule that decides is named once. A
    module's rules come back from their texts; no client reads what they hide.
    """
    choices = Choices(data)
    switches = choices.byte()
    made = _make(choices, switches)
    if made is None:
        return
    walk = choices.rest()[:14]
    first = _walk(made, walk)
    again = _make(Choices(data[1:]), switches)
    if again is not None:
        same(_walk(again, walk), first, "the same walk by a fresh list")
    if first is not None and switches & 16:
        _jump(made, Choices(data[1:]), switches)


def _walk(made: _Told, walk: bytes) -> list[list[int]] | None:
    """The decisions at each step; a step enters a directory below, or goes back up. None: refused."""
    decided: list[list[int]] = []
    place: list[tuple[bytes, list[int]]] = []
    try:
        made.filters.enter_dir(made.base, b".")
        place.append((b".", made.decide(b".")))
        for step in walk:
            here = place[-1][0]
            name = DIRS[step % len(DIRS)]
            below = name != here and (here == b"." or name.startswith(here + b"/"))
            if below:
                made.filters.enter_dir(made.base + b"/" + name, name)
                place.append((name, made.decide(name)))
            elif name == here and len(place) > 1:
                made.filters.enter_dir(made.base + b"/" + name, name)
                same(made.decide(name), place[-1][1], f"{name!r} entered twice")
            elif len(place) > 1:
                place.pop()
                made.filters.leave_to(place[-1][0])
                same(made.decide(place[-1][0]), place[-1][1], f"back in {place[-1][0]!r}")
            decided.append(place[-1][1])
    except RefsyncError as error:
        expect(error.code in (Exit.SYNTAX, Exit.FILE_IO), f"exit code {error.code}")
        made.filters.leave_all()
        return None
    made.filters.leave_all()
    return decided


def _jump(made: _Told, choices: Choices, switches: int) -> None:
    """Two transfers, one after the other, their directories entered at random: as in a fresh list."""
    for base in (made.base, ROOT + b"/d"):
        for name in (b"d", b"a", b"a/b"):
            fresh = _make(Choices(choices.peek()), switches)
            if fresh is None or any(
                rule.flags & rules.PER_DIR and b"/" in rule.pattern for rule in fresh.filters.rules
            ):
                return  # such a file is looked for above the first directory of all, and then no more
            try:
                for one in (made, fresh):
                    one.filters.enter_dir(base, b".")
                    if name == b"a/b":
                        one.filters.enter_dir(base + b"/a", b"a")
                    one.filters.enter_dir(base + b"/" + name, name)
                same(made.decide(name), fresh.decide(name), f"{name!r}, entered from elsewhere")
            except RefsyncError as error:
                expect(error.code in (Exit.SYNTAX, Exit.FILE_IO), f"exit code {error.code}")
                made.filters.leave_all()
                return
    made.filters.leave_all()


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
        b"- *.o\n: rules\n",
        b"x core",
        b"+ x.o\n- x\n",
        b"!\n- core\n",
        b"-/ /a/x\n",
        b"- x\n. rules\nH core\nP core\n- /x.o\n: /above\n. ../rules\n: ../../x\n",
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
        "above_local": [b":n /.filter", b": /.cvsignore", b": ../.filter"],
        "above_all": [b": /srv/mod/.filter", b"!", b":n /srv/mod/.filter"],
        "twice": [b"-C", b"-C", b"-x user.*", b": .filter", b": .filter"],
        "anchored": [b"-_/a/x +_a/b -_x/ +_d/ H_core", b"+ /x", b"-/ /a/x.o", b"-p x"],
        "patterns": [b"core a/x d/", b"- x.o", b". rules"],
        "hidden": [b"-_rules -_.filter", b": .filter", b"+ x"],
        "hidden_needed": [b"-_rules", b". rules"],
    }
    for name, texts in lists.items():
        for switches in (0, 1, 0x17, 0x19):
            yield f"{name}.{switches}", bytes((switches,)) + pack(texts, *files) + walk
    yield "loop", b"\0" + pack([b". rules"], b"", b"", b"", b"", b"", b". rules\n. rules\n") + walk
    yield (
        "escape_file",
        b"\1" + pack([b": .filter"], b": ../../x\n. ../y\n", b"", b". ../../../etc/x\n") + walk,
    )
