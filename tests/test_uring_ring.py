"""The ring itself: what is asked of the kernel, what happens where it says no, ids, the ledger, forks."""

from __future__ import annotations

import ctypes
import errno
import os
import pathlib
import resource
import struct
from collections.abc import Callable, Iterator

import pytest
from refsync.options.parse import parse
from refsync.uring import choice
from refsync.uring.ring import (
    BufferGroupsExhausted,
    Ring,
    RingRefused,
    default_depth,
    why_refused,
)
from refsync.uring.sites import NEEDED, NUMBERS, OPCODES, SITES
from uring_tools import counted, heal, injury, new_sum, opened, usable, wound

needs_ring = pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")


@pytest.fixture(autouse=True)
def healthy() -> Iterator[None]:
    if not usable():
        heal()
    choice.forget()
    yield
    if not usable():
        heal()
    choice.forget()


def in_child(what: Callable[[], str]) -> str:
    """What it returns in a forked process."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writer, what().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as out:
        said = out.read()
    os.waitpid(pid, 0)
    return said


@pytest.mark.parametrize(("cpus", "depth"), [(1, 8), (2, 8), (4, 16), (10, 40), (64, 64)])
def test_the_depth_follows_from_the_processors(cpus: int, depth: int) -> None:
    assert default_depth(cpus) == depth


@needs_ring
def test_setup_flags_are_tried_in_order() -> None:
    taken = []
    for refused in range(3):
        injury().setup, injury().setup_times = errno.EINVAL, refused
        ring = Ring(16)
        taken.append(ring.setup)
        assert ring.depth == 16
        ring.close()
    assert taken == ["SINGLE_ISSUER|DEFER_TASKRUN", "COOP_TASKRUN", "plain"]
    injury().setup, injury().setup_times = errno.EINVAL, 3
    with pytest.raises(RingRefused, match="Invalid argument"):
        Ring()


@needs_ring
def test_sqpoll_is_only_by_option() -> None:
    assert parse(["--io-uring-sqpoll", "a", "b"])[0].io_uring_sqpoll
    assert not parse(["a", "b"])[0].io_uring_sqpoll
    ring = Ring(sqpoll=True)
    assert ring.setup == "SQPOLL"
    ring.close()


@needs_ring
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, errno.ENOMEM])
def test_a_ring_that_is_refused_is_said_once_and_required_in_vain(number: int) -> None:
    injury().setup, injury().setup_times = number, 1
    assert choice.obtain("auto") is None
    assert injury().setup_times == 0
    assert choice.obtain("auto") is None  # it is not tried again: it would be there now
    assert choice.told("auto") == [f"io_uring: not used: {why_refused(number)}"]
    with pytest.raises(RingRefused, match=errno.errorcode[number]) as refused:
        choice.obtain("require")
    assert refused.value.code == 4
    assert choice.obtain("off") is None and choice.told("off") == ["io_uring: off"]


@needs_ring
@pytest.mark.parametrize("name", list(OPCODES.values())[1:])
def test_opcodes_are_asked_for_one_by_one(name: str) -> None:
    """Without one that nothing stands in for there is no ring; the name is told."""
    injury().missing = 1 << NUMBERS[name]
    if name in NEEDED:
        with pytest.raises(RingRefused, match=f"the kernel lacks {name}"):
            Ring()
        assert choice.offers() == (f"not usable: the kernel lacks {name}", ())
    else:
        ring = Ring()
        assert not ring.has(name)
        ring.close()
        assert name not in choice.offers()[1]


@needs_ring
def test_a_child_makes_a_ring_of_its_own() -> None:
    ours = choice.obtain("auto")
    assert ours is not None and choice.obtain("auto") is ours

    def look() -> str:
        theirs = choice.obtain("auto")
        return (
            "another"
            if theirs is not None and theirs is not ours and theirs.pid == os.getpid()
            else "the same"
        )

    assert in_child(look) == "another"


@needs_ring
def test_an_ordinary_user_with_little_memory_to_lock_goes_unregistered() -> None:
    def look() -> str:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
        if os.getuid() == 0:
            os.setgroups([])
            os.setuid(1_000_000 + os.getpid())  # what others lock counts against their user's limit alone
        ring = Ring()
        return f"{ring.registered} {ring.memory_error} {choice.offers()[0]}"

    said = in_child(look)
    assert said.startswith(f"False {errno.ENOMEM} ") and said.endswith("no registered memory")


@needs_ring
@pytest.mark.skipif(struct.calcsize("P") != 8, reason="the filter below is for 64 bits")
def test_a_seccomp_filter_that_refuses_is_said_by_its_name() -> None:
    """As containers have it: io_uring_setup, 425 on all machines, ends with EPERM."""

    def look() -> str:
        libc = ctypes.CDLL(None, use_errno=True)
        code = [
            (0x20, 0, 0, 0),
            (0x15, 0, 1, 425),
            (0x06, 0, 0, 0x50000 | errno.EPERM),
            (0x06, 0, 0, 0x7FFF0000),
        ]
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
        head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(program)))
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.addressof(head), 0, 0):
            return "no filters here"
        try:
            Ring()
        except RingRefused as refused:
            return str(refused)
        return "a ring"

    said = in_child(look)
    assert said in (
        "io_uring cannot be used here: it is not allowed (seccomp, or kernel.io_uring_disabled) (EPERM);"
        " leave out --io-uring=require to go on without it",
        "no filters here",
    )


# -- buffer groups ---------------------------------------------------------------------------------


@needs_ring
def test_group_ids_are_used_again_last_first_and_never_wrapped() -> None:
    from refsync._kernel import lib

    ring = Ring()
    lib.refsync_ring_limit_groups(ring.raw, 4)
    assert [ring.take_group() for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(BufferGroupsExhausted, match="all 4 buffer groups") as full:
        ring.take_group()
    assert full.value.used == 4
    ring.give_group(1)
    ring.give_group(3)
    ring.give_group(3)  # a second time does nothing
    ring.give_group(77)
    assert ring.groups == (2, 4, 4)
    assert [ring.take_group(), ring.take_group()] == [3, 1]
    with pytest.raises(BufferGroupsExhausted):
        ring.take_group()
    other = Ring()
    assert other.take_group() == 0  # an id belongs to its ring
    other.close()
    ring.close()


@needs_ring
def test_many_groups_in_use_are_warned_of_now_and_then() -> None:
    from refsync._kernel import lib

    ring = Ring()
    lib.refsync_ring_limit_groups(ring.raw, 4)
    ring.take_group()
    assert ring.group_warning(100.0) == ""
    ring.take_group()
    assert ring.group_warning(100.0) == "2 of 4 buffer groups of the ring are in use"
    assert ring.group_warning(129.0) == ""
    assert ring.group_warning(130.5) != ""
    ring.close()


# -- many files synced at a time -------------------------------------------------------------------


@needs_ring
def test_files_are_synced_together_and_each_has_its_own_result(tmp_path: pathlib.Path) -> None:
    ring = Ring(8)
    fds = [os.open(tmp_path / f"{number}", os.O_RDWR | os.O_CREAT) for number in range(50)]
    wound("fsync", result=-errno.EIO, at=7, times=2)
    assert ring.fsync(fds) == [0] * 6 + [errno.EIO] * 2 + [0] * 42
    assert counted(ring, "fsync").submitted == 50 and counted(ring, "fsync").failed == 2
    wound("fsync", result=-errno.EINTR, at=53, times=3)
    assert ring.fsync(fds) == [0] * 50  # what was interrupted is made without the ring
    assert counted(ring, "fsync").failed == 5
    assert ring.fsync([]) == []
    for fd in fds:
        os.close(fd)
    ring.close()


@needs_ring
def test_the_ledger_adds_up(tmp_path: pathlib.Path) -> None:
    """Whatever was submitted has completed, at each site, once nothing is in flight."""
    from refsync.uring.movers import RingOut

    (tmp_path / "f").write_bytes(bytes(1 << 20))
    ring = Ring()
    end = os.open("/dev/null", os.O_WRONLY)
    with opened(tmp_path / "f", os.O_RDONLY) as fd:
        job = RingOut(ring, fd, 1 << 20, new_sum(), framed=True)
        while job.run(end, -1, 0) != 1:
            pass
        job.close()
    os.close(end)
    assert ring.in_flight == 0
    for site, count in zip(SITES, ring.counts(), strict=True):
        assert count.completed == count.submitted, site.name
        assert not count.submitted or count.opcode in site.opcodes
    assert counted(ring, "read-source").bytes == 1 << 20
    ring.close()
