"""ADV-035 on: files that a run is told to read or to write: rules, lists, passwords, logs, batches."""

from __future__ import annotations

import os
import struct
from typing import Any

from refsync_conformance.cases.batch import BATCHES
from refsync_conformance.cases.daemon_modules import NOBODY
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import file, folder
from refsync_conformance.trial import Trial

AXES: dict[str, Any] = {"breadth": Breadth.NARROW, "differential": False}


@case(
    "ADV-035",
    clause="FILT-15",
    title="Rules that merge themselves",
    controlled=False,
    **{**AXES, "transports": ("pipe", "daemon")},
)
def merged_for_ever(t: Trial) -> None:
    """An unnumbered fault: a file that names itself, and two that name each other, given to the client and
    found in directories at either end: an error that ends the run, or an end of merging, but no crash.
    """
    loops = [file("d/.r", b". .r\n"), file(".a", b". .b\n"), file(".b", b". .a\n")]
    at_client, at_server = ("dst", "src") if t.remote_is_source else ("src", "dst")
    falls = t.cell.client == "upstream-3.4.1"  # over files of its own, and then judges nobody else
    t.build([file("f", b"x"), file("d/g", b"y")])
    t.build([file("d/extra", b"e")], "dst")
    t.build(loops, at_server)
    t.write("self", b"merge " + t.path("self") + b"\n")
    if not falls:
        t.build(loops, at_client)
    for rule in (b"merge " + t.path("self"), b": .r", b": .a")[falls:]:
        run = t.sync("-r", "--delete", b"--filter=" + rule, expect=range(1 << 7))
        t.check("what it said", b"Traceback" not in run.stderr, expected="a message", got=repr(run.stderr))
    t.sync("-r")
    t.equal("the next run", b"y", t.read("dst/d/g"))


@case(
    "ADV-036",
    clause="DAEMON-29",
    title="Files of options through other people's symlinks",
    needs_root=True,
    controlled=False,
    **{**AXES, "transports": ("pipe",)},
)
def planted(t: Trial) -> None:
    """CVE-2026-53802, CVE-2026-53803: rules, lists, a log, a batch by way of a symlink that another user has
    planted: what is to be read is not, what is to be written is not written. Upstream follows it before 3.5.
    """
    t.build([file("f", b"x"), file("g", b"y")])
    t.build(
        [file("rules", b"f\n"), file("list", b"f\n"), file("log", b"kept\n"), file("batch", b"kept\n")],
        "real",
    )
    os.symlink(t.path("real"), t.path("way"))
    os.lchown(t.path("way"), NOBODY, NOBODY)
    way = os.fsdecode(t.path("way"))
    before = t.snapshot("real")
    for number, options in enumerate(
        (
            (f"--exclude-from={way}/rules",),
            (f"--filter=merge {way}/rules",),
            (f"--files-from={way}/list",),
            (f"--log-file={way}/log",),
            (f"--write-batch={way}/batch",),
        )
    ):
        run = t.sync("-r", *options, dest=f"dst{number}/", expect=range(1 << 7))
        used = run.code == 0 and number < 3
        if (used or t.snapshot("real") != before) and t.cell.client.startswith("upstream"):
            t.unsupported(f"this release follows the link: {options[0].partition('=')[0]}")
        t.check(f"{options[0]} is used", not used, expected="an error", got="exit 0")
        t.untouched(before, "real")


@case(
    "ADV-038",
    clause="DAEMON-29",
    title="A destination through another user's symlink",
    needs_root=True,
    controlled=False,
    **{**AXES, "transports": ("pipe",)},
)
def planted_destination(t: Trial) -> None:
    """CVE-2026-53796: a symlink that another user has planted where files are to go, or on the way there, is
    not followed; one's own is. Upstream follows both before 3.5.
    """
    t.build([file("f", b"x")])
    t.build([folder("d")], "outside")
    for name, owner in (("own", 0), ("planted", NOBODY)):
        os.symlink(t.path("outside"), t.path(name))
        os.lchown(t.path(name), owner, owner)
    before = t.snapshot("outside")
    who = t.cell.client if t.remote_is_source else t.cell.server
    for dest in ("planted/", "planted/d/"):
        t.sync("-r", dest=dest, expect=range(1 << 7))
        if t.snapshot("outside") != before and who.startswith("upstream"):
            t.unsupported("this release follows the link")
        t.untouched(before, "outside")
    t.sync("-r", dest="own/d/")
    t.equal("by one's own symlink", b"x", t.read("outside/d/f"))


