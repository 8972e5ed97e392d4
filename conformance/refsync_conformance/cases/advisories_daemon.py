"""ADV-020 on: what daemons have let in, let out or been made to run."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from refsync_conformance.cases.advisories_names import tell
from refsync_conformance.cases.daemon_access import GREETING, PROXY_2, ask
from refsync_conformance.cases.daemon_modules import NOBODY, logged
from refsync_conformance.model import Breadth, Judged
from refsync_conformance.registry import case
from refsync_conformance.trees import Noise, file, folder, symlink
from refsync_conformance.trial import Trial

BOTH: dict[str, Any] = {"transports": ("daemon",), "differential": False, "breadth": Breadth.NARROW}
SERVER: dict[str, Any] = {**BOTH, "judged": Judged.SERVER}
PULL: dict[str, Any] = {**BOTH, "directions": ("pull",)}
PUSH: dict[str, Any] = {**BOTH, "directions": ("push",)}
#: For what upstream does before 3.5, so that it can't be the control.
LATE: dict[str, Any] = {"controlled": False}
USER = {"USER": "someone", "LOGNAME": "someone", "RSYNC_PASSWORD": "right"}


def lets(t: Trial, what: str, harm: bool, got: str = "it happened") -> None:
    """Demand that something did not happen; a release that is known to let it is not judged."""
    if harm and t.cell.server.startswith("upstream"):
        t.unsupported(f"this release lets it: {what}")
    t.check(what, not harm, expected="it does not happen", got=got)


@case("ADV-020", clause="AUTH-4", title="A user whom the rules let in and no secret is for", **BOTH)
def no_secret(t: Trial) -> None:
    """CVE-2014-2855: one answer, soon, also where the file of secrets ends without a newline or is empty."""
    t.build([file("f", b"x")])
    path = t.sandbox.root / "secrets"
    path.touch(0o600)
    t.use_daemon(module=f"auth users = *\nsecrets file = {path}\n")
    for text in ("other:right", "", "someone\n@nobody:x\nsomeoneelse:right"):
        path.write_text(text, encoding="utf-8")
        run = t.sync("-a", env=USER, expect=5, timeout=20)
        t.matches(f"the answer for {text!r}", r"@ERROR: auth failed on module mod", run.stderr)


@case(
    "ADV-021",
    clause="DAEMON-5",
    title="A denied name, where a new root has nothing to look it up with",
    needs_root=True,
    also=("DAEMON-18",),
    **SERVER,
    **LATE,
)
def denied_in_root(t: Trial) -> None:
    """CVE-2026-43617: the daemon's own root has no resolver; who is denied by name is denied all the same."""
    far = t.use_daemon(
        globals_=f"daemon chroot = {t.sandbox.root}\n",
        module=f"path = /{t.sandbox.area.name}\nhosts deny = localhost\n",
    )
    said = ask(far.port, b"")
    lets(t, "a denied host is let in", b"@RSYNCD: OK" in said, repr(said[-200:]))
    t.check("the answer", b"@ERROR: access denied" in said, expected="denied", got=repr(said[-200:]))


@case("ADV-022", clause="DAEMON-8", title="Rules from a file that the module hides", **PULL, **LATE)
def hidden_rules(t: Trial) -> None:
    """CVE-2026-53786: a client's merge rule reads nothing that its other requests could not. Upstream 3.5.0
    still takes rules from a file in a hidden directory.
    """
    t.build([file("f", b"1"), file("kept", b"2"), file("secret/rules", b"- f\n"), file("open", b"- kept\n")])
    t.use_daemon(module="exclude = secret\n")
    for number, rule in enumerate((":_secret/rules", "merge_src/secret/rules", "._/src/secret/rules")):
        words = (f"--filter={rule}",) if rule.startswith(":") else (f"-M--filter={rule}",)
        t.sync("-r", *words, dest=f"dst{number}/", expect=range(1 << 7))
        there = t.exists(f"dst{number}/kept")
        lets(t, f"a hidden file's rules count with {rule}", there and not t.exists(f"dst{number}/f"))
    t.sync("-r", "--filter=: open", dest="three/")
    t.equal("what an open file's rules leave out", False, t.exists("three/kept"))


