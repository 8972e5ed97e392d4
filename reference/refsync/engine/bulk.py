"""File data by the fast way, where all is plain: plain tokens, a regular file, a sum that is native.

Each function does what the general loop of its role does with the same bytes and says so if it can't, before
anything has happened. Clauses TOK-1 to TOK-4, MUX-1, MUX-3, XFER-12; upstream ``match.c:match_sums``,
``receiver.c:receive_data``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from .. import native
from ..delta.apply import Reconstructor
from ..files.writer import Writer
from ..session.bulk import Moved
from ..typed import TYPE_CHECKING
from ..wire.errors import ProtocolError
from ..wire.limits import MAX_LITERAL
from ..wire.sumhead import SumHead
from ..wire.tokens import CHUNK_SIZE, PlainDecoder, TokenDecoder
from .session import Session

if TYPE_CHECKING:
    from ..delta.checksums import Hasher
    from ..native.bulk import FileIn, FileOut

#: Shorter files are not worth the hand-over.
LEAST = 64 * 1024


def can_carry(session: Session, hasher: Hasher, length: int) -> bool:
    """Whether the driver can move a file of that length with that sum."""
    link = session.link
    if not (native.HAVE_BULK and link.carries_bulk and not link.recorded and length >= LEAST):
        return False
    from ..native.bulk import FileSum

    return isinstance(hasher, FileSum)


async def send_file(
    session: Session, fd: int, length: int, hasher: Hasher, *, start: int = 0, verify: bool = False
) -> int:
    """The file from ``start`` on as literal data; returns 0, or why some of it had to be made up (XFER-12).

    ``verify``: the digest covers what comes before as well (SUM-15).
    """
    link = session.link
    error = await sum_front(session, fd, start, hasher) if verify else 0
    job = _outflow(session, fd, length, hasher)
    job.start_at(start, error)
    link.begin_output(job)
    try:
        while link.bulk_out is job:
            await link.moved()
            session.reporter.file_progress(job.position, length)
    except BaseException:
        link.torn = not job.at_boundary
        raise
    finally:
        link.bulk_out = None
        error = job.file_error
        job.close()
    count = length - start
    session.stats.literal_data += count
    link.data_out += count + 4 * -(-count // CHUNK_SIZE)
    return error


async def sum_front(session: Session, fd: int, length: int, hasher: Hasher) -> int:
    """Digest the first ``length`` bytes of a file; returns 0, or why some had to be taken for zeros.

    The connection has its turn now and then.
    """
    from ..native.bulk import BUDGET, FileSum

    assert isinstance(hasher, FileSum)
    done = 0
    while done < length:
        want = min(BUDGET, length - done)
        have, error = hasher.add_file(fd, done, want)
        done += have
        if have < want:
            for at in range(done, length, CHUNK_SIZE):
                hasher.update(bytes(min(CHUNK_SIZE, length - at)))
            return error or errno.ENODATA
        await session.link.turn()
    return 0


async def keep_front(
    session: Session, rebuilt: Reconstructor, basis: int, length: int, hasher: Hasher
) -> None:
    """SUM-15: the first ``length`` bytes of what is appended to stay, digested if they are verified."""
    verify = session.append == 2
    if verify and basis >= 0 and can_carry(session, hasher, length):
        await sum_front(session, basis, length, hasher)
        verify = False
    rebuilt.append(verify=verify)


def _outflow(session: Session, fd: int, length: int, hasher: Hasher) -> FileOut:
    """Over the ring, if there is one."""
    from ..native.bulk import FileOut, FileSum

    assert isinstance(hasher, FileSum)
    framed = session.link.framed_out
    ring = session.ring()
    if ring is None:
        return FileOut(fd, length, hasher, framed=framed)
    from ..uring.movers import RingOut

    return RingOut(ring, fd, length, hasher, framed=framed, zero_copy=session.options.zero_copy)


def _inflow(
    session: Session, writer: Writer, basis: int, hasher: Hasher, head: SumHead, in_place: bool
) -> FileIn:
    """Over the ring, if there is one, and if it has room for one more connection."""
    from ..native.bulk import FileIn, FileSum

    assert isinstance(hasher, FileSum)
    ring = session.ring()

    def made(kind: Callable[..., FileIn], *first: object) -> FileIn:
        return kind(
            *first,
            writer.fd,
            basis,
            hasher,
            framed=session.link.framed_in,
            block=head.block_length,
            count=head.count,
            last=head.block_size(head.count - 1) if head.count else 0,
            max_literal=MAX_LITERAL,
            sparse=writer.sparse,
            existing=writer.existing,
            in_place=in_place,
        )

    if ring is None:
        return made(FileIn)
    from ..uring.movers import RingIn
    from ..uring.ring import BufferGroupsExhausted

    if warning := ring.group_warning():
        session.warn(warning)
    try:
        return made(RingIn, ring)
    except BufferGroupsExhausted as full:
        session.debug("URING", 1, f"[{session.role}] io_uring: {full}: read plainly")
        return made(FileIn)


class Inflow:
    """One file that is being received: ``run`` moves what it can; the general loop goes on from there."""

    def __init__(
        self,
        session: Session,
        head: SumHead,
        basis: int,
        writer: Writer,
        hasher: Hasher,
        *,
        in_place: bool = False,
    ) -> None:
        self._session = session
        self._writer = writer
        self._job = _inflow(session, writer, basis, hasher, head, in_place)

    async def run(self, rebuilt: Reconstructor, decoder: TokenDecoder, total: int) -> bool:
        """True once the file's end was read.

        A failure to write escapes as OSError, as the writer's would.
        """
        session, link, job, writer = self._session, self._session.link, self._job, self._writer
        assert isinstance(decoder, PlainDecoder)
        writer.flush()
        raw, frame_left = link.detach_input()
        job.begin(raw, frame_left, decoder.left, rebuilt.offset)
        literal, matched, taken = job.literal, job.matched, job.taken
        outcome = Moved.MORE
        link.bulk_in = job
        try:
            while link.bulk_in is job:
                await link.moved()
                session.reporter.file_progress(job.offset, total)
            outcome = link.bulk_outcome
        finally:
            link.bulk_in = None
            token, raw, frame_left, decoder.left = job.rest()
            writer.advance(job.offset)
            rebuilt.skip(job.offset, job.literal - literal, job.matched - matched)
            session.stats.literal_data += job.literal - literal
            session.stats.matched_data += job.matched - matched
            link.attach_input(token, raw, frame_left, job.taken - taken)
        if outcome == Moved.FILE_FAILED:
            raise OSError(job.error, os.strerror(job.error))
        if outcome == Moved.BAD_TOKEN:
            if job.bad > 0:
                raise ProtocolError(f"literal run of {job.bad} bytes", clause="TOK-2")
            rebuilt.copy(-(job.bad + 1))  # which says what is wrong with it
        return outcome == Moved.DONE


def inflow(
    session: Session,
    decoder: TokenDecoder,
    head: SumHead,
    basis: int,
    writer: Writer,
    hasher: Hasher,
    length: int,
    in_place: bool,
) -> Inflow | None:
    """For a file that can come by the fast way, else None. ``length``: what is to come of it."""
    plain = isinstance(decoder, PlainDecoder) and not writer.device
    if not plain or not can_carry(session, hasher, length):
        return None
    return Inflow(session, head, basis, writer, hasher, in_place=in_place)
