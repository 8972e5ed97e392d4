"""FOUND: what fuzzing has found in one implementation, said to any other.

Each file of ``refsync_conformance/found`` is a case: all that a peer says, to the byte, written by
``refsync-fuzz promote`` when the finding was made a regression. The victim may refuse it or take it. It
has to come to an end in time, with a code of rsync's own, and to leave alone what is not its.
"""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Any

from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.sandbox import Finished
from refsync_conformance.scripted import Hold, Say, ScriptedDaemon
from refsync_conformance.trees import Tree, file, folder, symlink
from refsync_conformance.trial import Trial

FOLDER = Path(__file__).resolve().parents[1] / "found"
SECONDS = 20.0
MEBIBYTES = 256
#: Exit codes that rsync has; a code past them is that of a signal, or of a program that broke down.
CODES = frozenset((*range(7), *range(10, 15), *range(20, 26), 30, 35))

SOURCE: Tree = [file("a", b"hello\n"), folder("d"), file("d/b", b"0123456789" * 160), symlink("leak", "../x")]
THERE: Tree = [
    file("a", b"hello"),
    folder("d"),
    file("d/b", b"0123456789" * 150),
    symlink("trap", "../outside"),
]
OUTSIDE: Tree = [file("secret", b"nobody's business\n")]


def replay(t: Trial, record: dict[str, Any]) -> None:
    """Say it to the victim, and see how that ends and what is left."""
    t.build(SOURCE)
    t.build(THERE, "dst")
    t.build(OUTSIDE, "outside")
    before = {place: t.snapshot(place) for place in ("src", "outside")}
    stream = bytes.fromhex(record["stream"])
    options = [str(one) for one in record["options"]]
    if record["plays"] == "client":
        run = t.serve(stream, *options)
    elif record["plays"] == "daemon":
        run = _from_daemon(t, stream, options)
    else:
        run = _from_server(t, stream, options, push=record["push"], protocol=record["protocol"])
    said = run.stderr.decode("utf-8", "backslashreplace")
    t.refused_option(said)
    t.check(
        "how the victim ended",
        run.code in CODES,
        expected="a code of rsync's own",
        got=f"exit {run.code}\n{said}",
    )
    t.check("what it said", "Traceback" not in said, expected="a message for people", got=said[-1500:])
    t.check(
        "memory", run.peak_mib <= MEBIBYTES, expected=f"{MEBIBYTES} MiB at most", got=f"{run.peak_mib} MiB"
    )
    for place, tree in before.items():
        t.untouched(tree, place)


def _from_server(t: Trial, stream: bytes, options: list[str], *, push: bool, protocol: int) -> Finished:
    t.write("said", stream)
    t.use_shell(f"cat {shlex.quote(t.path('said').decode())}\nexec cat > /dev/null\n")
    far, near = b"far:" + t.path("dst/"), t.path("src/")
    places = [near, far] if push else [b"far:" + near, t.path("dst/")]
    shell = t.transport.options()
    words = [option.encode() for option in (*options, f"--protocol={protocol}", "--timeout=5")]
    return t.sandbox.run([t.executable(t.cell.client), *words, *shell, *places], timeout=SECONDS)


def _from_daemon(t: Trial, stream: bytes, options: list[str]) -> Finished:
    with ScriptedDaemon([Say(stream), Hold(2.0)]) as far:
        words = [option.encode() for option in (*options, "--timeout=5")]
        argv = [t.executable(t.cell.client), *words, b"rsync://127.0.0.1:%d/open/" % far.port, t.path("dst/")]
        return t.sandbox.run(argv, timeout=SECONDS)


def _enter() -> None:
    for path in sorted(FOLDER.glob("FOUND-*.toml")):
        record = tomllib.loads(path.read_text())

        def run(t: Trial, record: dict[str, Any] = record) -> None:
            replay(t, record)

        run.__doc__ = f"Found by fuzzing on {record['found']}; the input is {record['input']}."
        case(
            path.stem,
            clause=record["clause"],
            title=record["title"],
            judged=Judged.SERVER if record["plays"] == "client" else Judged.CLIENT,
            protocols=(record["protocol"],),
            breadth=Breadth.NARROW,
            differential=False,
            timeout=SECONDS,
        )(run)


_enter()
