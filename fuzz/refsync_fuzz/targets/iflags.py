"""What travels with a file index: item flags, basis type, alternate name.

Input: wire bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.wire import items
from refsync.wire.integers import shortint, vstring
from refsync.wire.items import ItemAttrs
from refsync.wire.limits import MAX_PATH

from ..oracle import Refused, Value, check_decoder, expect, outcome, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("XFER-3", "XFER-4", "XFER-5"),
    code=("refsync.wire.items",),
    oracle="ERBTM",
    dictionary={
        "transfer": shortint(items.TRANSFER),
        "new": shortint(items.IS_NEW | items.TRANSFER),
        "basis": shortint(items.BASIS_TYPE_FOLLOWS | items.TRANSFER),
        "xname": shortint(items.XNAME_FOLLOWS | items.LOCAL_CHANGE),
        "both": shortint(items.BASIS_TYPE_FOLLOWS | items.XNAME_FOLLOWS),
        "fuzzy": bytes((items.BASIS_FUZZY,)),
        "xname_most": b"\x8f\xff",
        "xname_limit": b"\x90\x00",
    },
    max_length=MAX_PATH + 16,
)


def fuzz_one(data: bytes) -> None:
    """Oracle: flags are 16 bits; each optional field is there if and only if its bit is set.

    A name is shorter than a path may be. What was decoded re-encodes to the
    same bytes, or to fewer where the length of the name came in two bytes
    without need.
    """
    got = check_decoder(lambda: items.decode, data)
    if isinstance(got, Refused):
        expect(data[1] & 0x10, "refused without a name")
        at = 3 if data[1] & 8 else 2
        length = (data[at] & 0x7F) * 256 + data[at + 1] if data[at] & 0x80 else data[at]
        expect(length >= 4096, f"refused for a name of {length} bytes")
        return
    if not isinstance(got, Value) or not isinstance(got.value, ItemAttrs):
        return
    attrs = got.value
    same(attrs.iflags, data[0] + data[1] * 256, "flags")
    same(attrs.basis_type, data[2] if data[1] & 8 else 0x80, "basis type")
    same(attrs.xname is not None, bool(data[1] & 0x10), "a name")
    expect(attrs.xname is None or len(attrs.xname) < MAX_PATH, "a name as long as a path may not be")
    again = items.encode(attrs)
    same(outcome(items.decode, again), Value(attrs, len(again)), "encoded again")
    if len(again) == got.consumed:
        same(again, data[: got.consumed], "canonical bytes")
    else:
        same(len(again), got.consumed - 1, "bytes of a name's length")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Flags alone, with each field, names at the limits."""
    for name, attrs in {
        "transfer": ItemAttrs(items.TRANSFER | items.REPORT_TIME),
        "basis": ItemAttrs(items.TRANSFER | items.BASIS_TYPE_FOLLOWS, items.BASIS_PARTIAL_DIR),
        "xname": ItemAttrs(items.LOCAL_CHANGE | items.XNAME_FOLLOWS, xname=b"dir/other name"),
        "both": ItemAttrs(
            items.TRANSFER | items.XNAME_FOLLOWS | items.BASIS_TYPE_FOLLOWS, items.BASIS_FUZZY, b"near"
        ),
        "empty_name": ItemAttrs(items.XNAME_FOLLOWS, xname=b""),
        "name_127": ItemAttrs(items.XNAME_FOLLOWS, xname=b"n" * 127),
        "name_128": ItemAttrs(items.XNAME_FOLLOWS, xname=b"n" * 128),
        "name_most": ItemAttrs(items.XNAME_FOLLOWS, xname=b"n" * (MAX_PATH - 1)),
    }.items():
        yield name, items.encode(attrs)
    yield "name_limit", shortint(items.XNAME_FOLLOWS) + vstring(b"n" * MAX_PATH)
    yield "needless_length", shortint(items.XNAME_FOLLOWS) + b"\x80\x01a"
