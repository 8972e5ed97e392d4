"""DMN-040 on: what a module's parameters make of a transfer."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.scripted import Hear, Say, converse
from refsync_conformance.trees import attributed, file, symlink
from refsync_conformance.trial import Trial

SERVER: dict[str, Any] = {
    "judged": Judged.SERVER,
    "transports": ("daemon",),
    "differential": False,
    "breadth": Breadth.NARROW,
}
BOTH: dict[str, Any] = {"transports": ("daemon",), "differential": False}
GREETING = b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"
TREE = [file("f", b"content\n", mode=0o644), file("sub/g", b"more\n", mode=0o640)]
#: Who owns nothing, and the group of none.
NOBODY = 65534
#: What opens a line of the daemon's log.
_STAMP = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\d+\] ")


def open_to_all(t: Trial) -> None:
    """Let others than root into the cell's directories."""
    for place in (t.sandbox.root, *t.sandbox.root.parents):
        if os.stat(place).st_uid == os.getuid() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o011)
    os.chmod(t.area, 0o777)


def logged(text: str, words: str) -> list[str]:
    """The lines of a daemon's log that have these words, without time and process."""
    return [_STAMP.sub("", line) for line in text.splitlines() if re.search(words, line)]


@case("DMN-042", clause="DAEMON-18", title="The daemon's own user and group", needs_root=True, **BOTH)
def daemon_identity(t: Trial) -> None:
    """The module says nothing of its own: what is written belongs to whom the daemon has become."""
    t.build(TREE)
    t.build([file("closed", b"root's own\n", mode=0o600)])
    open_to_all(t)
    t.use_daemon(globals_=f"daemon uid = {NOBODY}\ndaemon gid = {NOBODY}\n", module="uid =\ngid =\n")
    run = t.sync("-rt", expect=(0, 23))
    if t.remote_is_source:
        t.equal("exit code", 23, run.code)
        t.check("the closed file", not t.exists("dst/closed"), expected="unread", got="read")
    else:
        status = os.stat(t.path("dst/f"))
        t.equal("owner of what was written", (NOBODY, NOBODY), (status.st_uid, status.st_gid))


@case("DMN-043", clause="DAEMON-18", title="The daemon's own root", needs_root=True, **BOTH)
def daemon_root(t: Trial) -> None:
    """Paths of the configuration are those below it, from the connection on."""
    t.build(TREE)
    t.use_daemon(
        globals_=f"daemon chroot = {t.sandbox.root}\n",
        module=f"path = /{t.sandbox.area.name}\nuse chroot = no\n",
    )
    t.sync("-a")
    t.same_tree()


@case("DMN-044", clause="DAEMON-8", title="A module within a root", needs_root=True, **BOTH)
def inner_root(t: Trial) -> None:
    """``/outer/./inner``: the root is the outer directory, and the client gets no further than the inner."""
    t.build(TREE)
    t.write("beside", b"not the module's\n")
    t.build([file("in/f", b"inner\n")], "area2")
    t.use_daemon(module=f"use chroot = yes\npath = {t.sandbox.root}/./{t.sandbox.area.name}\n")
    t.sync("-a")
    t.same_tree()
    said = t.client("-a", places=[t.transport.remote(t.path("../")), t.path("got/")], expect=None)
    t.check(
        "above the module",
        not t.exists(f"got/{t.sandbox.area.name}"),
        expected="not shown",
        got=repr(said.stdout),
    )


@case("DMN-045", clause="DAEMON-11", title="A list of groups", needs_root=True, **BOTH)
def groups(t: Trial) -> None:
    """The first is the group of what is written, all open files; ``*`` first stands for those of the user."""
    t.build(
        [
            file("f", b"x", mode=0o644),
            file("one", b"first\n", mode=0o040),
            file("two", b"second\n", mode=0o040),
        ]
    )
    os.chown(t.path("src/one"), 0, 4321)
    os.chown(t.path("src/two"), 0, 4322)
    open_to_all(t)
    for gids, code in (
        (f"{NOBODY}, 4321 4322", 0),
        ("4322 4321", 0),
        (f"{NOBODY} 4321", 23),
        ("*, 4321, 4322", 0),
    ):
        t.use_daemon(module=f"uid = {NOBODY}\ngid = {gids}\n")
        if t.remote_is_source:
            t.sync("-rt", expect=code)
            t.equal(f"files with {gids}", code == 0, t.exists("dst/two"))
            for name in ("one", "two"):
                if t.exists(f"dst/{name}"):
                    os.unlink(t.path(f"dst/{name}"))
        else:
            t.sync("-rt", sources=["src/f"], dest="new")
            wanted = 4322 if gids.startswith("4322") else NOBODY
            t.equal(f"group of what was written with {gids}", wanted, os.stat(t.path("new")).st_gid)
            os.unlink(t.path("new"))


