"""ICONV: names in one character set here and in another there.

The trees are named in the suite's own words and written in the set of their side, so that a case can say what
has to arrive under which bytes.
"""

from __future__ import annotations

import os
from typing import Any

from refsync_conformance.cases.batch import BATCHES, replay
from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import Node, file, folder, hardlink, symlink
from refsync_conformance.trial import Trial

#: All of these runs need it.
NEEDS: dict[str, Any] = {"optional": ("iconv",)}
LATIN, UTF8, KOI8 = "iso-8859-1", "utf-8", "koi8-r"
#: Their order in UTF-8 is that of the alphabet, in KOI8-R another.
CYRILLIC = "\u0430\u0431\u0432\u0433\u0447\u0446\u044e\u044f"


def between(t: Trial, source: str, dest: str) -> str:
    """The option that makes names of ``source`` from ``dest``; a daemon is told its set by its module."""
    near, far = (dest, source) if t.remote_is_source else (source, dest)
    if t.cell.transport == "daemon":
        t.use_daemon(module=f"charset = {far}\n")
    return f"--iconv={near},{far}"


def western(charset: str) -> list[Node]:
    """Files and directories whose names have accents, in a character set."""
    names = (
        "caf\u00e9",
        "\u00fcber/na\u00efve",
        "\u00fcber/\u00df/tief",
        "plain/\u00e5",
        "plain/z",
        "\u00ff",
    )
    return [file(name.encode(charset), b"%d" % at) for at, name in enumerate(names)]


def cyrillic(charset: str) -> list[Node]:
    nodes = []
    for letter in CYRILLIC:
        nodes.append(file(letter.encode(charset), letter.encode()))
        nodes.append(file(f"d{letter}/{letter}{letter}".encode(charset), 2 * letter.encode()))
        nodes.append(folder(f"{letter}-empty".encode(charset)))
    return nodes


@case("ICONV-001", clause="ICONV-1", title="Names are converted from one set to the other", **NEEDS)
def converted(t: Trial) -> None:
    t.build(western(LATIN))
    t.build(western(UTF8), "want")
    t.sync("-a", between(t, LATIN, UTF8))
    t.same_tree("want")


@case("ICONV-002", clause="ICONV-1", title="And the other way round", **NEEDS)
def converted_back(t: Trial) -> None:
    t.build(western(UTF8))
    t.build(western(LATIN), "want")
    t.sync("-a", between(t, UTF8, LATIN))
    t.same_tree("want")


@case(
    "ICONV-003", clause="ICONV-3", title="Both sides mean the same file where they sort differently", **NEEDS
)
def other_order(t: Trial) -> None:
    """Each file holds its name in UTF-8. A second run finds nothing to do, a third what has changed."""
    t.build(cyrillic(KOI8))
    t.build(cyrillic(UTF8), "want")
    option = between(t, KOI8, UTF8)
    t.sync("-a", option)
    t.same_tree("want")
    t.equal("items of a second run", [], t.items(t.sync("-ai", option), "second"))
    changed = CYRILLIC[5]
    t.write(f"src/{changed}".encode(KOI8), b"changed", mtime_ns=10**18)
    t.sync("-a", option)
    t.equal("what was changed", b"changed", t.read(f"dst/{changed}"))


@case(
    "ICONV-004",
    clause="ICONV-3",
    title="The same without incremental recursion, and with hard links",
    also=("HLINK-1",),
    optional=("iconv", "-H", "--hard-links"),
)
def other_order_links(t: Trial) -> None:
    """The groups of names of one file count by the same indexes."""
    for charset, place in ((KOI8, "src"), (UTF8, "want")):
        links = [
            hardlink(f"link {one}".encode(charset), other.encode(charset))
            for one, other in zip(CYRILLIC, reversed(CYRILLIC), strict=True)
        ]
        t.build([*cyrillic(charset), *links], place)
    t.sync("-aH", "--no-inc-recursive", between(t, KOI8, UTF8))
    t.same_tree("want")
    t.same_links("want")


