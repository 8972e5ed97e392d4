"""Files for targets: without a disk where the code reads descriptors, and small trees."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(content: bytes) -> Iterator[int]:
    """A descriptor of an anonymous file."""
    fd = os.memfd_create("fuzz")
    try:
        os.write(fd, content)
        yield fd
    finally:
        os.close(fd)


def make_tree(root: str, names: Iterable[str]) -> None:
    """Empty files; a name that ends in a slash is a directory, an arrow makes a symlink."""
    for name in names:
        path, arrow, to = os.path.join(root, name).partition("->")
        if arrow:
            os.symlink(to, path)
        elif path.endswith("/"):
            os.mkdir(path)
        else:
            with open(path, "wb"):
                pass


class Sink:
    """Collects what a reconstruction writes; ``keep`` is for files updated in place."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes | bytearray | memoryview, /) -> None:
        """Append."""
        self.data += data

    def keep(self, data: bytes | bytearray | memoryview, /) -> None:
        """Append: here nothing is in its place already."""
        self.data += data


class InPlace:
    """Writes over a file from its start, as an update in place does."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._offset = 0

    def write(self, data: bytes | bytearray | memoryview, /) -> None:
        """At the current offset."""
        os.pwrite(self._fd, data, self._offset)
        self._offset += len(data)

    def keep(self, data: bytes | bytearray | memoryview, /) -> None:
        """What is there already is left alone."""
        self._offset += len(data)

    def finish(self) -> bytes:
        """Cut the file where the writing ended; its content."""
        os.ftruncate(self._fd, self._offset)
        return os.pread(self._fd, self._offset, 0)
