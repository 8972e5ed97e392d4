"""DEVC: what devices contain, as files."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from refsync_conformance.model import Breadth
from refsync_conformance.registry import case
from refsync_conformance.trees import Noise, device, file
from refsync_conformance.trial import Trial

COPY: dict[str, Any] = {"optional": ("--copy-devices",), "needs_root": True, "transports": ("local", "pipe")}
WRITE: dict[str, Any] = COPY | {"optional": ("--write-devices",)}
#: Bytes of the disk that is made of a file.
SIZE = 64 * 1024


@contextmanager
def disk(t: Trial, place: str, content: bytes) -> Iterator[bytes]:
    """A block device with this content, and its path; the cell is unsupported where none can be made."""
    t.write("backing", content)
    program = shutil.which("losetup", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        t.unsupported("no losetup")
    made = subprocess.run([program, "-f", "--show", t.path("backing")], capture_output=True, check=False)
    if made.returncode:
        t.unsupported("no loop device is to be had")
    loop = made.stdout.strip()
    try:
        os.makedirs(t.path(place), exist_ok=True)
        path = os.path.join(t.path(place), b"disk")
        os.mknod(path, stat.S_IFBLK | 0o600, os.stat(loop).st_rdev)
        yield path
    finally:
        subprocess.run([program, "-d", loop], check=False)


def content_of(path: bytes) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, SIZE)
    finally:
        os.close(fd)


@case("DEVC-001", clause="FS-25", title="--copy-devices makes files of devices", **COPY)
def copied(t: Trial) -> None:
    """A device without an end is an empty file. Its permissions are kept, else its mode is a file's."""
    t.build([device("null", "char", 1, 3, mode=0o640), file("plain", b"1")])
    t.items(t.sync("-ai", "--copy-devices"))
    status = os.lstat(t.path("dst/null"))
    t.equal("mode", oct(stat.S_IFREG | 0o640), oct(status.st_mode))
    t.equal("size", 0, status.st_size)
    t.equal("the other file", b"1", t.read("dst/plain"))


@case("DEVC-002", clause="FS-25", title="All that a disk holds is copied", **COPY)
def copied_disk(t: Trial) -> None:
    content = Noise(7, SIZE).data()
    with disk(t, "src", content):
        t.sync("-a", "--copy-devices")
        t.equal("whether the content is there", True, t.read("dst/disk") == content)


@case(
    "DEVC-003", clause="FS-26", title="--write-devices writes to a device that has the file's name", **WRITE
)
def written(t: Trial) -> None:
    """It stays a device, whatever is written to it; without the option a file takes its place."""
    t.build([file("null", b"into the void", mode=0o640)])
    t.build([device("null", "char", 1, 3, mode=0o600)], "dst")
    run = t.sync("-ai", "--write-devices")
    if t.protocol > 28:  # before that upstream says of the line what it has made of the entry by then
        t.items(run)
    status = os.lstat(t.path("dst/null"))
    t.equal("mode", oct(stat.S_IFCHR | 0o640), oct(status.st_mode))
    t.equal("device", (1, 3), (os.major(status.st_rdev), os.minor(status.st_rdev)))
    t.sync("-a")
    t.equal("content of the file", b"into the void", t.read("dst/null"))


@case(
    "DEVC-004",
    clause="FS-26",
    title="A file goes to the start of a disk, and the rest stays",
    differential=False,
    **WRITE,
)
def written_disk(t: Trial) -> None:
    """By a delta too: the blocks of the disk serve as its basis."""
    old, new = Noise(8, SIZE).data(), Noise(8, SIZE // 2).data()[: SIZE // 2 - 512] + b"x" * 512
    t.build([file("disk", new)])
    with disk(t, "dst", old) as path:
        t.sync("-a", "--write-devices", "--no-whole-file", "--no-times")
        t.equal("whether the content is right", True, content_of(path) == new + old[len(new) :])


@case(
    "DEVC-005",
    clause="FS-26",
    title="A device that is full: exit 11",
    breadth=Breadth.NARROW,
    **WRITE,
)
def full(t: Trial) -> None:
    t.build([file("full", b"more than fits")])
    t.build([device("full", "char", 1, 7)], "dst")
    run = t.sync("-a", "--write-devices", expect=11 if t.protocol > 30 else (11, 12))
    t.matches("standard error", r'write failed on ".*full": No space left on device \(28\)', run.stderr)


@case(
    "DEVC-006",
    clause="DAEMON-10",
    title="A module refuses both unless it says otherwise",
    transports=("daemon",),
    breadth=Breadth.NARROW,
    protocols=(30, 31, 32),
)
def refused(t: Trial) -> None:
    t.build([file("f", b"1")])
    option = "--copy-devices" if t.remote_is_source else "--write-devices"
    run = t.sync("-a", option, expect=4 if t.protocol > 30 else (4, 10, 12))
    t.matches("standard error", rf"The server is configured to refuse {option}", run.stderr)
    t.use_daemon(module=f"refuse options = !{option[2:]}\n")
    t.sync("-a", option)
    t.same_tree()
