"""Small files in one call each, as the general loops of the engine, which serve otherwise."""

from __future__ import annotations

from refsync._kernel import ffi, lib

from .bulk import KINDS

_CWD = -100  # AT_FDCWD
#: Longer files are not worth a copy.
MOST = 64 * 1024


class SmallReader:
    """Reads whole files into one buffer, as they stand on the wire behind a sum head."""

    def __init__(self, checksum: str) -> None:
        self._kind = KINDS[checksum]
        self._room = ffi.new("unsigned char[]", MOST + 64)
        self._length = ffi.new("int64_t *")

    def read(
        self, path: bytes, flags: int, most: int, *, directory: int = _CWD
    ) -> tuple[memoryview, int] | None:
        """Tokens, end and digest (good until the next call), and the file's length.

        A path that is not absolute starts at ``directory``. None if the file is not regular, is longer than
        ``most``, or can't be read as it should.
        """
        if b"\0" in path:
            return None
        size = lib.refsync_small_read(
            directory, path, flags, min(most, MOST), self._kind, self._room, self._length
        )
        if size < 0:
            return None
        return memoryview(ffi.buffer(self._room, size)), int(self._length[0])


class SmallWriter:
    """Makes a file from what has been received of it, if that is all of it."""

    def __init__(self, checksum: str) -> None:
        self._kind = KINDS[checksum]
        self._file = ffi.new("small_file *")
        self.digest_length = 16 if self._kind == 1 else 8

    def write(
        self,
        data: bytearray,
        start: int,
        directory: int,
        stem: bytes,
        name: bytes,
        mode: int,
        *,
        uid: int,
        gid: int,
        mtime: tuple[int, int] | None,
    ) -> tuple[int, int]:
        """Bytes of ``data`` from ``start`` on that were used, and the file's length.

        (0, 0) if not all is there or something failed: then nothing has happened, and nothing is used.
        ``mtime``: seconds and nanoseconds; ``uid``, ``gid`` -1: as they come.
        """
        file = self._file
        kept = ffi.new("char[]", stem), ffi.new("char[]", name)  # as long as the call lasts
        file.directory, file.stem, file.name, file.mode = directory, kept[0], kept[1], mode & 0o7777
        file.uid, file.gid, file.set_mode, file.length = uid, gid, 1, 0
        file.set_times = mtime is not None
        if mtime is not None:
            file.seconds, file.nanoseconds = mtime
        with memoryview(data) as view, view[start:] as rest:
            raw = ffi.from_buffer(rest)
            used = lib.refsync_small_write(raw, len(rest), self._kind, file)
            ffi.release(raw)
        return int(used), int(file.length)
