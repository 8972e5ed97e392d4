"""FILT: which names take part."""

from __future__ import annotations

from refsync_conformance.model import PROTOCOLS, Breadth, Case
from refsync_conformance.registry import case
from refsync_conformance.trees import Tree, file, folder
from refsync_conformance.trial import Trial

TREE: Tree = (
    file("a.c", b"1"), file("a.o", b"2"), file("b.h", b"3"), file("core", b"4"), file("dir/a.c", b"5"),
    file("dir/a.o", b"6"), file("dir/core/x", b"7"), file("dir/sub/b.c", b"8"), file("dir/sub/deep/c.c",
    b"9"), file("tmp/t1", b"10"), file("dir/tmp", b"11"), file("[x]", b"12"), file("x", b"13"),
    file("star*", b"14"), file("back\\slash", b"15"), file("foo/bar/baz", b"16"), file("z.c~", b"17"),
    folder("void"), file("ab", b"18"), file("abc", b"19"), file("aXc", b"20"), file(b"raw\xff.c", b"21"),
)  # fmt: skip


def rules(
    number: int,
    title: str,
    clause: str,
    *options: str | bytes,
    breadth: Breadth = Breadth.NARROW,
    optional: tuple[str, ...] = (),
    names: set[bytes] | None = None,
    protocols: tuple[int, ...] = PROTOCOLS,
) -> Case:
    """A case whose names that arrive are held to the control's, and to ``names`` where they are few enough
    to say.
    """

    def run(t: Trial) -> None:
        t.build(TREE)
        t.sync("-a", *options)
        found = t.snapshot()
        if names is not None:
            t.equal(
                "files that arrived",
                sorted(names),
                [name for name, facts in found.items() if facts.kind == "file"],
            )

    shown = " ".join(option if isinstance(option, str) else repr(option) for option in options)
    run.__doc__ = f"{title}: {shown}"
    axes = case(
        f"FILT-{number:03}",
        clause=clause,
        title=title,
        breadth=breadth,
        optional=optional,
        protocols=protocols,
    )
    return axes(run)


RULES = [
    rules(1, "A name excluded everywhere", "FILT-5", "--exclude=core", breadth=Breadth.NORMAL),
    rules(
        2,
        "The first rule that matches counts",
        "FILT-3",
        "--include=dir/sub/b.c",
        "--exclude=*.c",
        "--include=a.c",
        breadth=Breadth.NORMAL,
    ),
    rules(3, "An anchored rule", "FILT-6", "--exclude=/tmp", breadth=Breadth.NORMAL),
    rules(4, "A rule for directories only", "FILT-7", "--exclude=tmp/"),
    rules(5, "Stars and question marks stop at slashes", "FILT-8", "--exclude=/d*/c?re", "--exclude=a?c"),
    rules(6, "Two stars don't", "FILT-8", "--exclude=dir/**.c", "--exclude=**/baz"),
    rules(
        7,
        "Classes, ranges and their opposites",
        "FILT-8",
        "--exclude=a[b-d]",
        "--exclude=[!abdf]*.c~",
        "--exclude=a[[:upper:]]c",
    ),
    rules(
        8,
        "Backslashes take the magic away",
        "FILT-8",
        "--exclude=star\\*",
        "--exclude=\\[x]",
        "--exclude=back\\\\slash",
    ),
    rules(
        9,
        "Only some files, through all directories",
        "FILT-3",
        "--include=*/",
        "--include=*.c",
        "--exclude=*",
        names={b"a.c", b"dir/a.c", b"dir/sub/b.c", b"dir/sub/deep/c.c", b"raw\xff.c"},
        breadth=Breadth.NORMAL,
    ),
    rules(
        10,
        "Three stars: a directory and all in it",
        "FILT-9",
        "--include=/dir/***",
        "--exclude=*",
        names={b"dir/a.c", b"dir/a.o", b"dir/core/x", b"dir/sub/b.c", b"dir/sub/deep/c.c", b"dir/tmp"},
    ),
    rules(
        11,
        "A parent that is excluded hides what is included below",
        "FILT-6",
        "--include=/dir/sub/b.c",
        "--exclude=/dir",
        "--exclude=a.o",
    ),
    rules(12, "A pattern that is no UTF-8", "FILT-5", b"--exclude=raw\xff*"),
    rules(13, "An unclosed class", "FILT-8", "--exclude=[x", "--exclude=*[", "--exclude=[]", "--exclude=[!]"),
    rules(14, "A backslash at the end, and doubled", "FILT-8", "--exclude=x\\", "--exclude=back\\\\\\slash"),
    rules(
        15,
        "Rules in the long form",
        "FILT-4",
        "--filter=- *.o",
        "--filter=+ core",
        "--filter=- dir/core/",
        "-f",
        "exclude b.h",
        optional=("--filter", "-f"),
    ),
    rules(
        16,
        "The list is cleared",
        "FILT-4",
        "--exclude=*.c",
        "--filter=!",
        "--exclude=*.o",
        optional=("--filter",),
    ),
    rules(
        17,
        "Anchored with a slash modifier, and negated",
        "FILT-4",
        "--filter=-! */",
        "--filter=- void",
        optional=("--filter",),
        protocols=(29, 30, 31, 32),  # an older peer has no form for the negation
    ),
    rules(
        18,
        "Hide and protect",
        "FILT-10",
        "--filter=H *.o",
        "--filter=P a.c",
        "--delete",
        optional=("--filter",),
    ),
    rules(
        19,
        "A slash in the middle matches the end of the path",
        "FILT-6",
        "--exclude=sub/deep",
        "--exclude=bar/baz",
    ),
    rules(
        20,
        "Rules with a minus or plus of their own",
        "FILT-5",
        "--exclude=- core",
        "--exclude=+ x",
        "--include=- a.c",
    ),
    rules(21, "The usual of -C", "FILT-4", "-C", optional=("-C", "--cvs-exclude")),
]


