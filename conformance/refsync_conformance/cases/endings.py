"""EXIT: how a run that can't do all ends, and what it leaves."""

from __future__ import annotations

import os
import signal
import time

from refsync_conformance.fixtures import MIXED
from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.trees import Noise, file
from refsync_conformance.trial import Trial


def usage(t: Trial, *words: bytes, code: int = 1, pattern: str = "") -> None:
    run = t.sandbox.run([t.executable(t.cell.client), *words], timeout=t.case.timeout)
    t.ended(run, code)
    t.matches("standard error", pattern, run.stderr)


@case("EXIT-001", clause="END-2", title="A missing source: the rest is done, exit 23")
def missing(t: Trial) -> None:
    t.build([file("f", b"x")])
    run = t.sync("-a", sources=["src/absent", "src/f"], expect=23)
    t.equal("the other source", b"x", t.read("dst/f"))
    t.matches("standard error names it", r"absent.*No such file", run.stderr)


@case("EXIT-002", clause="END-2", title="Only a missing source: exit 23")
def only_missing(t: Trial) -> None:
    t.build([])
    t.build([file("old", b"o")], "dst")
    t.sync("-a", sources=["absent/"], expect=23)
    t.equal("what was there", b"o", t.read("dst/old"))


@case(
    "EXIT-003",
    clause="XFER-17",
    also=("END-14",),
    title="A destination that can't be made: exit 11 or 3 and the reason",
)
def unmakeable(t: Trial) -> None:
    t.build([file("f", b"x")])
    t.write("plain", b"a file")
    run = t.sync("-a", dest="plain/dst/", expect=None)
    t.observe("exit code", run.code)
    t.check("exit code", run.code not in (0, None), expected="not 0", got=str(run.code))
    t.matches("standard error", r"Not a directory", run.stderr)
    t.equal("the file in the way", b"a file", t.read("plain"))


@case(
    "EXIT-004",
    clause="OPT-1",
    title="An unknown option: exit 1",
    judged=Judged.CLIENT,
    differential=False,
    protocols=(32,),
)
def unknown(t: Trial) -> None:
    usage(t, b"--no-such-option", b"a", b"b", pattern="no-such-option.*unknown option")


@case(
    "EXIT-005",
    clause="OPT-6",
    title="Deletion without recursion: exit 1",
    judged=Judged.CLIENT,
    differential=False,
    protocols=(32,),
)
def delete_alone(t: Trial) -> None:
    usage(t, b"--delete", b"a", b"b", pattern=r"--delete does not work without --recursive")


@case(
    "EXIT-006",
    clause="OPT-7",
    title="Both ends remote: exit 1",
    judged=Judged.CLIENT,
    differential=False,
    protocols=(32,),
)
def both_remote(t: Trial) -> None:
    usage(t, b"-a", b"one:a", b"two:b", pattern="source and destination cannot both be remote")


@case(
    "EXIT-007",
    clause="OPT-1",
    title="A number that is none: exit 1",
    judged=Judged.CLIENT,
    differential=False,
    protocols=(32,),
)
def bad_number(t: Trial) -> None:
    usage(t, b"--timeout=soon", b"a", b"b", pattern="timeout")


@case(
    "EXIT-008",
    clause="OPT-10",
    title="No arguments at all: help and exit 1",
    judged=Judged.CLIENT,
    differential=False,
    protocols=(32,),
)
def no_arguments(t: Trial) -> None:
    run = t.sandbox.run([t.executable(t.cell.client)], timeout=t.case.timeout)
    t.ended(run, 1)


@case(
    "EXIT-009",
    clause="SETUP-2",
    title="A protocol that doesn't exist: refused",
    judged=Judged.CLIENT,
    differential=False,
    protocols=(32,),
)
def bad_protocol(t: Trial) -> None:
    usage(t, b"--protocol=99", b"-a", b"/nowhere", b"/nowhere2", code=2, pattern="protocol")


@case(
    "EXIT-010",
    clause="DAEMON-7",
    title="A module that isn't there: exit 5 and the daemon's words",
    transports=("daemon",),
    connects=True,
)
def no_module(t: Trial) -> None:
    t.build([file("f", b"x")])
    daemon = t.use_daemon()
    far = daemon.url() + b"absent/"
    places = [far, t.path("dst/")] if t.remote_is_source else [t.path("src/"), far]
    run = t.client("-a", places=places, expect=5)
    t.matches("standard error", r"@ERROR: Unknown module 'absent'", run.stderr)


