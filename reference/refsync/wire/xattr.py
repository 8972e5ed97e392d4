"""Extended attributes on the wire: the list behind an entry, and the requests and answers for long values.

A list is sent once and then named by its number. A value of more than 32
bytes is not in it, but its digest is: who lacks the value asks for it by
the attribute's number. Clauses XATTR-1 to XATTR-6; upstream
``xattrs.c:send_xattr``, ``receive_xattr``, ``send_xattr_request``,
``recv_xattr_request``.
"""

from __future__ import annotations

from collections.abc import Callable

from .cursor import Cursor
from .errors import Exit, NeedMoreData, ProtocolError
from .integers import read_varint, varint
from .limits import MAX_XATTR_COUNT, MAX_XATTR_LISTS, MAX_XATTR_NAME, MAX_XATTR_VALUE

#: Longer values are represented by their digest (upstream ``MAX_FULL_DATUM``).
MAX_FULL = 32
#: Bytes of a digest, whatever the checksum (MD5 from protocol 30 on).
DIGEST = 16


class Xattr:
    """One attribute.

    ``name`` is without its NUL, ``size`` the length of the value. ``value``
    is None while only its ``digest`` is known. ``number`` counts from 1 in
    the sender's order. ``asked`` belongs to whoever requests or answers
    (the generator, the sender): the value needn't be asked for again.
    """

    __slots__ = ("asked", "digest", "name", "number", "size", "value")

    def __init__(self, name: bytes, size: int, value: bytes | None, digest: bytes, number: int) -> None:
        self.name = name
        self.size = size
        self.value = value
        self.digest = digest
        self.number = number
        self.asked = False

    @property
    def long(self) -> bool:
        """True if lists hold the digest, not the value."""
        return self.size > MAX_FULL

    @property
    def content(self) -> tuple[int, bytes]:
        """What two attributes of one name are compared by."""
        return self.size, self.digest if self.long else self.value or b""

    def __repr__(self) -> str:
        return (
            f"<Xattr {self.number} {self.name!r} {self.size} bytes{'' if self.value is not None else ' ~'}>"
        )


#: A list of attributes in the order of names. Entries with the same list share it, and what is learnt of it.
XattrList = list[Xattr]


def make(name: bytes, value: bytes, digest_of: Callable[[bytes], bytes], number: int = 0) -> Xattr:
    """An attribute of a file here; a long value is not kept."""
    size = len(value)
    if size <= MAX_FULL:
        return Xattr(name, size, value, b"", number)
    return Xattr(name, size, None, digest_of(value), number)


def key(attributes: XattrList) -> tuple[tuple[bytes, int, bytes], ...]:
    """What makes two lists the same."""
    return tuple((one.name, *one.content) for one in attributes)


class XattrEncoder:
    """The sender's lists of one session (XATTR-1).

    ``sent`` gives the name under which an attribute goes out, if not its own.
    """

    __slots__ = ("_known", "_lists", "_sent")

    def __init__(self, sent: Callable[[bytes], bytes] | None = None) -> None:
        self._sent = sent
        self._known: dict[tuple[tuple[bytes, int, bytes], ...], int] = {}
        self._lists: list[XattrList] = []

    def encode(self, attributes: XattrList) -> tuple[bytes, XattrList]:
        """The bytes for a list, and the list to remember for its entry: that which went out first."""
        known = key(attributes)
        number = self._known.setdefault(known, len(self._lists))
        if number < len(self._lists):
            return varint(number + 1), self._lists[number]
        self._lists.append(attributes)
        parts = [b"\0", varint(len(attributes))]
        for one in attributes:
            name = self._sent(one.name) if self._sent else one.name
            parts += (varint(len(name) + 1), varint(one.size), name, b"\0", one.content[1])
        return b"".join(parts), attributes


