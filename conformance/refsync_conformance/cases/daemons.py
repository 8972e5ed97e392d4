"""DMN: what a daemon is told by its configuration and asked by its clients."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from typing import Any

from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.sandbox import remaining
from refsync_conformance.scripted import Hear, Say, converse
from refsync_conformance.trees import file, folder
from refsync_conformance.trial import Trial

SERVER: dict[str, Any] = {
    "judged": Judged.SERVER,
    "transports": ("daemon",),
    "differential": False,
    "breadth": Breadth.NARROW,
}
BOTH: dict[str, Any] = {"transports": ("daemon",), "differential": False}
GREETING = b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"
TREE = [file("f", b"content\n"), file("secret/key", b"hidden\n")]
#: Becomes a program in the group of root.
JOIN = "import os, sys; os.setgroups([0]); os.execv(sys.argv[1], sys.argv[1:])"
#: A client that has none of these gets its passwords asked for at a terminal.
USER = {"USER": "someone", "LOGNAME": "someone"}


def secrets(t: Trial, text: str = "someone:right\nother:right\n", mode: int = 0o600) -> str:
    """Module lines that let users in by this file."""
    path = t.sandbox.root / "secrets"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return f"auth users = someone, @nobody-is-in-it:deny\nsecrets file = {path}\n"


def login(t: Trial, password: str, *, expect: int, user: str = "someone") -> bytes:
    env = {"RSYNC_PASSWORD": password, "USER": user, "LOGNAME": user}
    return t.sync("-a", env=env, expect=expect).stderr


@case("DMN-001", clause="AUTH-3", title="The right password lets in", **BOTH)
def right(t: Trial) -> None:
    t.build(TREE)
    t.use_daemon(module=secrets(t))
    login(t, "right", expect=0)
    t.same_tree()


@case("DMN-002", clause="AUTH-4", title="A wrong password and an unknown user get one answer", **BOTH)
def wrong(t: Trial) -> None:
    t.build(TREE)
    t.use_daemon(module=secrets(t))
    answers = [login(t, "wrong", expect=5), login(t, "right", user="stranger", expect=5)]
    t.equal(
        "both answers",
        *(b"\n".join(line for line in one.splitlines() if b"@ERROR" in line) for one in answers),
    )
    t.matches("the answer", r"@ERROR: auth failed on module mod", answers[0])


@case("DMN-003", clause="AUTH-5", title="Secrets that others can read let nobody in", **BOTH)
def readable_secrets(t: Trial) -> None:
    t.build(TREE)
    t.use_daemon(module=secrets(t, mode=0o644))
    login(t, "right", expect=5)
    t.use_daemon(module=secrets(t, mode=0o644) + "strict modes = no\n")
    login(t, "right", expect=0)


@case("DMN-004", clause="AUTH-6", title="Rules of users: the first that fits decides", **BOTH)
def user_rules(t: Trial) -> None:
    """A user who is denied comes first, then all others may; one who is let in to read may not write."""
    t.build(TREE)
    lines = secrets(t).splitlines()[1]
    t.use_daemon(module=f"auth users = someone:deny *:rw\n{lines}\n")
    login(t, "right", expect=5)
    login(t, "right", user="other", expect=0)


@case("DMN-005", clause="AUTH-2", title="The digest is the best of the client's list", **SERVER)
def digest(t: Trial) -> None:
    """A client that only has MD5 is challenged for MD5: 16 bytes of digest, 22 letters."""
    far = t.use_daemon(module=secrets(t))
    said = converse(far.port, [Say(b"@RSYNCD: 31.0 md5\nmod\n"), Hear(), Hear(), Say(b"someone x\n")])
    t.check(
        "the challenge", b"@RSYNCD: AUTHREQD " in said, expected="@RSYNCD: AUTHREQD", got=repr(said[-200:])
    )


@case(
    "DMN-010",
    clause="DAEMON-1",
    title="Names in a configuration ignore case and blanks",
    also=("DAEMON-2",),
    **BOTH,
)
def names(t: Trial) -> None:
    """``Read  Only`` is ``read only``; a line goes on behind a backslash; a comment is none of it."""
    t.build(TREE)
    t.use_daemon(module="# a comment\nRead  ONLY = \\\n yes\n")
    run = t.sync("-a", expect=None) if not t.remote_is_source else t.sync("-a")
    if not t.remote_is_source:
        t.matches("standard error", r"module is read only", run.stderr)


@case("DMN-011", clause="DAEMON-3", title="Other files are taken in", **BOTH)
def includes(t: Trial) -> None:
    """``&include`` of a file with a module of its own."""
    more = t.sandbox.root / "more.conf"
    more.write_text(f"[extra]\npath = {t.sandbox.area}\ncomment = from another file\n", encoding="utf-8")
    far = t.use_daemon(globals_=f"&include {more}\n")
    run = t.client(places=[far.url()])
    t.matches("the list of modules", r"^extra\s+from another file", run.stdout)


@case("DMN-012", clause="DAEMON-4", title="Variables of the environment in a path", **BOTH)
def variables(t: Trial) -> None:
    """What is not set stays as it is written."""
    t.build(TREE)
    far = t.use_daemon(module="comment = %NOT_SET_ANYWHERE% and %d\n")
    t.matches("the list of modules", r"%NOT_SET_ANYWHERE% and %d", t.client(places=[far.url()]).stdout)
    t.sync("-a")


@case("DMN-013", clause="DAEMON-5", title="Hosts that are let in, and hosts that are not", **BOTH)
def hosts(t: Trial) -> None:
    """Allowed wins over denied; with an allow list alone all others stay out; networks count."""
    t.build(TREE)
    for rules, code in (
        ("hosts allow = 127.0.0.0/8\nhosts deny = *\n", 0),
        ("hosts allow = 10.0.0.0/8\n", 5),
        ("hosts deny = 127.0.0.1\n", 5),
        ("hosts deny = 10.1.2.3\n", 0),
    ):
        t.use_daemon(module=rules)
        run = t.sync("-a", expect=code)
        if code:
            t.matches("standard error", r"@ERROR: access denied to mod from", run.stderr)


@case(
    "DMN-014",
    clause="DAEMON-10",
    title="Refused options are refused by name",
    **BOTH,
)
def refused(t: Trial) -> None:
    t.build(TREE)
    t.use_daemon(module="refuse options = checksum delete-*\n")
    run = t.sync("-ac", expect=None)
    t.check("exit code", run.code in (1, 4, 5, 10, 12), expected="1, 4, 5, 10 or 12", got=str(run.code))
    t.matches("standard error", r"configured to refuse --checksum", run.stderr)
    t.sync("-a")


@case("DMN-015", clause="DAEMON-11", title="A module's user and group are taken on", needs_root=True, **BOTH)
def identity(t: Trial) -> None:
    """What a daemon writes belongs to whom the module names, and what only root may read stays unread."""
    t.build([file("f", b"x"), file("closed", b"root's own\n", mode=0o600)])
    os.chmod(t.area, 0o777)
    t.use_daemon(module="uid = 65534\ngid = 65534\n")
    run = t.sync("-rt", expect=(0, 23))
    if t.remote_is_source:
        t.equal("exit code", 23, run.code)
        t.check("the closed file", not t.exists("dst/closed"), expected="unread", got="read")
    else:
        status = os.stat(t.path("dst/f"))
        t.equal("owner of what was written", (65534, 65534), (status.st_uid, status.st_gid))


@case(
    "DMN-016",
    clause="DAEMON-13",
    title="A daemon that is told to stop is gone, and its pid file too",
    **SERVER,
)
def stops(t: Trial) -> None:
    """A process that has just answered may need a moment to end."""
    pid_file = t.sandbox.root / "pid"
    far = t.use_daemon(globals_=f"pid file = {pid_file}\n")
    converse(far.port, [Say(GREETING + b"#list\n")])  # it is up when it has answered
    pid = far.pid
    t.equal("the pid file", str(pid), pid_file.read_text().strip())
    os.kill(pid, signal.SIGTERM)
    t.check("the daemon", far.ended(5.0), expected="it ends within 5 s", got="it runs on")
    t.equal("processes that are left", [], remaining(pid, 2.0))
    t.check("the pid file", not pid_file.exists(), expected="gone", got="still there")


@case(
    "DMN-017",
    clause="GREET-3",
    title="A client of protocol 32 without digests is told off",
    connects=True,
    **SERVER,
)
def no_digests(t: Trial) -> None:
    said = converse(t.use_daemon().port, [Say(b"@RSYNCD: 32.0\nmod\n\0")])
    t.check("the answer", b"@ERROR" in said, expected="@ERROR", got=repr(said[-200:]))


@case("DMN-018", clause="GREET-7", title="Early input stands before the module", connects=True, **SERVER)
def early_input(t: Trial) -> None:
    said = converse(t.use_daemon().port, [Say(GREETING + b"#early_input=5\nhello" + b"#list\n")])
    t.check("the answer", b"@RSYNCD: EXIT" in said, expected="the list", got=repr(said[-200:]))


@case("DMN-019", clause="TCP-3", title="A daemon serves several clients at once", connects=True, **SERVER)
def several(t: Trial) -> None:
    """Two who have only greeted do not keep a third from its list."""
    import socket

    far = t.use_daemon()
    idle = [socket.create_connection(("127.0.0.1", far.port), timeout=10) for _ in range(2)]
    try:
        said = converse(far.port, [Say(GREETING + b"#list\n")])
    finally:
        for one in idle:
            one.close()
    t.check("the answer", b"@RSYNCD: EXIT" in said, expected="the list", got=repr(said[-200:]))


@case(
    "DMN-020",
    clause="OUT-9",
    title="Two lines sum up what was done",
    transports=("pipe", "daemon"),
    differential=False,
)
def summary(t: Trial) -> None:
    t.build(TREE)
    run = t.sync("-av")
    t.matches("standard output", r"^sent [\d,]+ bytes  received [\d,]+ bytes  [\d,.]+ bytes/sec$", run.stdout)
    t.matches("standard output", r"^total size is 15  speedup is [\d,.]+$", run.stdout)


@case("DMN-021", clause="END-1", title="An unknown module: exit 5 and its text", connects=True, **BOTH)
def unknown_module(t: Trial) -> None:
    far = t.use_daemon()
    run = t.client("-a", places=[far.url() + b"nowhere/", t.path("dst/")], expect=5)
    t.matches("standard error", r"@ERROR: Unknown module 'nowhere'", run.stderr)
    t.matches("standard error", r"error starting client-server protocol \(code 5\)", run.stderr)


@case("DMN-022", clause="AUTH-6", title="A user who may only read", **BOTH)
def reads_only(t: Trial) -> None:
    """The module may be written to, but not by whom a rule with ro lets in."""
    t.build(TREE)
    lines = secrets(t).splitlines()[1]
    t.use_daemon(module=f"auth users = someone:ro other:rw\n{lines}\n")
    if t.remote_is_source:
        login(t, "right", expect=0)
        t.same_tree()
        return
    before = t.snapshot("dst")
    run = t.sync("-a", expect=(1, 10, 12), env={**USER, "RSYNC_PASSWORD": "right"})
    t.matches("standard error", r"module is read only", run.stderr)
    t.untouched(before)
    login(t, "right", user="other", expect=0)


@case("DMN-023", clause="AUTH-2", title="The client's order of digests counts", **SERVER)
def order_of_digests(t: Trial) -> None:
    """The challenge has as many bytes as the digest: 16 of MD5 are 22 letters, 64 of SHA-512 are 86."""
    far = t.use_daemon(module=secrets(t))
    for names, letters in (("md5 sha512", 22), ("sha512 md5", 86), ("strange sha1 sha512", 27)):
        hello = f"@RSYNCD: 32.0 {names}\nmod\n".encode()
        said = converse(far.port, [Say(hello), Hear(), Hear(), Say(b"someone x\n")])
        found = re.search(rb"@RSYNCD: AUTHREQD (\S+)\n", said)
        t.equal(f"letters of the challenge for {names}", letters, len(found[1]) if found else None)


@case(
    "DMN-024",
    clause="DAEMON-5",
    title="A denied host whose name nobody knows",
    controlled=False,
    **SERVER,
)
def unknown_host(t: Trial) -> None:
    """It may be the one that is there, so nobody gets in. Upstream lets everybody in before 3.5."""
    far = t.use_daemon(module="hosts deny = no-such-host.invalid\n")
    said = converse(far.port, [Say(GREETING + b"mod\n\0")])
    t.check("the answer", b"@ERROR: access denied" in said, expected="@ERROR", got=repr(said[-200:]))


@case("DMN-025", clause="DAEMON-11", title="The groups of root are given up too", needs_root=True, **BOTH)
def groups(t: Trial) -> None:
    """A file that only root's group may read stays unread by a daemon that was started in that group."""
    t.build([file("f", b"x"), file("closed", b"for the group\n", mode=0o640)])
    os.chown(t.path("src/closed"), 0, 0)
    os.chmod(t.area, 0o777)
    program = shlex.join((sys.executable, "-c", JOIN, os.fsdecode(t.executable(t.cell.server))))
    started = t.sandbox.script("in-group", f'exec {program} "$@"\n')
    t.use_daemon(module="uid = 65534\ngid = 65534\n", program=os.fsencode(started))
    t.sync("-rt", expect=23 if t.remote_is_source else 0)
    t.equal("whether the closed file came", not t.remote_is_source, t.exists("dst/closed"))


@case("DMN-026", clause="DAEMON-8", title="Paths that lead above the module stay in it", **BOTH)
def above(t: Trial) -> None:
    """``..`` goes no higher than the module's top: nothing elsewhere is read or written."""
    t.build(TREE)
    t.build([file("key", b"the machine's own\n")], "outside")
    t.build([folder("deep")], "inside")
    inside = os.fsdecode(t.path("inside"))
    for chroot in ("yes", "no") if os.geteuid() == 0 else ("no",):
        far = t.use_daemon(module=f"[inner]\npath = {inside}\nread only = no\nuse chroot = {chroot}\n")
        for way in (b"../outside/key", b"deep/../../outside/key", b"/../../outside/key"):
            place = far.url() + b"inner/" + way
            if t.remote_is_source:
                t.client("-a", places=[place, t.path("dst/")], expect=23)
                t.equal("what came", False, t.exists("dst/key"))
            else:
                t.client("-a", places=[t.path("src/f"), place], expect=None)
                t.equal("the file outside", b"the machine's own\n", t.read("outside/key"))
                t.equal("names outside", [b".", b"key"], sorted(t.snapshot("outside")))