@case(
    "FILT-030",
    clause="FILT-8",
    title="Patterns made to take for ever don't",
    breadth=Breadth.NARROW,
    timeout=30.0,
)
def hostile(t: Trial) -> None:
    """Many stars against a long name of one letter: a matcher that tries every split never ends.

    Upstream's own matcher needs exponential time for the worst of these, so the count of stars is one that
    it can do.
    """
    t.build([file("a" * 60, b"1"), file("a" * 40 + "/" + "a" * 40, b"2"), file("b", b"3")])
    t.sync(
        "-a",
        "--exclude=" + "*a" * 4 + "*b",
        "--exclude=" + "a*" * 5 + "c",
        "--exclude=**/**/**c",
        "--exclude=?*?*?*?*z",
    )
    t.same_tree()


@case(
    "FILT-031",
    clause="FILT-5",
    title="Rules from files",
    breadth=Breadth.NARROW,
    also=("FILT-15",),
    optional=("--exclude-from", "--include-from"),
)
def from_files(t: Trial) -> None:
    """Comments and empty lines count for nothing; a leading + or - makes a rule of the other kind."""
    t.build(TREE)
    t.write("excludes", b"# comment\n\n; also\n*.o\n+ core\n- /tmp\r\nab\n")
    t.write("includes", b"a.c\n")
    t.sync(
        "-a",
        b"--include-from=" + t.path("includes"),
        b"--exclude-from=" + t.path("excludes"),
        "--exclude=*.c",
    )


@case(
    "FILT-032",
    clause="FILT-14",
    title="Rules in the directories they are for",
    protocols=(29, 30, 31, 32),
    breadth=Breadth.NORMAL,
    optional=("--filter",),
)
def merged(t: Trial) -> None:
    t.build(
        [
            *TREE,
            file("dir/.rules", b"- *.c\n- /sub/deep\n+ core\n"),
            file(".rules", b"- b.h\n- core\n"),
            file("foo/.rules", b"!\n"),
        ]
    )
    t.sync("-a", "--filter=: .rules")


@case(
    "FILT-033",
    clause="FILT-14",
    title="-F reads .rsync-filter, -FF also hides it",
    protocols=(29, 30, 31, 32),
    breadth=Breadth.NARROW,
    optional=("-F",),
)
def rsync_filter(t: Trial) -> None:
    t.build([*TREE, file("dir/.rsync-filter", b"- *.c\n")])
    t.sync("-aF")
    t.sync("-aFF", dest="dst/two/")


@case(
    "FILT-034",
    clause="FILT-14",
    title="A deleting run reads the rules of both sides",
    protocols=(29, 30, 31, 32),
    breadth=Breadth.NORMAL,
    optional=("--filter",),
)
def delete_merged(t: Trial) -> None:
    t.build([file("d/.rules", b"- *.keep\n"), file("d/f", b"1")])
    t.build([file("d/.rules", b"- *.keep\n"), file("d/x.keep", b"k"), file("d/x.gone", b"g")], "dst")
    t.sync("-a", "--filter=: .rules", "--delete")
    t.equal("a file that the rules protect", True, t.exists("dst/d/x.keep"))
    t.equal("one that they don't", False, t.exists("dst/d/x.gone"))