@case(
    "ADV-023",
    clause="HOST-6",
    title="Directories of options that the module hides",
    also=("DAEMON-8",),
    **PUSH,
)
def hidden_places(t: Trial) -> None:
    """CVE-2007-6200: none of them is read from, linked to or written into."""
    t.build([file("f", b"same content\n"), file("g", b"new")])
    t.build([file("g", b"old")], "dst")
    t.build([file("f", b"same content\n"), file("g", b"parts")], "secret")
    before = t.snapshot("secret")
    t.use_daemon(module="exclude = secret\n")
    for options in (
        ("-b", "--backup-dir=/secret"),
        ("--partial-dir=/secret", "--delay-updates"),
        ("--link-dest=../secret", "--link-dest=/secret"),
    ):
        t.sync("-rtI", *options, expect=range(1 << 7))
        t.untouched(before, "secret")
    t.equal("links of the hidden file", 1, os.stat(t.path("secret/f")).st_nlink)


@case("ADV-024", clause="DAEMON-16", title="A client's words in a command", **SERVER, **LATE)
def commands(t: Trial) -> None:
    """CVE-2026-53790: module, user and host in the command of a program are words and nothing more."""
    proof = t.sandbox.root / "proof"
    secrets = t.sandbox.root / "secrets"
    names = [f"$(touch {proof})", f"`touch {proof}`", f"x;touch {proof}", f"x'\ntouch {proof}\n'"]
    secrets.write_text("".join(f"{name}:right\n" for name in names[:3]), encoding="utf-8")
    secrets.chmod(0o600)
    t.build([file("f", b"x")])
    words = "echo %RSYNC_USER_NAME% '%RSYNC_REQUEST%' \"%RSYNC_ARG1%\" >/dev/null"
    hooks = "".join(f"{hook} exec = {words}\n" for hook in ("early", "pre-xfer", "post-xfer"))
    t.use_daemon(module=f"{hooks}auth users = *\nsecrets file = {secrets}\n")
    for name in names:
        env = {"USER": name, "LOGNAME": name, "RSYNC_PASSWORD": "right"}
        places = [t.transport.remote(t.path("src/f")), t.path("got/")]
        t.sandbox.run([t.executable(t.cell.server), b"-r", *places], timeout=20, env=env)
    lets(t, "a client's word is run", proof.exists())


@case("ADV-025", clause="DAEMON-19", title="A header of a proxy that is none of ours", **SERVER, **LATE)
def spoofed(t: Trial) -> None:
    """CVE-2026-53791, and the unnumbered fault of negative lengths in version 2 of the header."""
    t.build([file("f", b"x")])
    far = t.use_daemon(
        globals_="proxy protocol = yes\nproxy protocol hosts = 10.9.9.0/24\nreverse lookup = no\n",
        module="hosts allow = 10.1.2.3\n",
    )
    said = tell(far.port, b"PROXY TCP4 10.1.2.3 127.0.0.1 4000 873\r\n" + GREETING + b"mod\n")
    lets(t, "a stranger speaks for another", b"@RSYNCD: OK" in said, repr(said[-200:]))
    far = t.use_daemon(globals_="proxy protocol = yes\nproxy protocol hosts = *\nreverse lookup = no\n")
    for length in (b"\x80\0", b"\xff\xff", b"\x02\x19"):
        said = tell(far.port, PROXY_2 + b"\x21\x11" + length + b"x" * 4096)
        t.equal(f"the answer to a length of {length.hex()}", b"", said)
    t.check("the log", "Traceback" not in far.log(), expected="a message", got=far.log()[-500:])


