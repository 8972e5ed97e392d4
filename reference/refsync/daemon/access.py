"""Which hosts may use a module: ``hosts allow`` and ``hosts deny``.

Clause DAEMON-5; upstream ``access.c:allow_access``. A name in ``hosts deny``
that can't be resolved denies: upstream let everyone in until 3.5
(CVE-2026-70452).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from ..filters.wildmatch import wildmatch
from ..records import dataclass

#: The name of a host that was not looked up, or has none.
UNDETERMINED = "UNDETERMINED"
UNKNOWN = "UNKNOWN"

Found = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Client:
    """Where a connection comes from: a numeric address, and the name that it resolves to and back."""

    address: str
    host: str = UNDETERMINED


def look_up(address: str) -> str:
    """The name of an address, if that name leads back to it (upstream ``clientname.c:client_name``)."""
    try:
        name = socket.getnameinfo((address, 0), socket.NI_NAMEREQD)[0]
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return UNKNOWN
    return name if any(_plain(str(each[4][0])) == _plain(address) for each in found) else UNKNOWN


def allowed(
    client: Client, allow: str, deny: str, *, forward_lookup: bool = True, found: Found = lambda name: None
) -> bool:
    """DAEMON-5: what ``hosts allow`` names may; else what ``hosts deny`` names may not.

    With a list of the allowed alone no other may; what neither names may. ``found``
    gets the name in a list that was looked up and is the client's.
    """
    allow_items, deny_items = _items(allow), _items(deny)
    if any(_matches(client, item, forward_lookup, found, unknown=False) for item in allow_items):
        return True
    if allow_items and not deny_items:
        return False
    return not any(_matches(client, item, forward_lookup, found, unknown=True) for item in deny_items)


def listed(client: Client, hosts: str) -> bool:
    """Whether a list names this client; what can't be understood names nobody."""
    return any(_matches(client, item, True, lambda name: None, unknown=False) for item in _items(hosts))


def mistakes_of(hosts: str, *, resolve: bool = False) -> list[str]:
    """What of a list names nobody: addresses and networks that are none, netgroups.

    With ``resolve`` also names that mean no address now.
    """
    wrong = []
    for item in _items(hosts):
        address, slash, mask = item.partition("/")
        if item.startswith("@"):
            wrong.append(f"{item}, a netgroup, which is not looked up")
            continue
        if ":" not in address and address.strip(".0123456789"):
            if resolve and not any(mark in item for mark in "*?[/"):
                try:
                    socket.getaddrinfo(item, None, type=socket.SOCK_STREAM)
                except (OSError, UnicodeError):
                    wrong.append(f"{item}, whose address is not known")
            continue
        plain = _plain(address)
        if plain is None:
            wrong.append(f"{item}, which is no address")
        elif slash and _mask_bits(mask, plain.max_prefixlen) is None:
            wrong.append(f"{item}, whose mask is none")
    return wrong


def _items(text: str) -> list[str]:
    return text.replace(",", " ").lower().split()


def _matches(client: Client, item: str, forward_lookup: bool, found: Found, *, unknown: bool) -> bool:
    """``unknown`` is the answer where the item can't be understood: it must not let anyone in."""
    if item.startswith("@") and len(item) > 1:
        return unknown  # netgroups are not looked up
    if wildmatch(item.encode("utf-8", "surrogateescape"), client.host.lower().encode("utf-8", "replace")):
        return True
    address, slash, mask = item.partition("/")
    if ":" in address or not address.strip(".0123456789"):
        return _in_network(client.address, address, mask if slash else None, unknown)
    if not forward_lookup or any(mark in item for mark in "*?[/"):
        return False
    try:
        addresses = socket.getaddrinfo(item, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return unknown
    if not any(_plain(str(each[4][0])) == _plain(client.address) for each in addresses):
        return False
    found(item)
    return True


def _in_network(address: str, network: str, mask: str | None, unknown: bool) -> bool:
    mine = _plain(address)
    theirs = _plain(network)
    if theirs is None or mine is None:
        return unknown
    if mine.version != theirs.version:
        return False
    if mask is None:
        return mine == theirs
    bits = _mask_bits(mask, mine.max_prefixlen)
    if bits is None:
        return unknown
    return int(mine) & bits == int(theirs) & bits


def _mask_bits(mask: str, width: int) -> int | None:
    """A prefix length, or a mask in the form of an address, as a number of ``width`` bits."""
    if mask.isascii() and mask.isdecimal():
        length = int(mask)
        return None if length > width else (1 << width) - (1 << (width - length))
    plain = _plain(mask)
    return int(plain) if plain is not None and plain.max_prefixlen == width else None


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address without scope; one of IPv4 within IPv6 is that of IPv4."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    return mapped if isinstance(mapped, ipaddress.IPv4Address) else parsed
