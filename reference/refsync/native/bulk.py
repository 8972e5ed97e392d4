"""The C kernel's movers of file data, and the whole-file sums that they add up on the way.

Importing this fails where the kernel was not built, or without the header of libxxhash; then the loops of
``engine.sender`` and ``engine.receiver``, which say what these do, move the data themselves.
"""

from __future__ import annotations

from refsync._kernel import ffi, lib

from .twins import Readable

if not lib.refsync_have_file_sums():
    raise ImportError("the kernel has no whole-file sums")

#: Whether liburing was there when the kernel was built.
HAVE_RING = bool(lib.refsync_ring_built())
#: By the names of the checksums.
KINDS = {"xxh128": 1, "xxh3": 2, "xxh64": 3}
#: A piece of work comes back after so many bytes, for progress and for others to have their turn.
BUDGET = 32 * 1024 * 1024


class FileSum:
    """The digest of a file as it stands on the wire; a mover adds to it what passes."""

    def __init__(self, name: str) -> None:
        state = lib.refsync_sum_new(KINDS[name])
        if state == ffi.NULL:
            raise MemoryError("no memory for a checksum")
        self.state = ffi.gc(state, lib.refsync_sum_free)

    def update(self, data: Readable, /) -> None:
        lib.refsync_sum_update(self.state, ffi.from_buffer(data), len(data))

    def add_file(self, fd: int, start: int, count: int) -> tuple[int, int]:
        """Add bytes of a file: (how many there were, why it can't be read on, an errno value, else 0)."""
        error = ffi.new("int *")
        return int(lib.refsync_sum_file(self.state, fd, start, count, error)), int(error[0])

    def digest(self) -> bytes:
        out = ffi.new("unsigned char[16]")
        return bytes(ffi.buffer(out, lib.refsync_sum_digest(self.state, out)))


class FileOut:
    """Sends the first ``length`` bytes of ``fd`` as literal runs; what cannot be read goes out as zeros.

    Holes of a file that has some are not read.
    """

    def __init__(self, fd: int, length: int, total: FileSum, *, framed: bool) -> None:
        out = lib.refsync_out_new(fd, length, framed, total.state)
        if out == ffi.NULL:
            raise MemoryError("no memory to send a file")
        self._out = ffi.gc(out, lib.refsync_out_free)
        self._total = total  # the kernel points to its state

    @property
    def moved(self) -> int:
        return int(self._out.sent)

    @property
    def error(self) -> int:
        return int(self._out.error)

    @property
    def file_error(self) -> int:
        """Why some bytes had to be made up, an errno value, else 0."""
        return int(self._out.file_error)

    @property
    def position(self) -> int:
        """Bytes of the file that have been read."""
        return int(self._out.position)

    def start_at(self, offset: int, error: int) -> None:
        """Leave out what comes before ``offset``; ``error``: it could not be read, so that all is made up."""
        lib.refsync_out_start(self._out, offset, error)

    @property
    def at_boundary(self) -> bool:
        return bool(lib.refsync_out_at_boundary(self._out))

    def run(self, fd_out: int, fd_in: int, milliseconds: int, *, finish: bool = False) -> int:
        return int(lib.refsync_out_run(self._out, fd_out, fd_in, milliseconds, BUDGET, finish))

    def close(self) -> None:
        """Let go of its memory now; nothing may be asked afterwards."""
        ffi.release(self._out)


class FileIn:
    """Rebuilds a file in ``fd``, from its ``offset`` on, until its end, a message or an error.

    ``basis`` (-1: none) has ``count`` blocks of ``block`` bytes, the last of ``last``. As ``files.writer``
    does it, zeros become holes if ``sparse``, and are made before the end of an ``existing`` file of that
    size; ``in_place``: blocks of the basis that are in their place are not written.
    """

    def __init__(
        self,
        fd: int,
        basis: int,
        total: FileSum,
        *,
        framed: bool,
        block: int,
        count: int,
        last: int,
        max_literal: int,
        sparse: bool = False,
        existing: int = 0,
        in_place: bool = False,
    ) -> None:
        made = lib.refsync_in_new(fd, basis, framed, total.state, block, count, last, max_literal)
        if made == ffi.NULL:
            raise MemoryError("no memory to receive a file")
        lib.refsync_in_manner(made, sparse, existing, in_place)
        self._in = ffi.gc(made, lib.refsync_in_free)
        self._total = total

    def begin(self, raw: bytes, frame_left: int, token_left: int, offset: int) -> None:
        """Go on behind what was read already; ``raw`` is what was received after that."""
        if not lib.refsync_in_begin(self._in, ffi.from_buffer(raw), len(raw), frame_left, token_left, offset):
            raise MemoryError("no memory for what was received")

    def rest(self) -> tuple[bytes, bytes, int, int]:
        """What was received and not used: the start of a token, raw bytes; what is left of frame and run."""
        state = self._in
        token = bytes(ffi.buffer(state.token, state.token_have))
        raw = bytes(ffi.buffer(state.head, state.head_have)) + bytes(ffi.buffer(state.here, state.left))
        return token, raw, int(state.frame_left), int(state.token_left)

    @property
    def moved(self) -> int:
        return int(self._in.received)

    @property
    def error(self) -> int:
        return int(self._in.error)

    @property
    def offset(self) -> int:
        return int(self._in.offset)

    @property
    def literal(self) -> int:
        return int(self._in.literal)

    @property
    def taken(self) -> int:
        """Payload that was used, without what ``rest`` gives back."""
        return int(self._in.taken - self._in.token_have)

    @property
    def matched(self) -> int:
        return int(self._in.matched)

    @property
    def bad(self) -> int:
        """The token that stopped it with ``BAD_TOKEN``."""
        return int(self._in.bad)

    def run(self, fd_in: int, fd_out: int, milliseconds: int) -> int:
        return int(lib.refsync_in_run(self._in, fd_in, fd_out, milliseconds, BUDGET))

    def close(self) -> None:
        """Let go of its memory now; nothing may be asked afterwards."""
        ffi.release(self._in)
