"""NAME: any bytes that a file system takes for a name."""

from __future__ import annotations

from refsync_conformance.registry import case
from refsync_conformance.trees import file, folder, symlink
from refsync_conformance.trial import Trial


@case("NAME-001", clause="FLIST-5", title="Unicode names, composed and not, stay as they are")
def unicode_names(t: Trial) -> None:
    t.build(
        [
            file("gr\u00fc\u00dfe", b"1"),
            file("gru\u0308\u00dfe", b"2"),
            file("\u65e5\u672c\u8a9e/\u6587\u66f8", b"3"),
            file("\U0001f4be", b"4"),
            symlink("\u03bb", "gr\u00fc\u00dfe"),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case("NAME-002", clause="FLIST-5", title="Names that are no UTF-8 stay as they are")
def raw_names(t: Trial) -> None:
    t.build(
        [
            file(b"\xff\xfe", b"1"),
            file(b"dir\x80/\xc3(", b"2"),
            symlink(b"l\xa0", b"\xff\xfe"),
            file(b"\x01\x7f", b"3"),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case("NAME-003", clause="FLIST-5", title="Newlines, dashes, quotes, blanks and wildcards in names")
def odd_names(t: Trial) -> None:
    names = [
        "new\nline",
        "-rf",
        "--delete",
        " lead",
        "trail ",
        "a'b",
        'a"b',
        "$HOME",
        "`id`",
        "*",
        "?",
        "[a]",
        "a\\b",
    ]
    names += ["tab\there", "semi;colon", "~", "#hash#", "...", ".hidden", "a:b", "!", "@x", "%n", "\\#012"]
    t.build([file(name, name.encode()) for name in names] + [file("- d/" + name, b"x") for name in names[:6]])
    t.sync("-a")
    t.same_tree()


@case("NAME-004", clause="FLIST-5", title="Names of 255 bytes and paths of over 3,000")
def long_names(t: Trial) -> None:
    step = "d" * 240
    t.build(
        [
            file("n" * 255, b"1"),
            file("n" * 254, b"2"),
            file("é" * 127, b"3"),
            file("/".join([step] * 13) + "/" + "f" * 255, b"4"),
        ]
    )
    t.sync("-a")
    t.same_tree()


@case("NAME-005", clause="FLIST-5", title="Long shared beginnings, also over 255 bytes")
def prefixes(t: Trial) -> None:
    """The file list sends how many bytes a name shares with the one before, in one byte: at most 255."""
    deep = "/".join(["shared-part" * 10] * 3)
    t.build(
        [file(f"{deep}/{'x' * 100}{n}", b"%d" % n) for n in range(20)]
        + [file(f"{deep}z", b"z"), file(deep[:255] + "q", b"q")]
    )
    t.sync("-a")
    t.same_tree()


@case("NAME-006", clause="FLIST-18", title="Names whose order depends on what is a directory")
def sorting(t: Trial) -> None:
    """Both ends sort the list by themselves: a different order makes them talk of different files."""
    t.build(
        [
            file("a", b"1"), file("a.b", b"2"), file("a-b", b"3"), file("ab/x", b"4"), file("ab.c", b"5"),
            file("ab-c/x", b"6"), file("ab/0", b"7"), file("foo", b"8"), file("foo.d/x", b"9"),
            file("foo!/x", b"10"), file("foo0", b"11"), folder("foo-"), file("A", b"12"), file("_", b"13"),
            file(b"\x80", b"14"), file(b"z\xff/q", b"15"), folder("0"),
        ]
    )  # fmt: skip
    t.sync("-a")
    t.same_tree()


@case(
    "NAME-007", clause="OPT-9", title="A source argument with blanks and shell characters is taken as it is"
)
def odd_arguments(t: Trial) -> None:
    t.build([file("f", b"x"), file("sub dir/g", b"y")], "it's a $(place) & more; \\x")
    t.sync("-a", sources=["it's a $(place) & more; \\x/"], dest='out "put" dir/')
    t.same_tree("it's a $(place) & more; \\x", 'out "put" dir')


@case(
    "NAME-008",
    clause="OPT-9",
    title="Wildcards in a remote source are expanded at the far end",
    directions=("pull",),
    transports=("pipe", "daemon"),
)
def remote_wildcards(t: Trial) -> None:
    t.build([file("a1.c", b"1"), file("a2.c", b"2"), file("b.c", b"3"), file("a.h", b"4")])
    t.sync("-a", sources=["src/a*.c"])
    t.equal("names that arrived", [b".", b"a1.c", b"a2.c"], list(t.snapshot()))
