"""Changing what a sender says of one of its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refsync.engine.sender import Sender
from refsync.wire.entry import FileEntry
from refsync.wire.flist_encode import FlistEncoder

from .table import wrap

#: The files of the source that deviations are about (see ``cases.hostile_peers``).
VICTIM = b"victim"
INNER = b"sub/inner"


def change_entry(change: Callable[[FileEntry], None], name: bytes = VICTIM) -> None:
    """Change one entry before it is sent; the sender's own list changes with it."""

    def make(encode: Callable[..., bytes]) -> Callable[..., bytes]:
        def changed(self: FlistEncoder, entry: FileEntry, *rest: Any) -> bytes:
            if entry.name == name:
                change(entry)
            return encode(self, entry, *rest)

        return changed

    wrap(FlistEncoder, "encode", make)


def rename(new: bytes, old: bytes = VICTIM) -> None:
    """Call one entry otherwise; its data is still that of the file which it was."""

    def change(entry: FileEntry) -> None:
        entry.name = new

    change_entry(change, old)

    def make(open_file: Callable[..., int]) -> Callable[..., int]:
        def opened(self: Sender, ndx: int, path: bytes) -> int:
            return open_file(self, ndx, path.removesuffix(new) + old if path.endswith(new) else path)

        return opened

    wrap(Sender, "_open", make)