@case(
    "EXIT-011",
    clause="DAEMON-12",
    title="A read-only module refuses what is pushed",
    transports=("daemon",),
    directions=("push",),
)
def read_only(t: Trial) -> None:
    t.build([file("f", b"x")])
    t.build([file("old", b"o")], "dst")
    t.use_daemon(module="read only = yes\n")
    before = t.snapshot()
    run = t.sync("-a", expect=None)
    # 10 where the client still writes when the daemon has gone, else 1 or 12
    t.check("exit code", run.code in (1, 10, 12), expected="1, 10 or 12", got=str(run.code))
    t.matches("standard error", r"module is read only", run.stderr)
    t.untouched(before)


@case(
    "EXIT-012",
    clause="DAEMON-12",
    title="A write-only module refuses what is pulled",
    transports=("daemon",),
    directions=("pull",),
)
def write_only(t: Trial) -> None:
    t.build([file("f", b"x")])
    t.use_daemon(module="write only = yes\n")
    run = t.sync("-a", expect=None)
    t.check("exit code", run.code not in (0, None), expected="not 0", got=str(run.code))
    t.observe("exit code", run.code)
    t.equal("what arrived", False, t.exists("dst/f"))


@case(
    "EXIT-013",
    clause="DAEMON-6",
    title="A daemon lists its modules",
    transports=("daemon",),
    directions=("pull",),
)
def modules(t: Trial) -> None:
    daemon = t.use_daemon(module="[second]\npath = /\ncomment = another one\n[hidden]\npath = /\nlist = no\n")
    run = t.client(places=[daemon.url()])
    t.observe_lines("standard output", run)
    t.matches("a module with its comment", r"^second\s+another one$", run.stdout)


@case(
    "EXIT-014",
    clause="TCP-1",
    title="Nobody listens: exit 10",
    judged=Judged.CLIENT,
    differential=False,
    protocols=(32,),
)
def refused(t: Trial) -> None:
    run = t.sandbox.run(
        [t.executable(t.cell.client), b"-a", b"rsync://127.0.0.1:1/mod/", t.path("dst/")],
        timeout=t.case.timeout,
    )
    t.ended(run, 10)
    t.matches("standard error", r"(?i)connection refused", run.stderr)


@case(
    "EXIT-015",
    clause="END-2",
    also=("MUX-8",),
    title="An unreadable file: the rest is done, exit 23",
    breadth=Breadth.NORMAL,
)
def unreadable(t: Trial) -> None:
    """Root reads everything, so this is judged for ordinary users only."""
    if os.geteuid() == 0:
        t.unsupported("root can read everything")
    t.build([file("secret", b"s", mode=0o000), file("open", b"o"), file("shut/f", b"x")])
    os.chmod(t.path("src/shut"), 0)
    run = t.sync("-a", "--delete", expect=23)
    os.chmod(t.path("src/shut"), 0o700)
    if t.exists("dst/shut"):
        os.chmod(t.path("dst/shut"), 0o700)
    t.equal("the other file", b"o", t.read("dst/open"))
    t.matches("standard error names it", r"secret.*Permission denied", run.stderr)


@case(
    "EXIT-016",
    clause="END-2",
    title="A destination without write permission: exit 23 and the reason",
    breadth=Breadth.NORMAL,
)
def unwritable(t: Trial) -> None:
    if os.geteuid() == 0:
        t.unsupported("root can write everywhere")
    t.build([file("f", b"new content"), file("g", b"g")])
    t.build([file("f", b"old")], "dst")
    os.chmod(t.path("dst"), 0o555)
    run = t.sync("-t", sources=["src/f", "src/g"], dest="dst/", expect=23)
    os.chmod(t.path("dst"), 0o755)
    t.equal("the file in the way", b"old", t.read("dst/f"))
    t.equal("names", [b".", b"f"], list(t.snapshot()))
    t.matches("standard error", r"Permission denied", run.stderr)


def settle(t: Trial) -> None:
    """Give the process of a daemon's connection the time to hear that its client has gone."""
    deadline = time.monotonic() + 5
    while t.cell.transport == "daemon" and len(os.listdir(t.path("dst"))) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)


