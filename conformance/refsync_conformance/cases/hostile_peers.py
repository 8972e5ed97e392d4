"""HOSTILE: a peer that keeps to the protocol but for one thing.

Two cases for each deviation of :mod:`refsync_conformance.deviant`: one judges the client, one (its number 500
higher) the server. The verdict has parts: how the victim ended, how long it took and how much memory, that no
process is left, that nothing outside of the destination was touched, and that each file there is whole: as it
was, or as the source has it.
"""

from __future__ import annotations

import os
import shlex
import sys

from refsync_conformance.deviant.lists import LINK, SIZE
from refsync_conformance.deviant.table import Deviation, load
from refsync_conformance.fixtures import keeps
from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.trees import Tree, attributed, file, folder, symlink
from refsync_conformance.trial import Trial

#: Seconds and MiB that a victim may take; the transfers have a few KiB.
SECONDS = 20.0
MEBIBYTES = 256
#: What a peer may lack that an option asks for.
OPTIONAL = {"-H": ("hard-links",), "-X": ("-X", "xattrs"), "-A": ("-A", "ACLs")}
OLD = b"what was there before\n"
NEW = b"victim " * (SIZE // 7) + b"." * (SIZE % 7)

SOURCE = [
    file("victim", NEW),
    file("other", b"other\n" * 3000),
    file("third", b"third\n"),
    symlink("link", LINK.decode()),
    symlink("way", "../outside"),
    folder("sub"),
    file("sub/inner", b"inner\n" * 1000),
    folder("sub/deeper"),
    file("sub/deeper/file", b"deeper\n"),
    folder("more"),
    file("more/file", b"more\n"),
    file("more/none", b""),
]
THERE = [file("victim", OLD), file("other", OLD * 50), folder("sub"), file("sub/inner", OLD * 3)]
LONG = b"an attribute of more than 32 bytes, which is asked for"
OUTSIDE = [file("secret", b"nobody's business\n"), folder("d"), file("d/file", b"quiet\n")]


def attack(t: Trial, deviation: Deviation, victim: str) -> None:
    """Let the deviant at the victim, and see what is left."""
    source_tree: Tree = SOURCE
    if "-X" in deviation.options:
        keeps(t, "user.long", LONG)
        source_tree = [*SOURCE, attributed(file("long", b"x"), {"user.long": LONG})]
    t.build(source_tree)
    t.build(THERE, "dst")
    t.build(OUTSIDE, "outside")
    before = {place: t.snapshot(place) for place in ("src", "outside")}
    there = t.snapshot()
    known = {facts.content for place in ("src", "dst") for facts in t.snapshot(place).values()}
    deviant = t.sandbox.script(
        "deviant",
        f'exec {shlex.quote(sys.executable)} -m refsync_conformance.deviant {deviation.name} "$@"\n',
    )
    code_file = t.sandbox.root / "server-code"
    t.use_shell(f'shift\n/bin/sh -c "$*"\ncode=$?\necho $code > {shlex.quote(str(code_file))}\nexit $code\n')
    name = t.cell.client if victim == "client" else t.cell.server
    peer = t.executable(name)
    client, server = (peer, os.fsencode(deviant)) if victim == "client" else (os.fsencode(deviant), peer)
    victim_sends = deviation.side == "receiver"
    push = victim_sends == (victim == "client")
    source = t.path(deviation.source)
    dest = t.path("dst/")
    places = [source, b"far:" + dest] if push else [b"far:" + source, dest]
    listing = "--list-only" in deviation.options
    shell = t.transport.options()[1]
    run = t.sandbox.run(
        [
            client,
            b"-a",
            *(option.encode() for option in deviation.options),
            b"--protocol=%d" % t.protocol,
            b"-e",
            shell,
            b"--rsync-path=" + server,
            *(places[:1] if listing else places),
        ],
        timeout=SECONDS,
        weighed=True,
    )
    t.ended(run, None)
    code = run.code if victim == "client" else int(code_file.read_text()) if code_file.exists() else None
    said = run.stderr.decode("utf-8", "backslashreplace")
    t.refused_option(said)
    t.check(
        "how the victim ended",
        code in deviation.expect,
        expected="exit " + ", ".join(map(str, sorted(deviation.expect))),
        got=f"exit {code}\n{said[-1500:]}",
    )
    t.check("what it said", "Traceback" not in said, expected="a message for people", got=said[-1500:])
    t.check(
        "control characters",
        "\x1b" not in said + run.stdout.decode("utf-8", "replace"),
        expected="escaped",
        got="raw on the terminal",
    )
    t.check(
        "memory", run.peak_mib <= MEBIBYTES, expected=f"{MEBIBYTES} MiB at most", got=f"{run.peak_mib} MiB"
    )
    for place, tree in before.items():
        t.untouched(tree, place)
    _whole(t, known)
    for name in deviation.keeps:
        t.equal(
            f"{name}, which is nobody's to delete", there.get(name.encode()), t.snapshot().get(name.encode())
        )


def _whole(t: Trial, known: set[str]) -> None:
    """Every file at the destination is one that was there or one of the source's; nothing is temporary."""
    for name, facts in t.snapshot().items():
        if facts.kind == "file":
            t.check(
                f"the content of {name!r}",
                facts.content in known,
                expected="what was there, or what the source has",
                got=f"{facts.size} bytes that are neither",
            )
    extra = {path.name for path in t.sandbox.area.iterdir()} - {"src", "dst", "outside"}
    t.check("the area", not extra, expected="src, dst, outside", got=f"also {sorted(extra)}")


def _enter() -> None:
    for deviation in load().values():
        for victim, offset in (("client", 0), ("server", 500)):
            if victim not in deviation.judges:
                continue

            def run(t: Trial, deviation: Deviation = deviation, victim: str = victim) -> None:
                attack(t, deviation, victim)

            run.__doc__ = deviation.description
            case(
                f"HOSTILE-{deviation.number + offset:03}",
                clause=deviation.clause,
                # Whatever a victim makes of it: nothing outside is written.
                also=() if deviation.clause == "FS-5" else ("FS-5",),
                title=f"{deviation.title}: the {victim} holds",
                judged=Judged.CLIENT if victim == "client" else Judged.SERVER,
                protocols=deviation.protocols,
                breadth=Breadth.NEWEST,
                differential=False,
                controlled=False,
                optional=tuple(name for option in deviation.options for name in OPTIONAL.get(option, ())),
                timeout=SECONDS,
            )(run)


_enter()
