"""What changes under a peer's hands: names that are now one thing, now another, as fast as may be."""

from __future__ import annotations

import ctypes
import os
import shutil
import threading
from collections.abc import Iterable
from types import TracebackType

_EXCHANGE = 2
_CWD = -100
_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


class Flipper:
    """Files or directories that become symlinks to somewhere else, and back, in turn, until the block ends.

    ``pairs`` are their paths with what the symlinks name. A thing and its symlink change places in one step
    where the kernel can, so that there is never nothing; a symlink that a peer has replaced is planted again.
    ``times`` counts the changes there and back.
    """

    def __init__(self, pairs: Iterable[tuple[bytes, str | bytes]]) -> None:
        self._names = [(path, path + b".flip", os.fsencode(target)) for path, target in pairs]
        for _, link, target in self._names:
            os.symlink(target, link)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.times = 0

    def __enter__(self) -> Flipper:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            for path, link, _ in self._names:  # each is a symlink for half of the time
                _swap(path, link)
            for path, link, target in self._names:
                _swap(path, link)
                if not os.path.islink(link):
                    _plant(path, link, target)
            self.times += len(self._names)


def _swap(path: bytes, link: bytes) -> None:
    if _renameat2 is not None and not _renameat2(_CWD, path, _CWD, link, _EXCHANGE):
        return
    aside = path + b".aside"
    for old, new in ((path, aside), (link, path), (aside, link)):
        try:
            os.rename(old, new)
        except OSError:
            pass  # the peer has just replaced it


def _plant(path: bytes, link: bytes, target: bytes) -> None:
    """The peer has put something in the symlink's place, so that what was there is beside it now."""
    try:
        if os.path.islink(path):
            _swap(path, link)
        else:
            shutil.rmtree(link, ignore_errors=True)
            os.symlink(target, link)
    except OSError:
        pass
