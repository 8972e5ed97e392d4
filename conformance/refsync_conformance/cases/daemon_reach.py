"""DMN-070 on: what a symlink in a module does not reach, at rest and while it changes.

Upstream 3.4.1 follows such links where no new root confines the module (CVE-2026-29518, CVE-2026-53801
and others, which 3.5 closes). So these cases need not pass in the control, and a release that follows
is unsupported.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from refsync_conformance.compare import snapshot
from refsync_conformance.flips import Flipper
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import build, file, symlink
from refsync_conformance.trial import Trial

AXES: dict[str, Any] = {
    "transports": ("daemon",),
    "differential": False,
    "controlled": False,
    "breadth": Breadth.NARROW,
    "protocols": (29, 31, 32),
}
SECRET = b"OUTSIDE\n"
TREE = [file("f", b"content\n"), file("d/g", b"more\n")]


def beyond(t: Trial) -> str:
    """A directory beside the module, with a file in it."""
    place = t.sandbox.root / "beyond"
    (place / "d").mkdir(parents=True)
    for name in ("precious", "g", "d/g"):
        (place / name).write_bytes(SECRET)
    (place / "list").write_bytes(b"f\n")
    (place / "rules").write_bytes(b"- f\n")
    return str(place)


def contents(place: str) -> set[bytes]:
    """What the files there hold."""
    return {(Path(place) / name).read_bytes() for name in ("precious", "g", "d/g")}


def holds(t: Trial, what: str, kept: bool) -> None:
    """Demand that nothing got out; a release that is known to let it is not judged."""
    if not kept and t.cell.server.startswith("upstream"):
        t.unsupported("this release follows the link")
    t.check(what, kept, expected="nothing that lies outside of the module", got="it was reached")


def shown(t: Trial, place: str) -> bool:
    """Whether the outside file's content is anywhere below a place."""
    for where, _, names in os.walk(t.path(place)):
        for name in names:
            path = os.path.join(where, name)
            if not os.path.islink(path) and Path(os.fsdecode(path)).read_bytes() == SECRET:
                return True
    return False


@case(
    "DMN-070",
    clause="DAEMON-28",
    title="A module's symlinks lead no reader out",
    **AXES,
    directions=("pull",),
)
def reading(t: Trial) -> None:
    """By name, by -L and its like, for a list of files, for a merge file."""
    place = beyond(t)
    t.build(
        [*TREE, symlink("out", place), symlink("up", "../../beyond"), symlink(".rules", f"{place}/rules")]
    )
    for number, (name, options) in enumerate(
        (
            ("src/out/", ("-r",)),
            ("src/up/d/", ("-r",)),
            ("src/out/precious", ()),
            ("src/", ("-rL",)),
            ("src/", ("-rk",)),
        )
    ):
        dest = f"got{number}/"
        t.client(*options, places=[t.transport.remote(t.path(name)), t.path(dest)], expect=range(128))
        holds(t, f"what {name} with {' '.join(options)} sends", not shown(t, dest))
    t.client(
        "-r",
        "--files-from=:/src/up/list",
        places=[t.transport.remote(t.path("src/")), t.path("listed/")],
        expect=range(128),
    )
    holds(t, "a list of files outside", not t.exists("listed/f"))
    t.client(
        "-r",
        "--filter=: .rules",
        places=[t.transport.remote(t.path("src/")), t.path("ruled/")],
        expect=range(128),
    )
    holds(t, "a merge file outside", t.exists("ruled/f"))


@case(
    "DMN-071",
    clause="DAEMON-28",
    title="A module's symlinks lead no writer out",
    **AXES,
    directions=("push",),
)
def writing(t: Trial) -> None:
    """The destination itself, a directory on the way to it, and directories below it."""
    place = beyond(t)
    t.build(TREE)
    t.build([symlink("out", place), symlink("d", place)], "dst")
    before = sorted(os.listdir(place))
    for dest in ("dst/out/", "dst/out/new/", "dst/out/d/", "dst/"):
        t.client("-r", places=[t.path("src/"), t.transport.remote(t.path(dest))], expect=range(128))
        holds(t, f"what is written by way of {dest}", sorted(os.listdir(place)) == before)
    t.client(
        "-rK",
        "--mkpath",
        places=[t.path("src/"), t.transport.remote(t.path("dst/out/a/b/"))],
        expect=range(128),
    )
    holds(t, "directories that are made", sorted(os.listdir(place)) == before)
    holds(t, "what is there", contents(place) == {SECRET})


@case("DMN-072", clause="DAEMON-28", title="A directory that flips to a symlink leads nobody out", **AXES)
def flipping(t: Trial) -> None:
    """Thousands of times while files are read from them or written into them: nothing outside is reached."""
    place = os.fsencode(beyond(t))
    names = [f"d{number}" for number in range(12)]
    files = [f"{where}/{name}" for where in names for name in ("g", "s0/g", "s1/g")]
    build(place, [file(name, SECRET) for name in files])
    t.build([file(name, b"inside.\n") for name in files])
    t.transport.remote(t.path("src/"))
    if not t.remote_is_source:
        t.clone("src", "dst")
    before = snapshot(place)
    at = "src" if t.remote_is_source else "dst"
    pairs = [(t.path(f"{at}/{where}"), os.path.join(place, where.encode())) for where in names]
    with Flipper(pairs) as flipper:
        for number in range(4):
            dest = f"got{number}/" if t.remote_is_source else "dst/"
            t.sync("-rI", "--delete", dest=dest, expect=range(128))
    holds(t, "what was sent", not any(shown(t, f"got{number}") for number in range(4)))
    holds(t, "what is there", snapshot(place) == before)
    t.check("flips", flipper.times > 100, expected="more than 100", got=str(flipper.times))