class XattrDecoder:
    """The receiver's lists of one session (XATTR-1).

    ``keep`` says under which name an attribute is stored here, None: not at all. ``most`` is how
    many bytes a value may have.
    """

    __slots__ = ("_keep", "_lists", "_most")

    def __init__(
        self, keep: Callable[[bytes], bytes | None] | None = None, most: int = MAX_XATTR_VALUE
    ) -> None:
        self._lists: list[XattrList] = []
        self._keep = keep
        self._most = most

    def decode(self, cursor: Cursor) -> tuple[XattrList, bool]:
        """A list, and whether it is new; a new one counts once ``remember`` was called with it."""
        start = cursor.pos
        try:
            return self._decode(cursor)
        except NeedMoreData:
            cursor.pos = start
            raise

    def remember(self, attributes: XattrList) -> None:
        """The entry is complete: its new list has the next number."""
        self._lists.append(attributes)

    def _decode(self, cursor: Cursor) -> tuple[XattrList, bool]:
        start = cursor.pos
        index = read_varint(cursor)
        if not 0 <= index <= len(self._lists):
            raise ProtocolError(
                f"receive_xattr: xa index {index} out of range",
                clause="XATTR-1",
                offset=start,
                code=Exit.STREAM_IO,
            )
        if index:
            return self._lists[index - 1], False
        if len(self._lists) >= MAX_XATTR_LISTS:
            raise ProtocolError("too many lists of attributes", clause="XATTR-2", offset=start)
        at = cursor.pos
        count = read_varint(cursor)
        if not 0 <= count <= MAX_XATTR_COUNT:
            raise ProtocolError(f"{count} extended attributes", clause="XATTR-2", offset=at)
        kept = []
        for number in range(1, count + 1):
            one = self._one(cursor, number)
            name = self._keep(one.name) if self._keep else one.name
            if name is not None:
                one.name = name
                kept.append(one)
        kept.sort(key=lambda one: one.name)
        return kept, True

    def _one(self, cursor: Cursor, number: int) -> Xattr:
        """XATTR-2: lengths of the name with its NUL and of the value, the name, the value or its digest."""
        at = cursor.pos
        length, size = read_varint(cursor), read_varint(cursor)
        if not 1 <= length <= MAX_XATTR_NAME + 1:
            raise ProtocolError(f"an attribute name of {length} bytes", clause="XATTR-2", offset=at)
        _check_size(size, self._most, at, "XATTR-2")
        name = cursor.take(length)
        if name[-1]:
            raise ProtocolError(
                "Invalid xattr name received (missing trailing \\0).",
                clause="XATTR-2",
                offset=at,
                code=Exit.FILE_IO,
            )
        # as C reads it: what follows the first NUL is not part of the name
        name = name[: name.index(b"\0")]
        if size > MAX_FULL:
            return Xattr(name, size, None, cursor.take(DIGEST), number)
        return Xattr(name, size, cursor.take(size), b"", number)


# -- requests and answers --------------------------------------------------


def encode_request(wanted: list[int]) -> bytes:
    """XATTR-4: the numbers wanted, in ascending order, each as its distance from the one before; 0 ends."""
    parts: list[bytes] = []
    before = 0
    for number in wanted:
        parts.append(varint(number - before))
        before = number
    return b"".join(parts) + b"\0"


def encode_answer(values: list[tuple[int, bytes]]) -> bytes:
    """XATTR-5: as a request, with each number's value behind its length."""
    parts: list[bytes] = []
    before = 0
    for number, value in values:
        parts += (varint(number - before), varint(len(value)), value)
        before = number
    return b"".join(parts) + b"\0"


def decode_request(cursor: Cursor, attributes: XattrList) -> XattrList:
    """XATTR-4: the attributes whose values are wanted; each may be asked for once in a session.

    Their ``asked`` is left as it is: the caller sets it when it takes the request up.
    """
    start = cursor.pos
    by_number = {one.number: one for one in attributes}
    try:
        wanted: list[Xattr] = []
        number = 0
        while True:
            at = cursor.pos
            step = read_varint(cursor)
            if not step:
                return wanted
            number += step  # no list has what this comes to if the peer's sums run over
            one = _find(by_number, number, at, "XATTR-4")
            if one.asked:
                raise _again(one, at, "XATTR-4")
            del by_number[number]
            wanted.append(one)
    except NeedMoreData:
        cursor.pos = start
        raise


def decode_value(cursor: Cursor, most: int = MAX_XATTR_VALUE) -> bytes:
    """XATTR-5: a whole value of up to ``most`` bytes behind its length."""
    at = cursor.pos
    size = read_varint(cursor)
    _check_size(size, most, at, "XATTR-5")
    return cursor.take(size)


class AnswerDecoder:
    """XATTR-5: the answers to one request, value by value."""

    __slots__ = ("_by_number", "_most", "_number")

    def __init__(self, attributes: XattrList, most: int = MAX_XATTR_VALUE) -> None:
        self._by_number = {one.number: one for one in attributes}
        self._number = 0
        self._most = most

    def decode(self, cursor: Cursor) -> tuple[Xattr, bytes] | None:
        """An attribute of the list with its value, which the caller stores; None at the end."""
        start = cursor.pos
        try:
            step = read_varint(cursor)
            if not step:
                return None
            one = _find(self._by_number, self._number + step, start, "XATTR-5")
            if one.value is not None:
                raise _again(one, start, "XATTR-5")
            value = decode_value(cursor, self._most)
        except NeedMoreData:
            cursor.pos = start
            raise
        self._number += step
        del self._by_number[self._number]
        return one, value


def _check_size(size: int, most: int, at: int, clause: str) -> None:
    """No size is wrong, one that ``--max-alloc`` does not allow more than is to be held (OPT-16)."""
    if not 0 <= size <= most:
        code = Exit.MALLOC if most < size <= MAX_XATTR_VALUE else Exit.PROTOCOL
        raise ProtocolError(f"an attribute value of {size} bytes", clause=clause, offset=at, code=code)


def _find(by_number: dict[int, Xattr], number: int, at: int, clause: str) -> Xattr:
    one = by_number.get(number)
    if one is None:
        raise ProtocolError(f"could not find xattr #{number}", clause=clause, offset=at)
    if not one.long:
        raise _again(one, at, clause)
    return one


def _again(one: Xattr, at: int, clause: str) -> ProtocolError:
    shown = one.name.decode("utf-8", "backslashreplace")
    return ProtocolError(f"internal abbrev error ({shown}, len={one.size})!", clause=clause, offset=at)
