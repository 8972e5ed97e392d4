"""The transfer itself, from either side, to the last goodbye.

Clauses XFER-1 to XFER-16, SUM-1, END-4, END-5.
"""

from __future__ import annotations

from refsync.delta.checksums import LENGTHS
from refsync.wire import items, stats, sumhead, xattr
from refsync.wire.cursor import Cursor
from refsync.wire.errors import ProtocolError
from refsync.wire.integers import read_varint
from refsync.wire.ndx import NDX_DEL_STATS, NDX_DONE, NDX_FLIST_EOF, NDX_FLIST_OFFSET, NdxCodec

from . import tokens
from .context import Context, Setup
from .lists import Lists, read_names, read_rules
from .stream import Stream, pause


async def follow(stream: Stream, context: Context, setup: Setup) -> None:
    """One direction from its first frame to its end."""
    client, sending = stream.way == ">", stream.way == setup.sending
    if client:
        await read_rules(stream, setup)
    named = setup.options.files_from
    if named is not None and not sending and ((named == "-") == client):
        await read_names(stream, setup)
    if sending:
        await _Sending(stream, setup).run()
    else:
        await _Receiving(stream, setup).run()


class _Half:
    """What both halves of a transfer have in common."""

    def __init__(self, stream: Stream, setup: Setup) -> None:
        self.stream = stream
        self.setup = setup
        self.dialect = setup.dialect
        self._ndx = NdxCodec(setup.dialect.varints)
        self.digest_length = LENGTHS.get(setup.checksum, 16)

    async def index(self) -> int:
        return await self.stream.read("index", "NDX-2", self._ndx.decode, self._index)

    def _index(self, ndx: int) -> str:
        if ndx >= 0:
            return f"file {ndx}: {self.setup.name(ndx)}"
        if ndx <= NDX_FLIST_OFFSET:
            return f"the list of directory {NDX_FLIST_OFFSET - ndx} follows"
        names = {NDX_DONE: "NDX_DONE", NDX_FLIST_EOF: "NDX_FLIST_EOF", NDX_DEL_STATS: "NDX_DEL_STATS"}
        return names.get(ndx, str(ndx))

    async def attributes(self) -> items.ItemAttrs:
        if not self.dialect.iflags:
            return items.ItemAttrs()
        return await self.stream.read("item flags", "XFER-3", items.decode, _attributes)

    async def head(self) -> sumhead.SumHead:
        def decode(cursor: Cursor) -> sumhead.SumHead:
            return sumhead.decode(cursor, self.dialect.max_block_size, self.digest_length)

        return await self.stream.read("sum head", "SUM-1", decode, _head)

    async def deletions(self) -> None:
        await self.stream.read("deletions", "DEL-6", stats.decode_delete_stats, str)

    async def extended(self, attributes: items.ItemAttrs, *, values: bool) -> None:
        """The request for long attributes, or the answer with their values, if one follows the flags."""
        options, optimised = self.setup.options, self.dialect.xattr_optimised
        follows = items.xattrs_follow(attributes.iflags, optimised=optimised)
        if not (options.xattrs and options.moves_data and follows):
            return
        kind, clause = ("attribute sent", "XATTR-5") if values else ("attribute wanted", "XATTR-4")
        number = 0

        def counted(step: int) -> str:
            return f"number {number + step}" if step else "(end)"

        while step := await self.stream.read(kind, clause, read_varint, counted):
            number += step
            if values:
                await self.stream.read("its value", clause, xattr.decode_value, _value)

    def carries_data(self, attributes: items.ItemAttrs) -> bool:
        return bool(attributes.iflags & items.TRANSFER) and self.setup.options.moves_data


