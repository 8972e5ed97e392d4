"""XATTR, ACL, FAKE: extended attributes, access lists, and what --fake-super keeps in attributes.

A file system that can't keep what a case needs makes its cells unsupported, with the reason.
"""

from __future__ import annotations

import os

from refsync_conformance.fixtures import keeps
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import (
    ACCESS,
    DEFAULT,
    access_list,
    attributed,
    device,
    fifo,
    file,
    folder,
    owned,
    symlink,
)
from refsync_conformance.trial import Trial

X = ("-X", "--xattrs", "extended attributes")
A = ("-A", "--acls", "ACLs")
#: Neither attributes nor access lists can be had with less.
MODERN = (30, 31, 32)
LONG = bytes(range(33))


@case(
    "XATTR-001",
    clause="XATTR-2",
    title="Attributes of 0, 1, 32, 33 and 300 bytes",
    also=("XATTR-9",),
    optional=X,
    protocols=MODERN,
)
def lengths(t: Trial) -> None:
    keeps(t, "user.test", bytes(300))
    values = {f"user.n{size}": bytes(size % 251 for _ in range(size)) for size in (0, 1, 32, 33, 300)}
    t.build([attributed(file("f", b"x"), values), attributed(folder("d"), {"user.dir": LONG}), file("none")])
    t.items(t.sync("-aXi"))
    t.same_tree()
    t.same_extended()


@case(
    "XATTR-002",
    clause="XATTR-2",
    title="An attribute of 64 KiB",
    breadth=Breadth.NARROW,
    optional=X,
    protocols=MODERN,
)
def largest(t: Trial) -> None:
    """Linux allows 64 KiB; a file system may allow less (ext4 one block), which leaves the cell unjudged."""
    value = bytes(65536)
    keeps(t, "user.test", value)
    t.build([attributed(file("f", b"x"), {"user.large": value})])
    t.sync("-aX")
    t.same_extended()


@case(
    "XATTR-003",
    clause="XATTR-1",
    title="Files that share a list, and a list that comes back",
    optional=X,
    protocols=MODERN,
)
def shared(t: Trial) -> None:
    keeps(t, "user.test", LONG)
    one, other = {"user.a": LONG, "user.b": b"b"}, {"user.a": LONG[::-1]}
    t.build(
        [
            attributed(file(f"d{number % 3}/f{number}", b"x"), one if number % 2 else other)
            for number in range(12)
        ]
    )
    t.items(t.sync("-aXi"))
    t.same_extended()


@case(
    "XATTR-004",
    clause="XATTR-5",
    title="Only long values that differ are asked for",
    also=("XATTR-3", "XATTR-4"),
    optional=X,
    protocols=MODERN,
)
def partial(t: Trial) -> None:
    keeps(t, "user.test", LONG)
    here = {"user.a": LONG, "user.b": LONG[::-1], "user.c": LONG + b"c", "user.e": LONG + b"e"}
    there = {"user.a": LONG, "user.b": b"B" * 40, "user.d": b"gone", "user.e": LONG + b"e"}
    t.build([attributed(file(f"f{number}", b"x"), here) for number in range(3)])
    t.build([attributed(file(f"f{number}", b"x"), there) for number in range(2)], "dst")
    t.items(t.sync("-aXi"))
    t.same_tree()
    t.same_extended()
    t.equal("a second run", [], t.items(t.sync("-aXi"), "a second run"))


@case(
    "XATTR-005", clause="XATTR-8", title="Attributes that the sender lacks go", optional=X, protocols=MODERN
)
def removed(t: Trial) -> None:
    keeps(t, "user.test", LONG)
    t.build([file("f", b"x"), folder("d"), file("new", b"new content")])
    extra = {"user.a": LONG, "user.b": b"b"}
    t.build([attributed(one, extra) for one in (file("f", b"x"), folder("d"), file("new", b"old"))], "dst")
    t.items(t.sync("-aXi"))
    t.same_extended()


@case(
    "XATTR-006",
    clause="XATTR-6",
    title="Without -X attributes stay as they are",
    optional=X,
    protocols=MODERN,
)
def untouched(t: Trial) -> None:
    keeps(t, "user.test", LONG)
    t.build([attributed(file("f", b"x"), {"user.a": b"1"}), file("d/g", b"y")])
    t.build([attributed(folder("d"), {"user.mine": LONG})], "dst")
    t.sync("-a")
    t.equal("attributes of the new file", [], os.listxattr(t.path("dst/f")))
    t.equal("attributes of the directory", ["user.mine"], os.listxattr(t.path("dst/d")))


