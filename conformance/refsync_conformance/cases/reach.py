"""REACH: how the two sides meet, and what the remote shell makes of their arguments."""

from __future__ import annotations

import os
import time

from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import Noise, file
from refsync_conformance.trial import Trial

ODD = "a b*'$x"
#: A remote shell that writes down what it was given.
SHOW = 'for word; do printf "[%s]" "$word"; done >> "$SHOWN"; exit 99\n'


def shown(t: Trial, name: str, *words: str | bytes, env: dict[str, str] | None = None) -> None:
    """Observe the command that the client gives its remote shell."""
    t.write("shown", b"")
    log = os.fsdecode(t.path("shown"))
    t.client(*words, places=[], expect=None, env={"SHOWN": log, **(env or {})})
    t.observe(f"the command with {name}", t.read("shown").decode("utf-8", "backslashreplace"))


@case("REACH-001", clause="OPT-9", title="Odd names through a remote shell", transports=("pipe",))
def odd_names(t: Trial) -> None:
    t.build([file("f", b"x")], ODD)
    t.sync("-a", sources=[ODD.replace("*", "\\*") + "/"] if t.remote_is_source else [ODD + "/"], dest="d e/")
    t.equal("names", [b".", b"f"], list(t.snapshot("d e")))


@case(
    "REACH-002",
    clause="OPT-12",
    also=("OPT-13",),
    title="What the remote shell is given",
    optional=("--old-args", "-M", "--remote-option", "--secluded-args", "-s", "--trust-sender"),
    transports=("pipe",),
    directions=("pull",),
    breadth=Breadth.NARROW,
)
def commands(t: Trial) -> None:
    t.use_shell(SHOW)
    for more in ("--no-old-args", "--old-args", "-s", "--trust-sender"):
        shown(t, more, "-a", more, "-M--foo=a b", "joe@h:~x", ":-q", ":x y*\\*~", ".")
        shown(t, f"{more}, pushing", "-a", more, "f", "h:d e;~")
    shown(t, "RSYNC_OLD_ARGS", "-a", "h:x y", ".", env={"RSYNC_OLD_ARGS": "1"})
    shown(t, "RSYNC_PROTECT_ARGS", "-a", "h:x y", ".", env={"RSYNC_PROTECT_ARGS": "1"})


@case(
    "REACH-003",
    clause="DAEMON-14",
    title="A daemon for one connection over the remote shell",
    transports=("pipe",),
)
def over_shell(t: Trial) -> None:
    t.build([file("f", b"x"), file("d/g", b"y")])
    config = t.path("rsyncd.conf")
    who = b"uid = 0\ngid = 0\n" if os.geteuid() == 0 else b""
    t.write("rsyncd.conf", b"use chroot = no\n" + who + b"[mod]\nread only = no\npath = " + t.area + b"\n")
    program = t.executable(t.cell.server) + b" --config=" + config
    places = (
        [b"peer::mod/src/", t.path("dst/")] if t.remote_is_source else [t.path("src/"), b"peer::mod/dst/"]
    )
    t.client("-a", places=[b"--rsync-path=" + program, *places])
    t.same_tree()


@case(
    "REACH-004",
    clause="AUTH-7",
    title="A password from a file that others can't read",
    optional=("--password-file",),
    transports=("daemon",),
)
def password_file(t: Trial) -> None:
    t.build([file("f", b"x")])
    t.write("secrets", b"joe:sesame\n")
    t.write("password", b"\nsesame\nmore\n")
    for name in ("secrets", "password"):
        os.chmod(t.path(name), 0o600)
    secrets = os.fsdecode(t.path("secrets"))
    daemon = t.use_daemon(module=f"auth users = joe\nsecrets file = {secrets}\n")
    far = b"rsync://joe@127.0.0.1:%d/mod/" % daemon.port
    places = [far + b"src/", t.path("dst/")] if t.remote_is_source else [t.path("src/"), far + b"dst/"]
    t.client("-a", b"--password-file=" + t.path("password"), places=places)
    t.same_tree()
    os.chmod(t.path("password"), 0o604)
    run = t.client("-a", b"--password-file=" + t.path("password"), places=places, expect=1)
    t.matches("standard error", r"password file must not be other-accessible", run.stderr)


@case(
    "REACH-005",
    clause="OPT-7",
    title="Several sources of one machine, the host named once",
    transports=("pipe",),
    directions=("pull",),
    breadth=Breadth.NARROW,
)
def several(t: Trial) -> None:
    t.build([file("a", b"1"), file("b", b"2")])
    t.client("-a", places=[b"peer:" + t.path("src/a"), b":" + t.path("src/b"), t.path("dst/")])
    t.same_tree(ignore=("mtime",))
    run = t.client("-a", places=[b"peer:" + t.path("src/a"), t.path("src/b"), t.path("dst/")], expect=1)
    t.matches("standard error", r"Unexpected local arg", run.stderr)


@case(
    "REACH-006",
    clause="END-11",
    title="--bwlimit bounds what is sent",
    optional=("--bwlimit",),
    breadth=Breadth.NARROW,
)
def bandwidth(t: Trial) -> None:
    t.build([file("f", Noise(5, 400_000))])
    began = time.monotonic()
    t.sync("-aW", "--bwlimit=500")
    took = time.monotonic() - began
    t.check("seconds", took > 0.4, expected="more than 0.4", got=f"{took:.2f}")
    t.same_tree()


@case(
    "REACH-007",
    clause="END-12",
    title="A time to stop that is none, or is over: exit 1",
    optional=("--stop-at", "--stop-after"),
    transports=("local",),
    breadth=Breadth.NARROW,
)
def stopping(t: Trial) -> None:
    t.build([file("f", b"x")])
    for word, pattern in (
        ("--stop-at=2001-01-01T00:00", r"not in the future"),
        ("--stop-at=x", r"invalid --stop-at format"),
        ("--stop-at=T5", r"invalid --stop-at format"),
        ("--stop-after=0", r"invalid --stop-after value"),
    ):
        run = t.sync("-a", word, expect=1)
        t.matches("standard error", pattern, run.stderr)
    t.sync("-a", "--stop-after=60", "--stop-at=2089/12/31")
    t.same_tree()
