"""What a client's path arguments mean inside a module: parents, wildcards, the module's own name.

Input: a byte that chooses the module's name, then arguments, each ended by NUL.
"""

from __future__ import annotations

import atexit
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache

from refsync.daemon.paths import expand_arguments, sanitize
from refsync.filters.wildmatch import wildmatch

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface
from ._files import make_tree

#: Below the root, for ``make_tree``.
TREE = (
    "a", "ab", "b.c", "s*r", "q[x]", "mod", "hid", "d/", "d/a", "d/b.c", "d/hid", "d/e/", "d/e/a", "d2/",
    "d2/a",
    "hidden/", "hidden/a", "out->../outside", "in->d", "up->..", "gone->nowhere", "file->../outside/secret",
)  # fmt: skip
MODULES = (b"mod", b"a", b"d")
#: More makes only more of the same.
MOST_ARGUMENTS = 5

SURFACE = Surface(
    priority=1,
    clauses=("DAEMON-8", "DAEMON-11"),
    code=("refsync.daemon.paths",),
    oracle="DMS",
    dictionary={
        "up": b"../", "up_end": b"/..", "here": b"./", "any": b"*", "deep": b"**", "one": b"?",
        "set": b"[a-d]",
        "way_out": b"out/*", "way_up": b"up/*", "way_in": b"in/*", "hidden": b"hid*", "split": b" mod/",
        "module": b"mod/", "root": b"/",
    },
    max_length=120,
    slow="wildcards are looked for in a directory of real files",
)  # fmt: skip


@cache
def _root() -> bytes:
    """The module's directory, made once a process, with a secret beside it."""
    made = tempfile.mkdtemp(prefix="refsync-fuzz-paths-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    root = os.path.join(made, "root")
    for directory in (root, os.path.join(made, "outside")):
        os.mkdir(directory)
    for name in ("outside/secret", "outside/a"):
        with open(os.path.join(made, name), "wb"):
            pass
    make_tree(root, TREE)
    return os.fsencode(root)


def _hidden(path: bytes, is_dir: bool) -> bool:
    return posixpath.basename(path) == b"hid" or (is_dir and path == b"hidden")


@cache
def _shown() -> tuple[bytes, ...]:
    """All names in the module that rules don't hide, as symlinks within it lead to them, three deep."""
    found: list[bytes] = []
    todo = [b""]
    while todo:
        base = todo.pop()
        for name in os.listdir(os.path.join(_root(), base)):
            path, full = base + name, os.path.join(_root(), base, name)
            is_dir, exists = os.path.isdir(full), os.path.exists(full)
            inside = os.path.realpath(full).startswith(_root() + b"/")
            if not exists or _hidden(path, is_dir) or (is_dir and not inside):
                continue
            found.append(path)
            if is_dir and path.count(b"/") < 3:
                todo.append(path + b"/")
    return tuple(found)


def _model(pattern: bytes) -> set[bytes]:
    """What a pattern without dots and without a slash at its end matches."""
    parts = pattern.split(b"/")
    return {
        path
        for path in _shown()
        if len(names := path.split(b"/")) == len(parts)
        and all(
            wildmatch(part, name) if set(part) & set(b"*?[") else part == name
            for part, name in zip(parts, names, strict=True)
        )
    }


def fuzz_one(data: bytes) -> None:
    """Oracle: a path never leads out of its module, in its text; it names what ``normpath`` says.

    Wildcards give exactly what a model finds among the names that the module shows: nothing hidden,
    and nothing
    of what is behind a symlink that leads out.
    """
    choices = Choices(data)
    module = choices.pick(MODULES)
    arguments = choices.rest().split(b"\0")[:MOST_ARGUMENTS]
    for argument in arguments:
        clean = sanitize(argument)
        parts = clean.split(b"/")
        expect(clean and not clean.startswith(b"/") and b".." not in parts, f"{argument!r} became {clean!r}")
        same(sanitize(clean), clean, "made clean twice")
        if b"." not in argument.split(b"/"):  # a dot counts as a name for what follows it
            same(b"/" + (b"" if clean == b"." else clean.rstrip(b"/")), _normal(argument), f"{argument!r}")
    paths = expand_arguments(arguments, module, _root(), _hidden)
    for path in paths:
        expect(not path.startswith(b"/") and b".." not in path.split(b"/"), f"{path!r} of {arguments}")
    for argument in arguments:
        clean = sanitize(argument)
        if argument.startswith(module) or b" " in argument or not set(clean) & set(b"*?["):
            continue
        found = expand_arguments([argument], module, _root(), _hidden)
        if found != [clean]:
            expect(all(_is_shown(path) for path in found), f"{argument!r} shows {found}")
        if {b".", b""}.isdisjoint(clean.split(b"/")) and clean.count(b"/") <= 3:
            literal = clean.split(b"/")[-1]
            if set(literal) & set(b"*?["):  # a literal end is not looked for
                same(set(found), _model(clean) or {clean}, f"what {clean!r} matches")


def _normal(argument: bytes) -> bytes:
    return posixpath.normpath(b"/./" + argument)


def _is_shown(path: bytes) -> bool:
    plain = b"/".join(part for part in path.split(b"/") if part not in (b".", b""))
    above = posixpath.dirname(plain)
    return not above or above in _shown()


def seeds() -> Iterator[tuple[str, bytes]]:
    """Names, parents, wildcards at each place, ways out, and old clients' lists of paths."""
    texts = (
        "mod/a", "mod", "/a", "../../etc", "d/../../x", "a/..", "./a/./b", "d//a/", "*", "d*/a", "*/*",
        "?/e/*", "[a-b]*",
        "out/*", "up/*", "in/*", "*/secret", "hid*", "hidden/*", "d/hid*", "**", "mod/a mod/b.c mod/d/*",
        "s\\*r",
        "q\\[x\\]", "d/*/", "./*", "mod/../..", "a mod/../x", "gone*", "file*", "d/./*",
    )  # fmt: skip
    for number, text in enumerate(texts):
        yield f"path.{number}", b"\0" + text.encode()
    yield "many", b"\1" + b"\0".join(text.encode() for text in texts[6:11])
    yield "nothing", b""
