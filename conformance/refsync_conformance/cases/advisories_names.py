"""ADV-001 on: names, paths and option values that an rsync has fallen over, or been led astray by."""

from __future__ import annotations

import errno
import os
import re
import socket
from contextlib import closing
from typing import Any

from refsync_conformance.connector import Connector
from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.trees import file, folder, symlink
from refsync_conformance.trial import Trial

NARROW: dict[str, Any] = {"breadth": Breadth.NARROW, "differential": False}
SERVER: dict[str, Any] = {**NARROW, "judged": Judged.SERVER, "transports": ("daemon",)}
GREETING = b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"
#: The longest path that the system takes, its NUL included.
PATH_MAX = 4096
#: A frame with an empty list of rules.
NO_RULES = b"\4\0\0\7" + bytes(4)
#: In a sender's answer: a name of the case's, or that there is no such.
NAMES = re.compile(rb"honest|key|No such file")


def tell(port: int, data: bytes, *, until: re.Pattern[bytes] | None = None) -> bytes:
    """What a daemon answers to a client that says this: all, or as far as a pattern that ends the talk."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        try:
            link.sendall(data)
            if until is None:
                link.shutdown(socket.SHUT_WR)
            while not (until and until.search(said)) and (piece := link.recv(1 << 16)):
                said += piece
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
                raise  # those are ends like any other
    return said


@case("ADV-001", clause="FS-4", title="A directory's mode is not given to the working directory", **NARROW)
def working_directory(t: Trial) -> None:
    """CVE-1999-0473: a client that fetched a directory gave the mode of it to where it was run."""
    t.build([folder("d", mode=0o1777), file("d/f", b"x")])
    os.chmod(t.area, 0o711)
    t.sync("-rp", sources=["src/d"])
    t.equal("mode of the working directory", 0o711, os.stat(t.area).st_mode & 0o7777)
    t.equal("mode of what was copied", 0o1777, os.stat(t.path("dst/d")).st_mode & 0o7777)


@case("ADV-002", clause="FLIST-5", title="Paths that are just too long", controlled=False, **NARROW)
def too_long(t: Trial) -> None:
    """CVE-2007-4091: files whose whole path has from 4,091 to 4,099 bytes at either end."""
    for name in ("src", "dst"):
        os.makedirs(t.path(name), exist_ok=True)
    here = len(t.path("src/"))
    parts = [b"d" * 250] * ((PATH_MAX - here - 300) // 251)
    rest = PATH_MAX - here - sum(len(part) + 1 for part in parts)
    fd = os.open(t.path("src"), os.O_RDONLY)
    for part in parts:
        os.mkdir(part, dir_fd=fd)
        above, fd = fd, os.open(part, os.O_RDONLY, dir_fd=fd)
        os.close(above)
    # two components, for one would be longer than a name may be
    last = b"e" * (rest // 2)
    os.mkdir(last, dir_fd=fd)
    for length in range(rest - len(last) - 6, rest - len(last) + 3):
        os.close(os.open(last + b"/" + b"f" * length, os.O_WRONLY | os.O_CREAT, dir_fd=fd))
    os.close(fd)
    t.write("src/short", b"arrives\n")
    run = t.sync("-r", expect=(0, 3, 11, 23))
    t.check("what it said", b"Traceback" not in run.stderr, expected="a message", got=repr(run.stderr[-500:]))
    t.equal("a file of a short name", b"arrives\n", t.read("dst/short"))


@case("ADV-003", clause="FILT-8", title="Names and rules that end in a backslash", **NARROW)
def backslash(t: Trial) -> None:
    """CVE-2026-70461: a name that is asked for, one that is sent, a rule, and the end of a wildcard."""
    t.build([file("odd\\", b"odd\n"), file("f", b"x"), folder("d\\"), file("d\\/g", b"y")])
    t.sync("-r", sources=["src/odd\\", "src/d\\"])
    t.equal("a name", b"odd\n", t.read("dst/odd\\"))
    t.equal("a directory", b"y", t.read("dst/d\\/g"))
    t.sync("-r", "--exclude=odd\\", "--exclude=*\\", "--include=\\", "--filter=- /d\\", dest="two/")
    t.equal("a file beside them", b"x", t.read("two/f"))
    t.sync("-r", sources=["src/o*\\"], dest="three/", expect=(0, 23))


@case("ADV-004", clause="OPT-5", title="Sizes of 300 digits", **NARROW)
def long_sizes(t: Trial) -> None:
    """CVE-2026-70457: refused by a client with exit 1, and by a server that is told them."""
    t.build([file("f", b"x")])
    digits = "9" * 300
    t.sync("-a", f"--max-size={digits}", expect=1)
    if t.cell.transport != "local":
        t.sync("-a", f"-M--max-size={digits}", expect=(1, 2, 4, 5, 10, 12), timeout=20)
    t.equal("what was made", False, t.exists("dst/f"))


@case("ADV-005", clause="OPT-3", title="Option words without bounds", **NARROW)
def long_words(t: Trial) -> None:
    """A hundred times -v, a suffix of 5,000 bytes, words in thousands: an answer, and no crash."""
    t.build([file("f", b"new" * 400), file("g.gz", b"x")])
    t.build([file("f", b"old")], "dst")
    many = "/".join(f"s{number}" for number in range(2000))
    for options in (
        ("-" + "v" * 100, "-b", "--suffix=" + "~" * 5000),
        ("-z", "--skip-compress=" + many, "--chmod=" + "u+r," * 1000 + "u+r", "--out-format=" + "%n" * 3000),
        ("-z", "--skip-compress=" + "[" * 500, "--info=" + "stats," * 500 + "stats"),
    ):
        run = t.sync("-aI", *options, expect=range(1 << 7))
        said = run.stderr + run.stdout
        t.check("what it said", b"Traceback" not in said, expected="a message", got=repr(said[-500:]))
    t.sync("-aI")
    t.same_tree()


@case("ADV-006", clause="GREET-9", title="As many arguments as a table holds", controlled=False, **SERVER)
def many_arguments(t: Trial) -> None:
    """CVE-2026-70456: numbers of arguments around multiples of 1,000, and paths that are parted into more."""
    far = t.use_daemon()
    t.build([file("f", b"x")])
    head = [b"--server", b"--sender", b"-re.LsfxCIvu", b"."]
    for count in (997, 998, 999, 1000, 1001, 2000):
        for path in (b"mod/none", b"mod/none mod/none mod/none mod/none"):
            words = [*head, *[path] * (count - len(head))]
            said = tell(far.port, GREETING + b"mod\n" + b"\0".join(words) + b"\0\0")
            t.check(f"{count} arguments", b"@RSYNCD: OK" in said, expected="served", got=repr(said[-200:]))
    t.check("the log", "signal" not in far.log(), expected="no crash", got=far.log()[-500:])
    said = tell(far.port, GREETING + b"#list\n")
    t.check("the next client", b"@RSYNCD: EXIT" in said, expected="the list", got=repr(said[-200:]))


@case("ADV-007", clause="OPT-11", title="Secluded arguments within secluded arguments", **SERVER)
def secluded_twice(t: Trial) -> None:
    """CVE-2018-5764: a second -s among the words behind the first must not keep them from being cleaned."""
    t.build([file("key", b"nobody's business\n")], "outside")
    t.build([file("honest", b"x")], "inside")
    inside = os.fsdecode(t.path("inside"))
    far = t.use_daemon(module=f"[inner]\npath = {inside}\nread only = no\nuse chroot = no\n")
    first = b"\0".join([b"--server", b"--sender", b"-s", b"", b""])
    for again, path in (
        (b"--numeric-ids", b"./"),
        (b"-s", b"../outside/"),
        (b"--protect-args", b"../outside/"),
        (b"--secluded-args", b"../outside/"),
    ):
        words = [b"rsync", b"--server", b"--sender", again, b"-nre.LsfxC", b".", path, b"", b""]
        block, said = b"\0".join(words), b""
        # once, or twice for who lets himself be told so, then an empty list of rules: what is said next
        # are the names of the file list
        more = block if again != b"--numeric-ids" else b""
        for told in (block, block + more):
            said += tell(far.port, b"@RSYNCD: 30.0\ninner\n" + first + told + NO_RULES, until=NAMES)
        if path == b"./":
            t.check("an honest answer", b"honest" in said, expected="the name", got=repr(said[-200:]))
        t.check(f"the answer to {again!r}", b"key" not in said, expected="no name", got=repr(said[-200:]))


@case(
    "ADV-008",
    clause="HOST-6",
    title="Directories of options that are absolute once they are cleaned",
    **{**NARROW, "transports": ("daemon",), "directions": ("push",)},
)
def cleaned(t: Trial) -> None:
    """CVE-2004-0792: ``.//../..//x``, ``a/..//x`` and the like, for each option that names a directory."""
    t.build([file("f", b"new"), file("g", b"same")])
    t.build([file("f", b"old"), file("g", b"same")], "inside/dst")
    t.build([file("f", b"outside"), file("g", b"same")], "outside")
    area = os.fsdecode(t.area)
    t.use_daemon(module=f"[inner]\npath = {area}/inside\nread only = no\nuse chroot = no\n")
    far = t.transport.url() + b"inner/dst/"  # type: ignore[union-attr]
    before = t.snapshot("outside")
    ways = (f".//../..//{area}/outside", f"x/..//{area}/outside", "../..//../../outside", "//../../outside")
    # what may be told together is
    for words in (
        ("-rI", "-b", "--delay-updates", f"--backup-dir={ways[0]}", f"--partial-dir={ways[1]}"),
        ("-rI", f"--temp-dir={ways[2]}", *(f"--link-dest={way}" for way in ways)),
        ("-r", *(f"--copy-dest={way}" for way in ways)),
    ):
        t.client(*words, places=[t.path("src/"), far], expect=range(1 << 7))
        t.untouched(before, "outside")
    t.equal("links of the file outside", 1, os.stat(t.path("outside/g")).st_nlink)


