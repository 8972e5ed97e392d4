"""The filter list on the wire: each rule's text behind its length, then a length of zero.

The client sends it, before the file list. Below protocol 29 a text is a
pattern with an optional ``+ `` or ``- ``; from 29 on it is a rule with modifiers; the
``p`` modifier came with protocol 30.

Clauses FILT-1, FILT-2, FILT-12; upstream ``exclude.c:send_filter_list``,
``send_rules``, ``recv_filter_list``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from ..typed import Protocol, TypeVar
from .cursor import Cursor
from .dialect import Dialect
from .errors import Exit, NeedMoreData, ProtocolError
from .integers import int32, read_int32
from .limits import MAX_FILTER_BYTES, MAX_FILTER_RULE

T = TypeVar("T")


class DeleteOptions(Protocol):
    """The options that decide whether a receiver needs the rules."""

    @property
    def delete(self) -> bool: ...

    @property
    def delete_excluded(self) -> bool: ...

    @property
    def prune_empty_dirs(self) -> bool: ...


class Reader(Protocol):
    """What ``receive_filters`` needs of a link."""

    def read(self, decode: Callable[[Cursor], T]) -> Awaitable[T]: ...


def receiver_wants_filters(options: DeleteOptions, dialect: Dialect) -> bool:
    """FILT-12: whether the rules mean anything to a receiver.

    ==================  ===================  ===============  =======
    prune-empty-dirs    delete               delete-excluded  wanted
    ==================  ===================  ===============  =======
    yes                 any                  any              yes
    no                  no                   any              no
    no                  yes                  no               yes
    no                  yes                  yes              from 29
    ==================  ===================  ===============  =======

    A sender wants them always. So a client that receives always sends them, and
    one that sends does if this holds.
    """
    if options.prune_empty_dirs:
        return True
    return options.delete and (not options.delete_excluded or dialect.filter_prefixes)


def list_travels(options: DeleteOptions, dialect: Dialect, *, client_sends: bool) -> bool:
    """FILT-12: whether the client writes a list, and the server reads one."""
    return not client_sends or receiver_wants_filters(options, dialect)


def encode_rule(text: bytes) -> bytes:
    """FILT-1: one rule; nothing at all for an empty one, which would end the list."""
    if not text:
        return b""
    if len(text) > MAX_FILTER_RULE:
        raise ValueError(f"a filter rule of {len(text)} bytes cannot be sent")
    return int32(len(text)) + text


def encode(texts: Iterable[bytes]) -> bytes:
    """FILT-1: the whole list with its end."""
    return b"".join(map(encode_rule, texts)) + int32(0)


def decode_rule(cursor: Cursor) -> bytes | None:
    """FILT-1, FILT-2: the next rule, None at the end of the list; a wrong length is an overflow (exit 22)."""
    start = cursor.pos
    length = read_int32(cursor)
    if length == 0:
        return None
    if not 0 < length <= MAX_FILTER_RULE:
        cursor.pos = start
        raise ProtocolError(
            f"overflow: filter rule of {length} bytes", clause="FILT-2", offset=start, code=Exit.MALLOC
        )
    try:
        return cursor.take(length)
    except NeedMoreData:
        cursor.pos = start
        raise


def decode(cursor: Cursor) -> list[bytes]:
    """FILT-1: the texts of a whole list."""
    start = cursor.pos
    texts: list[bytes] = []
    total = 0
    try:
        while (text := decode_rule(cursor)) is not None:
            texts.append(text)
            total += len(text)
            _check_total(total, start)
    except NeedMoreData:
        cursor.pos = start
        raise
    return texts


def explain(texts: Iterable[bytes]) -> list[str]:
    """One line for each rule and one for the end, as an annotated transcript shows them."""
    lines = [f"filter rule, {len(text)} bytes: {text.decode('utf-8', 'backslashreplace')}" for text in texts]
    return [*lines, "end of filter rules"]


async def receive_filters(link: Reader, dialect: Dialect) -> list[bytes]:
    """FILT-1, FILT-2: read a list from a link, rule by rule."""
    texts: list[bytes] = []
    total = 0
    while (text := await link.read(decode_rule)) is not None:
        texts.append(text)
        total += len(text)
        _check_total(total, -1)
    return texts


def _check_total(total: int, offset: int) -> None:
    if total > MAX_FILTER_BYTES:
        raise ProtocolError(
            f"filter rules of more than {MAX_FILTER_BYTES} bytes",
            clause="FILT-2",
            offset=offset,
            code=Exit.MALLOC,
        )
