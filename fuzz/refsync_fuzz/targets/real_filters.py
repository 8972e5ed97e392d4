"""What a list of rules lets through, against a real rsync: the same rules, the same tree, a dry run.

Input: a byte of switches, a byte with the number of rules, rules behind their lengths.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from refsync.filters import rules
from refsync.filters.rulelist import FilterList
from refsync.filters.source import Source
from refsync.wire.errors import RefsyncError

from ..choices import Choices
from ..oracle import expect, same
from ..structure import Shape, fixed
from ..target import Surface

#: Names that patterns are about, those with special letters too; a name that ends in a slash is a directory.
TREE = (
    "a", "b", "ab", "a.b", "x.o", "core", "!", "- x", "s*r", "q?", "b[r]", "b\\s", "caf\u00e9", "x~", "-",
    "+",
    "d/", "d/a", "d/b.c", "d/x.o", "d/e/", "d/e/a", "d/e/x.o", "d/e/f/", "d/e/f/b", "a0/", "a0/a", "a0/d/",
    "a0/d/e", "E/", "E/a", ".hidden", ".hid/", ".hid/a", "empty/",
)  # fmt: skip
#: What files of rules in the tree say.
FILES = {"d/.filter": b"- *.o\n+ a\n", "a0/.filter": b"!\n- d/\n", ".filter": b"- core\n"}
SECONDS = 15

SURFACE = Surface(
    priority=1,
    clauses=("FILT-3", "FILT-4", "FILT-6", "FILT-7", "FILT-14"),
    code=("refsync.filters.matching", "refsync.filters.wildmatch"),
    oracle="D",
    dictionary={
        "star": b"*", "deep": b"**", "triple": b"/***", "anchored": b"- /a", "directory": b"- d/",
        "include": b"+ a",
        "hide": b"H a", "protect": b"P a", "negated": b"-! a", "clear": b"!", "dir_merge": b": .filter",
        "set": b"[a-c]", "named_set": b"[[:alpha:]]", "escaped": b"\\*", "rest": b"- *",
    },
    max_length=200,
    slow="a real rsync is run for each input",
    shape=Shape(fixed(2), 1),
)  # fmt: skip


@cache
def program() -> str:
    """A real rsync: ``REFSYNC_REAL_RSYNC``, what the conformance suite fetches, the system's."""
    named = os.environ.get("REFSYNC_REAL_RSYNC", "")
    if named:
        return named
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refsync" / "peers"
    fetched = home / "upstream-3.4.1" / "bin" / "rsync"
    return str(fetched) if fetched.is_file() else shutil.which("rsync") or ""


@cache
def place() -> bytes:
    """The tree, made once a process."""
    made = tempfile.mkdtemp(prefix="refsync-fuzz-filters-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for name in TREE:
        path = os.path.join(made, name)
        os.mkdir(path) if name.endswith("/") else Path(path).write_bytes(b"")
    for name, content in FILES.items():
        Path(made, name).write_bytes(content)
    return os.fsencode(made)


def _usable(text: bytes) -> bool:
    """A rule that can stand on a command line and names no file outside the tree."""
    if not text or b"\0" in text:
        return False
    try:
        parsed = list(rules.parse_rules(text))
    except RefsyncError:
        return True
    return not any(
        flags & rules.MERGE and (not flags & rules.PER_DIR or b"/" in pattern) for flags, pattern in parsed
    ) and not any(flags & rules.CVS for flags, _ in parsed)


def fuzz_one(data: bytes) -> None:
    """Oracle: the names that a real rsync would copy, or its refusal of the rules.

    Without a real rsync there is nothing to compare with.
    """
    if not program():
        return
    choices = Choices(data)
    choices.byte()
    texts = [choices.text() for _ in range(choices.byte() % 7)]
    texts = [text for text in texts if _usable(text)]
    same(_ours(texts), _theirs(texts), f"what {texts} let through")


def _ours(texts: list[bytes]) -> list[bytes] | None:
    root = place()
    try:
        filters = FilterList.from_options(texts, source=Source(home=lambda: None, cvsignore=lambda: None))
        filters.set_root(root)
        filters.settle(rules.SENDER)
        found: list[bytes] = []
        _walk(filters, root, b"", found)
    except RefsyncError:
        return None
    return sorted(found)


def _walk(filters: FilterList, root: bytes, below: bytes, found: list[bytes]) -> None:
    filters.enter_dir(os.path.join(root, below) if below else root, below or b".")
    for name in sorted(os.listdir(os.path.join(root, below))):
        path = os.path.join(below, name) if below else name
        is_dir = os.path.isdir(os.path.join(root, path))
        if filters.check(path, is_dir) < 0:
            continue
        found.append(path)
        if is_dir:
            _walk(filters, root, path, found)
            filters.leave_to(below or b".")


def _theirs(texts: list[bytes]) -> list[bytes] | None:
    given = [b"--filter=" + text for text in texts]
    done = subprocess.run(
        [os.fsencode(program()), b"-rn8", b"--out-format=%n", *given, place() + b"/", b"/nowhere/at/all/"],
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
    )
    if done.returncode == 1:
        return None
    expect(done.returncode in (0, 3), f"a real rsync ended with {done.returncode}: {done.stderr!r}")
    lines = set(done.stdout.split(b"\n")) - {b"", b"./"}
    return sorted(line.rstrip(b"/") for line in lines if not line.startswith(b"created directory "))


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each kind of rule and wildcard, by itself and before others; rules that are refused."""
    lists = {
        "none": (),
        "plain": (b"- *.o", b"+ a/", b"- a"),
        "anchored": (b"- /a", b"- /d/e/", b"+ /a0/**", b"- a0/*"),
        "deep": (b"- **/x.o", b"- d/**/a", b"- a0/***"),
        "only": (b"+ */", b"+ *.o", b"- *"),
        "sided": (b"H core", b"S x.o", b"P a", b"R *"),
        "negated": (b"-! */", b"- x"),
        "absolute": (b"-/ /a", b"-/ d/"),
        "clear": (b"- *", b"!", b"- b"),
        "dir_merge": (b": .filter", b"- b"),
        "dir_merge_not_inherited": (b":n .filter",),
        "dir_merge_self": (b":e .filter", b"- /d/e/f"),
        "sets": (b"- [a-b]", b"- [!a-z]*", b"- [[:punct:]]", b"- s\\*r"),
        "set_open": (b"- [a", b"- a["),
        "escaped": (b"- b\\\\s", b"- q\\?", b"- b\\[r\\]"),
        "words": (b"exclude core", b"include,s a", b"hide,! x.o", b"dir-merge,n .filter"),
        "refused": (b"* x",),
        "refused_modifier": (b"-q x",),
        "refused_side": (b"Hs x",),
        "dot": (b"- .*", b"- ./a"),
        "slashes": (b"- //a", b"- d//a", b"- d/e//", b"- /"),
    }
    for name, texts in lists.items():
        yield name, bytes((0, len(texts))) + b"".join(bytes((len(text),)) + text for text in texts)