@case(
    "ADV-009",
    clause="TCP-5",
    title="A proxy whose name does not end",
    **{**NARROW, "judged": Judged.CLIENT, "transports": ("daemon",)},
)
def long_proxy(t: Trial) -> None:
    """CVE-2004-2093: RSYNC_PROXY of 10,000 bytes, with and without a port, a user and a password."""
    with closing(Connector()) as proxy:
        _, port = proxy.address.rsplit(":", 1)
        long = "h" * 10_000
        for value in (f"{long}:{port}", long, f"127.0.0.1:{'9' * 10_000}", f"{long}:{long}@127.0.0.1:{port}"):
            argv = [t.executable(t.cell.client), b"rsync://127.0.0.1:1/mod/", t.path("dst/")]
            run = t.sandbox.run(argv, timeout=t.case.timeout, env={"RSYNC_PROXY": value})
            t.ended(run, (1, 5, 10, 12))


@case(
    "ADV-010",
    clause="FS-22",
    title="A symlink in the place of a directory on the way",
    controlled=False,
    also=("HOST-5",),
    **{**NARROW, "protocols": (30, 31, 32)},
)
def planted(t: Trial) -> None:
    """CVE-2026-53785: with -R --no-implied-dirs the receiver makes what is missing of the way. A symlink that
    is there already, planted by who may write there, leads it nowhere else. Upstream follows it before 3.5.
    """
    t.build([file("a/b/c/f", b"new")])
    t.build([symlink("a", t.path("outside").decode())], "dst")
    t.build([folder("b")], "outside")
    before = t.snapshot("outside")
    t.sync("-rR", "--no-implied-dirs", sources=["src/./a/b/c/f"], expect=range(1 << 7))
    if t.snapshot("outside") != before and (t.cell.client + t.cell.server).count("upstream"):
        t.unsupported("this release follows the link")
    t.untouched(before, "outside")
