"""DMN-062 on: daemons that get a socket from somebody else, and a log of the system that is ours."""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
from typing import Any

from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.scripted import Say, converse
from refsync_conformance.trees import file
from refsync_conformance.trial import Trial

AXES: dict[str, Any] = {
    "transports": ("daemon",),
    "differential": False,
    "breadth": Breadth.NARROW,
}
GREETING = b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"

#: Like inetd: accepts, and has the peer serve one client as its standard input and output.
INETD = """
import os, socket, sys
peer, *words = sys.argv[1:]
port = [int(word[7:]) for word in words if word.startswith("--port=")][0]
listener = socket.create_server(("127.0.0.1", port))
while True:
    link, _ = listener.accept()
    if not os.fork():
        for fd in range(3):
            os.dup2(link.fileno(), fd)
        os.execv(peer, [peer, "--daemon", *[word for word in words if word.startswith("--config=")]])
    link.close()
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""
#: Like systemd: listens, and becomes the peer, which has the socket as its descriptor 3.
ACTIVATOR = """
import os, socket, sys
peer, *words = sys.argv[1:]
port = [int(word[7:]) for word in words if word.startswith("--port=")][0]
listener = socket.create_server(("127.0.0.1", port))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="rsync")
os.execv(peer, [peer, *[word for word in words if not word.startswith(("--port=", "--address="))]])
"""
#: Becomes the peer where /dev has a log of ours, and little else: nobody else's view of it changes.
OWN_LOG = """
dev=$1
shift
mount --make-rprivate / || exit 77
for name in null zero random urandom; do
    : >"$dev/$name"
    mount --bind "/dev/$name" "$dev/$name" || exit 77
done
mkdir "$dev/shm"
mount --rbind /dev/shm "$dev/shm" && mount --rbind "$dev" /dev || exit 77
exec "$@"
"""
#: Root where the machine lets it; somebody who only looks like root could not give that up for a module.
OWN_VIEW = ["unshare", "--mount"]
#: What a message to the system's log begins with: kind and severity, time, tag, process.
MESSAGE = re.compile(rb"^<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d ([\w-]+)\[\d+\]: (.*)$", re.S)
DAEMON, LOCAL3 = 3, 19


def becomes(t: Trial, name: str, code: str) -> bytes:
    """A program that runs this Python code with the peer's path before its own arguments."""
    words = [sys.executable, "-I", "-S", "-c", code, os.fsdecode(t.executable(t.cell.server))]
    return os.fsencode(t.sandbox.script(name, f'exec {shlex.join(words)} "$@"\n'))


@case("DMN-062", clause="DAEMON-21", title="One client as standard input, as inetd has it", **AXES)
def one_client(t: Trial) -> None:
    """Each connection is a daemon of its own, which reads the configuration and ends with its client."""
    t.build([file("f", b"content\n")])
    far = t.use_daemon(program=becomes(t, "inetd", INETD))
    said = converse(far.port, [Say(GREETING + b"#list\n")])
    t.check("the list", b"mod" in said and said.endswith(b"@RSYNCD: EXIT\n"), expected="it", got=repr(said))
    for dest in ("dst/", "again/"):
        t.sync("-a", dest=dest)
        t.same_tree("src", dest)
    t.matches("the log", r"rsync (on|to) mod/.* from ", far.log().encode())


@case("DMN-063", clause="DAEMON-21", title="A listening socket that is handed down", controlled=False, **AXES)
def handed_down(t: Trial) -> None:
    """By LISTEN_FDS and LISTEN_PID, as systemd does it. What the daemon starts has neither. Upstream knows
    only the older way.
    """
    if t.cell.server.startswith("upstream"):
        t.unsupported("upstream takes no listening sockets")
    t.build([file("f", b"content\n")])
    seen = t.sandbox.root / "seen"
    far = t.use_daemon(
        module=f"pre-xfer exec = env >{shlex.quote(str(seen))}\n",
        program=becomes(t, "activator", ACTIVATOR),
    )
    for dest in ("dst/", "again/"):
        t.sync("-a", dest=dest)
        t.same_tree("src", dest)
    t.matches("the log", rf"starting, listening on port {far.port}\b", far.log().encode())
    told = seen.read_text("utf-8", "replace")
    t.check("what a program finds", "LISTEN_" not in told, expected="no LISTEN_FDS", got=told[:500])


@case(
    "DMN-064", clause="DAEMON-30", title="Without a log file the system's log has it", needs_root=True, **AXES
)
def system_log(t: Trial) -> None:
    """The messages come as those of a daemon, with the tag and the process; a module's own tag and facility
    count as soon as it has been chosen. Only in the daemon's view is /dev/log the cell's.
    """
    if t.sandbox.run([word.encode() for word in [*OWN_VIEW, "true"]], timeout=10).code != 0:
        t.unsupported("this machine lets nobody have a view of his own of the file systems")
    t.build([file("f", b"content\n")])
    dev = t.sandbox.root / "dev"
    dev.mkdir()
    dev.chmod(0o755)
    words = [*OWN_VIEW, "sh", "-c", OWN_LOG, "sh", str(dev), os.fsdecode(t.executable(t.cell.server))]
    program = t.sandbox.script("with-log", f'exec {shlex.join(words)} "$@"\n')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        held = os.open(dev, os.O_PATH | os.O_DIRECTORY)
        log.bind(f"/proc/self/fd/{held}/log")  # a socket's whole path has 107 bytes at most
        os.close(held)
        (dev / "log").chmod(0o666)
        log.settimeout(10.0)
        t.use_daemon(
            globals_="log file =\nsyslog tag = first\n",
            module="log file =\nsyslog tag = second\nsyslog facility = local3\ntransfer logging = yes\n",
            program=os.fsencode(program),
        )
        t.sync("-a")
        t.same_tree("src", "dst")
        heard: list[tuple[int, bytes, bytes]] = []
        while not heard or not heard[-1][2].startswith(b"sent "):
            try:
                data = log.recv(4096)
            except TimeoutError:
                break
            found = MESSAGE.match(data.rstrip(b"\0\n"))
            if found is None:
                t.fail("a message", "kind, time, tag, process, text", repr(data))
                return
            heard.append((int(found[1]) >> 3, found[2], found[3]))
    for pattern, facility, tag in (
        (rb"connect from ", DAEMON, b"first"),
        (rb"rsync (on|to) mod/", LOCAL3, b"second"),
        (rb"(send|recv) .*f 8$", LOCAL3, b"second"),
        (rb"sent \d+ bytes  received ", LOCAL3, b"second"),
    ):
        lines = [one for one in heard if re.match(pattern, one[2])]
        t.equal(f"who says {pattern.decode()!r}", {(facility, tag)}, {one[:2] for one in lines})
