"""Lists of hosts: who may use a module.

Input: two bytes that choose a client, then ``hosts allow``, a NUL, ``hosts deny``.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator

from refsync.daemon.access import UNDETERMINED, Client, allowed, listed, mistakes_of
from refsync.filters.wildmatch import wildmatch

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

ADDRESSES = ("192.0.2.17", "10.0.0.1", "::1", "2001:db8::7", "::ffff:192.0.2.17", "fe80::1%lo", "0.0.0.0")
HOSTS = (UNDETERMINED, "UNKNOWN", "box.example.org", "localhost")
#: Names nobody, and can't be understood.
GARBAGE = "1.2.3.4/99"

SURFACE = Surface(
    priority=1,
    clauses=("DAEMON-5",),
    code=("refsync.daemon.access",),
    oracle="MDS",
    dictionary={
        word: word.encode()
        for word in (
            "192.0.2.0/24",
            "/255.255.0.0",
            "::/0",
            "2001:db8::/32",
            "*.example.org",
            "@group",
            "*",
            ", ",
        )
    },
    max_length=300,
)


def _model(client: Client, item: str) -> bool | None:
    """Whether an item names the client, from its words alone; None if it can't be understood."""
    if item.startswith("@") and len(item) > 1:
        return None
    if wildmatch(os.fsencode(item), client.host.lower().encode()):
        return True
    base, slash, mask = item.partition("/")
    if ":" not in base and base.strip(".0123456789"):
        return False  # a name, which is not looked up here
    mine = ipaddress.ip_address(client.address.partition("%")[0])
    try:
        theirs = ipaddress.ip_address(base.partition("%")[0])
    except ValueError:
        return None
    mine, theirs = (getattr(each, "ipv4_mapped", None) or each for each in (mine, theirs))
    if mine.version != theirs.version:
        return False
    if not slash:
        return mine == theirs
    if mask.isascii() and mask.isdecimal():
        length = int(mask)
        if length > mine.max_prefixlen:
            return None
        shift = mine.max_prefixlen - length
        return int(mine) >> shift == int(theirs) >> shift
    try:
        bits = ipaddress.ip_address(mask.partition("%")[0])
    except ValueError:
        return None
    bits = getattr(bits, "ipv4_mapped", None) or bits
    if bits.version != mine.version:
        return None
    return not (int(mine) ^ int(theirs)) & int(bits)


def fuzz_one(data: bytes) -> None:
    """Oracle: a model that looks at one item at a time; what it can't understand lets nobody in.

    More words never let in whom more are to be kept out of, nor keep out whom more are let in.
    """
    choices = Choices(data)
    client = Client(choices.pick(ADDRESSES), choices.pick(HOSTS))
    allow, _, deny = choices.rest().decode("utf-8", "surrogateescape").partition("\0")

    def lets(allow: str, deny: str) -> bool:
        return allowed(client, allow, deny, forward_lookup=False)

    allow_items, deny_items = (text.replace(",", " ").lower().split() for text in (allow, deny))
    inside = any(_model(client, item) for item in allow_items)
    outside = any(_model(client, item) is not False for item in deny_items)
    expected = inside or (not outside and not (allow_items and not deny_items))
    same(lets(allow, deny), expected, f"{client} with {allow!r} and {deny!r}")
    if deny_items:
        expect(not lets(allow, f"{deny} {GARBAGE}") or expected, "a word more to deny lets somebody in")
        expect(not lets(f"{allow} {GARBAGE}", deny) or expected, "what is not understood lets somebody in")
    if allow_items:
        expect(lets(f"{allow} {client.address}", deny), "who is named is let in")
    expect(not lets(allow, "*") or inside, "all are denied")
    if not any(wild in allow for wild in "*?[") and not any(item[:1].isalpha() for item in allow_items):
        same(listed(client, allow), inside, "whether it is listed")
    for text in mistakes_of(allow):
        expect(text.split(",")[0] in allow_items or "," in text, "a mistake that nobody made")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Addresses, networks, masks, names, and what is none."""
    lists = (
        ("192.0.2.0/24", ""),
        ("192.0.2.0/255.255.255.240, 10.0.0.0/8", "*"),
        ("", "192.0.2.17"),
        ("*.example.org", "*"),
        ("", "2001:db8::/32"),
        ("::1/128", "::/0"),
        ("@group", "@group"),
        ("10.0.0.0/40 1.2.3 ::g", ""),
        ("", "10.0.0.0/40"),
        ("0.0.0.0/0", ""),
        ("UNDETERMINED", "*"),
        ("::ffff:192.0.2.0/120", ""),
        ("", ""),
    )
    for number, (allow, deny) in enumerate(lists):
        for client in (0, 2, 3):
            yield f"lists.{number}.{client}", bytes((client, number)) + f"{allow}\0{deny}".encode()
