"""Batch files: recording what a sender says, and replaying it.

Recording is the same at either end of the connection: the client writes down
the head and then every byte of the sender's stream, without frames. A replay
is a receiver whose sender is the file: what the generator wants is not asked
for but noted, and held against what comes. Clauses BATCH-1 to BATCH-6;
upstream ``batch.c``, ``io.c:start_write_batch``, ``receiver.c:gen_wants_ndx``,
``we_want_redo``.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from itertools import islice

from ..options.model import Options
from ..session.link import Link
from ..typed import BinaryIO
from ..wire import batch
from ..wire.dialect import Dialect
from ..wire.errors import Exit, RefsyncError
from ..wire.stats import SessionStats, encode_stats

#: Each stream flag's long name and letter, as a person knows them.
_SHOWN = {
    "recurse": "--recurse (-r)",
    "owner": "--owner (-o)",
    "group": "--group (-g)",
    "links": "--links (-l)",
    "devices": "--devices (-D)",
    "hard-links": "--hard-links (-H)",
    "checksum": "--checksum (-c)",
    "dirs": "--dirs (-d)",
    "compress": "--compress (-z)",
    "acls": "--acls (-A)",
    "xattrs": "--xattrs (-X)",
    "inplace": "--inplace",
    "append": "--append",
    "append-verify": "--append-verify",
}


def stream_flags(options: Options) -> set[str]:
    """BATCH-2: what of the options shapes the stream."""
    on = {
        "recurse": options.recurse,
        "owner": options.owner,
        "group": options.group,
        "links": options.links,
        "devices": options.devices,
        "hard-links": options.hard_links,
        "checksum": options.checksum,
        "dirs": options.recurse or options.dirs or options.files_from is not None,
        "compress": options.compress,
        "iconv": options.iconv is not None,
        "acls": options.acls,
        "xattrs": options.xattrs,
        "inplace": options.inplace,
        "append": options.append == 1,
        "append-verify": options.append == 2,
    }
    return {name for name, value in on.items() if value}


def match_options(options: Options, head: batch.Head, tell: Callable[[str], None]) -> None:
    """BATCH-3: make the options those of the batch; ``tell`` hears of each that was not.

    ``RefsyncError`` (exit 1) where the user has to decide, for a conversion of names.
    """
    have = stream_flags(options)
    want = set(batch.flag_names(head.flags, head.protocol))
    if head.protocol < 29:
        have -= {"dirs", "compress"}
    if head.protocol < 30:
        have = {name for name in have if dict(batch.STREAM_FLAGS)[name] < 30}
    if ("iconv" in have) != ("iconv" in want):
        please = "Please" if "iconv" in want else "Do not"
        raise RefsyncError(f"{please} specify the --iconv option to use this batch file.", Exit.SYNTAX)
    for name, shown in _SHOWN.items():
        if (name in have) != (name in want):
            tell(f"{'Sett' if name in want else 'Clear'}ing the {shown} option to match the batchfile.\n")
            _set(options, name, name in want)


def _set(options: Options, name: str, on: bool) -> None:
    if name in ("append", "append-verify"):
        level = 1 if name == "append" else 2
        options.append = level if on else 0 if options.append == level else options.append
    elif name in ("hard-links", "compress", "acls", "xattrs"):
        setattr(options, name.replace("-", "_"), int(on))
    else:
        setattr(options, name, on)


class Recorder:
    """Writes a batch file. ``only``: file data goes there and nowhere else."""

    def __init__(self, file: BinaryIO, options: Options) -> None:
        self._file = file
        self._flags = batch.flags_of(stream_flags(options))
        self.only = options.only_write_batch is not None

    def begin(self, link: Link, dialect: Dialect, seed: int, *, sender: bool) -> None:
        """BATCH-1: from here on the sender's bytes are written down, those that wait to be read included."""
        self.write(batch.encode(batch.Head(self._flags, dialect.protocol, dialect.flags, seed)))
        if sender:
            link.record_output(self.write)
        else:
            link.record_input(self.write)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """``RefsyncError`` (exit 11) if the file can't take it."""
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failed(error) from None

    def totals(self, totals: SessionStats, dialect: Dialect) -> None:
        """BATCH-5: a client that sends says nothing of its totals, but a replay is a client that receives."""
        self.write(encode_stats(totals, dialect))

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> RefsyncError:
        name = os.fsdecode(self._file.name)
        return RefsyncError(f"Batch file {name} write error: {error.strerror} ({error.errno})", Exit.FILE_IO)


class Replay:
    """What the generator wants of a batch, in order, and what the receiver finds in it.

    ``missing`` is told of each index that is wanted and does not come, and
    whether it was wanted again. Neither side waits for the other for ever: the
    generator ends each phase, and each list of an incremental recursion,
    with ``done``.
    """

    def __init__(self, link: Link, *, inc_recurse: bool, unordered: bool = False) -> None:
        self._link = link
        self._unordered = unordered  # names were converted: the batch's run had another order (ICONV-3)
        self.missing: Callable[[int, bool], None] = lambda ndx, again: None
        self._inc_recurse = inc_recurse
        self._wanted: deque[int] = deque()
        self._redo: deque[int] = deque()
        self._came: set[int] = set()
        self._lists_done = 0  # whose end the receiver has passed
        self._over = False

    def want(self, ndx: int) -> None:
        """The generator's request."""
        self._wanted.append(ndx)

    def done(self) -> None:
        """The generator's end of a phase or a list."""
        self._wanted.append(-1)

    async def is_wanted(self, ndx: int, number: int, *, end: bool = False) -> bool:
        """BATCH-4: whether the generator asks for ``ndx``, which is in the list ``number`` (from 1).

        What it wants before that index is not in the batch. ``end``: no index, but the end of the list.
        """
        if self._unordered and not end:
            return await self._is_among_wanted(ndx, number)
        while not self._over:
            if self._inc_recurse and number <= self._lists_done:
                return False
            if not self._wanted:
                await self._link.turn()
                continue
            head = self._wanted[0]
            if head > ndx:
                return False
            self._wanted.popleft()
            if head == ndx:
                return True
            if head >= 0:
                self.missing(head, False)  # at once: the generator waits for it
            elif self._inc_recurse:
                self._lists_done += 1
            else:
                self._over = True
        return False

    async def _is_among_wanted(self, ndx: int, number: int) -> bool:
        """The same where the order tells nothing: only at the end of the list is it known what is wanted."""
        while not self._over and not (self._inc_recurse and number <= self._lists_done):
            ends = self._wanted.index(-1) if -1 in self._wanted else len(self._wanted)
            if ndx in islice(self._wanted, ends):
                self._wanted.remove(ndx)
                return True
            if ends < len(self._wanted):
                return False
            await self._link.turn()
        return False

    def comes_again(self, ndx: int) -> bool:
        """Whether the batch has had that file before."""
        if ndx in self._came:
            return True
        self._came.add(ndx)
        return False

    def failed(self, ndx: int) -> None:
        """A file's digest was wrong: it may come again in the second phase."""
        self._redo.append(ndx)

    def is_redo(self, ndx: int) -> bool:
        """BATCH-4: whether that is a file which failed."""
        while self._redo and self._redo[0] <= ndx:
            head = self._redo.popleft()
            if head == ndx:
                return True
            self.missing(head, True)
        return False
