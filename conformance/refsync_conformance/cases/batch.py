"""BATCH: what one run writes down, another replays, perhaps another program's."""

from __future__ import annotations

from refsync_conformance.fixtures import MIXED
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.sandbox import Finished
from refsync_conformance.trees import Noise, file, symlink
from refsync_conformance.trial import Trial

#: What a peer may lack.
BATCHES = ("--write-batch", "--only-write-batch", "--read-batch")


def replay(t: Trial, *options: bytes, dest: str = "other/", expect: int = 0) -> Finished:
    """The other program reads what the client has written."""
    argv = [t.executable(t.cell.server), *options, b"--read-batch=" + t.path("batch"), t.path(dest)]
    run = t.sandbox.run(argv, timeout=t.case.timeout)
    t.ended(run, expect)
    return run


@case("BATCH-001", clause="BATCH-1", title="A batch replayed by the other program", optional=BATCHES)
def replayed(t: Trial) -> None:
    t.build(MIXED)
    t.build([file("README", b"old"), file("extra", b"x")], "dst")
    t.clone("dst", "other")
    t.sync("-a", "--delete", b"--write-batch=" + t.path("batch"))
    t.same_tree()
    t.items(replay(t, b"-ai", b"--delete"), "the replay's lines")
    t.same_tree("src", "other")


@case("BATCH-002", clause="BATCH-5", title="--only-write-batch changes nothing", optional=BATCHES)
def only(t: Trial) -> None:
    t.build([file("big", Noise(3, 200_000)), file("d/f", b"f")])
    t.build([file("big", Noise(3, 150_000), mtime_ns=10**18)], "dst")
    before = t.snapshot()
    t.items(t.sync("-ai", "--no-whole-file", b"--only-write-batch=" + t.path("batch")))
    t.untouched(before)
    t.check(
        "size of the batch",
        len(t.read("batch")) < 100_000,
        expected="a delta's",
        got=str(len(t.read("batch"))),
    )
    replay(t, b"-a", dest="dst/")
    t.same_tree()


@case(
    "BATCH-003",
    clause="BATCH-7",
    title="The script replays with the rules",
    optional=BATCHES,
    protocols=(29, 30, 31, 32),
)
def scripted(t: Trial) -> None:
    t.build([file("a b", b"1"), file("c.o", b"2")])
    t.build([file("keep.o", b"k"), file("gone", b"g")], "dst")
    t.clone("dst", "other")
    t.sync("-a", "--delete", "--exclude=*.o", b"--write-batch=" + t.path("batch"))
    # A peer with libraries of its own is started by a wrapper, which it does not know of.
    script = t.read("batch.sh")
    t.write("batch.sh", t.executable(t.cell.server) + script[script.index(b" --filter=") :])
    run = t.sandbox.run([b"/bin/sh", t.path("batch.sh"), t.path("other/")], timeout=t.case.timeout)
    t.ended(run, 0)
    t.equal("names", [b".", b"a b", b"keep.o"], list(t.snapshot("other")))


@case(
    "BATCH-004",
    clause="BATCH-3",
    also=("BATCH-2",),
    title="Options follow the batch's flags",
    optional=BATCHES,
    needs_root=True,  # an ordinary user's upstream 3.4.1 crashes at a batch's owners without -o
)
def flags(t: Trial) -> None:
    t.build(MIXED)
    t.sync("-a", b"--write-batch=" + t.path("batch"))
    run = replay(t, b"-rtpv")
    t.matches("standard output", r"Setting the --links \(-l\) option to match the batchfile", run.stdout)
    t.same_tree("src", "other")


@case("BATCH-005", clause="BATCH-4", title="What is not wanted, what is missing", optional=BATCHES)
def unwanted(t: Trial) -> None:
    """Without incremental recursion, where upstream 3.4.1 waits for ever for what is missing."""
    t.build([file("a", b"1"), file("b", b"2")])
    t.sync("-a", "--no-inc-recursive", b"--write-batch=" + t.path("batch"))
    t.clone("dst", "other")
    run = replay(t, b"-a")
    t.observe_lines("a replay of what is there", run)
    t.matches("standard output", r'\(Skipping batched update for "a"\)', run.stdout)
    t.write("other/b", b"9", mtime_ns=10**18)
    t.sync("-a", "--no-inc-recursive", b"--write-batch=" + t.path("batch"))
    run = replay(t, b"-a", expect=23)
    t.matches("standard error", r'\(No batched update for "b"\)', run.stderr)


@case(
    "BATCH-006",
    clause="BATCH-8",
    title="Reading and writing at once: exit 1",
    optional=BATCHES,
    transports=("local",),
    breadth=Breadth.NARROW,
)
def both(t: Trial) -> None:
    t.client("-a", "--write-batch=a", "--read-batch=b", places=[t.path("dst")], expect=1)


@case("BATCH-007", clause="BATCH-6", title="Nothing is negotiated, compressed or not", optional=BATCHES)
def plain(t: Trial) -> None:
    t.build([file("text", b"the same line\n" * 9000)])
    t.sync("-az", b"--write-batch=" + t.path("batch"))
    replay(t, b"-az")
    t.same_tree("src", "other")


@case(
    "BATCH-008",
    clause="BATCH-2",
    title="Each option has a bit of its own",
    optional=BATCHES,
    protocols=(29, 30, 31, 32),
    breadth=Breadth.NARROW,
    needs_root=True,  # an ordinary user's upstream 3.4.1 crashes at a batch's owners without -o
)
def bits(t: Trial) -> None:
    """The first word of a batch, one option at a time; what it tells is enough for a replay."""
    t.build([file("f", b"f"), symlink("link", "f")])
    for option, bit in (("-o", 1), ("-g", 2), ("-l", 3), ("--devices", 4), ("-H", 5), ("-c", 6)):
        t.sync("-r", option, b"--write-batch=" + t.path("batch"), dest=f"dst{bit}/", expect=0)
        flags = int.from_bytes(t.read("batch")[:4], "little")
        t.equal(f"the flags for -r {option}", bin(1 | 1 << bit), bin(flags & 0x7F))
        replay(t, b"-r", dest=f"other{bit}/")
        t.equal(
            f"names that {option} brings", sorted(t.snapshot(f"dst{bit}")), sorted(t.snapshot(f"other{bit}"))
        )


@case(
    "BATCH-009",
    clause="XFER-20",
    title="With --only-write-batch no source is removed",
    optional=(*BATCHES, "remove-source-files"),
    directions=("push",),
)
def sources_stay(t: Trial) -> None:
    """The batch is all there is of what was sent: nothing has arrived anywhere yet.

    Not as pull: upstream's client tells its server that all has arrived, which removes it.
    """
    t.build([file("a", b"a"), file("d/b", b"b"), symlink("link", "a")])
    before = t.snapshot("src")
    t.sync("-a", "--remove-source-files", b"--only-write-batch=" + t.path("batch"))
    t.untouched(before, "src")
