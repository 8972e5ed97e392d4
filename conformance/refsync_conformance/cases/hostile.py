"""BAD: an end that hangs up, talks nonsense or says nothing."""

from __future__ import annotations

import struct

from refsync_conformance.model import Judged
from refsync_conformance.registry import case
from refsync_conformance.sandbox import Finished
from refsync_conformance.scripted import Hear, Hold, Say, ScriptedDaemon, Step, converse
from refsync_conformance.trees import file
from refsync_conformance.trial import Trial

OLD = [file("f", b"old")]
GREETING = b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"


def shell(t: Trial, script: str, *options: str, expect: set[int]) -> Finished:
    """Push through a remote shell that is this script. The source must stay, the run must end with a listed
    code.
    """
    t.build([file("f", b"new")])
    before = t.snapshot("src")
    t.use_shell(script)
    run = t.sync("-a", *options, expect=expect)
    t.untouched(before, "src")
    t.check("standard error", bool(run.stderr.strip()), expected="a message", got="nothing")
    return run


def daemon(t: Trial, steps: list[Step], *options: str, expect: set[int]) -> Finished:
    """Pull from a daemon that plays these steps. Nothing that was at the destination may change."""
    t.build(OLD, "dst")
    before = t.snapshot()
    with ScriptedDaemon(steps) as far:
        argv = [t.executable(t.cell.client), b"-a", *(one.encode() for one in options)]
        run = t.sandbox.run(
            [*argv, b"rsync://127.0.0.1:%d/mod/" % far.port, t.path("dst/")], timeout=t.case.timeout
        )
    t.ended(run, expect)
    t.untouched(before)
    t.check("standard error", bool(run.stderr.strip()), expected="a message", got="nothing")
    return run


CLIENT = {"judged": Judged.CLIENT, "timeout": 20.0}
SERVER = {"judged": Judged.SERVER, "timeout": 20.0}


@case("BAD-001", clause="END-8", title="The remote shell ends at once: exit 12", **CLIENT)
def hangs_up(t: Trial) -> None:
    shell(t, "exit 0\n", expect={12})


@case("BAD-002", clause="END-8", title="The remote shell fails: an error, never 0", **CLIENT)
def shell_fails(t: Trial) -> None:
    """The shell's own code where it is known in time, else 12: upstream gives either, by who is faster."""
    shell(t, "echo no such host >&2\nexit 255\n", expect={12, 255})


@case(
    "BAD-003", clause="SETUP-2", title="A shell that greets people: exit 2, 'is your shell clean?'", **CLIENT
)
def junk(t: Trial) -> None:
    run = shell(t, "echo 'Welcome to this host, it is Monday'\nsleep 0.2\n", expect={2})
    t.matches("standard error", r"is your shell clean", run.stderr)


@case("BAD-004", clause="END-6", title="A server that never speaks: exit 30 after --timeout", **CLIENT)
def silent(t: Trial) -> None:
    run = shell(t, "exec sleep 60\n", "--timeout=1", expect={30})
    t.check("time until it gave up", run.seconds < 10, expected="under 10 s", got=f"{run.seconds:.1f} s")


@case("BAD-005", clause="END-8", title="A server that hangs up after its version: exit 12", **CLIENT)
def half_greeting(t: Trial) -> None:
    shell(t, r"printf '\037\000\000\000'" + "\n", expect={12})


@case("BAD-006", clause="SETUP-2", title="A server of protocol 5: exit 2", **CLIENT)
def too_old(t: Trial) -> None:
    shell(t, r"printf '\005\000\000\000'; sleep 0.2" + "\n", expect={2})


@case("BAD-007", clause="SETUP-2", title="A server of protocol 200: exit 2", **CLIENT)
def too_new(t: Trial) -> None:
    shell(t, r"printf '\310\000\000\000'; sleep 0.2" + "\n", expect={2})


@case("BAD-008", clause="MUX-5", title="Nonsense after a good start: an error of the protocol", **CLIENT)
def nonsense_later(t: Trial) -> None:
    run = shell(
        t,
        r"printf '\037\000\000\000\000'; head -c 4096 /dev/zero | tr '\000' '\125'; sleep 0.3" + "\n",
        expect={2, 4, 12, 13, 23},
    )
    t.check("exit code", run.code != 0, expected="not 0", got=str(run.code))


@case(
    "BAD-009",
    clause="END-8",
    title="The remote command isn't there: an error and the shell's words",
    **CLIENT,
)
def no_command(t: Trial) -> None:
    """As BAD-002: 127 where it is known in time."""
    shell(t, 'shift\nexec /bin/sh -c "/no/such/program $*"\n', expect={12, 127})


@case("BAD-010", clause="END-8", title="A daemon that hangs up before it greets", **CLIENT)
def daemon_hangs_up(t: Trial) -> None:
    """Which of the three depends on when the connection is seen to be gone."""
    daemon(t, [], expect={5, 10, 12})


@case("BAD-011", clause="GREET-1", title="A daemon that is none: exit 2 or 5", **CLIENT)
def no_daemon(t: Trial) -> None:
    t.observe("exit code", daemon(t, [Say(b"HTTP/1.0 200 OK\r\n\r\n")], expect={2, 5, 12}).code)


@case("BAD-012", clause="TCP-2", title="A daemon that never greets: exit 30 or 35 in time", **CLIENT)
def daemon_silent(t: Trial) -> None:
    run = daemon(t, [Hold(30)], "--contimeout=1", "--timeout=1", expect={30, 35})
    t.check("time until it gave up", run.seconds < 10, expected="under 10 s", got=f"{run.seconds:.1f} s")


