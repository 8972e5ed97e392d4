"""ALT: other directories along with other options."""

from __future__ import annotations

from refsync_conformance.cases.alternate import (
    CHANGED,
    DATA,
    LATER,
    NUMBERED,
    OPTIONAL,
    directories,
    trees,
    within,
)
from refsync_conformance.cases.extended import LONG
from refsync_conformance.fixtures import keeps
from refsync_conformance.model import Breadth, Case
from refsync_conformance.registry import case
from refsync_conformance.trees import ACCESS, access_list, attributed, file, folder, hardlink
from refsync_conformance.trial import Trial

LINKED = (
    file("a", b"one file"),
    hardlink("b", "a"),
    hardlink("d/c", "a"),
    file("x", DATA, mtime_ns=LATER),
    hardlink("y", "x"),
    file("z", b"alone"),
)
LINKED_BEFORE = (
    file("a", b"one file"),
    hardlink("b", "a"),
    file("d/c", b"one file"),
    file("x", DATA),
    hardlink("y", "x"),
    hardlink("z2", "x"),
)


def with_links(number: int, kind: str, *options: str) -> Case:
    title = f"Hard links and --{kind}-dest" + (" in a dry run" if "-n" in options else "")

    def run(t: Trial) -> None:
        t.build(LINKED)
        t.build([*within("one", LINKED_BEFORE), folder("dst")], "all")
        t.items(t.sync("-aiiH", *options, *directories(t, kind, "one"), dest="all/dst/"))
        t.observe("tree all", t.snapshot("all"))

    run.__doc__ = f"{title}: the items of each name, and which names are one file."
    return case(
        f"ALT-{number:03}",
        clause="ALT-8",
        title=title,
        breadth=Breadth.NARROW,
        optional=(*OPTIONAL, "-H", "hard-links"),
    )(run)


GROUPS = [
    with_links(24, "compare"),
    with_links(25, "copy"),
    with_links(26, "link"),
    with_links(27, "link", "-n"),
]


def attributes(number: int, kind: str) -> Case:
    title = f"Extended attributes and --{kind}-dest"

    def run(t: Trial) -> None:
        keeps(t, "user.test", LONG)
        keeps(t, ACCESS, access_list("u::6 u:1:7 g::4 m::7 o::4"))
        one = {"user.long": LONG, "user.short": b"s", ACCESS: access_list("u::6 u:1:6 g::4 m::6 o::4")}
        other = {"user.long": bytes(50), "user.more": b"m"}
        t.build(
            [
                attributed(file("alike", b"1"), one),
                attributed(file("differs", b"2"), one),
                attributed(file("delta", CHANGED, mtime_ns=LATER), one),
                attributed(folder("d"), one),
                attributed(folder("e"), one),
                file("none", b"3"),
            ]
        )
        there = [
            attributed(file("alike", b"1"), one),
            attributed(file("differs", b"2"), other),
            attributed(file("delta", DATA), one),
            attributed(folder("d"), one),
            attributed(folder("e"), other),
            attributed(file("none", b"3"), other),
        ]
        t.build([*within("one", there), folder("dst")], "all")
        t.items(t.sync("-aiiAX", "--no-W", *directories(t, kind, "one"), dest="all/dst/"))
        t.observe("tree all", t.snapshot("all"))
        t.items(t.sync("-aiAX", "--no-W", *directories(t, kind, "one"), dest="all/dst/"), "second run")

    run.__doc__ = f"{title}: what differs only in them is no match; what is made gets the sender's."
    return case(
        f"ALT-{number:03}",
        clause="ALT-2",
        title=title,
        protocols=(30, 31, 32),
        breadth=Breadth.NARROW,
        optional=(*OPTIONAL, "-X", "--xattrs", "extended attributes", "-A", "--acls", "ACLs"),
    )(run)


ATTRIBUTES = [attributes(28, "compare"), attributes(29, "copy"), attributes(30, "link")]


def combined(number: int, title: str, *options: str) -> Case:
    def run(t: Trial) -> None:
        trees(t)
        t.items(t.sync("-aii", "--no-W", *options, *directories(t, "link", "one"), dest="all/dst/"))
        t.observe("tree all", t.snapshot("all"))
        t.observe("what is left of the source", sorted(t.snapshot("src")))

    run.__doc__ = f"{title}: items, destination and source with --link-dest and {' '.join(options)}."
    return case(
        f"ALT-{number:03}",
        clause="ALT-6",
        title=title,
        protocols=NUMBERED,
        breadth=Breadth.NARROW,
        optional=OPTIONAL,
    )(run)


COMBINED = [
    combined(31, "Updated in place", "--inplace"),
    combined(32, "With parts", "--partial-dir=.parts"),
    combined(33, "Put off to the end", "--delay-updates", "--delete-after"),
    combined(34, "From a source that goes", "--remove-source-files"),
    combined(35, "With access times", "-U"),
]
