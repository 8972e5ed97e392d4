"""XATTR, ACL: how lists are numbered, and the attributes in them."""

from __future__ import annotations

import os

from refsync_conformance.cases.extended import LONG, MODERN, A, X
from refsync_conformance.fixtures import keeps
from refsync_conformance.registry import case
from refsync_conformance.trees import ACCESS, access_list, attributed, file
from refsync_conformance.trial import Trial


@case(
    "XATTR-010",
    clause="XATTR-3",
    title="An attribute that is not kept has a number all the same",
    directions=("pull",),
    optional=X,
    protocols=MODERN,
)
def not_kept(t: Trial) -> None:
    """A rule of the receiver's drops the first attribute; the value of the second is asked for by number."""
    keeps(t, "user.test", LONG)
    t.build([attributed(file("f", b"x"), {"user.drop": b"d", "user.keep": LONG, "user.zero": LONG[::-1]})])
    t.items(t.sync("-aXi", "--filter=-xr user.drop*"))
    t.equal("attributes", ["user.keep", "user.zero"], sorted(os.listxattr(t.path("dst/f"))))
    t.equal("the first value", LONG, os.getxattr(t.path("dst/f"), "user.keep"))


@case(
    "ACL-005",
    clause="ACL-1",
    title="Access lists that come again",
    optional=A,
    protocols=MODERN,
)
def again(t: Trial) -> None:
    """Each list travels once; files that have it later name its number."""
    lists = [access_list(text) for text in ("u::6 u:1:7 g::4 m::7 o::4", "u::6 g::4 g:2:1 m::5 o::4")]
    keeps(t, ACCESS, lists[0])
    t.build([file(f"d{n % 2}/f{n}", b"x", mode=0o640) for n in range(9)])
    for n in range(9):
        if n % 3:
            os.setxattr(t.path(f"src/d{n % 2}/f{n}"), ACCESS, lists[n % 3 - 1])
    t.items(t.sync("-aAi"))
    t.same_tree()
    t.same_extended()