@case(
    "DMN-046",
    clause="DAEMON-22",
    title="What can't be read is not listed",
    needs_root=True,
    **SERVER | {"directions": ("pull",), "judged": Judged.BOTH},
)
def nonreadable(t: Trial) -> None:
    t.build([*TREE, file("closed", b"x", mode=0o600), file("shut/in", b"y"), symlink("to", "closed")])
    os.chmod(t.path("src/shut"), 0o700)
    os.chmod(t.path("src/sub/g"), 0o644)
    open_to_all(t)
    t.use_daemon(module=f"uid = {NOBODY}\ngid = {NOBODY}\n")
    t.sync("-rl", expect=23)
    t.use_daemon(module=f"uid = {NOBODY}\ngid = {NOBODY}\nignore nonreadable = yes\n")
    t.sync("-rl", dest="two/")
    t.equal("what was sent", {b"f", b"sub", b"sub/g", b"to"}, set(t.snapshot("two")) - {b"."})


@case(
    "DMN-047",
    clause="DAEMON-22",
    title="A module's directory for temporary files",
    **{**BOTH, "directions": ("push",)},
)
def temp_dir(t: Trial) -> None:
    """It lies below the module. Where it is missing, nothing can be received; where it is, all is as ever."""
    t.build(TREE)
    t.use_daemon(module="temp dir = /tmp.d\n")
    run = t.sync("-a", expect=None)
    t.check("exit code", run.code != 0, expected="an error", got="0")
    t.check("what was received", not t.exists("dst/f"), expected="nothing", got="a file")
    os.mkdir(t.path("tmp.d"))
    t.sync("-a")
    t.same_tree()
    t.equal("what is left in it", [], os.listdir(t.path("tmp.d")))


@case(
    "DMN-048",
    clause="DAEMON-25",
    title="Each file in the log, in the module's words",
    **SERVER | {"judged": Judged.BOTH},
)
def transfer_log(t: Trial) -> None:
    t.build(TREE)
    far = t.use_daemon(
        module="transfer logging = yes\nlog format = [%o|%h|%a|%m|%u|%f|%l]\nreverse lookup = no\n",
        globals_="reverse lookup = no\n",
    )
    t.sync("-a")
    lines = sorted(logged(far.log(), r"\[(send|recv)\|"))
    t.observe("lines of files", lines)
    t.check("lines of files", len(lines) >= 2, expected="two or more", got=str(lines))
    own = t.sandbox.root / "own.log"
    far = t.use_daemon(module=f"log file = {own}\ntransfer logging = yes\nlog format = %o %f %l\n")
    t.sync("-a", dest="two/")
    t.equal("the common log", [], logged(far.log(), r"\b(send|recv) "))
    t.observe("the module's log", sorted(logged(own.read_text(), r"\b(send|recv) .*/?[fg] \d+$")))


@case(
    "DMN-049",
    clause="DAEMON-22",
    title="No more words than a module has for its clients",
    **SERVER | {"judged": Judged.BOTH, "directions": ("pull",)},
)
def verbosity(t: Trial) -> None:
    """Its own debugging messages are no client's to ask for."""
    t.build(TREE)
    for limit in (0, 1, 3):
        t.use_daemon(module=f"max verbosity = {limit}\n")
        run = t.sync("-a", "--debug=FLIST2,SEND1", "-M--debug=FLIST2,SEND1", dest=f"dst{limit}/")
        shown = re.findall(rb"^\[sender\] make_file|^send_files", run.stdout, re.MULTILINE)
        t.observe(f"the sender's words at {limit}", len(shown) > 0)


@case(
    "DMN-050",
    clause="DAEMON-22",
    title="Modes on their way into a module and out of it",
    also=("CHMOD-3",),
    **BOTH,
)
def modes(t: Trial) -> None:
    t.build(TREE)
    t.use_daemon(module="incoming chmod = Dg+s,F600\noutgoing chmod = F444,D755\n")
    t.sync("-a")
    t.equal(
        "mode of a file", 0o444 if t.remote_is_source else 0o600, os.stat(t.path("dst/f")).st_mode & 0o7777
    )
    t.observe("mode of a directory", oct(os.stat(t.path("dst/sub")).st_mode & 0o7777))