@case(
    "ICONV-005",
    clause="ICONV-8",
    title="Targets of symlinks are converted too",
    protocols=(30, 31, 32),
    **NEEDS,
)
def targets(t: Trial) -> None:
    for charset, place in ((UTF8, "src"), (LATIN, "want")):
        link = symlink("l\u00efnk".encode(charset), "caf\u00e9".encode(charset))
        t.build([*western(charset), link], place)
    t.sync("-a", between(t, UTF8, LATIN))
    t.same_tree("want")


@case(
    "ICONV-006",
    clause="ICONV-1",
    title="Below protocol 30 a symlink's target stays as it is",
    protocols=(27, 28, 29),
    **NEEDS,
)
def old_targets(t: Trial) -> None:
    t.build([symlink("l\u00efnk".encode(), "caf\u00e9".encode())])
    t.build([symlink("l\u00efnk".encode(LATIN), "caf\u00e9".encode())], "want")
    t.sync("-a", between(t, UTF8, LATIN))
    t.same_tree("want")


@case("ICONV-007", clause="ICONV-4", title="A sender leaves out what is no text of its set", **NEEDS)
def senders_refusal(t: Trial) -> None:
    """Nothing is deleted then: what the sender left out might be what is there."""
    t.build([file("good", b"1"), file(b"bad\xff", b"2"), file("sub/fine", b"3"), file(b"d\xfe/in", b"4")])
    t.build([file("extra", b"x")], "dst")
    run = t.sync("-a", "--delete", between(t, UTF8, LATIN), expect=23)
    names = [b".", b"extra", b"good", b"sub", b"sub/fine"]
    t.equal("names", names, list(t.snapshot()))
    t.matches(
        "standard error", r"\[sender\] cannot convert filename: bad.*\(Invalid or incomplete", run.stderr
    )


@case(
    "ICONV-008", clause="ICONV-4", title="A receiver leaves out what its set has no characters for", **NEEDS
)
def receivers_refusal(t: Trial) -> None:
    """Without incremental recursion, and trusting the sender: otherwise upstream 3.4.1 gives up (exit 4).

    And not with --delete to a daemon without chroot: that of upstream takes the name for ".", and to make way
    for a file of that name it deletes what is in the module.
    """
    t.build([file("good", b"1"), file("10 \u20ac", b"2"), file("\u20ac/in", b"3"), file("sub/\u00e4", b"4")])
    t.build([file("extra", b"x")], "dst")
    options = ["-a", "--no-inc-recursive"]
    if t.remote_is_source:
        options.append("--trust-sender")
    if not t.far_receiver_is_daemon:
        options.append("--delete")
    run = t.sync(*options, between(t, UTF8, LATIN), expect=23)
    names = [b".", b"extra", b"good", b"sub", b"sub/\xe4"]
    t.equal("names", names, list(t.snapshot()))
    t.matches("standard error", r"\[Receiver\] cannot convert filename: 10 ", run.stderr)
    if "--delete" in options:
        said = run.stdout + run.stderr
        t.matches("both outputs", r"IO error encountered -- skipping file deletion", said)


@case(
    "ICONV-009",
    clause="ICONV-8",
    title="A symlink whose target can't be converted is left out",
    protocols=(30, 32),
    **NEEDS,
)
def bad_target(t: Trial) -> None:
    t.build([symlink("bad", b"\xff"), symlink("good", "x")])
    run = t.sync("-a", between(t, UTF8, LATIN), expect=23)
    t.equal("names", [b".", b"good"], list(t.snapshot()))
    t.matches("standard error", r'\[sender\] cannot convert symlink data for: ".*/?bad"', run.stderr)


@case("ICONV-010", clause="ICONV-2", title="An unknown set: exit 4", breadth=Breadth.NARROW, **NEEDS)
def unknown(t: Trial) -> None:
    t.build([file("f", b"1")])
    if t.cell.transport == "daemon":
        t.use_daemon(module="charset = utf-8\n")
    run = t.sync("-a", "--iconv=no-such-set,utf-8", expect=4)
    t.matches("standard error", r'iconv_open\("UTF-8", "no-such-set"\) failed', run.stderr)
    t.equal("whether anything arrived", False, t.exists("dst/f"))