@case(
    "ADV-026",
    clause="DAEMON-28",
    title="A module within a root, and a symlink to beside it",
    needs_root=True,
    **BOTH,
    **LATE,
)
def beside_inner(t: Trial) -> None:
    """CVE-2026-53793: with /outer/./inner the new root does not hold what is beside the inner directory."""
    t.build([file("key", b"beside\n")], "beside")
    t.build([file("f", b"x")])
    t.build([folder("inner")], ".")
    t.build([symlink("l", "../beside"), file("g", b"y")], "inner")
    before = t.snapshot("beside")
    far = t.use_daemon(
        module=f"[in]\nuse chroot = yes\nread only = no\npath = {t.sandbox.area}/./inner\n"
        "uid = 0\ngid = 0\nmunge symlinks = no\n"
    )
    url = far.url() + b"in/"
    if t.remote_is_source:
        for number, (way, options) in enumerate(((b"l/", "-r"), (b"l/key", "-r"), (b"", "-rL"))):
            t.client(options, places=[url + way, t.path(f"got{number}/")], expect=range(1 << 7))
            lets(t, f"{way!r} is read", t.exists(f"got{number}/key") or t.exists(f"got{number}/l/key"))
    else:
        for way in (b"l/", b"l/new/"):
            t.client("-r", places=[t.path("src/"), url + way], expect=range(1 << 7))
            lets(t, f"{way!r} is written to", sorted(t.snapshot("beside")) != sorted(before))


@case(
    "ADV-027",
    clause="OPT-16",
    title="A client that wants no limit on memory",
    optional=("--max-alloc",),
    **PULL,
    **LATE,
)
def no_limit(t: Trial) -> None:
    """CVE-2026-53794: --max-alloc=0 of a client does not take the daemon's own limit away."""
    t.build([file("f", Noise(5, 600_000))])
    t.build([file("f", Noise(5, 599_000), mtime_ns=10**18)], "dst")
    wrapper = t.sandbox.script(
        "limited", f'export RSYNC_MAX_ALLOC=1M\nexec {os.fsdecode(t.executable(t.cell.server))} "$@"\n'
    )
    t.use_daemon(program=os.fsencode(wrapper))
    for value in ("0", "4G"):
        run = t.sync("-a", "--no-whole-file", "--block-size=10", f"--max-alloc={value}", expect=range(1 << 7))
        lets(t, f"--max-alloc={value} lifts the limit", run.code == 0)
        if t.protocol > 30:
            t.equal("exit code", 22, run.code)


@case(
    "ADV-028",
    clause="DAEMON-17",
    title="A converter that has no answer",
    needs_root=True,
    **PUSH,
    **LATE,
)
def empty_answer(t: Trial) -> None:
    """CVE-2026-53798: an empty line for a name that it does not know never makes root the owner."""
    t.build([file("f", b"x"), file("g", b"y")])
    os.chown(t.path("src/f"), NOBODY, NOBODY)
    os.chown(t.path("src/g"), 4321, 4321)
    for answer in ("echo", "echo 0x0", "echo 4294967296"):
        t.use_daemon(module=f"name converter = while read what; do {answer}; done\nnumeric ids = no\n")
        t.sync("-aI", expect=range(1 << 7))
        for name in ("f", "g"):
            if t.exists(f"dst/{name}"):
                status = os.stat(t.path(f"dst/{name}"))
                lets(t, f"{answer!r} makes root an owner", 0 in (status.st_uid, status.st_gid))


@case("ADV-029", clause="AUTH-6", title="Rules of users that commas part", **BOTH, **LATE)
def comma_rules(t: Trial) -> None:
    """CVE-2026-70463: behind a comma at the start only commas part, so a group's name may have a blank."""
    t.build([file("f", b"x")])
    path = t.sandbox.root / "secrets"
    path.write_text("some one:right\nsomeone:right\n", encoding="utf-8")
    path.chmod(0o600)
    t.use_daemon(module=f"auth users = ,some one:deny,someone:rw\nsecrets file = {path}\n")
    who = {"USER": "some one", "LOGNAME": "some one", "RSYNC_PASSWORD": "right"}
    run = t.sync("-a", env=who, expect=range(1 << 7))
    lets(t, "who is denied gets in", run.code == 0)
    t.sync("-a", env=USER)