@case(
    "XATTR-007",
    clause="XATTR-6",
    title="Other name spaces, and links, devices and FIFOs",
    optional=X,
    protocols=MODERN,
    needs_root=True,
)
def spaces(t: Trial) -> None:
    keeps(t, "trusted.test", LONG)
    t.build(
        [
            attributed(file("f", b"x"), {"trusted.t": LONG, "security.s": b"s", "user.rsync.%x": b"no"}),
            attributed(symlink("l", "f"), {"trusted.l": LONG}),
            attributed(fifo("p"), {"trusted.p": b"p"}),
            attributed(device("n", "char", 1, 3), {"trusted.n": LONG}),
        ]
    )
    t.items(t.sync("-aXi"))
    t.observe("names of f", sorted(os.listxattr(t.path("dst/f"))))
    for name in ("l", "p", "n"):
        shown = os.listxattr(t.path("dst/" + name), follow_symlinks=False)
        t.equal(f"attributes of {name}", [f"trusted.{name}"], shown)


@case(
    "XATTR-008",
    clause="XATTR-7",
    title="Rules for attributes choose what is sent, set and removed",
    also=("FILT-18",),
    directions=("pull",),
    optional=X,
    protocols=MODERN,
)
def ruled(t: Trial) -> None:
    keeps(t, "user.test", LONG)
    t.build([attributed(file("f", b"x"), {"user.keep": LONG, "user.drop": b"d"})])
    t.build([attributed(file("f", b"y"), {"user.drop.too": b"mine", "user.old": b"o"})], "dst")
    t.items(t.sync("-aXi", "--filter=-x user.drop*"))
    t.equal("attributes", ["user.drop.too", "user.keep"], sorted(os.listxattr(t.path("dst/f"))))


@case(
    "XATTR-009",
    clause="XATTR-1",
    also=("SETUP-13",),
    title="Below protocol 30 -X is refused: exit 2",
    transports=("pipe", "daemon"),
    protocols=(29,),
    breadth=Breadth.NARROW,
    optional=X,
    differential=False,
)
def too_old(t: Trial) -> None:
    t.build([file("f", b"x")])
    run = t.sync("-aX", expect={2, 12})
    t.matches("standard error", r"--xattrs requires protocol 30 or higher \(negotiated 29\)", run.stderr)


@case(
    "ACL-001",
    clause="ACL-2",
    also=("ACL-1", "ACL-3", "ACL-4"),
    title="Named entries, mask and default lists",
    optional=A,
    protocols=MODERN,
    needs_root=True,  # its lists lock an ordinary user out of his own directories
)
def named(t: Trial) -> None:
    keeps(t, ACCESS, access_list("u::6 u:1:7 g::4 m::7 o::4"))
    lists = (
        "u::6 u:1:7 u:54321:4 g::4 g:2:5 m::7 o::4",
        "u::7 u:1:6 g::2 m::6 o::0",
        "u::6 g::4 g:54322:1 m::5 o::4",
    )
    t.build(
        [
            *(
                attributed(file(f"d/f{n}", b"x", mode=0o640), {ACCESS: access_list(one)})
                for n, one in enumerate(lists)
            ),
            attributed(folder("e"), {ACCESS: access_list(lists[0]), DEFAULT: access_list(lists[1])}),
            file("e/in", b"y"),
            file("none", b"z"),
        ]
    )
    for n, one in enumerate(lists):  # building has set modes last
        os.setxattr(t.path(f"src/d/f{n}"), ACCESS, access_list(one))
    t.items(t.sync("-aAi"))
    t.same_tree()
    t.same_extended()
    t.equal("a second run", [], t.items(t.sync("-aAi"), "a second run"))


@case(
    "ACL-002",
    clause="ACL-5",
    title="Lists that differ are set, those that are extra go",
    optional=A,
    protocols=MODERN,
)
def differing(t: Trial) -> None:
    keeps(t, ACCESS, access_list("u::6 u:1:7 g::4 m::7 o::4"))
    one, other = access_list("u::6 u:1:7 g::4 m::7 o::4"), access_list("u::6 u:2:7 g::4 m::5 o::4")
    names = ("a", "b", "c")
    t.build([file(name, b"x") for name in names] + [folder("d"), folder("e")])
    t.build([file(name, b"x") for name in names] + [folder("d"), folder("e")], "dst")
    for place, name, value in (
        ("src/a", ACCESS, one),
        ("dst/a", ACCESS, other),
        ("src/b", ACCESS, one),
        ("dst/c", ACCESS, other),
        ("src/d", DEFAULT, one),
        ("dst/d", DEFAULT, other),
        ("dst/e", DEFAULT, other),
    ):
        os.setxattr(t.path(place), name, value)
    t.items(t.sync("-aAi"))
    t.same_tree()
    t.same_extended()