@case("ICONV-011", clause="ICONV-2", title="RSYNC_ICONV counts where no option is given", **NEEDS)
def environment(t: Trial) -> None:
    """A dash and --no-iconv turn it off again."""
    t.build(western(LATIN))
    t.build(western(UTF8), "want")
    env = {"RSYNC_ICONV": between(t, LATIN, UTF8).partition("=")[2]}
    t.sync("-a", env=env)
    t.same_tree("want")
    for off in ("--iconv=-", "--no-iconv"):
        t.sync("-a", off, dest=f"plain{off}/", env=env)
        t.same_tree("src", f"plain{off}")


@case("ICONV-012", clause="ICONV-2", title="A dot is the set of the locale", **NEEDS)
def of_the_locale(t: Trial) -> None:
    """In the locale C that is ASCII, so no name with an accent is a text."""
    t.build([file("plain", b"1"), file("caf\u00e9", b"2")])
    if t.cell.transport == "daemon":
        t.use_daemon(module="charset = .\n")
    run = t.sync("-a", "--iconv=.,.", expect=23)
    t.equal("names", [b".", b"plain"], list(t.snapshot()))
    t.matches("standard error", r"\[sender\] cannot convert filename: caf", run.stderr)


@case("ICONV-013", clause="ICONV-1", title="Deletions go by converted names", also=("ICONV-5",), **NEEDS)
def deletions(t: Trial) -> None:
    """What was deleted is told in the client's set, here UTF-8."""
    source, dest = (LATIN, UTF8) if t.remote_is_source else (UTF8, LATIN)
    t.build(western(source))
    t.build(
        [*western(dest), file("weg/\u00e9".encode(dest), b"x"), file("f\u00f6rt".encode(dest), b"y")], "dst"
    )
    t.build(western(dest), "want")
    run = t.sync("-ai", "--delete", "-8", between(t, source, dest))
    t.same_tree("want")
    gone = sorted(line for line in run.stdout.splitlines() if b"deleting" in line)
    t.equal(
        "what is told of them",
        sorted(f"*deleting   {name}".encode() for name in ("weg/\u00e9", "weg/", "f\u00f6rt")),
        [b"*" * (not line.startswith(b"*")) + line.replace(b"deleting ", b"deleting   ") for line in gone]
        if t.protocol < 29
        else gone,
    )


@case(
    "ICONV-014",
    clause="ICONV-7",
    title="A module without a charset refuses: exit 4",
    transports=("daemon",),
    breadth=Breadth.NARROW,
    differential=False,
)
def refused(t: Trial) -> None:
    t.build([file("f", b"1")])
    # The daemon's last word may be overtaken by the end of the connection.
    run = t.sync("-a", "--iconv=utf-8", expect=(4, 10, 12))
    t.matches("standard error", r"The server is configured to refuse --iconv", run.stderr)
    t.equal("whether anything arrived", False, t.exists("dst/f"))


@case(
    "ICONV-015",
    clause="ICONV-7",
    title="A module may insist on it",
    transports=("daemon",),
    breadth=Breadth.NARROW,
    **NEEDS,
)
def insisting(t: Trial) -> None:
    t.build(western(UTF8))
    t.use_daemon(module="charset = utf-8\nrefuse options = no-iconv\n")
    run = t.sync("-a", expect=4 if t.protocol >= 30 else (4, 10, 12))
    t.matches("standard error", r"The server is configured to refuse --no-iconv", run.stderr)
    t.sync("-a", "--iconv=utf-8")
    t.same_tree()


