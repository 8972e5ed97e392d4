"""LINE: command lines on which implementations were found to differ when random ones were compared."""

from __future__ import annotations

import os

from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.trees import file, folder, hardlink
from refsync_conformance.trial import Trial


@case(
    "LINE-001",
    clause="FILT-15",
    title="--from0 counts for the files of rules in directories",
    directions=("push",),
    protocols=(29, 30, 31, 32),
    breadth=Breadth.NARROW,
    optional=("-0", "--from0", "--filter"),
)
def rules_end_at_nul(t: Trial) -> None:
    """The newline belongs to the pattern then, which matches nothing."""
    t.build(
        [file("d/new", b"n"), file("d/.rules", b"- new\n"), file("e/new", b"n"), file("e/.rules", b"- new\0")]
    )
    t.sync("-r", "-0", "--filter=: .rules")
    t.equal("the file behind a newline", True, t.exists("dst/d/new"))
    t.equal("the file behind a NUL", False, t.exists("dst/e/new"))


@case(
    "LINE-002",
    clause="DAEMON-10",
    title="A daemon takes -C, whose rules are the client's",
    transports=("daemon",),
    optional=("-C", "--cvs-exclude"),
)
def cvs_rules(t: Trial) -> None:
    t.build([file("d/a.o", b"o"), file("d/a.c", b"c"), file("d/mine", b"m"), file("d/.cvsignore", b"mine\n")])
    t.sync("-rC")
    t.equal("what came", [b".", b"d", b"d/.cvsignore", b"d/a.c"], list(t.snapshot()))


@case(
    "LINE-003",
    clause="HOST-2",
    title="-R below a module: names begin behind the module's name",
    transports=("daemon",),
    directions=("pull",),
    optional=("-R", "--relative"),
)
def relative_in_a_module(t: Trial) -> None:
    t.build([file("d/f", b"x"), file("other", b"o")])
    t.sync("-aR", sources=["src/d"])
    t.equal("what came", [b".", b"src", b"src/d", b"src/d/f"], list(t.snapshot()))


@case(
    "LINE-004",
    clause="BATCH-8",
    title="A daemon takes what a client says that writes a batch alone",
    transports=("daemon",),
    directions=("push",),
    protocols=(30, 31, 32),
    optional=("--only-write-batch",),
)
def batch_from_a_module(t: Trial) -> None:
    t.build([file("f", b"new")])
    t.build([file("f", b"the old one")], "dst")
    batch = os.fsdecode(t.path("batch"))
    t.sync("-a", f"--only-write-batch={batch}")
    t.equal("the destination's file", b"the old one", t.read("dst/f"))
    t.check("the batch", len(t.read("batch")) > 20, expected="more than its head", got="less")


@case(
    "LINE-005",
    clause="DEL-3",
    title="Of --delete-during and --delete-delay the last counts",
    optional=("--delete-during", "--delete-delay"),
)
def two_kinds_of_deletion(t: Trial) -> None:
    t.build([file("f", b"x")])
    t.build([file("extra", b"x")], "dst")
    t.sync("-a", "--delete-delay", "--delete-during")
    t.same_tree()


@case(
    "LINE-006",
    clause="END-7",
    title="Who ends a run says why, and the other side adds nothing",
    protocols=(31, 32),
)
def one_summary(t: Trial) -> None:
    t.build([file("f", b"x")])
    run = t.sync("-a", sources=["src/f"], dest="not/there/", expect=11)
    lines = run.stderr.decode("utf-8", "backslashreplace").splitlines()
    t.equal("lines with a code", 1, len([line for line in lines if "(code " in line]))
    t.matches(
        "standard error",
        r"^rsync: \[Receiver\] mkdir .* failed: No such file or directory \(2\)$",
        run.stderr,
    )
    t.matches("standard error", r"^rsync error: error in file IO \(code 11\) .*\[Receiver=", run.stderr)