@case("ACL-003", clause="ACL-5", title="-A alone keeps permissions too", optional=A, protocols=MODERN)
def implies(t: Trial) -> None:
    t.build([file("f", b"x", mode=0o604), folder("d", mode=0o711)])
    t.sync("-rtA")
    t.same_tree()


@case("ACL-004", clause="FS-4", title="A default list decides what new files may without -p", optional=A)
def inherited(t: Trial) -> None:
    keeps(t, DEFAULT, access_list("u::7 g::7 o::0"), of_directory=True)
    t.build([file("d/f", b"x", mode=0o666), folder("d/sub", mode=0o777)])
    t.build([attributed(folder("d"), {DEFAULT: access_list("u::7 u:1:5 g::5 m::5 o::0")})], "dst")
    t.sync("-rt")
    for name in ("d/f", "d/sub"):
        t.observe(f"mode of {name}", oct(os.stat(t.path("dst/" + name)).st_mode))


@case(
    "FAKE-001",
    clause="FAKE-2",
    title="A receiver with --fake-super keeps owners, devices and links in attributes",
    optional=("--fake-super", "--remote-option"),
    needs_root=True,
)
def faked(t: Trial) -> None:
    """The receiver is root here, but with the option it doesn't act as such; the attributes are compared."""
    keeps(t, "user.test", LONG)
    t.build(
        [
            owned(file("f", b"x", mode=0o4751), 1000, 1001),
            owned(folder("d", mode=0o1750), 12, 13),
            file("plain", b"y", mode=0o444),
            symlink("l", "f"),
            fifo("p", mode=0o620),
            device("n", "block", 7, 300),
        ]
    )
    option = "--fake-super" if t.remote_is_source else "-M--fake-super"
    t.items(t.sync("-ai", option))
    t.observe("a second run", t.items(t.sync("-ai", option), "a second run"))
    if t.far_receiver_is_daemon:
        return  # a module has the last word: its client is not taken for one that fakes
    stat = os.getxattr(t.path("dst/f"), "user.rsync.%stat")
    t.equal("what is said of f", b"104751 0,0 1000:1001", stat)


@case(
    "FAKE-003",
    clause="FAKE-3",
    title="--fake-super with -AX: access lists and other name spaces, there and back",
    optional=("--fake-super", "--remote-option", *X, *A),
    transports=("local", "pipe"),
    directions=("push",),
    protocols=MODERN,
    needs_root=True,
)
def faked_attributes(t: Trial) -> None:
    """Of files alone: upstream 3.4.1 loses the lists of directories."""
    keeps(t, "user.rsync.%stat", b"100644 0,0 5:6")
    keeps(t, ACCESS, access_list("u::6 u:1:7 g::4 m::7 o::4"))
    lists = {ACCESS: access_list("u::6 u:2:7 g::4 m::7 o::4")}
    t.build(
        [
            owned(attributed(file("f", b"x"), {**lists, "user.u": LONG}), 5, 6),
            attributed(file("g", b"y"), {"trusted.t": LONG, "user.v": b"v"}),
        ]
    )
    t.items(t.sync("-aiAX", "-M--fake-super"))
    kept = {name: sorted(os.listxattr(t.path("dst/" + name))) for name in ("f", "g")}
    t.observe("attributes kept", kept)
    t.observe("the access list kept", os.getxattr(t.path("dst/f"), "user.rsync.%aacl").hex())
    t.items(t.sync("-aiAX", "--fake-super", sources=["dst/"], dest="back/"), "back again")
    t.observe("tree back", t.snapshot("back"))


@case(
    "FAKE-002",
    clause="FAKE-1",
    title="A sender with --fake-super sends what attributes say",
    optional=("--fake-super", "--remote-option"),
    transports=("local", "pipe"),
    needs_root=True,
)
def unfaked(t: Trial) -> None:
    keeps(t, "user.test", LONG)
    says = {
        "dev": b"20660 1,3 5:6",
        "link": b"120777 0,0 7:8",
        "set": b"104755 0,0 1000:1000",
        "pipe": b"10600 0,0 0:0",
    }
    t.build([attributed(file(name, b"target"), {"user.rsync.%stat": says[name]}) for name in says])
    t.items(t.sync("-ai", "-M--fake-super" if t.remote_is_source else "--fake-super"))
