"""DEL: what isn't at the source goes from the destination, and nothing else."""

from __future__ import annotations

from refsync_conformance.model import Breadth, Case
from refsync_conformance.registry import case
from refsync_conformance.trees import fifo, file, folder, symlink
from refsync_conformance.trial import Trial

SOURCE = (file("keep", b"k"), file("sub/keep", b"k"), file("new", b"n"), folder("empty"))
EXTRA = (
    file("keep", b"k"),
    file("gone", b"g"),
    file("sub/keep", b"k"),
    file("sub/gone", b"g"),
    file("old/deep/er", b"o"),
    folder("old/none"),
    symlink("old/link", "../gone"),
    file("empty/not", b"e"),
)


def form(number: int, option: str, clause: str, optional: tuple[str, ...] = ()) -> Case:
    def run(t: Trial) -> None:
        t.build(SOURCE)
        t.build(EXTRA, "dst")
        t.items(t.sync("-ai", option))
        t.same_tree()

    run.__doc__ = f"Files, full directories and links that only the destination has go, with {option}."
    title = f"Deletion with {option}"
    return case(f"DEL-{number:03}", clause=clause, title=title, optional=optional)(run)


FORMS = [
    form(1, "--delete", "DEL-2"),
    form(2, "--delete-before", "DEL-2"),
    form(3, "--delete-during", "DEL-2"),
    form(4, "--delete-delay", "DEL-3"),
    form(5, "--delete-after", "DEL-2"),
    form(6, "--del", "DEL-2"),
]


@case("DEL-010", clause="DEL-1", title="Without a delete option nothing is deleted")
def none(t: Trial) -> None:
    t.build(SOURCE)
    t.build(EXTRA, "dst")
    t.sync("-a")
    names = set(t.snapshot())
    t.check(
        "extra files",
        b"gone" in names and b"old/deep/er" in names,
        expected="still there",
        got=str(sorted(names)),
    )


@case("DEL-011", clause="DEL-7", title="What is excluded is not deleted")
def protected(t: Trial) -> None:
    t.build(SOURCE)
    t.build([*EXTRA, file("safe.log", b"s"), file("old/safe.log", b"s")], "dst")
    t.sync("-a", "--delete", "--exclude=*.log", expect={0, 23})
    t.equal("an excluded file", True, t.exists("dst/safe.log"))
    t.equal("an excluded file in a directory that should go", True, t.exists("dst/old/safe.log"))
    t.equal("its neighbour", False, t.exists("dst/old/deep"))


@case(
    "DEL-012",
    clause="FILT-13",
    also=("FILT-12",),
    title="--delete-excluded deletes what is excluded",
    optional=("--delete-excluded",),
)
def excluded_too(t: Trial) -> None:
    t.build([*SOURCE, file("here.log", b"not sent")])
    t.build([*EXTRA, file("safe.log", b"s"), file("here.log", b"goes")], "dst")
    t.sync("-a", "--delete-excluded", "--exclude=*.log")
    t.same_tree(without=lambda name: name.endswith(b".log"))


@case("DEL-013", clause="DEL-6", title="--max-delete stops deleting: exit 25", optional=("--max-delete",))
def limited(t: Trial) -> None:
    """A daemon's client can't know: the code of the daemon's process is lost with it, so there 0 will do."""
    t.build([file("keep", b"k")])
    t.build([file("keep", b"k"), *(file(f"x{n}", b"x") for n in range(5))], "dst")
    t.sync("-a", "--delete", "--max-delete=2", expect={0, 25} if t.far_receiver_is_daemon else 25)
    t.equal("names left", 1 + 1 + 3, len(t.snapshot()))


@case("DEL-014", clause="DEL-1", title="A link to a directory is deleted, not what it names")
def through_links(t: Trial) -> None:
    t.build([file("keep", b"k")])
    t.build([file("precious", b"p")], "elsewhere")
    t.build([file("keep", b"k"), symlink("link", "../elsewhere")], "dst")
    t.sync("-a", "--delete")
    t.same_tree()
    t.equal("the file behind the link", b"p", t.read("elsewhere/precious"))


@case(
    "DEL-015",
    clause="DEL-1",
    also=("FLIST-14",),
    title="--delete with --dirs clears the top level only",
    optional=("--dirs", "-d"),
)
def top_level(t: Trial) -> None:
    t.build([file("a", b"a"), file("d/in", b"i")])
    t.build([file("gone", b"g"), file("d/stays", b"s"), file("e/goes", b"e")], "dst")
    t.sync("-dt", "--delete")
    t.equal("an extra file", False, t.exists("dst/gone"))


@case("DEL-016", clause="DEL-1", title="Deleted directories are empty of dot files too")
def hidden(t: Trial) -> None:
    t.build([file("keep", b"k")])
    t.build([file(".hidden/.more/.file", b"h"), file(".dot", b"d"), folder("...")], "dst")
    t.sync("-a", "--delete")
    t.same_tree()