@case(
    "LINE-007",
    clause="OUT-7",
    title="-8 escapes a backslash that looks like an escape, too",
    breadth=Breadth.NARROW,
    optional=("-8", "--8-bit-output", "--out-format"),
)
def looks_escaped(t: Trial) -> None:
    t.build([file(b"a\\#123", b"x"), file(b"b\xff", b"y")])
    run = t.sync("-a8", "--out-format=%n")
    lines = run.stdout.splitlines()
    t.check("the lines", rb"a\#134#123" in lines, expected=r"a\#134#123", got=repr(lines))
    t.check("the lines", b"b\xff" in lines, expected=r"b\xff", got=repr(lines))


@case(
    "LINE-008",
    clause="OPT-5",
    title="A size that is too large: exit 1 and the limit",
    judged=Judged.CLIENT,
    differential=False,
    protocols=(32,),
)
def too_large(t: Trial) -> None:
    run = t.sandbox.run(
        [t.executable(t.cell.client), b"-r", b"--block-size=200k", b"a", b"b"], timeout=t.case.timeout
    )
    t.ended(run, 1)
    t.matches("standard error", r"--block-size=200k is too large \(max: 128\.00K\)", run.stderr)


@case(
    "LINE-009",
    clause="FAKE-1",
    title="--fake-super counts at both ends of a local copy",
    transports=("local",),
    optional=("--fake-super",),
    needs_root=True,
)
def fake_local(t: Trial) -> None:
    t.build([folder("sticky", mode=0o1777)])
    t.sync("-a", "--fake-super")
    said = os.getxattr(os.path.join(t.path("dst"), b"sticky"), "user.rsync.%stat")
    t.matches("what the directory is said to be", r"^41777 0,0 0:0$", said)


@case(
    "LINE-010",
    clause="XFER-20",
    title="-H --remove-source-files: each name of a file that has come is removed",
    optional=("-H", "--hard-links", "--remove-source-files"),
)
def each_name_goes(t: Trial) -> None:
    """The destination has both names already, as two files that are alike."""
    t.build([file("one", b"x"), hardlink("two", "one"), file("three", b"y"), hardlink("d/four", "three")])
    t.build([file("one", b"x"), file("two", b"x")], "dst")
    t.sync("-aH", "--remove-source-files")
    t.equal("what is left of the source", [b".", b"d"], list(t.snapshot("src")))
    t.equal("one file", t.snapshot()[b"two"].group, t.snapshot()[b"one"].group)


@case(
    "LINE-011",
    clause="OPT-11",
    title="-s with --backup-dir: directories get their times all the same",
    transports=("pipe", "daemon"),
    protocols=(30, 31, 32),
    optional=("-s", "--secluded-args", "--protect-args"),
)
def secluded_backup(t: Trial) -> None:
    """Only backups beside the files keep a receiver from setting the times of directories."""
    t.build([file("d/f", b"new"), folder("empty")])
    t.build([file("d/f", b"the old one")], "dst")
    t.sync("-as", "--backup-dir=kept", "--exclude=kept")
    t.equal("the backup", b"the old one", t.read("dst/kept/d/f"))
    for name in (b"d", b"empty"):
        t.equal(
            f"time of {name.decode()}",
            t.snapshot("src")[name].mtime // 10**9,
            t.snapshot()[name].mtime // 10**9,
        )


@case(
    "LINE-012",
    clause="SUM-9",
    title="--checksum with the checksum none is refused",
    protocols=(30, 31, 32),
    breadth=Breadth.NARROW,
    optional=("-c", "--checksum", "--cc", "--checksum-choice"),
)
def compared_by_none(t: Trial) -> None:
    """The sender says so; a client that only hears that its sender has gone may end with 10 or 12."""
    t.build([file("f", b"new")])
    t.build([file("f", b"old")], "dst")
    run = t.sync("-rc", "--checksum-choice=md5,none", expect=(4, 10, 12))
    if not t.remote_is_source:
        t.ended(run, 4)
        t.matches("what is said", r"Invalid checksum-choice for --checksum: none", run.stderr)
    t.equal("the file", b"old", t.read("dst/f"))