@case("ADV-030", clause="DAEMON-25", title="Digests in a daemon's log", **BOTH)
def digests_logged(t: Trial) -> None:
    """An unnumbered fault: %C in the log format, with -c, of files that are and are not transferred."""
    t.build([file("f", b"content\n"), file("same", b"same\n"), folder("d"), symlink("l", "f")])
    t.build([file("same", b"same\n")], "dst")
    far = t.use_daemon(module="transfer logging = yes\nlog format = [%o %n %C]\n")
    t.sync("-ac")
    t.same_tree()
    lines = logged(far.log(), r"\[(send|recv) \S*f [0-9a-f]{16,}")
    t.check("lines with a digest", bool(lines), expected="one of f", got=far.log()[-500:])


@case("ADV-031", clause="DAEMON-25", title="Names that would forge a log", **BOTH, **LATE)
def forged_log(t: Trial) -> None:
    """An unnumbered fault: control characters in names, and in what a client asks for, are escaped."""
    forged = "x\n2026/01/01 00:00:00 [1] forged line\x1b[2J"
    t.build([file(forged, b"x"), file("f", b"y")])
    far = t.use_daemon(module="transfer logging = yes\nlog format = [%o %n]\n")
    t.sync("-a")
    t.sync("-a", sources=["src/" + forged], dest=f"two-{forged}/", expect=range(1 << 7))
    log = far.log()
    forged_lines = re.search(r"^2026/01/01 00:00:00 \[1\]", log, re.MULTILINE)
    lets(t, "a client writes lines of its own", forged_lines is not None, log[-900:])
    lets(t, "control characters are logged as they are", "\x1b" in log, log[-900:])


@case(
    "ADV-032",
    clause="DAEMON-29",
    title="Paths of a configuration through other people's symlinks",
    needs_root=True,
    **BOTH,
    **LATE,
)
def foreign_configuration(t: Trial) -> None:
    """CVE-2026-53784, CVE-2026-53803: a module, its secrets, the message of the day, by way of a symlink that
    is another user's: none is used.
    """
    t.build([file("f", b"x"), file("a.key", b"k")])
    t.build([file("f", b"x"), file("a.key", b"k")], "inside/src")
    t.build([folder("dst")], "inside")
    real = t.sandbox.root / "real"
    real.mkdir()
    (real / "secrets").write_text("someone:right\n")
    (real / "secrets").chmod(0o600)
    (real / "motd").write_text("planted\n")
    planted = t.sandbox.root / "planted"
    os.symlink(real, planted)
    os.lchown(planted, NOBODY, NOBODY)
    os.symlink(t.path("inside"), t.path("way"))
    os.lchown(t.path("way"), NOBODY, NOBODY)

    def comes(
        what: str, *, module: str = "", globals_: str = "", at: bytes = b"mod", env: Any = None
    ) -> bytes:
        far = t.use_daemon(module=module, globals_=globals_)
        places = [far.url() + at + b"/src/f", t.path("got/")]
        run = t.client("-r", places=places, expect=range(1 << 7), env=env)
        lets(t, what, t.exists("got/f"))
        return run.stdout

    comes("a module by a planted way", module=f"[other]\npath = {os.fsdecode(t.path('way'))}\n", at=b"other")
    comes("planted secrets", module=f"auth users = *\nsecrets file = {planted}/secrets\n", env=USER)
    far = t.use_daemon(globals_=f"motd file = {planted}/motd\n")
    said = t.client(places=[far.url()], expect=range(1 << 7)).stdout
    lets(t, "a planted message", b"planted" in said)


