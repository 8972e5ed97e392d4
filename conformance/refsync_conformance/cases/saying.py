"""OUT: levels, formats, log files, and where messages go."""

from __future__ import annotations

import re

from refsync_conformance.cases.printed import NEW, OLD
from refsync_conformance.fixtures import MIXED
from refsync_conformance.model import Breadth
from refsync_conformance.output import lines
from refsync_conformance.registry import case
from refsync_conformance.trees import file, folder, symlink
from refsync_conformance.trial import Trial

#: Lines of more than one process, whose order is a matter of luck, and what in them is the program's own.
_OWN = (
    (re.compile(r"^(opening connection using: ).*"), r"\1#"),
    (re.compile(r"^(opening tcp connection to ).*"), r"\1#"),
    (re.compile(r"^(sending daemon args: ).*"), r"\1#"),
    (re.compile(r"hash_hits=\d+  false_alarms=\d+"), "hash_hits=#"),
    (re.compile(r"pid=\d+"), "pid=#"),
)


def _unordered(raw: bytes, t: Trial) -> list[str]:
    found = []
    for line in lines(raw, t.sandbox.area):
        for pattern, mask in _OWN:
            line = pattern.sub(mask, line)
        found.append(line)
    return sorted(found)


@case(
    "OUT-021",
    clause="OUT-10",
    title="--info names what is told",
    breadth=Breadth.NARROW,
    optional=("--info",),
)
def info_words(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    for words in ("name", "NAME2", "del,stats0", "all", "none", "flist,misc2,name0,stats1"):
        t.observe(f"--info={words}", _unordered(t.sync("-an", "--delete", f"--info={words}").stdout, t))


@case("OUT-022", clause="OUT-10", title="An unknown word is refused", breadth=Breadth.NARROW)
def unknown_word(t: Trial) -> None:
    t.build(MIXED)
    t.sync("-a", "--info=nonesuch", expect=1)
    t.sync("-a", "--debug=nonesuch2", expect=1)


@case(
    "OUT-023",
    clause="OUT-11",
    title="The server is told which words were chosen",
    transports=("pipe",),
    optional=("--info", "--debug"),
)
def forwarded(t: Trial) -> None:
    t.build(MIXED)
    for words in ("--info=name0,progress2", "--info=none,stats2", "--debug=all2,io0", "--info=all,nonreg3"):
        run = t.sync("-an", "--debug=cmd", words)
        told = re.search(rb"opening connection using: .*? (--server .*)", run.stdout)
        sent = told[1].split() if told else []
        t.observe(words, [word.decode() for word in sent if word.startswith((b"--info", b"--debug"))])


@case(
    "OUT-024",
    clause="OUT-12",
    title="Every letter of a format, with widths and quotes",
    breadth=Breadth.NARROW,
    protocols=(29, 30, 31, 32),
    optional=("--out-format",),
)
def letters(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    for form in (
        "%i|%-12n|%9L|%L|%12l|%-12l|%'l|%''l",
        "%o|%f|%30f|%M|%B|%-12B|%U|%G|%05U|%h|%a|%m|%u",
        "%n %%n %z %",
    ):
        t.observe_lines(form, t.sync("-an", "--delete", "--out-format=" + form))
    t.observe_lines("checksums", t.sync("-acn", "--out-format=%C %n"))


@case(
    "OUT-030",
    clause="OUT-12",
    title="Permissions in a line, without -p",
    optional=("--out-format",),
)
def permissions(t: Trial) -> None:
    """Of what needs no data a receiver shows what was sent, of a file what it becomes."""
    t.build(
        [
            folder("new", mode=0o1777),
            folder("old", mode=0o775),
            file("file", b"new", mode=0o666),
            file("same", b"s", mode=0o604),
            symlink("link", "file"),
        ]
    )
    t.build(
        [folder("old", mode=0o700), file("file", b"before", mode=0o640), file("same", b"s", mode=0o600)],
        "dst",
    )
    for options in ("-rlt", "-rltn", "-rltc"):
        t.clone("dst", "dst" + options)
        run = t.sync(options, "-O", "--out-format=%i %B %n", dest=f"dst{options}/")
        t.observe_lines(options, run)


@case(
    "OUT-025",
    clause="OUT-13",
    title="Bytes and digests are printed after the data",
    optional=("--out-format",),
)
def afterwards(t: Trial) -> None:
    t.build(MIXED)
    t.observe_lines("bytes", t.sync("-ac", "--cc=md5", "--out-format=%n %b %c %C"))


@case(
    "OUT-026",
    clause="OUT-14",
    title="A log file of what the client did",
    breadth=Breadth.NORMAL,
    optional=("--log-file",),
)
def log_file(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    for name, options in (
        ("usual", ()),
        ("format", ("--log-file-format=%o %n%L",)),
        ("verbose", ("-v",)),
        ("stats", ("--stats",)),
    ):
        t.clone("dst", "dst-" + name)
        t.sync("-a", "--delete", b"--log-file=" + t.path("log-" + name), *options, dest=f"dst-{name}/")
        stamp = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\d+\] ")
        found = t.read("log-" + name)
        for line in found.splitlines():
            t.matches("a line of the log", stamp.pattern, line)
        bare = b"".join(re.sub(rb"^\S+ \S+ \[\d+\] ", b"", x) + b"\n" for x in found.splitlines())
        bare = re.sub(rb"(?m)^sent .*", b"sent #", bare)
        if t.far_receiver_is_daemon:  # upstream's counts what it deletes from 3.5 on
            bare = re.sub(rb"(?m)^Number of deleted files: .*\n", b"", bare)
        t.observe(name, _unordered(bare, t))


@case(
    "OUT-027",
    clause="OUT-15",
    title="--stderr=all prints nothing to standard output",
    optional=("--stderr",),
    protocols=(29, 30, 31, 32),
)
def all_to_stderr(t: Trial) -> None:
    t.build([*MIXED, file("unreadable", b"x")])
    run = t.sync("-av", "--stderr=all", sources=("src/", "missing"), expect=23)
    t.equal("standard output", b"", run.stdout)
    told = _unordered(run.stderr, t)
    t.observe("names on standard error", [x for x in told if not re.match("rsync|sent|total", x)])


@case("OUT-028", clause="OUT-16", title="Lines about the file list", optional=("--info",))
def list_lines(t: Trial) -> None:
    t.build(MIXED)
    for options in (("-av",), ("-av", "--no-i-r"), ("-a", "--no-i-r", "--info=flist2"), ("-v",)):
        t.observe(" ".join(options), _unordered(t.sync(*options, "-n").stdout, t))


@case("OUT-029", clause="OUT-17", title="What -vv adds", breadth=Breadth.NARROW)
def twice_verbose(t: Trial) -> None:
    t.build(NEW)
    t.build(OLD, "dst")
    rules = ("--exclude=remoded", "--exclude=olddir/", "--include=d", "--delete")
    t.observe("standard output", _unordered(t.sync("-avv", "--no-W", *rules).stdout, t))
