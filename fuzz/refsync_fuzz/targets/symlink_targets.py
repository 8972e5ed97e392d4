"""Which symlinks lead out of the tree: the target is a peer's word.

Input: the link's name behind its length, then its target.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from refsync.files.links import is_unsafe

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("FS-18",),
    code=("refsync.files.links",),
    oracle="DS",
    dictionary={
        "up": b"../", "up_end": b"/..", "here": b"./", "slashes": b"//", "middle": b"/../",
        "up_twice": b"..//../",
        "root": b"/", "dots": b"...",
    },
    max_length=120,
)  # fmt: skip


def _model(target: bytes, name: bytes) -> bool:
    """From the definition, component by component: how deep the link is, and each step of its way."""
    if target[:1] in (b"", b"/"):
        return True
    parts = [part for part in target.split(b"/") if part]
    ups = next((count for count, part in enumerate(parts) if part != b".."), len(parts))
    ends = target.endswith(b"/")
    if b".." in parts[ups:] or (ends and parts[-1:] == [b".."] and ups < len(parts)):
        return True  # behind a name, which may itself be a symlink
    if len(target) > 3 and target.endswith(b"/.."):
        return True
    depth = 0
    steps = name.split(b"/")
    above = [part for at, part in enumerate(steps[:-1]) if part or not at]
    for part in above:
        depth = 0 if part == b".." else depth + (part != b".")
    if steps[-1] == b"..":
        depth = 0
    return ups > depth


def fuzz_one(data: bytes) -> None:
    """Oracle: a model by components. A link that is safe ends below the root, if no part of it is a symlink.

    A link further down is not less safe, and a target with one more ``..`` is not more.
    """
    choices = Choices(data)
    name, target = choices.text(), choices.rest()
    if b"\0" in name or b"\0" in target:
        return
    unsafe = is_unsafe(target, name)
    same(unsafe, _model(target, name), f"{name!r} -> {target!r}")
    if name.startswith(b"/") or {b"..", b"."} & set(name.split(b"/")) or not name.strip(b"/"):
        return  # no name in a list
    if not unsafe:
        place = b"/root/" + posixpath.dirname(name)
        to = posixpath.normpath(posixpath.join(place, target))
        expect(to == b"/root" or to.startswith(b"/root/"), f"{name!r} -> {target!r} leads to {to!r}")
        expect(not is_unsafe(target, b"d/" + name), "one directory further down")
    else:
        expect(is_unsafe(b"../" + target, name) or target[:1] in (b"", b"/"), "one directory further up")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Links at each depth to each kind of target."""
    targets = (
        b"", b"/", b"/etc", b"a", b"../a", b"../../a", b"..", b"../..", b"a/..", b"a/../b", b"./..",
        b".//..//a", b"..//../a",
        b"a//b/", b".", b"./", b"../", b"a/.../b", b"..a", b"../..a", b"a/..b/../c",
    )  # fmt: skip
    for number, target in enumerate(targets):
        for depth, name in enumerate((b"l", b"d/l", b"d//e/l", b"d/./l", b"d/../l")):
            if depth < 3 or not number % 4:
                yield f"link.{number}.{depth}", bytes((len(name),)) + name + target