@case("DEL-017", clause="DEL-1", title="A read-only directory's files are deleted")
def read_only(t: Trial) -> None:
    """The directory is the user's own, so the missing write permission is no obstacle."""
    t.build([file("d/keep", b"k")])
    t.build(
        [file("d/keep", b"k"), file("d/gone", b"g"), file("locked/a", b"a"), folder("locked", mode=0o555)],
        "dst",
    )
    t.sync("-a", "--delete")
    t.same_tree()


@case("DEL-018", clause="FLIST-15", title="A missing source argument blocks deletion")
def io_error(t: Trial) -> None:
    """Something at the source could not be read: deleting would trust a list with holes."""
    t.build(SOURCE)
    t.build(EXTRA, "dst")
    t.sync("-a", "--delete", sources=["src/", "absent/"], expect=23)
    t.equal("an extra file", True, t.exists("dst/gone"))
    t.equal("a new file", True, t.exists("dst/new"))


@case(
    "DEL-019", clause="FLIST-15", title="--ignore-errors deletes all the same", optional=("--ignore-errors",)
)
def despite_errors(t: Trial) -> None:
    t.build(SOURCE)
    t.build(EXTRA, "dst")
    t.sync("-a", "--delete", "--ignore-errors", sources=["src/", "absent/"], expect=23)
    t.equal("an extra file", False, t.exists("dst/gone"))


@case("DEL-020", clause="DEL-5", title="Many deletions in many directories")
def many(t: Trial) -> None:
    t.build([file(f"d{n:02}/keep", b"k") for n in range(40)])
    t.build([file(f"d{n:02}/{name}", b"k") for n in range(60) for name in ("keep", "gone", "x/y/z")], "dst")
    t.items(t.sync("-ai", "--delete"))
    t.same_tree()


@case("DEL-021", clause="DEL-3", title="What is put off goes when all files have come")
def put_off(t: Trial) -> None:
    """The lines about deletions come behind those about files; only --delete-before has them before."""
    for number, (option, first) in enumerate(
        (("--delete-delay", False), ("--delete-after", False), ("--delete-before", True))
    ):
        t.build([file(f"d{n}/new", b"n") for n in range(3)], f"src{number}")
        t.build([file(f"d{n}/gone", b"g") for n in range(3)], f"dst{number}")
        run = t.sync("-ai", option, sources=[f"src{number}/"], dest=f"dst{number}/")
        kinds = [line[:1] for line in run.stdout.splitlines() if line[:1] in (b"*", b">", b"<")]
        wanted = [b"*"] * 3 + [b"f"] * 3 if first else [b"f"] * 3 + [b"*"] * 3
        t.equal(f"the order with {option}", wanted, [b"*" if kind == b"*" else b"f" for kind in kinds])
        t.same_tree(f"src{number}", f"dst{number}")


@case(
    "DEL-022",
    clause="DEL-6",
    also=("OUT-8",),
    title="Deletions are counted by kind",
    protocols=(31, 32),
    transports=("local", "pipe"),
)
def counted(t: Trial) -> None:
    """Files, directories, links and special files are told apart, whichever side deletes.

    Not with a daemon: upstream's tells its client of none, since it bounds what it says.
    """
    t.build([file("keep", b"k")])
    t.build(
        [
            file("keep", b"k"),
            *(file(f"f{n}", b"f") for n in range(5)),
            *(folder(f"d{n}") for n in range(4)),
            *(symlink(f"l{n}", "keep") for n in range(3)),
            *(fifo(f"p{n}") for n in range(2)),
        ],
        "dst",
    )
    run = t.sync("-a", "--delete", "--stats")
    t.matches(
        "standard output",
        r"^Number of deleted files: 14 \(reg: 5, dir: 4, link: 3, special: 2\)$",
        run.stdout,
    )
    t.same_tree()


@case("DRY-001", clause="XFER-11", title="A dry run changes nothing", protocols=(30, 31, 32))
def dry(t: Trial) -> None:
    """Not even directories or times; what it prints is what the real run prints."""
    t.build([*SOURCE, file("sub/changed", b"longer than before")])
    t.build([*EXTRA, file("sub/changed", b"before")], "dst")
    before = t.snapshot()
    said = t.items(t.sync("-ain", "--delete"), "items of the dry run")
    t.untouched(before)
    really = t.items(t.sync("-ai", "--delete"), "items of the real run")
    t.equal("dry and real run, line by line", sorted(really), sorted(said))
    t.same_tree()


@case("DRY-002", clause="XFER-11", title="A dry run to a destination that isn't there makes nothing")
def dry_fresh(t: Trial) -> None:
    t.build(SOURCE)
    t.items(t.sync("-ain"))
    t.equal("the destination", False, t.exists("dst"))


@case(
    "DRY-003",
    clause="XFER-11",
    title="A dry run with -c and --inplace changes nothing",
    breadth=Breadth.NARROW,
)
def dry_checksum(t: Trial) -> None:
    t.build([file("same", b"1234"), file("differs", b"1234")])
    t.build([file("same", b"1234"), file("differs", b"abcd")], "dst")
    before = t.snapshot()
    t.items(t.sync("-acin", "--inplace"))
    t.untouched(before)