@case("BAD-013", clause="GREET-2", title="A daemon's greeting without a subprotocol", **CLIENT)
def no_subprotocol(t: Trial) -> None:
    run = daemon(t, [Say(b"@RSYNCD: 31\n"), Hear()], expect={2, 5, 12})
    t.observe("exit code", run.code)
    t.matches("standard error", r"omitted the subprotocol value", run.stderr)


@case("BAD-014", clause="GREET-8", title="A daemon's error is printed: exit 5", **CLIENT)
def daemon_error(t: Trial) -> None:
    run = daemon(t, [Say(GREETING), Hear(), Hear(), Say(b"@ERROR: the house is full\n")], expect={5})
    t.matches("standard error", r"@ERROR: the house is full", run.stderr)


@case("BAD-015", clause="GREET-5", title="A line without an end: the client gives up", **CLIENT)
def endless_line(t: Trial) -> None:
    """64 KiB of greeting without a line feed."""
    daemon(t, [Say(b"@RSYNCD: 31.0 " + b"x" * 65536), Hold(10.0)], "--timeout=3", expect={2, 5, 12})


@case(
    "BAD-016",
    clause="END-8",
    title="A daemon that hangs up after its OK: exit 12 or 10",
    **CLIENT,
)
def daemon_stops(t: Trial) -> None:
    """With the client's arguments unread the system cuts the connection: which end is seen first is luck."""
    daemon(t, [Say(GREETING), Hear(), Hear(), Say(b"@RSYNCD: OK\n")], expect={10, 12})


def setup(version: int) -> bytes:
    return struct.pack("<I", version)


def told(t: Trial, stdin: bytes, expect: set[int]) -> None:
    t.build(OLD, "dst")
    before = t.snapshot()
    t.serve(stdin, "-logDtpre.iLsfxCIvu", expect=expect)
    t.untouched(before)


@case(
    "BAD-020",
    clause="END-8",
    title="A client that says nothing and hangs up: the server ends with 12",
    **SERVER,
)
def client_gone(t: Trial) -> None:
    told(t, b"", {12})


@case("BAD-021", clause="SETUP-2", title="A client of protocol 3: the server ends with 2", **SERVER)
def client_old(t: Trial) -> None:
    told(t, setup(3) + b"\0" * 64, {2})


@case("BAD-022", clause="SETUP-2", title="A client that talks HTTP: the server ends with an error", **SERVER)
def client_http(t: Trial) -> None:
    told(t, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", {2, 12})


@case(
    "BAD-023",
    clause="END-8",
    title="A client that stops after the greeting: the server ends with 12",
    **SERVER,
)
def client_stops(t: Trial) -> None:
    told(t, setup(31), {12})


@case(
    "BAD-024",
    clause="MUX-5",
    title="A frame with a tag that doesn't exist: the server ends with an error",
    **SERVER,
)
def bad_tag(t: Trial) -> None:
    told(
        t,
        setup(31) + b"\x05xxh64\x04zlib"[:6] + struct.pack("<I", (7 + 77) << 24 | 4) + b"abcd" * 20,
        {2, 4, 12, 13, 14},
    )


@case("BAD-027", clause="OPT-5", title="A server that does not know an option says so: exit 1", **SERVER)
def server_refuses(t: Trial) -> None:
    """Nothing of the protocol has been said by then: its standard error is all that tells."""
    run = t.serve(b"", "--no-such-option", expect={1})
    t.equal("what it says to its client", b"", run.stdout)
    t.matches("standard error", r"^rsync: on remote machine: --no-such-option: unknown option$", run.stderr)
    t.matches("the last line", r"^rsync error: syntax or usage error \(code 1\) at .*\[server=", run.stderr)


@case(
    "BAD-025",
    clause="GREET-4",
    title="A daemon's visitors: silence, nonsense, an absent module, then a good one",
    judged=Judged.SERVER,
    transports=("daemon",),
    connects=True,
    timeout=30.0,
)
def visitors(t: Trial) -> None:
    """The daemon outlives each of them and serves the next."""
    far = t.use_daemon()
    for steps in (
        [],
        [Say(b"GET / HTTP/1.0\r\n\r\n")],
        [Say(b"@RSYNCD: 31.0 md5\n" + b"x" * 8000)],
        [Say(b"\0" * 3000)],
    ):
        try:
            converse(far.port, steps if steps else [Say(b"\n")])
        except TimeoutError:
            t.fail("a visitor who talks nonsense", "is hung up on", "the daemon neither speaks nor hangs up")
    said = converse(far.port, [Say(GREETING + b"#list\n")])
    t.check(
        "a good visitor's answer",
        b"@RSYNCD: EXIT" in said,
        expected="the list of modules and @RSYNCD: EXIT",
        got=repr(said[-300:]),
    )


@case(
    "BAD-026",
    clause="DAEMON-7",
    title="Modules with odd names are refused by name",
    judged=Judged.SERVER,
    transports=("daemon",),
    connects=True,
    timeout=30.0,
)
def odd_modules(t: Trial) -> None:
    far = t.use_daemon()
    for name in (b"..", b"../mod", b"/", b"[mod]", b"mod/../mod", b"\xff\xfe"):
        said = converse(far.port, [Say(GREETING + name + b"\n")])
        t.check(f"the answer to {name!r}", b"@ERROR" in said, expected="@ERROR", got=repr(said[-200:]))
