"""Peers, on either side, whose frames and setup are not what they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refsync.session.link import Link
from refsync.wire import compat, mux, negotiation
from refsync.wire.integers import int32, varint

from .table import HARMLESS, NEWER, REFUSED, deviation, wrap


def _first(data: bytes, times: int = 1) -> None:
    """Put these bytes where the first frame would begin."""

    def make(start: Callable[[Link], None]) -> Callable[[Link], None]:
        def started(link: Link) -> None:
            start(link)
            for _ in range(times):
                link._out += data

        return started

    wrap(Link, "start_frames_out", make)


def _both(number: int, name: str, title: str, apply: Callable[[], None], **rest: Any) -> None:
    """The same deviation on either side of a transfer."""
    for offset, side in enumerate(("sender", "receiver")):
        deviation(number + offset, f"{side}-{name}", f"{title} (from a {side})", side=side, **rest)(apply)  # type: ignore[arg-type]


def tag_unknown() -> None:
    """A frame with a code that no message has."""
    _first(((mux.MPLEX_BASE + 77) << 24 | 4).to_bytes(4, "little") + b"abcd")


def tag_internal() -> None:
    """A message that only passes between the processes of one side."""
    _first(mux.encode(mux.REDO, int32(1)))


def message_oversize() -> None:
    """A message of 8 MiB."""
    _first(((mux.MPLEX_BASE + mux.INFO) << 24 | 1 << 23).to_bytes(4, "little"))


def io_error_short() -> None:
    """An io_error of two bytes."""
    _first(((mux.MPLEX_BASE + mux.IO_ERROR) << 24 | 2).to_bytes(4, "little") + b"\1\0")


def noop_flood() -> None:
    """A million empty frames first: no recursion, no memory, and the transfer goes on."""
    _first(mux.encode(mux.NOOP) * 1000, 1000)


def text_escapes() -> None:
    """Messages with control characters: none reaches the terminal raw."""
    _first(mux.encode(mux.INFO, b"\x1b]0;owned\x07\x1b[2J gotcha\n"))


def timeout_absurd() -> None:
    """Timeouts of 0, -1 and 2,147,483,647 seconds are not taken."""
    for seconds in (0, -1, 0x7FFFFFFF):
        _first(mux.encode(mux.IO_TIMEOUT, int32(seconds)))


def success_for_nobody() -> None:
    """News of indexes that do not exist."""
    for code in (mux.SUCCESS, mux.NO_SEND):
        _first(mux.encode(code, int32(99_999)))


def exit_of_256() -> None:
    """The peer ends with code 256, which as an exit code would be success."""
    _first(mux.encode(mux.ERROR_EXIT, int32(256)))


_both(
    100,
    "tag-unknown",
    "A frame of an unknown kind",
    tag_unknown,
    clause="MUX-5",
    expect=REFUSED,
    protocols=NEWER,
)
_both(
    102,
    "tag-internal",
    "A message that is none between hosts",
    tag_internal,
    clause="MUX-5",
    expect=REFUSED,
    protocols=NEWER,
)
_both(
    104,
    "message-oversize",
    "A message that is too long",
    message_oversize,
    clause="MUX-6",
    expect=REFUSED,
    protocols=NEWER,
)
_both(
    106,
    "io-error-short",
    "A message of the wrong size",
    io_error_short,
    clause="MUX-4",
    expect=REFUSED,
    protocols=NEWER,
)
_both(
    108,
    "noop-flood",
    "A flood of empty frames",
    noop_flood,
    clause="MUX-10",
    expect=HARMLESS,
    advisory="noop-flood",
)
_both(
    110,
    "text-escapes",
    "A message with control characters",
    text_escapes,
    clause="OUT-7",
    expect=HARMLESS,
    advisory="info-to-receiver",
)
_both(
    112,
    "timeout-absurd",
    "Timeouts that are none",
    timeout_absurd,
    clause="MUX-12",
    expect=HARMLESS,
    advisory="CVE-2026-70462",
)
_both(
    114,
    "success-for-nobody",
    "News of files that do not exist",
    success_for_nobody,
    clause="MUX-9",
    expect=HARMLESS,
)
_both(
    116,
    "exit-of-256",
    "An exit with code 256",
    exit_of_256,
    clause="END-7",
    expect=frozenset(range(1, 36)),
    protocols=NEWER,
)


def frames_tiny() -> None:
    """Frames of one byte of data, each followed by an empty message: odd, but right."""

    def one_by_one(link: Link, data: bytes | bytearray | memoryview = b"") -> None:
        for byte in bytes(link._data) + bytes(data):
            link._out += mux.encode(mux.DATA, bytes((byte,))) + mux.encode(mux.NOOP)
        link._data.clear()

    wrap(Link, "_frame_full", lambda full: one_by_one)
    wrap(Link, "_frame_pending", lambda pending: one_by_one)


_both(
    118,
    "frames-tiny",
    "Frames of one byte, with messages between any two",
    frames_tiny,
    clause="MUX-2",
    expect=frozenset((0,)),
)


def no_send_flood() -> None:
    """A hundred thousand times the news that the first file is not sent."""
    _first(mux.encode(mux.NO_SEND, int32(1)) * 1000, 100)


_both(
    127,
    "no-send-flood",
    "A flood of news that a file is not sent",
    no_send_flood,
    clause="MUX-9",
    expect=HARMLESS,
    advisory="no-send-flood",
)


def flags_unknown() -> None:
    """A server that claims all flags that a varint holds."""
    wrap(compat, "encode_flags", lambda encode: lambda flags, letters="": varint(flags | 0x7FFF0000))


deviation(
    120,
    "flags-unknown",
    "Compatibility flags that nobody knows",
    clause="SETUP-6",
    side="sender",
    judges=("client",),
    expect=HARMLESS,
)(flags_unknown)


def flags_overlong() -> None:
    """A varint whose first byte announces more bytes than an int has."""
    wrap(compat, "encode_flags", lambda encode: lambda flags, letters="": b"\xff" * 9)


deviation(
    121,
    "flags-overlong",
    "Compatibility flags that are no int",
    clause="INT-5",
    side="sender",
    judges=("client",),
    expect=REFUSED,
    protocols=NEWER,
)(flags_overlong)


def names_none() -> None:
    """Only names that nobody has."""
    wrap(negotiation, "encode_names", lambda encode: lambda names: encode(("rot13", "crc8")))


_both(
    122,
    "names-none",
    "No checksum in common",
    names_none,
    clause="SETUP-9",
    expect=frozenset((2, 4, 12)),
    protocols=NEWER,
)


def names_long() -> None:
    """A list of names of 30,000 bytes, all of which could be meant."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        return lambda names: b"\xf5\x30" + " ".join(names).encode().ljust(30_000)

    wrap(negotiation, "encode_names", make)


_both(
    124,
    "names-long",
    "A list of names that is too long",
    names_long,
    clause="SETUP-8",
    expect=REFUSED,
    protocols=NEWER,
)


def recursion_forced() -> None:
    """A server that turns on incremental recursion, which the client has not offered."""
    wrap(compat, "server_flags", lambda flags: lambda *rest: flags(*rest) | compat.INC_RECURSE)


deviation(
    126,
    "recursion-forced",
    "Incremental recursion that nobody offered",
    clause="SETUP-7",
    side="sender",
    judges=("client",),
    options=("--no-inc-recursive", "--timeout=1"),
    expect=REFUSED | {1, 30},
    protocols=NEWER,
)(recursion_forced)