@case(
    "DMN-051",
    clause="DAEMON-22",
    title="Attributes and digests behind a new root",
    needs_root=True,
    optional=("--xattrs", "-X"),
    **{**BOTH, "protocols": (30, 31, 32)},
)
def rooted(t: Trial) -> None:
    """Nothing of the system is there any more, such as its view of open files."""
    t.build([attributed(file("f", b"content\n"), {"user.kept": b"value"}), file("d/g", b"more\n")])
    t.use_daemon(module="use chroot = yes\nnumeric ids = yes\n")
    t.sync("-aX")
    t.same_tree()
    t.same_extended()
    t.write("src/d/g", b"less\n")
    t.sync("-acX")
    t.same_tree()


@case(
    "DMN-052",
    clause="DAEMON-22",
    title="Deletions in spite of errors, if a module wants them",
    **{**BOTH, "directions": ("push",)},
)
def ignore_errors(t: Trial) -> None:
    """A source that is missing is an error, after which nothing is deleted."""
    t.build(TREE)
    for text, goes in (("", False), ("ignore errors = yes\n", True)):
        t.build([file("extra", b"x")], "dst")
        t.use_daemon(module=text)
        t.sync("-r", "--delete", sources=["src/", "missing/"], expect=23)
        t.equal("whether the extra file is gone", goes, not t.exists("dst/extra"))


@case("DMN-053", clause="DAEMON-22", title="Who is silent for too long is sent away", **SERVER)
def idle(t: Trial) -> None:
    """A client that has sent its arguments, and nothing more."""
    far = t.use_daemon(module="timeout = 1\n")
    t.build(TREE)
    words = b"--server\0--sender\0-re.LsfxCIvu\0.\0mod/src/\0\0"
    said = converse(far.port, [Say(GREETING + b"mod\n" + words), Hear(1 << 16)])
    t.check(
        "the connection", b"@RSYNCD: OK" in said, expected="it was served, and ends", got=repr(said[-200:])
    )
    t.check("the log", bool(logged(far.log(), "timeout")), expected="a timeout", got=far.log()[-500:])


@case(
    "DMN-058",
    clause="DAEMON-22",
    title="Owners in attributes, if a module wants them so",
    needs_root=True,
    **{**BOTH, "directions": ("push",), "protocols": (30, 31, 32)},
)
def fake_super(t: Trial) -> None:
    t.build(TREE)
    os.chown(t.path("src/f"), 1234, 2345)
    open_to_all(t)
    t.use_daemon(module=f"uid = {NOBODY}\ngid = {NOBODY}\nfake super = yes\n")
    t.sync("-a", "--numeric-ids")
    t.equal("owner", NOBODY, os.stat(t.path("dst/f")).st_uid)
    t.equal("what is kept", b"100644 0,0 1234:2345", os.getxattr(t.path("dst/f"), "user.rsync.%stat"))


@case("DMN-059", clause="DAEMON-22", title="Symlinks that are stored so that nothing follows them", **BOTH)
def munged(t: Trial) -> None:
    """What goes into the module has a prefix, which goes off again on the way out."""
    t.build([symlink("to", "../outside"), file("f", b"x")])
    t.use_daemon(module="munge symlinks = yes\n")
    if t.remote_is_source:
        os.symlink(b"/rsyncd-munged/..", t.path("src/munged"))
    t.sync("-a")
    t.observe(
        "where the links lead",
        {
            name: os.readlink(t.path(f"dst/{name}"))
            for name in sorted(set(os.listdir(t.path("dst").decode())) - {"f"})
        },
    )


@case("DMN-060", clause="DAEMON-8", title="What a module's rules hide", also=("DAEMON-10",), **BOTH)
def hidden(t: Trial) -> None:
    """From a list, from a file, and for what is asked by name; it is neither sent nor overwritten."""
    rules = t.sandbox.root / "rules"
    rules.write_text("*.key\n", encoding="utf-8")
    t.build([*TREE, file("a.key", b"k"), file("b.txt", b"t"), file("sub/c.txt", b"u")])
    t.use_daemon(module=f"exclude from = {rules}\nexclude = b.txt\ninclude = sub/c.txt\n")
    t.sync("-a", expect=(0, 23))
    t.observe("what arrives", sorted(t.snapshot("dst")))
    t.check("the key", not t.exists("dst/a.key"), expected="hidden", got="there")