@case(
    "FILT-035",
    clause="DAEMON-8",
    title="A daemon's exclude holds for the module",
    transports=("daemon",),
    directions=("pull",),
)
def module_exclude(t: Trial) -> None:
    t.build(TREE)
    t.use_daemon(module="exclude = *.o /src/tmp\n")
    t.sync("-a", expect=0)
    names = set(t.snapshot())
    t.equal("excluded names that arrived", set(), names & {b"a.o", b"dir/a.o", b"tmp", b"tmp/t1"})
    t.check("others", b"a.c" in names, expected="they arrive", got=str(sorted(names)))


@case("FILT-036", clause="FILT-8", title="Stars and question marks in whole paths", breadth=Breadth.NARROW)
def whole_paths(t: Trial) -> None:
    """Where the pattern has a slash it is held against a path, and there a star goes no further than one."""
    t.build([file("dir/x.re"), file("dir-x.re"), file("one/y"), file("oneZy"), file("e/f/g"), file("e/g")])
    t.sync("-a", "--exclude=/d*.re", "--exclude=/one?y", "--exclude=/e*g", "--exclude=/e/*g")
    t.equal(
        "files that arrived",
        [b"dir/x.re", b"e/f/g", b"one/y"],
        [name for name, facts in t.snapshot().items() if facts.kind == "file"],
    )


@case(
    "FILT-037",
    clause="FILT-10",
    title="A rule for one side leaves the other as it is",
    protocols=(29, 30, 31, 32),
    optional=("--filter",),
)
def one_side(t: Trial) -> None:
    """What is hidden is not sent and so goes; what is protected stays and is sent all the same."""
    t.build([file("a.hide", b"new"), file("a.keep", b"new"), file("a.both", b"new"), file("plain", b"p")])
    t.build(
        [file("b.hide", b"old"), file("b.keep", b"old"), file("b.both", b"old"), file("b", b"old")], "dst"
    )
    t.sync("-a", "--delete", "--filter=H *.hide", "--filter=P *.keep", "--filter=- *.both")
    t.equal("what is there", [b".", b"a.keep", b"b.both", b"b.keep", b"plain"], sorted(t.snapshot()))


@case(
    "FILT-038",
    clause="FILT-11",
    title="Rules that old protocols have no words for",
    protocols=(27, 28),
    transports=("pipe",),
    optional=("--filter",),
)
def too_modern(t: Trial) -> None:
    """Neither a rule of a directory's file nor one that is negated: exit 2. A side is just not said."""
    t.build([file("f", b"x")])
    for rule in (": .rules", "-! */", "-/ tmp"):
        run = t.sync("-a", "--delete", f"--filter={rule}", expect=2)
        t.matches("standard error", r"filter rules are too modern for remote", run.stderr)
    t.sync("-a", "--delete", "--filter=H *.o", "--filter=P *.o")
    t.same_tree()


@case(
    "FILT-039",
    clause="DEL-7",
    title="Perishable rules don't hold a directory that goes",
    protocols=(30, 31, 32),
    optional=("--filter",),
)
def perishable(t: Trial) -> None:
    """Where the directory stays such a rule protects as any other does."""
    t.build([file("stays/f", b"x")])
    t.build([file("stays/f", b"x"), file("stays/a.tmp", b"t"), file("goes/a.tmp", b"t")], "dst")
    t.sync("-a", "--delete", "--filter=-p *.tmp")
    t.equal("what is there", [b".", b"stays", b"stays/a.tmp", b"stays/f"], sorted(t.snapshot()))


@case(
    "FILT-040",
    clause="DAEMON-8",
    title="A daemon's exclude holds for what comes too",
    transports=("daemon",),
    directions=("push",),
)
def module_refuses(t: Trial) -> None:
    """Neither made nor changed, not even in their attributes: exit 23."""
    t.build([file("a.o", b"new"), file("b.o", b"same", mode=0o600), file("c", b"c")])
    t.build([file("a.o", b"old"), file("b.o", b"same", mode=0o644)], "dst")
    before = t.snapshot()
    t.use_daemon(module="exclude = *.o\n")
    t.sync("-a", expect=23)
    after = t.snapshot()
    t.equal("names", [b".", b"a.o", b"b.o", b"c"], sorted(after))
    for name in (b"a.o", b"b.o"):
        t.equal(f"what is known of {name.decode()}", before[name], after[name])