@case(
    "ADV-039",
    clause="DAEMON-29",
    title="Directories of options through another user's symlink",
    needs_root=True,
    controlled=False,
    **{**AXES, "transports": ("pipe",)},
)
def planted_directories(t: Trial) -> None:
    """CVE-2026-53795: backups, parts and temporary files are not made, nor files linked, by way of a symlink
    that another user has planted; by way of one's own they are. Upstream follows both before 3.5.
    """
    t.build([file("f", b"new")])
    who = t.cell.client if t.remote_is_source else t.cell.server
    for number, words in enumerate(
        (
            (b"-b", b"--backup-dir=%s/made"),
            (b"--temp-dir=%s/made",),
            (b"--delay-updates", b"--partial-dir=%s/made"),
            (b"--link-dest=%s/there",),
        )
    ):
        owners = {"own": 0, "planted": NOBODY} if number in (0, 3) else {"planted": NOBODY}
        for name, owner in owners.items():
            place, way, dest = f"outside {name}{number}", f"{name}{number}", f"dst {name}{number}"
            t.build([file("there/f", b"new"), folder("made")], place)
            os.symlink(t.path(place), t.path(way))
            os.lchown(t.path(way), owner, owner)
            before = t.snapshot(place)
            t.build([file("f", b"older")] if words[0] != b"--link-dest=%s/there" else [], dest)
            options = [word.replace(b"%s", t.at_receiver(way)) for word in words]
            t.sync("-rt", *options, dest=f"{dest}/", expect=0 if name == "own" else range(1 << 7))
            used = t.snapshot(place) != before or os.stat(t.path(f"{dest}/f")).st_nlink > 1
            content, option = t.read(f"{dest}/f"), os.fsdecode(words[-1])
            t.check("the file", content in (b"older", b"new"), expected="whole", got=repr(content))
            if name == "own":
                t.equal("the file", b"new", content)
                t.check("one's own symlink", used, expected="followed", got=f"not for {option}")
            elif used and who.startswith("upstream"):
                t.unsupported(f"this release follows the link: {option}")
            else:
                t.check(
                    "the other's symlink", not used, expected="not followed", got=f"followed for {option}"
                )


@case(
    "ADV-060",
    clause="BATCH-2",
    title="A batch whose flags are wrong",
    optional=BATCHES,
    controlled=False,
    **{**AXES, "transports": ("local",)},
)
def wrong_flags(t: Trial) -> None:
    """An unnumbered fault: each bit of a batch's flags turned over, its version and its end cut off: whatever
    comes of it, it ends, without a crash, and what is replayed lies in the destination.
    """
    t.build([file("f", b"content\n" * 200), file("d/g", b"y")])
    t.sync("-a", b"--write-batch=" + t.path("batch"))
    whole = t.read("batch")
    (flags,) = struct.unpack("<i", whole[:4])
    spoiled = [struct.pack("<I", (flags ^ 1 << bit) & 0xFFFFFFFF) + whole[4:] for bit in (0, 3, 9, 31)]
    spoiled += [whole[:4] + b"\xff\xff\xff\x7f" + whole[8:], whole[: len(whole) // 2], whole[:6]]
    t.build([folder("o")], ".")
    area = set(os.listdir(t.area))
    for data in spoiled:
        t.write("bad", data)
        argv = [
            t.executable(t.cell.client),
            b"-a",
            b"--timeout=5",
            b"--read-batch=" + t.path("bad"),
            t.path("o/"),
        ]
        run = t.sandbox.run(argv, timeout=t.case.timeout)
        t.ended(run, range(1 << 7))
        t.check("what it said", b"Traceback" not in run.stderr, expected="a message", got=repr(run.stderr))
    t.equal("names beside the destination", area | {b"bad"}, set(os.listdir(t.area)))


@case(
    "ADV-061",
    clause="BATCH-7",
    title="A rule with newlines, in the script of a batch",
    optional=BATCHES,
    controlled=False,
    **{**AXES, "transports": ("local",)},
)
def newline_rule(t: Trial) -> None:
    """An unnumbered fault: the script has the rules in a document of the shell, which a rule must not end."""
    t.build([file("f", b"x")])
    proof = t.path("proof")
    for end in (b"#E#", b"EOF", b"E"):
        rule = b"--exclude=x\n" + end + b"\n/bin/touch " + proof + b"\nx"
        run = t.sync("-a", "--delete", rule, b"--write-batch=" + t.path("batch"), expect=range(1 << 7))
        if run.code == 0:
            shell = t.sandbox.run([b"/bin/sh", t.path("batch.sh"), t.path("o/")], timeout=t.case.timeout)
            t.ended(shell, None)
        if t.exists("proof") and t.cell.client.startswith("upstream"):
            t.unsupported("this release lets a rule end the document")
        t.equal(f"a command behind {end!r} is run", False, t.exists("proof"))
