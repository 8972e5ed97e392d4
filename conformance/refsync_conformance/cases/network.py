"""TCP: how a client gets to a daemon: through a proxy, and with options of the socket."""

from __future__ import annotations

import base64
from contextlib import closing

from refsync_conformance.connector import Connector
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.transports import Daemon
from refsync_conformance.trees import file
from refsync_conformance.trial import Trial


@case(
    "TCP-001",
    clause="TCP-5",
    title="Through a proxy, with and without credentials",
    transports=("daemon",),
    breadth=Breadth.NARROW,
)
def proxied(t: Trial) -> None:
    t.build([file("f", b"content" * 1000)])
    assert isinstance(t.transport, Daemon)
    target = f"CONNECT 127.0.0.1:{t.transport.url().decode().rstrip('/').rpartition(':')[2]} HTTP/1.0"
    with closing(Connector()) as proxy:
        t.sync("-a", env={"RSYNC_PROXY": proxy.address})
        t.sync("-a", env={"RSYNC_PROXY": f"joe:se:cret@{proxy.address}"})
        asked = [request.strip().split("\r\n") for request in proxy.asked]
    t.same_tree()
    token = base64.b64encode(b"joe:se:cret").decode()
    t.equal("what the proxy is asked", [[target], [target, f"Proxy-Authorization: Basic {token}"]], asked)


@case(
    "TCP-002",
    clause="TCP-5",
    title="A proxy that refuses, or that is not there: exit 10",
    transports=("daemon",),
    breadth=Breadth.NARROW,
)
def refused(t: Trial) -> None:
    t.build([file("f", b"x")])
    with closing(Connector("HTTP/1.0 407 Proxy Authentication Required")) as proxy:
        run = t.sync("-a", env={"RSYNC_PROXY": proxy.address}, expect=10)
        t.matches("standard error", "407", run.stderr)
    t.sync("-a", env={"RSYNC_PROXY": proxy.address}, expect=10)
    t.sync("-a", env={"RSYNC_PROXY": "nowhere"}, expect=10)
    t.equal("the destination", False, t.exists("dst/f"))


@case(
    "TCP-003",
    clause="TCP-4",
    title="Options of the socket by name",
    optional=("--sockopts",),
    transports=("daemon",),
    breadth=Breadth.NARROW,
)
def socket_options(t: Trial) -> None:
    t.build([file("f", b"x")])
    t.sync("-a", "--sockopts=SO_KEEPALIVE, TCP_NODELAY=1,SO_SNDBUF=65536")
    t.same_tree()
    run = t.sync("-a", "--sockopts=NO_SUCH_OPTION,SO_KEEPALIVE")
    t.matches("standard error", "Unknown socket option NO_SUCH_OPTION", run.stderr)


@case(
    "TCP-004",
    clause="TCP-5",
    title="A proxy whose answer does not end: exit 10, soon",
    transports=("daemon",),
    breadth=Breadth.NARROW,
    timeout=20.0,
)
def endless(t: Trial) -> None:
    """Drawn from CVE-2026-45232: a line of 1,023 bytes and more."""
    t.build([file("f", b"x")])
    for length in (1022, 1023, 1024, 100_000):
        with closing(Connector("HTTP/1.0 200 " + "x" * length)) as proxy:
            t.sync("-a", env={"RSYNC_PROXY": proxy.address}, expect=10)
    t.equal("the destination", False, t.exists("dst/f"))
