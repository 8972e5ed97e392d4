"""Whole sessions that answer: a correct half of which one word is changed, against a real rsync and ours.

Input: bytes for who the victim is, version, options; then the change: what kind, two bytes for where, two
for how much, and the bytes that are put there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

from refsync.engine import client
from refsync.engine.report import RemoteReporter
from refsync.engine.server import allow_inc_recurse, serve
from refsync.options import server_args
from refsync.session.link import Link
from refsync.session.tasks import Tasks
from refsync.wire import mux
from refsync.wire.integers import int32

from .. import realsessions
from ..choices import Choices
from ..oracle import Violation, expect, same
from ..target import Surface
from . import real_filters, session
from ._sandbox import Sandbox, descriptors
from ._victims import Change, Ended, Half, meet_ours, real_client, real_server

#: Who the victim is, and whether it sends.
VICTIMS = (("server", False), ("server", True), ("client", False), ("client", True))
PROTOCOLS = session.PROTOCOLS
#: Of these every real rsync that is met knows all; what it prints goes nowhere.
OPTIONS = (
    ["-rlpt"],
    ["-rlt", "--delete"],
    ["-rt", "--checksum"],
    ["-rlptO", "--inplace", "--no-whole-file"],
    ["-rltO", "--ignore-times", "--no-inc-recursive"],
    ["-rlt", "-z"],
    ["-d"],
    ["-rltH", "--delete-after", "--partial"],
)
WORDS = (
    mux.encode_header(mux.DATA, 4), mux.encode(mux.NO_SEND, int32(1)), mux.encode(mux.IO_ERROR, int32(1)),
    mux.encode(mux.ERROR_EXIT, int32(23)), mux.encode(mux.INFO, b"hello\n"), mux.encode(mux.DELETED, b"a"),
    mux.encode(mux.ERROR, b"no\n"), mux.encode(mux.SUCCESS, int32(2)), mux.encode(mux.REDO, int32(2)),
    mux.encode(mux.IO_TIMEOUT, int32(30)), (99 << 24).to_bytes(4, "little"), b"\xff" * 4, b"\0" * 4,
    b"\xff\xff\xff\x7f",
)  # fmt: skip

SURFACE = Surface(
    priority=1,
    clauses=("SETUP-1", "XFER-2", "FLIST-1", "END-1", "MUX-1"),
    code=("refsync.engine.client", "refsync.engine.server", "refsync.engine.roles", "refsync.engine.session"),
    oracle="DS",
    dictionary={"minus_one": b"\xff" * 4, "most": b"\xff\xff\xff\x7f", "frame": b"\x04\0\0\7", "up": b"../"},
    max_length=64,
    slow="a real rsync is run for each input",
)  # fmt: skip

#: So far no session gets.
NOTHING = 1 << 40
_sandboxes: list[Sandbox] = []


def _sandbox() -> Sandbox:
    """One a process, made when it is first needed."""
    if not _sandboxes:
        _sandboxes.append(Sandbox())
    return _sandboxes[0]


def _half(who: str, sends: bool, words: list[str], protocol: int, change: Change) -> Half:
    """The fuzzed half: what the victim is not."""
    link, tasks = _conversation("client" if who == "server" else "server", not sends, words, protocol)
    return Half(link, tasks, change)


def _conversation(who: str, sends: bool, words: list[str], protocol: int) -> tuple[Link, Tasks]:
    """One half of ours, which reads from the source or writes to the destination."""
    box, link = _sandbox(), Link()
    options = session._options(words, protocol, server=who == "server", sender=sends)
    source, dest = os.fsencode(box.source), os.fsencode(box.dest)
    if who == "server":
        return link, Tasks(link, serve(link, options, [b".", source + b"/" if sends else dest]))
    paths = [source + b"/"] if sends else [b"host/"]
    return link, Tasks(link, client.run(link, options, RemoteReporter(Link()), paths, dest))


@cache
def _length(who: str, sends: bool, words: tuple[str, ...], protocol: int) -> int:
    """How much the fuzzed half says if nothing is changed."""
    change = Change(NOTHING)
    _sandbox().reset()
    ended = meet_ours(
        _half(who, sends, list(words), protocol, change), *_conversation(who, sends, list(words), protocol)
    )
    if ended.kind != "ok":
        raise Violation(f"an honest session ended with {ended}")
    return change.passed


def _change(choices: Choices, length: int) -> Change:
    """One thing: another value, bytes that are missing, that are too many, or the end."""
    kind, at = choices.byte(), choices.integer(2) % max(1, length)
    size, put = choices.byte(), choices.take(16)
    match kind % 7:
        case 0:
            return Change(at, len(put) or 1, put or b"\0")
        case 1:
            return Change(at, 1 + size % 32)
        case 2:
            return Change(at, 0, put or b"\0")
        case 3:
            return Change(at, 4, int32(int.from_bytes(put[:4], "little", signed=True)))
        case 4:
            return Change(at, 0, WORDS[size % len(WORDS)])
        case 5:
            return Change(at, ends=True)
        case _:
            return Change(NOTHING)


def _ours(who: str, sends: bool, words: list[str], protocol: int, change: Change) -> Ended:
    return meet_ours(_half(who, sends, words, protocol, change), *_conversation(who, sends, words, protocol))


def _theirs(program: bytes, who: str, sends: bool, words: list[str], protocol: int, change: Change) -> Ended:
    box = _sandbox()
    half = _half(who, sends, words, protocol, change)
    source, dest = os.fsencode(box.source) + b"/", os.fsencode(box.dest)
    if who == "server":
        options = session._options(words, protocol, server=False, sender=not sends)
        made = server_args.build(options, inc_recurse=allow_inc_recurse(options, sender=not sends))
        arguments = [*map(os.fsencode, made), b".", source if sends else dest]
        return real_server(program, arguments, os.fsencode(box.dest)).meet(half)
    given = [*map(os.fsencode, words), b"--checksum-seed=1", b"--protocol=%d" % protocol]
    paths = [source, b"host:x/"] if sends else [b"host:x/", dest]
    return real_client(program, [*given, *paths], os.fsencode(box.dest)).meet(half)


def fuzz_one(data: bytes) -> None:
    """Oracle: a real rsync ends in the same way: well, in part, or by refusing; with the same files if well.

    Neither hangs nor crashes, no descriptor stays open,
    and nothing outside the destination changes. What differs and is meant to is listed
    in ``fuzz/refsync_fuzz/real-sessions.toml``. Without a real rsync only ours is run.
    """
    choices = Choices(data)
    who, sends = choices.pick(VICTIMS)
    protocol, words = min(choices.pick(PROTOCOLS), realsessions.newest()), choices.pick(OPTIONS)
    make = choices.rest()
    length = _length(who, sends, tuple(words), protocol)
    box, found = _sandbox(), []
    trees = []
    program = os.fsencode(real_filters.program())
    for real in (False, True):
        if real and not program:
            return
        box.reset()
        change = _change(Choices(make), length)
        run = (who, sends, words, protocol, change)
        held = descriptors()
        found.append(_theirs(program, *run) if real else _ours(*run))
        same(descriptors(), held, "descriptors that are open")
        trees.append(box.dest_tree())
        expect(box.outside_is_untouched(), "something outside the destination was changed")
    ours, theirs = found
    expect(not ours.hung, f"ours hangs: {ours.said}")
    about = realsessions.Met(who, sends, protocol, " ".join(words), change.put, ours, theirs)
    if realsessions.reason_for(about):
        return
    same(ours.kind, theirs.kind, f"how a {who} that {'sends' if sends else 'receives'} ended: {about}")
    if ours.kind == "ok" and theirs.kind == "ok":
        same(trees[0], trees[1], "the files")


#: Inputs that a real rsync has taken otherwise than ours, as the list says; the last crashes one.
DIFFER = (
    "00010700e3077cd5", "020305042837fb66", "0201060357538d00", "0001020065621d80", "0200070058c1ff01000000",
    "020004008bf86401000000", "010100047faba9ffffffff", "000003005a986ecfa2", "0200050409209f80",
)  # fmt: skip


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each victim at each version with nothing changed, with each kind of change somewhere, what is known."""
    for victim in range(len(VICTIMS)):
        for number in range(len(PROTOCOLS)):
            yield f"honest.{victim}.{number}", bytes((victim, number, number)) + b"\6"
        for kind in range(6):
            for place in range(3):
                head = bytes((victim, kind * 3 % len(PROTOCOLS), (kind + place) % len(OPTIONS), kind))
                at = (20 + 97 * place + 13 * kind).to_bytes(2, "little")
                yield (
                    f"changed.{victim}.{kind}.{place}",
                    head + at + bytes((kind + place,)) + b"\xff\xff\xff\x7f",
                )
    for number, text in enumerate(DIFFER):
        yield f"differs.{number}", bytes.fromhex(text)
