"""Extended attributes and access lists that no peer makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refsync.engine import attached
from refsync.wire.acl import AclEncoder
from refsync.wire.integers import varint
from refsync.wire.xattr import XattrEncoder, XattrList

from .table import HARMLESS, SKIPPED, deviation, wrap

XATTRS, ACLS = ("-X",), ("-A",)


def _list(crafted: bytes) -> None:
    """Send this in the place of the first list of attributes, and of those of its kind that follow."""

    def make(encode: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: XattrEncoder, attributes: XattrList) -> tuple[bytes, XattrList]:
            return crafted, encode(self, attributes)[1]

        return changed

    wrap(XattrEncoder, "encode", make)


def _new(name: bytes, size: int, value: bytes, *, count: int = 1, length: int | None = None) -> bytes:
    """A new list of ``count`` attributes, of which there is one."""
    told = len(name) if length is None else length
    return b"\0" + varint(count) + varint(told) + varint(size) + name + value


@deviation(
    160,
    "xattr-name-without-nul",
    "The name of an attribute without its NUL",
    clause="XATTR-2",
    side="sender",
    expect=SKIPPED | {11},
    options=XATTRS,
    advisory="CVE-2017-16548",
)
def xattr_name_without_nul() -> None:
    """A name that goes on where the value begins."""
    _list(_new(b"user.open", 4, b"data"))


@deviation(
    161,
    "xattr-lengths-wrap",
    "Lengths of an attribute whose sum is small in 32 bits",
    clause="XATTR-2",
    side="sender",
    options=XATTRS,
    advisory="CVE-2006-2083",
)
def xattr_lengths_wrap() -> None:
    """A name of 2,147,483,632 bytes and a value of 2,147,483,680."""
    _list(_new(b"user.a\0", -2_147_483_616, b"data", length=2_147_483_632))


@deviation(
    162,
    "xattr-value-huge",
    "An attribute of 2 GiB",
    clause="XATTR-2",
    side="sender",
    options=XATTRS,
    advisory="CVE-2008-1720",
)
def xattr_value_huge() -> None:
    """Its digest follows, as of any long value: no memory is taken before there is the value itself."""
    _list(_new(b"user.a\0", 0x7FFFFFFF, bytes(16)))


@deviation(
    163,
    "xattr-list-unknown",
    "The number of a list of attributes that was never sent",
    clause="XATTR-1",
    side="sender",
    options=XATTRS,
)
def xattr_list_unknown() -> None:
    """List 99."""
    _list(varint(100))


@deviation(
    164,
    "xattr-count-negative",
    "A list of -1 attributes",
    clause="XATTR-2",
    side="sender",
    options=XATTRS,
    advisory="CVE-2002-0048",
)
def xattr_count_negative() -> None:
    """The count is not a count."""
    _list(_new(b"user.a\0", 4, b"data", count=-1))


@deviation(
    165,
    "xattr-names-dropped",
    "Attributes that the receiver does not keep",
    clause="XATTR-3",
    side="sender",
    expect=HARMLESS,
    options=XATTRS,
    advisory="CVE-2026-41035",
)
def xattr_names_dropped() -> None:
    """Three are told, two of them in name spaces that are not taken; the third comes first in order."""
    names = (b"user.rsync.%stat\0", b"system.posix_acl_access\0", b"user.a\0")
    _list(b"\0" + varint(3) + b"".join(varint(len(name)) + varint(2) + name + b"ok" for name in names))


@deviation(
    166,
    "xattr-answer-unasked",
    "The value of an attribute that nobody asked for",
    clause="XATTR-5",
    side="sender",
    options=XATTRS,
)
def xattr_answer_unasked() -> None:
    """Number 77 of a list of one."""
    wrap(attached, "encode_answer", lambda encode: lambda values: varint(77) + varint(3) + b"abc\0")


@deviation(
    167,
    "xattr-request-unknown",
    "A request for an attribute that is not in the list",
    clause="XATTR-4",
    side="receiver",
    options=XATTRS,
)
def xattr_request_unknown() -> None:
    """Number 77 of a list of one."""
    wrap(attached, "encode_request", lambda encode: lambda wanted: varint(77) + b"\0")


@deviation(
    168,
    "xattr-request-backwards",
    "A request whose numbers go down",
    clause="XATTR-4",
    side="receiver",
    options=XATTRS,
)
def xattr_request_backwards() -> None:
    """Each number is told by its distance from the one before: here by minus 5."""
    wrap(attached, "encode_request", lambda encode: lambda wanted: varint(-5) + b"\0")


@deviation(
    169,
    "xattr-count-large",
    "A list of 70,000 attributes",
    clause="XATTR-2",
    side="sender",
    options=XATTRS,
    advisory="attribute-counts",
)
def xattr_count_large() -> None:
    """More than any file has; one comes."""
    _list(_new(b"user.a\0", 4, b"data", count=70_000))


def _acl(crafted: bytes) -> None:
    wrap(AclEncoder, "encode", lambda encode: lambda self, acl: crafted)


@deviation(
    170,
    "acl-count-huge",
    "An access list of 2,147,483,647 names",
    clause="ACL-2",
    side="sender",
    options=ACLS,
    advisory="attribute-counts",
)
def acl_count_huge() -> None:
    """No memory is taken for what has not come."""
    _acl(b"\0\x10" + varint(0x7FFFFFFF))


@deviation(
    171,
    "acl-list-unknown",
    "The number of an access list that was never sent",
    clause="ACL-1",
    side="sender",
    options=ACLS,
)
def acl_list_unknown() -> None:
    """List 99."""
    _acl(varint(100))


@deviation(
    172, "acl-bits-odd", "Permissions of more than three bits", clause="ACL-2", side="sender", options=ACLS
)
def acl_bits_odd() -> None:
    """The owner may 0o777."""
    _acl(b"\0\x01" + varint(0o777))
