"""Whole sessions: each role of client and server at each version, against the bytes of a peer.

Input: bytes for role, version, options and pieces, then what the peer sends, setup included.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from refsync.engine import client
from refsync.engine.report import RemoteReporter
from refsync.engine.server import allow_inc_recurse, serve
from refsync.options import server_args
from refsync.options.model import Options
from refsync.options.parse import parse
from refsync.session.link import Link, PeerClosed
from refsync.session.tasks import Tasks
from refsync.wire import mux
from refsync.wire.dialect import MAX_PROTOCOL, MIN_PROTOCOL
from refsync.wire.errors import EXIT_TEXT, RefsyncError
from refsync.wire.integers import int32, varint
from refsync.wire.ndx import NDX_DONE, NDX_FLIST_EOF, NdxCodec

from ..choices import Choices
from ..oracle import Violation, expect, same
from ..structure import Shape
from ..target import Played, Surface
from ._sandbox import SECRET, Sandbox, descriptors

#: Which half runs here, and whether it sends.
ROLES = (("client", True), ("client", False), ("server", True), ("server", False))
PROTOCOLS = tuple(range(MAX_PROTOCOL, MIN_PROTOCOL - 1, -1))
#: Options of the run. No devices: a fuzzer that runs as root would make them.
OPTIONS = (
    ["-rlpt"],
    ["-rlt", "--delete"],
    ["-rt", "--checksum"],
    ["-rlogt", "--numeric-ids"],
    ["-rlpt", "--inplace", "--no-whole-file"],
    ["-rt", "--delete-after", "--partial"],
    ["-d", "--existing"],
    ["-rlptn", "-i"],
    ["-rltO", "--ignore-times", "--no-inc-recursive"],
    ["-rltH"],
    ["-rlt", "--backup", "--backup-dir=old", "--partial-dir=.part", "--delay-updates"],
    ["-rlt", "--remove-source-files"],
    ["-rltR", "--trust-sender", "--safe-links", "--no-whole-file"],
    ["-rlt", "--compare-dest=d", "--munge-links", "--max-size=1k"],
)
REMOVES = "--remove-source-files"
#: So many there were at first: a higher byte still means what it meant then.
FIRST_OPTIONS = 10
#: Steps that no honest or hostile input of the longest length needs.
MOST_STEPS = 200_000


def _head(data: bytes) -> int:
    """Choices and the setup: to the first header of a frame, or all if there is none."""
    for at in range(8, min(len(data) - 3, 400)):
        if data[at + 3] in _CODES and int.from_bytes(data[at : at + 3], "little") <= len(data) - at - 4:
            return at
    return min(8, len(data))


_CODES = frozenset(code + mux.MPLEX_BASE for code in mux.MESSAGES)

SURFACE = Surface(
    priority=0,
    clauses=("SETUP-1", "XFER-2", "IREC-6", "END-1", "HOST-1", "HOST-2", "FS-1"),
    code=(
        "refsync.engine.client",
        "refsync.engine.server",
        "refsync.engine.roles",
        "refsync.engine.session",
        "refsync.engine.sender",
        "refsync.engine.receiver",
        "refsync.engine.generator",
        "refsync.engine.receive_list",
        "refsync.engine.hardlinks",
    ),
    oracle="ECMS",
    dictionary={
        **{f"version_{protocol}": int32(protocol) for protocol in PROTOCOLS},
        "flags": varint(0x1FF),
        "seed": int32(1),
        "done": NdxCodec(True).encode(NDX_DONE),
        "flist_eof": NdxCodec(True).encode(NDX_FLIST_EOF),
        "checksums": b"\x0axxh128 md5",
        "parent": b"\5../../",
        "trap": b"\6trap/x",
        "outside": b"\x11../outside/secret",
        "no_send": mux.encode(mux.NO_SEND, int32(1)),
        "io_error": mux.encode(mux.IO_ERROR, int32(1)),
        "deleted": mux.encode(mux.DELETED, b"a"),
        "error_exit": mux.encode(mux.ERROR_EXIT, int32(23)),
        "data": mux.encode_header(mux.DATA, 16),
    },
    max_length=4096,
    slow="whole sessions in a directory of real files, each input twice",
    shape=Shape(_head, 3, 1),
)

_sandboxes: list[Sandbox] = []


def _sandbox() -> Sandbox:
    """One a process, made when it is first needed."""
    if not _sandboxes:
        _sandboxes.append(Sandbox())
    return _sandboxes[0]


def _words(choice: int) -> list[str]:
    return OPTIONS[choice if choice < len(OPTIONS) else choice % FIRST_OPTIONS]


def _options(words: list[str], protocol: int, *, server: bool, sender: bool) -> Options:
    options, _ = parse([*words, f"--protocol={protocol}"])
    options.sender = sender if not server else not sender
    options.checksum_seed = 1
    if not server:
        return options
    arguments = server_args.build(options, inc_recurse=allow_inc_recurse(options, sender=options.sender))
    options, _ = parse([*arguments, ".", "x"])
    options.protocol = protocol
    return options


def _conversation(link: Link, half: str, sender: bool, options: Options, box: Sandbox) -> Tasks:
    source, dest = os.fsencode(box.source), os.fsencode(box.dest)
    if half == "server":
        paths = [b".", source + b"/" if sender else dest]
        return Tasks(link, serve(link, options, paths))
    paths = [source + b"/"] if sender else [b"host/"]
    return Tasks(link, client.run(link, options, RemoteReporter(Link()), paths, dest))


def _run(choices: tuple[int, int, int], stream: bytes, pieces: list[int]) -> tuple[int | None, bytes]:
    """(exit code, or None if the peer went away in the middle; what was sent)"""
    half, sender = ROLES[choices[0] % len(ROLES)]
    protocol = PROTOCOLS[choices[1] % len(PROTOCOLS)]
    options = _options(_words(choices[2]), protocol, server=half == "server", sender=sender)
    box = _sandbox()
    link = Link()
    tasks = _conversation(link, half, sender, options, box)
    sent = bytearray()
    at = turn = 0
    try:
        for _ in range(MOST_STEPS):
            tasks.step()
            sent += link.output()
            link.sent(len(link.output()))
            if tasks.done:
                code = tasks.results[0]
                expect(code in EXIT_TEXT or code == 0, f"ended with {code!r}")
                return int(code), bytes(sent)
            if tasks.runnable:
                continue
            if at < len(stream):
                size = pieces[min(turn, len(pieces) - 1)] if pieces else len(stream)
                turn += 1
                link.feed(stream[at : at + size])
                at += size
            elif link.closed:
                raise Violation(f"{half} waits for a peer that has gone")
            else:
                link.feed_eof()
        raise Violation(f"{half} took {MOST_STEPS} steps over {len(stream)} bytes")
    except PeerClosed:
        return None, bytes(sent)
    except RefsyncError as error:
        expect(0 < error.code < 256, f"refused with {error.code}: {error.message!r}")
        return error.code, bytes(sent)
    finally:
        tasks.close()


def fuzz_one(data: bytes) -> None:
    """Oracle: a session ends with an exit code, says why it refuses, or misses its peer; it never hangs.

    Nothing but ``RefsyncError`` escapes, whatever files the peer announces.
    What is outside the destination stays as it was, and what is outside the
    source is not sent. No descriptor stays open. A session that succeeds in one piece succeeds in
    many, with the same files.
    """
    choices = Choices(data)
    head = (choices.byte(), choices.byte(), choices.byte())
    pieces = choices.byte()
    stream = choices.rest()
    box = _sandbox()
    receives = not ROLES[head[0] % len(ROLES)][1]
    trees = []
    codes = []
    for sizes in ([], [1 + pieces, 1 + pieces % 16]):
        if receives:
            box.reset()
        held = descriptors()
        code, sent = _run(head, stream, sizes)
        same(descriptors(), held, "descriptors that are open")
        codes.append(code)
        if REMOVES in _words(head[2]):
            expect(box.source_is_part(), "the source has something new")
            box.renew_source()
        expect(box.outside_is_untouched(), "something outside the destination was changed")
        expect(SECRET not in sent, "something outside the source was sent")
        if code != 0:
            break
        if receives:
            trees.append(box.dest_tree())
    if codes[0] == 0:
        same(codes[-1], 0, "exit code in pieces")
        expect(len(trees) < 2 or trees[0] == trees[1], "other files in pieces")


def played(data: bytes) -> Played | None:
    """What the peer says to a real client, or to a real server that receives."""
    choices = Choices(data)
    role, protocol, words = choices.byte(), choices.byte(), choices.byte()
    half, sender = ROLES[role % len(ROLES)]
    protocol = PROTOCOLS[protocol % len(PROTOCOLS)]
    options = _words(words)
    stream = choices.rest()[1:]  # behind the sizes of pieces
    if half == "client":
        return Played("server", stream, (*options, "--checksum-seed=1"), sender, protocol)
    if sender:
        return None
    made = _options(options, protocol, server=False, sender=True)
    arguments = server_args.build(made, inc_recurse=allow_inc_recurse(made, sender=True))
    return Played("client", stream, tuple(word for word in arguments if word != "--server"), True, protocol)


def seeds() -> Iterator[tuple[str, bytes]]:
    """What a peer says before anything can differ between machines; ``captures`` has the rest."""
    for number, protocol in enumerate(PROTOCOLS):
        for role in range(len(ROLES)):
            yield f"version.{protocol}.{role}", bytes((role, number, 0, 0)) + int32(protocol)
    yield "shell", b"\1\0\0\0bash: rsync: command not found\n"
    yield "version_19", b"\3\0\0\0" + int32(19)
    yield "error_exit", b"\1\0\0\0" + int32(32) + varint(0) + int32(1) + mux.encode(mux.ERROR_EXIT, int32(11))
    yield "nothing", b"\0\0\0\0"


def captures() -> Iterator[tuple[str, bytes]]:
    """What the other half of ours says in whole sessions. Sizes of directories and ids differ by machine."""
    box = _sandbox()
    for number, protocol in enumerate(PROTOCOLS):
        for index, words in enumerate(OPTIONS):
            if index and number not in (0, 3, 5) and index != 1:
                continue
            for push in (True, False):
                box.reset()
                client_said, server_said = _talk(words, protocol, push)
                if REMOVES in words:
                    box.renew_source()
                role = 0 if push else 1
                name = f"{protocol}.{index}.{'push' if push else 'pull'}"
                # what has arrived is only heard by a sender that has begun: byte by byte
                pieces = 0 if REMOVES in words else 200
                yield f"client.{name}", bytes((role, number, index, pieces)) + server_said
                yield f"server.{name}", bytes((3 - role, number, index, pieces)) + client_said
    box.reset()


def _talk(words: list[str], protocol: int, push: bool) -> tuple[bytes, bytes]:
    """One session of both halves: what the client and what the server said."""
    box = _sandbox()
    near, far = Link(), Link()
    client_options = _options(words, protocol, server=False, sender=push)
    server_options = _options(words, protocol, server=True, sender=not push)
    ours = _conversation(near, "client", push, client_options, box)
    theirs = _conversation(far, "server", not push, server_options, box)
    said = {id(near): bytearray(), id(far): bytearray()}
    for _ in range(MOST_STEPS):
        ours.step()
        theirs.step()
        for one, other in ((near, far), (far, near)):
            out = bytes(one.output())
            said[id(one)] += out
            other.feed(out)
            one.sent(len(out))
        if ours.done and theirs.done and not near.pending and not far.pending:
            return bytes(said[id(near)]), bytes(said[id(far)])
    raise Violation("two halves wait for each other")
