"""Which names a client takes from a server: those that it has asked for.

Input: a byte of switches, arguments behind their lengths, ended by an empty one; the rest is names,
each ended by NUL.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.engine.requested import Requested, requested_by
from refsync.filters.wildmatch import wildmatch
from refsync.options.model import Options

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

WILD = frozenset(b"*?[")
#: More makes only more of the same.
MOST = 6

SURFACE = Surface(
    priority=1,
    clauses=("HOST-2", "HOST-7"),
    code=("refsync.engine.requested",),
    oracle="DMS",
    dictionary={
        "dot": b"/./", "up": b"../", "any": b"*", "deep": b"**", "set": b"[a]", "escaped": b"\\]",
        "here": b".",
        "home": b"~", "slash": b"a/", "way": b"a/b/c",
    },
    max_length=150,
)  # fmt: skip


def _names(argument: bytes, relative: bool) -> list[bytes]:
    """The components of what an argument puts into a list; none if that is contents alone."""
    if relative:
        at = argument.find(b"/./")
        argument = argument if at < 0 else argument[at + 3 :]
    else:
        argument = argument.split(b"/")[-1]
    result: list[bytes] = []
    for part in argument.split(b"/"):
        if part == b"..":
            del result[-1:]
        elif part.strip(b".") or len(part) > 2:
            result.append(part)
    return result


def _fits(pattern: list[bytes], name: list[bytes]) -> bool:
    """Whether a name is what an argument stands for, with its wildcards and without."""
    text, whole = b"/".join(pattern), b"/".join(name)
    if not set(text) & WILD:
        return text.replace(b"\\]", b"]") == whole
    return wildmatch(text, whole) or (b"[" in text and wildmatch(text.replace(b"[", b"\\["), whole))


def _model(arguments: list[list[bytes]], relative: bool, depth: int, name: bytes, is_dir: bool) -> bool:
    parts = name.split(b"/")
    below = {0: (len(parts),), 1: (len(parts) - 1, len(parts)), 2: range(len(parts) + 1)}[depth]
    if name == b".":  # the starting directory: its contents were asked for, or it is on the way
        below = ()
    for argument in arguments:
        if not argument:
            if name == b"." or depth == 2 or (depth == 1 and len(parts) == 1):
                return True
            continue
        if any(count and _fits(argument, parts[:count]) for count in below):
            return True
        if (
            relative
            and is_dir
            and any(_leads(argument, argument[:count], parts) for count in range(1, len(argument)))
        ):
            return True
    return False


def _leads(argument: list[bytes], way: list[bytes], name: list[bytes]) -> bool:
    """A directory on the way to what an argument with or without wildcards names."""
    text, whole = b"/".join(way), b"/".join(name)
    if not set(b"/".join(argument)) & WILD:
        return text == whole
    return wildmatch(text, whole) or (
        b"[" in b"/".join(argument) and wildmatch(text.replace(b"[", b"\\["), whole)
    )


def fuzz_one(data: bytes) -> None:
    """Oracle: a model that compares component by component; more arguments never forbid a name.

    What is asked for is allowed, and a name that no argument, wildcard or contents can mean is not.
    """
    choices = Choices(data)
    switches = choices.byte()
    relative, depth, is_dir = bool(switches & 1), switches >> 1 & 3, bool(switches & 8)
    depth = min(depth, 2)
    arguments: list[bytes] = []
    while len(arguments) < MOST and (text := choices.text()):
        arguments.append(text)
    requested = Requested(arguments, relative=relative, depth=depth)
    parsed = [_names(argument, relative) for argument in arguments]
    more = Requested([*arguments, b"more"], relative=relative, depth=depth)
    for name in choices.rest().split(b"\0")[:MOST]:
        parts = name.split(b"/")
        if not name or (name != b"." and {b"", b".", b".."} & set(parts)):
            continue  # refused before it is asked for
        allowed = requested.allows(name, is_dir)
        same(
            allowed, _model(parsed, relative, depth, name, is_dir), f"{name!r} of {arguments} ({switches:#x})"
        )
        expect(more.allows(name, is_dir) or not allowed, "one more argument forbids a name")
        expect(not requested.wanted(name) or allowed, "wanted, but not allowed")
        if requested.all_below(name) and depth == 2:
            expect(requested.allows(name + b"/x", False), f"all below {name!r}")
    _by_options(arguments, switches)


def _by_options(arguments: list[bytes], switches: int) -> None:
    options = Options(recurse=switches & 2, dirs=switches >> 2 & 1, relative=bool(switches & 1))
    options.trust_sender = bool(switches & 16)
    if switches & 32:
        options.files_from, options.files_from_data = "list", b"\n".join(arguments)
        options.from0 = bool(switches & 64)
    made = requested_by(options, arguments)
    if switches & 16:
        same(made, None, "a sender that is trusted")
    elif not switches & 32:
        home = any(argument.startswith(b"~") and b"/" not in argument for argument in arguments)
        same(made is None, home, "what only the remote shell knows")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Arguments of each kind, with names that they mean and names that they don't."""
    cases = (
        (("src/",), ("a", ".", "a/b")), (("src",), ("src", "src/a", "other", "src2")),
        (("d/*.c",), ("x.c", "y.h", "x.c/z")),
        (("a/b/c",), ("a", "a/b", "a/b/c", "a/x", "a/b/c/d")), (("/x/./y/z",), ("y", "y/z", "x", "z")),
        (("a[b]",), ("ab", "a[b]", "a[b]/x")), (("..",), ("a", ".")), (("a/../b",), ("b", "a")),
        (("*/b",), ("a/b", "a", "q/b/c")),
        (("q\\]",), ("q]", "q\\]")), (("~",), ("x",)), (("~me/x", "b"), ("x", "b", "~me/x")),
        (("**",), ("a/b/c",)),
        (("a", "b/", "c/d"), ("a", "x", "d", "c")),
    )  # fmt: skip
    for number, (arguments, names) in enumerate(cases):
        text = b"".join(bytes((len(one),)) + one.encode() for one in arguments) + b"\0"
        for switches in (4, 5, 13, 0, 37):
            yield f"names.{number}.{switches}", bytes((switches,)) + text + "\0".join(names).encode()
    yield "nothing", b""