@case("ADV-033", clause="DAEMON-8", title="A line of a file in an error about it", **PULL, **LATE)
def echoed(t: Trial) -> None:
    """An unnumbered fault: what a file has that is read as rules and has none is not told to the client."""
    t.build(
        [file("d/f", b"1"), file("d/key.hid", b"bogus! word-of-the-key\n"), file("d/open", b"odd! word-2\n")]
    )
    t.use_daemon(module="exclude = *.hid\n")
    for words in (("--filter=: key.hid",), ("--filter=: open",), ("-M--filter=merge_src/d/open",)):
        run = t.sync("-r", *words, expect=range(1 << 7))
        lets(t, f"{words[0]} tells a line", b"word-" in run.stderr + run.stdout, repr(run.stderr[-300:]))


@case("ADV-034", clause="DAEMON-10", title="A client that wants 256 threads", **PULL, **LATE)
def threads(t: Trial) -> None:
    """CVE-2026-70455: compression in a server has few threads, however many its client asks for."""
    t.build([file("f", Noise(9, 3_000_000))])
    peak = t.sandbox.root / "peak"
    watch = t.sandbox.root / "watch.py"
    watch.write_text(WATCH, encoding="utf-8")
    far = t.use_daemon()
    for option in ("--compress-threads=256",):
        watcher = t.sandbox.start(
            [b"/usr/bin/env", b"python3", os.fsencode(watch), b"%d" % far.pid, os.fsencode(peak)]
        )
        t.sync("-rzI", "--compress-choice=zstd", f"-M{option}", expect=range(1 << 7))
        watcher.stop()
        most = int(Path(peak).read_text() or 0) if peak.exists() else 0
        lets(t, f"{option} is granted", most > 16, f"{most} threads")


#: Counts the threads of a process's children until it is stopped; the most is in the file.
WATCH = """
import glob, sys
most = 0
while True:
    for path in glob.glob(f"/proc/{sys.argv[1]}/task/*/children"):
        for child in open(path).read().split():
            try:
                count = len(glob.glob(f"/proc/{child}/task/*"))
            except OSError:
                continue
            if count > most:
                most = count
                open(sys.argv[2], "w").write(str(most))
"""


@case(
    "ADV-037",
    clause="TCP-3",
    title="A daemon's hostile clients, and an honest one after each",
    **SERVER,
    **LATE,
)
def hostile_clients(t: Trial) -> None:
    """Clients that depart from the protocol in one thing (those of HOSTILE-501 on), at a daemon: a text for
    its receiver, names that lead out, a symlink on the way, sums that are too long. It outlives each.
    """
    t.build(
        [
            file("victim", b"new" * 4115),
            file("other", b"o"),
            file("sub/inner", b"i"),
            symlink("link", "victim"),
        ]
    )
    t.build([symlink("way", "../outside")])
    t.build([file("secret", b"quiet\n")], "outside")
    before = t.snapshot("outside")
    far = t.use_daemon()
    for name in ("sender-text-escapes", "name-above", "symlink-is-directory", "sums-too-long"):
        places = [t.path("src/"), far.module_url() + b"/dst/"]
        if name.startswith("sums"):
            places = [far.module_url() + b"/src/", t.path("got/")]
        words = [sys.executable, "-m", "refsync_conformance.deviant", name, "-a", "--no-inc-recursive"]
        t.sandbox.run([os.fsencode(word) for word in words] + places, timeout=20)
        t.untouched(before, "outside")
    t.equal("names in the area", {b"src", b"dst", b"outside"}, set(os.listdir(t.area)) - {b"got"})
    log = far.log()
    t.check("the log", "Traceback" not in log and "\x1b" not in log, expected="messages", got=log[-900:])
    said = tell(far.port, GREETING + b"#list\n")
    t.check("an honest client's answer", b"@RSYNCD: EXIT" in said, expected="the list", got=repr(said))