class _Sending(_Half):
    """The side that has the files: lists, answers, data."""

    async def run(self) -> None:
        lists, dialect = self.setup.lists, self.dialect
        reader = Lists(self.stream, self.setup)
        await reader.read()
        phase = 0
        while True:
            ndx = await self.index()
            if ndx <= NDX_FLIST_OFFSET:
                reader.directory(NDX_FLIST_OFFSET - ndx)
                await reader.read(NDX_FLIST_OFFSET - ndx)
            elif ndx == NDX_FLIST_EOF:
                lists.eof = True
            elif ndx == NDX_DEL_STATS:
                await self.deletions()
            elif ndx >= 0:
                await self._file()
            else:
                if dialect.inc_recurse and lists.live:
                    lists.drop_first()
                    if lists.live:
                        continue
                phase += 1
                if phase > dialect.phases:
                    break
        if self.stream.way == "<":
            await self.stream.read("totals", "END-4", lambda cursor: stats.decode_stats(cursor, dialect), str)
        while True:
            if await self.index() == NDX_DEL_STATS:
                await self.deletions()

    async def _file(self) -> None:
        attributes = await self.attributes()
        await self.extended(attributes, values=True)
        if not self.carries_data(attributes):
            return
        await self.head()
        decode = tokens.Compressed().decode if self.setup.compression else tokens.plain
        while (await self.stream.read("token", "TOK-1", decode, _token))[0] != tokens.END:
            pass
        await self.stream.read("digest", "XFER-13", lambda c: c.take(self.digest_length), bytes.hex)


class _Receiving(_Half):
    """The side that wants the files: requests with sums, ends of phases."""

    def __init__(self, stream: Stream, setup: Setup) -> None:
        super().__init__(stream, setup)
        self._asked: set[int] = set()

    async def run(self) -> None:
        while True:
            ndx = await self.index()
            if ndx == NDX_DEL_STATS:
                await self.deletions()
            elif ndx >= 0:
                await self._request(ndx)
            elif ndx != NDX_DONE:
                raise ProtocolError(f"a receiver has no business with index {ndx}", clause="NDX-5")

    async def _request(self, ndx: int) -> None:
        attributes = await self.attributes()
        await self.extended(attributes, values=False)
        if not self.carries_data(attributes):
            return
        head = await self.head()
        # appending, a first request has no sums; one that is made again is for the file as a whole
        bare = self.setup.options.append and ndx not in self._asked
        self._asked.add(ndx)
        if head.count and not bare:
            size = 4 + head.strong_length
            for number in range(head.count):
                await self.stream.read("block sums", "SUM-1", lambda cursor: cursor.take(size), _sums)
                if number % 256 == 255:
                    await pause()


def _attributes(found: items.ItemAttrs) -> str:
    names = [
        name
        for name in dir(items)
        if name.isupper()
        and isinstance(flag := getattr(items, name), int)
        and name.startswith(("REPORT_", "IS_", "LOCAL_", "TRANSFER", "BASIS_TYPE", "XNAME"))
        and found.iflags & flag & 0xFFFF
        and name != "REPORT_TIMEFAIL"
    ]
    text = f"{found.iflags:#06x} " + " ".join(names)
    if found.iflags & items.BASIS_TYPE_FOLLOWS:
        text += f"; basis type {found.basis_type:#x}"
    if found.xname is not None:
        text += f"; name {found.xname.decode('utf-8', 'backslashreplace')}"
    return text


def _value(value: bytes) -> str:
    return f"{len(value)} bytes"


def _head(head: sumhead.SumHead) -> str:
    if not head.count:
        return "no sums: send the whole file"
    return (
        f"{head.count} blocks of {head.block_length} bytes, "
        f"the last of {head.remainder or head.block_length}; {head.strong_length} bytes of each strong sum"
    )


def _sums(raw: bytes) -> str:
    return f"weak {int.from_bytes(raw[:4], 'little'):08x} strong {raw[4:].hex()}"


def _token(found: tuple[str, int]) -> str:
    kind, number = found
    return {"literal": f"{number} literal bytes", "deflated": f"{number} compressed bytes"}.get(
        kind, "end of file" if kind == tokens.END else f"{kind} {number}"
    )
