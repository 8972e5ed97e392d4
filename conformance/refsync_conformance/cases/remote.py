"""SSH: a real OpenSSH server as the remote shell, with key login, on loopback."""

from __future__ import annotations

import os
import shlex
from typing import Any

from refsync_conformance.fixtures import MIXED
from refsync_conformance.model import Breadth, Judged
from refsync_conformance.openssh import OpenSsh, lacking
from refsync_conformance.registry import case
from refsync_conformance.trees import Noise, file
from refsync_conformance.trial import Trial

SSH: dict[str, Any] = {"transports": ("pipe",), "breadth": Breadth.NORMAL, "timeout": 30.0}
#: More than a socket or a pipe holds, so that who does not read it stands still.
LINES = 5000


def connect(t: Trial, server: bytes | None = None) -> OpenSsh:
    """Have the cell's far end behind a real ``ssh``; unsupported where there is no OpenSSH."""
    if reason := lacking():
        t.unsupported(reason)
    shell = OpenSsh(t.sandbox, t.executable(t.cell.server) if server is None else server)
    t.use_transport(shell)
    return shell


@case("SSH-001", clause="OPT-2", title="Over ssh: all arrives, and a second run finds nothing to do", **SSH)
def over_ssh(t: Trial) -> None:
    connect(t)
    t.build([*MIXED, file("large", Noise(21, 3 << 20))])
    t.sync("-a", "--delete")
    t.same_tree()
    t.items(t.sync("-ai", "--delete"))


@case("SSH-002", clause="OPT-9", title="Over ssh: names that a shell would take apart", **SSH)
def shell_names(t: Trial) -> None:
    connect(t)
    name = b"a b'c\"d $HOME `id` (x) ; \\ ! #~ \xc3\xa9"
    t.build([file("f", b"one")], os.fsdecode(b"src/" + name))
    t.sync("-a", sources=[b"src/" + name + b"/"], dest=b"dst " + name + b"/")
    t.same_tree(os.fsdecode(b"src/" + name), os.fsdecode(b"dst " + name))


@case(
    "SSH-003",
    clause="END-14",
    title="Over ssh: no rsync at the other end: exit 127 and the shell's words",
    judged=Judged.CLIENT,
    controlled=False,
    **SSH,
)
def no_program(t: Trial) -> None:
    """Without a control: ssh closes the connection before it ends, and whether it had ended by the time that
    upstream's client looks, which then takes its code and else 12, is a matter of luck.
    """
    connect(t, b"/nowhere/rsync")
    t.build([file("f", b"x")])
    run = t.sync("-a", expect=127)
    t.matches("standard error", r"/nowhere/rsync.*(not found|No such file)", run.stderr)
    t.matches("the last line", r"rsync error: remote command not found \(code 127\)", run.stderr)


@case(
    "SSH-004",
    clause="END-14",
    title="Over ssh: a login that is refused: ssh's words and exit 255",
    judged=Judged.CLIENT,
    controlled=False,
    **SSH,
)
def no_login(t: Trial) -> None:
    """No server is reached. Without a control, as SSH-003."""
    connect(t, b"/nowhere/rsync").forget_key()
    t.build([file("f", b"x")])
    run = t.sync("-a", expect=255)
    t.matches("standard error", r"Permission denied", run.stderr)
    t.matches("the last line", r"\(code 255\)", run.stderr)


@case(
    "SSH-005", clause="END-15", title="Over ssh: all that the other end says on standard error arrives", **SSH
)
def talkative(t: Trial) -> None:
    """It says more before the transfer than any buffer holds, and something after it."""
    peer = shlex.quote(os.fsdecode(t.executable(t.cell.server)))
    script = f'i=0\nwhile [ $i -lt {LINES} ]; do echo "line $i of the far end" >&2; i=$((i+1)); done\n'
    wrapper = t.sandbox.script("talkative", f'{script}{peer} "$@"\ncode=$?\necho "the end" >&2\nexit $code\n')
    connect(t, os.fsencode(wrapper))
    t.build([file("f", b"x")])
    run = t.sync("-a")
    t.same_tree()
    t.equal("lines", LINES, run.stderr.count(b"of the far end\n"))
    t.equal("the last", b"the end", run.stderr.splitlines()[-1])


@case(
    "END-001",
    clause="END-15",
    title="A remote shell's helper that keeps standard error open holds nobody up",
    transports=("pipe",),
    breadth=Breadth.NARROW,
    timeout=20.0,
)
def helper_stays(t: Trial) -> None:
    """The helper sleeps longer than the case may take; the suite ends it."""
    pid = os.fsdecode(t.path("../helper.pid"))
    helper = f"setsid sleep 60 </dev/null >/dev/null &\necho $! >{shlex.quote(pid)}\n"
    t.use_shell(f'shift\n{helper}exec /bin/sh -c "$*"\n', runs_peer=True)
    t.build([file("f", b"x")])
    try:
        t.sync("-a")
    finally:
        with open(pid, encoding="ascii") as stream:
            os.kill(int(stream.read()), 9)
    t.same_tree()
