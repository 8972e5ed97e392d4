"""DMN: who may come to a daemon, what he is told, and how many may be there."""

from __future__ import annotations

import re
import socket
from typing import Any

from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.scripted import Hear, Say, converse
from refsync_conformance.trial import Trial

SERVER: dict[str, Any] = {
    "judged": Judged.SERVER,
    "transports": ("daemon",),
    "differential": False,
    "breadth": Breadth.NARROW,
}
GREETING = b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"
#: The signature of the proxy protocol's second version.
PROXY_2 = b"\r\n\r\n\0\r\nQUIT\n"


def ask(port: int, head: bytes, module: bytes = b"mod") -> bytes:
    """What a daemon says until it has decided, to a client that comes with ``head`` before its greeting."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(head + GREETING + module + b"\n")
        said = b""
        while not re.search(rb"^(@ERROR.*|@RSYNCD: (OK|EXIT))\n", said, re.MULTILINE):
            piece = link.recv(4096)
            if not piece:
                break
            said += piece
    return said


@case("DMN-040", clause="DAEMON-19", title="A proxy says who the client is", also=("TCP-6",), **SERVER)
def proxied(t: Trial) -> None:
    """Version 1 and version 2 of the header: a host that is let in, one that is not, and none at all.

    Upstream below 3.5 has no list of trusted proxies and takes a header of anybody.
    """
    far = t.use_daemon(
        globals_="proxy protocol = yes\nproxy protocol hosts = 127.0.0.0/8\nreverse lookup = no\n",
        module="hosts allow = 10.1.2.0/24 2001:db8::/32\n",
    )
    v1 = b"PROXY TCP4 %s 127.0.0.1 4000 873\r\n"
    v2 = PROXY_2 + b"\x21\x11\0\x0c" + bytes((10, 1, 2, 3, 127, 0, 0, 1, 16, 0, 3, 105))
    six = (
        PROXY_2
        + b"\x21\x21\0\x24"
        + bytes.fromhex("20010db8")
        + bytes(11)
        + b"\1"
        + bytes(16)
        + b"\x10\0\3\x69"
    )
    for name, head, lets in (
        ("version 1, let in", v1 % b"10.1.2.3", True),
        ("version 1, kept out", v1 % b"10.1.3.3", False),
        ("version 2, let in", v2, True),
        ("version 2, IPv6", six, True),
        ("version 2, local", PROXY_2 + b"\x20\0\0\0", False),
        ("version 1, unknown", b"PROXY UNKNOWN\r\n", False),
    ):
        said = ask(far.port, head)
        wanted = b"@RSYNCD: OK" if lets else b"@ERROR: access denied to mod from UNDETERMINED"
        t.check(name, wanted in said, expected=wanted.decode(), got=repr(said[-200:]))


@case("DMN-041", clause="DAEMON-19", title="A wrong header ends the connection without a word", **SERVER)
def no_proxy(t: Trial) -> None:
    far = t.use_daemon(globals_="proxy protocol = yes\nproxy protocol hosts = *\n")
    for head in (
        b"",
        b"PROXY TCP4 1.2.3 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 127.0.0.1 1 2\n",
        b"PROXY TCP9 1.2.3.4 127.0.0.1 1 2\r\n",
        PROXY_2 + b"\x31\x11\0\x0c" + bytes(12),
        PROXY_2 + b"\x21\x11\0\x0d" + bytes(13),
    ):
        said = converse(far.port, [Say(head + GREETING + b"#list\n"), Hear()])
        t.equal(f"the answer to {head!r}", b"", said)


@case(
    "DMN-054", clause="DAEMON-26", title="Places are counted across modules that share a lock file", **SERVER
)
def places(t: Trial) -> None:
    lock = t.sandbox.root / "lock"
    text = f"max connections = 1\nlock file = {lock}\n"
    far = t.use_daemon(module=f"{text}[other]\npath = {t.sandbox.area}\n{text}")
    with socket.create_connection(("127.0.0.1", far.port), timeout=10) as first:
        first.sendall(GREETING + b"mod\n")
        heard = b""
        while b"OK\n" not in heard and (piece := first.recv(1000)):
            heard += piece
        for module in (b"mod", b"other"):
            said = ask(far.port, b"", module)
            t.check(
                f"the answer of {module.decode()}",
                b"@ERROR: max connections (1) reached -- try again later\n" in said,
                expected="max connections (1) reached",
                got=repr(said[-200:]),
            )


@case("DMN-055", clause="DAEMON-20", title="A changed configuration counts for the next client", **SERVER)
def reread(t: Trial) -> None:
    far = t.use_daemon()
    config = t.sandbox.root / "rsyncd.conf"
    config.write_text(
        config.read_text() + f"[later]\npath = {t.sandbox.area}\ncomment = new\n", encoding="utf-8"
    )
    said = converse(far.port, [Say(GREETING + b"#list\n")])
    t.check("the list", b"later          \tnew\n" in said, expected="the new module", got=repr(said))
    config.write_text(config.read_text().replace("comment = new", "list = no"), encoding="utf-8")
    said = converse(far.port, [Say(GREETING + b"#list\n")])
    t.check("the list", b"later" not in said, expected="without the module", got=repr(said))


@case("DMN-056", clause="DAEMON-27", title="A message of the day", **SERVER | {"judged": Judged.BOTH})
def motd(t: Trial) -> None:
    path = t.sandbox.root / "motd"
    path.write_text("Be welcome.\nTwo lines\n", encoding="utf-8")
    far = t.use_daemon(globals_=f"motd file = {path}\n")
    t.observe("with the message", t.client(places=[far.url()]).stdout)
    t.observe("without it", t.client("--no-motd", places=[far.url()]).stdout)
    path.unlink()
    t.observe("with a file that is gone", t.client(places=[far.url()]).stdout)


@case("DMN-057", clause="DAEMON-5", title="Names of hosts, looked up or not", also=("DAEMON-7",), **SERVER)
def lookups(t: Trial) -> None:
    """A name in a list is looked up, unless that is off, too; then it is the client's name in messages."""
    for text, lets in (
        ("hosts allow = localhost\n", True),
        ("hosts allow = localhost\nforward lookup = no\n", False),
        ("hosts allow = no-such-name.invalid\n", False),
        ("hosts deny = localhost\n", False),
        ("hosts deny = localhost\nforward lookup = no\n", True),
        ("hosts allow = UNDETERMINED\n", True),
    ):
        far = t.use_daemon(globals_="reverse lookup = no\n", module=text)
        said = ask(far.port, b"")
        wanted = b"@RSYNCD: OK" if lets else b"@ERROR: access denied to mod from "
        t.check(text.replace("\n", "; "), wanted in said, expected=wanted.decode(), got=repr(said[-200:]))
    far = t.use_daemon(globals_="reverse lookup = no\n", module="hosts deny = *\nlist = no\n")
    said = ask(far.port, b"")
    t.check(
        "a module that is hidden", b"@ERROR: Unknown module 'mod'" in said, expected="unknown", got=repr(said)
    )


@case("DMN-061", clause="DAEMON-6", title="Modules that are not listed", **SERVER)
def unlisted(t: Trial) -> None:
    """One that is not shown is served all the same."""
    far = t.use_daemon(module="list = no\n")
    t.equal("the list", b"@RSYNCD: EXIT\n", ask(far.port, b"", b"#list").split(b"\n", 1)[1])
    t.check("the module", b"@RSYNCD: OK" in ask(far.port, b""), expected="served", got="refused")
