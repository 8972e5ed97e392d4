"""Every place that submits to the ring, and what is counted there.

The numbers are those of the C code (``native/uring.c``); nothing is submitted elsewhere.
"""

from __future__ import annotations

from ..records import dataclass

#: The opcodes of the kernel's interface that the sites use, by number.
OPCODES: dict[int, str] = {
    0: "NOP",
    2: "WRITEV",
    3: "FSYNC",
    4: "READ_FIXED",
    5: "WRITE_FIXED",
    6: "POLL_ADD",
    14: "ASYNC_CANCEL",
    22: "READ",
    23: "WRITE",
    26: "SEND",
    27: "RECV",
    47: "SEND_ZC",
}
NUMBERS = {name: number for number, name in OPCODES.items()}
#: Without one of these there is no data path over a ring; the others have something that stands in for them.
NEEDED = ("WRITEV", "POLL_ADD", "ASYNC_CANCEL", "READ", "WRITE", "SEND", "RECV")

METADATA, READING, WRITING, SOCKET, CONTROL = (
    "metadata",
    "file read",
    "file write",
    "socket",
    "poll and cancel",
)


@dataclass(frozen=True, slots=True)
class Site:
    """``opcodes``: the first is preferred. ``purpose`` is for people."""

    name: str
    category: str
    opcodes: tuple[str, ...]
    purpose: str


SITES: tuple[Site, ...] = (
    Site("read-source", READING, ("READ_FIXED", "READ"), "a sender reads ahead into slots"),
    Site("read-basis", READING, ("READ_FIXED", "READ"), "a receiver reads matched blocks"),
    Site("write-literal", WRITING, ("WRITEV", "WRITE"), "literal data, from where it was received"),
    Site("write-copy", WRITING, ("WRITE_FIXED", "WRITE"), "matched blocks"),
    Site("fsync", METADATA, ("FSYNC",), "--fsync, many files at a time"),
    Site("send", SOCKET, ("SEND",), "a slot of frames"),
    Site("send-zc", SOCKET, ("SEND_ZC",), "the same without a copy (--zero-copy)"),
    Site("write-pipe", SOCKET, ("WRITE_FIXED", "WRITE"), "a slot of frames, to a remote shell"),
    Site("recv", SOCKET, ("RECV",), "goes on by itself, into a buffer ring"),
    Site("read-pipe", SOCKET, ("READ_FIXED", "READ"), "from a remote shell, or without a buffer ring"),
    Site("poll", CONTROL, ("POLL_ADD",), "the other direction, or on older kernels a pipe, can go on"),
    Site("cancel", CONTROL, ("ASYNC_CANCEL",), "a file has ended, or the run"),
)


@dataclass(slots=True)
class Count:
    """``failed`` leaves out what only means "not now" or "was cancelled"."""

    submitted: int = 0
    completed: int = 0
    short: int = 0
    failed: int = 0
    bytes: int = 0
    opcode: str = ""  # the last that was used

    def add(self, other: Count) -> None:
        self.submitted += other.submitted
        self.completed += other.completed
        self.short += other.short
        self.failed += other.failed
        self.bytes += other.bytes
        self.opcode = other.opcode or self.opcode


def line(site: Site, count: Count) -> str:
    """As ``--debug=uring`` tells it."""
    return (
        f"io_uring {site.name} {count.opcode}: submitted={count.submitted} completed={count.completed}"
        f" short={count.short} failed={count.failed} bytes={count.bytes}"
    )