@case(
    "ICONV-016",
    clause="ICONV-7",
    title="The module's set counts, whatever the client asks for",
    transports=("daemon",),
    **NEEDS,
)
def modules_own(t: Trial) -> None:
    """Without --iconv nothing is converted, charset or not."""
    source, dest = (LATIN, UTF8) if t.remote_is_source else (UTF8, LATIN)
    t.build(western(source))
    t.build(western(dest), "want")
    t.use_daemon(module=f"charset = {LATIN}\n")
    t.sync("-a", f"--iconv={UTF8},{KOI8}")
    t.same_tree("want")
    t.sync("-a", dest="plain/")
    t.same_tree("src", "plain")


@case(
    "ICONV-017",
    clause="ICONV-6",
    title="Secluded arguments are in the client's set",
    transports=("pipe", "daemon"),
    optional=("iconv", "-s"),
)
def arguments(t: Trial) -> None:
    """Far names are given as they are called here: in a pull the source, in a push the destination."""
    source, dest = (LATIN, UTF8) if t.remote_is_source else (UTF8, LATIN)
    t.build(western(source))
    t.build(western(dest), "want")
    option = between(t, source, dest)
    if t.remote_is_source:
        t.sync("-as", option, sources=["src/\u00fcber"], dest="dst/")
        t.equal("content", b"1", t.read("dst/\u00fcber/na\u00efve"))
    else:
        t.sync("-as", option, dest="f\u00e9/")
        there = os.fsdecode("f\u00e9".encode(LATIN))
        t.same_tree("want", there)


@case(
    "ICONV-018",
    clause="ICONV-6",
    title="With -s a list of names is converted on its way",
    transports=("pipe",),
    directions=("pull",),
    optional=("iconv", "-s", "--files-from"),
)
def lists(t: Trial) -> None:
    """The list is here, the files are there under other bytes. Without -s the names go as they are.

    Not with a daemon without a chroot, where upstream 3.4.1 finds none of a list's files.
    """
    t.build(western(LATIN))
    t.write("list", "caf\u00e9\n\u00fcber/\u00df\n".encode())
    option = between(t, LATIN, UTF8)
    t.sync("-as", option, b"--files-from=" + t.path("list"))
    t.equal(
        "names", ["caf\u00e9", "\u00fcber", "\u00fcber/\u00df"], [name.decode() for name in t.snapshot()][1:]
    )
    t.write("list", "caf\u00e9\nplain/z\n".encode(LATIN))
    t.sync("-a", option, b"--files-from=" + t.path("list"), "--trust-sender", dest="raw/")
    t.equal("names", ["caf\u00e9", "plain", "plain/z"], [name.decode() for name in t.snapshot("raw")][1:])


@case(
    "ICONV-019",
    clause="ICONV-5",
    title="What a server says comes in the client's set",
    transports=("pipe", "daemon"),
    directions=("pull",),
    **NEEDS,
)
def messages(t: Trial) -> None:
    """The server has no such file, and says so by the name that it was given."""
    t.build([file("f", b"1")])
    option = between(t, LATIN, UTF8)
    run = t.sync("-as", option, "--no-msgs2stderr", sources=["src/n\u00f6"], expect=23)
    t.check(
        "the name in it",
        'n\u00f6"'.encode() in run.stderr,
        expected="in UTF-8",
        got=run.stderr.decode("utf-8", "backslashreplace"),
    )


@case(
    "ICONV-020",
    clause="BATCH-3",
    also=("ICONV-3",),
    title="A batch with converted names needs --iconv to be read",
    protocols=(30, 32),
    optional=("iconv", *BATCHES),
)
def batches(t: Trial) -> None:
    """The names in it are in UTF-8, so it may be read into any set."""
    t.build(western(LATIN))
    t.build(western(UTF8), "want")
    t.sync("-a", between(t, LATIN, UTF8), b"--write-batch=" + t.path("batch"))
    run = replay(t, b"-a", expect=1)
    t.matches("standard error", r"Please specify the --iconv option to use this batch file", run.stderr)
    replay(t, b"-a", b"--iconv=utf-8")
    t.same_tree("want", "other")