def interrupted(t: Trial, number: int, *options: str) -> int | None:
    """Start a slow transfer onto an old file and send the client a signal once it moves; its exit code."""
    t.build([file("f", Noise(9, 8 << 20))])
    t.build([file("f", b"the old content")], "dst")
    argv = [
        t.executable(t.cell.client),
        b"-aW",
        b"--bwlimit=1500",
        *(o.encode() for o in options),
        b"--protocol=%d" % t.protocol,
        *t.transport.options(),
    ]
    far = t.transport.remote
    argv += (
        [far(t.path("src/")), t.path("dst/")] if t.remote_is_source else [t.path("src/"), far(t.path("dst/"))]
    )
    running = t.sandbox.start(argv)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and running.poll() is None:
        if any(
            name.startswith(b".f.") and os.path.getsize(t.path(b"dst/" + name)) > 0
            for name in os.listdir(t.path("dst"))
        ):
            break
        time.sleep(0.02)
    running.kill(number)
    finished = running.wait(t.case.timeout)
    t.sandbox.runs.append(finished.log())
    t.refused_option(finished.stderr.decode("utf-8", "backslashreplace"))
    if number != signal.SIGKILL:
        t.check("exit code", finished.code not in (None, 0), expected="not 0", got=str(finished.code))
    return finished.code


@case(
    "EXIT-017",
    clause="FS-8",
    title="Killed half-way (-9): the old file is whole",
    differential=False,
    breadth=Breadth.NARROW,
    optional=("--bwlimit",),
    timeout=30.0,
)
def killed(t: Trial) -> None:
    interrupted(t, signal.SIGKILL)
    t.equal("the destination's file", b"the old content", t.read("dst/f"))


@case(
    "EXIT-018",
    clause="FS-8",
    title="Told to stop half-way: temporary files go, the old file is whole",
    differential=False,
    breadth=Breadth.NARROW,
    optional=("--bwlimit",),
    timeout=30.0,
)
def terminated(t: Trial) -> None:
    interrupted(t, signal.SIGTERM)
    settle(t)
    t.equal("the destination's file", b"the old content", t.read("dst/f"))
    t.equal("names", [b".", b"f"], list(t.snapshot()))


@case(
    "EXIT-019",
    clause="FS-8",
    title="Told to stop half-way with --partial: the part is kept",
    differential=False,
    breadth=Breadth.NARROW,
    optional=("--bwlimit",),
    timeout=30.0,
)
def partial(t: Trial) -> None:
    """The last 32 KiB of what is kept don't count: upstream 3.4.1 as a daemon writes them wrong when its
    client dies.
    """
    interrupted(t, signal.SIGTERM, "--partial")
    settle(t)
    t.equal("names", [b".", b"f"], list(t.snapshot()))
    kept = t.read("dst/f")
    sure = kept[: len(kept) - 32768] if len(kept) > 32768 else b""
    t.check(
        "the destination's file",
        bool(kept) and Noise(9, 8 << 20).data().startswith(sure) and kept != b"the old content",
        expected="the first part of the new one",
        got=repr(kept[:40]),
    )


@case(
    "EXIT-021",
    clause="END-13",
    title="SIGHUP to the client half-way: exit 20, nothing left behind",
    differential=False,
    breadth=Breadth.NARROW,
    optional=("--bwlimit",),
    timeout=30.0,
)
def hung_up(t: Trial) -> None:
    code = interrupted(t, signal.SIGHUP)
    t.equal("exit code", 20, code)
    settle(t)
    t.equal("names", [b".", b"f"], list(t.snapshot()))


@case(
    "EXIT-022",
    clause="END-13",
    title="SIGUSR1 to the client half-way: exit 19 and its line",
    differential=False,
    breadth=Breadth.NARROW,
    optional=("--bwlimit",),
    timeout=30.0,
)
def told_by_another(t: Trial) -> None:
    code = interrupted(t, signal.SIGUSR1)
    t.equal("exit code", 19, code)


@case(
    "EXIT-020",
    clause="XFER-9",
    title="Everything with everything: a full run, a change, a full run",
    breadth=Breadth.NARROW,
)
def cycle(t: Trial) -> None:
    t.build(MIXED)
    t.sync("-aiv", "--delete", "--stats")
    t.write("src/README", b"changed\n", mtime_ns=10**18)
    os.unlink(t.path("src/data/sub/two"))
    # Times of directories are compared by the second, so the new one has to be another second.
    os.utime(t.path("src/data/sub"), ns=(10**18, 10**18))
    t.items(t.sync("-ai", "--delete"))
    t.same_tree()
