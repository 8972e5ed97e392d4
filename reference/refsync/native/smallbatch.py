"""New small files that wait to be on the disk, and are then put in their places, in a few calls for all."""

from __future__ import annotations

from collections.abc import Iterator

from refsync._kernel import ffi, lib


class SmallBatch:
    """At most ``most`` files, each with a descriptor, in the order in which ``rowfiles`` adds them.

    ``ring``: the kernel's pointer to one that has FSYNC, or None.
    """

    def __init__(self, most: int) -> None:
        raw = lib.refsync_batch_new(most)
        if raw == ffi.NULL:
            raise MemoryError("no memory for files that wait")
        self.raw = ffi.gc(raw, lib.refsync_batch_free)
        self.most = most

    def __len__(self) -> int:
        return int(self.raw.count)

    def sync(self, ring: object | None) -> tuple[int, int]:
        """Have all on the disk: (-1, 0), or the number of one that can't be and an errno value."""
        number = lib.refsync_batch_sync(self.raw, _of(ring))
        return int(number), int(self.raw.error) if number >= 0 else 0

    def commit(self) -> Iterator[tuple[int, bytes, int, int]]:
        """Put all in their places.

        Yields those that can't be: number, temporary name, descriptor (the caller's now), 0; or -1 for the
        descriptor and an errno value, if it could not be closed.
        """
        while (number := lib.refsync_batch_commit(self.raw)) >= 0:
            error = int(self.raw.error)
            fd = -1 if error else int(lib.refsync_batch_fd(self.raw, number))
            yield int(number), self.temp(number), fd, error

    def temp(self, number: int) -> bytes:
        """The temporary name of a file."""
        return bytes(ffi.string(lib.refsync_batch_temp(self.raw, number)))

    def end(self, ring: object | None) -> None:
        """After ``commit``: sync the directories, as far as that can be. It is empty then."""
        lib.refsync_batch_end(self.raw, _of(ring))

    def drop(self) -> None:
        """Remove what has not been put in its place."""
        lib.refsync_batch_drop(self.raw)


def _of(ring: object | None) -> object:
    return ffi.NULL if ring is None else ring
