"""Windows security descriptors as text (SDDL), and what of them access bits and access lists can say.

Pure: bytes and values, no system calls, so that what a Windows peer keeps in the attribute ``ATTRIBUTE`` can
be read, translated and kept on any system. Clauses SDDL-1 to SDDL-4; Microsoft's "Security Descriptor
String Format" (no counterpart in upstream).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ..wire.acl import Acl, Named
from ..wire.errors import ProtocolError

#: The attribute that a descriptor travels in, whole, as UTF-8 text.
ATTRIBUTE = b"user.win32.security_descriptor"
#: The longest text that is taken: the binary form ends at 64 KiB, and text is at most thrice as long.
MAX_TEXT = 192 * 1024
#: How deep the brackets of a condition may go.
MAX_DEPTH = 64

READ, WRITE, EXECUTE, ALL = 0x120089, 0x120116, 0x1200A0, 0x1F01FF
#: Access bits, the right that each stands for, and its token, in the order in which they are written.
_BITS = ((4, READ, "FR"), (2, WRITE, "FW"), (1, EXECUTE, "FX"))
_RIGHTS = {
    "FA": ALL, "GA": ALL, "FR": READ, "GR": READ, "FW": WRITE, "GW": WRITE, "FX": EXECUTE, "GX": EXECUTE,
}  # fmt: skip

#: Kinds of loss, in the order in which they are told.
DENIED, INHERITED, OBJECT, CALLBACK, SACL, LABEL, RIGHTS, UNKNOWN = (
    "entries that deny",
    "inherited entries",
    "entries about a kind of object",
    "entries with a condition",
    "audit entries",
    "labels",
    "rights other than to read, write and execute",
    "unknown names",
)
LOSSES = (DENIED, INHERITED, OBJECT, CALLBACK, SACL, LABEL, RIGHTS, UNKNOWN)

#: What an owner's or a group's name has nothing of.
_PUNCTUATION = frozenset('();"')
#: Well-known names that stand for one account; every other two-letter name is a group.
_ACCOUNTS = frozenset(("LA", "LG", "SY", "LS", "NS", "PS", "CO"))
#: Relative ids of a domain's own accounts and groups, and of those built in.
_ALIASES = {
    "LA": 500, "LG": 501, "DA": 512, "DU": 513, "DG": 514, "DC": 515, "DD": 516, "CA": 517, "SA": 518,
    "EA": 519, "PA": 520, "BA": 544, "BU": 545, "BG": 546, "PU": 547, "AO": 548, "SO": 549, "PO": 550,
    "BO": 551, "RE": 552, "RU": 554, "RD": 555, "NO": 556, "SY": 18, "LS": 19, "NS": 20, "AU": 11, "WD": 0,
    "CO": 0, "CG": 1, "IU": 4, "NU": 2, "SU": 6, "AN": 7, "PS": 10, "RC": 12, "WR": 33,
}  # fmt: skip
_EVERYONE, _AUTHENTICATED = ("WD", "S-1-1-0"), ("AU", "S-1-5-11")


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``(type;flags;rights;object;inherit;trustee)``; ``rest`` is what follows, such as a condition."""

    type: str
    flags: str
    rights: str
    object: str
    inherit: str
    trustee: str
    rest: str = ""

    def __str__(self) -> str:
        parts = [self.type, self.flags, self.rights, self.object, self.inherit, self.trustee]
        return "(" + ";".join(parts + [self.rest] * bool(self.rest)) + ")"

    @property
    def mask(self) -> int:
        """The rights as a number; an unknown token adds nothing."""
        return mask_of(self.rights)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """``flags`` are what stands before the entries: ``P``, ``AI``. A list that is None has no section."""

    owner: str = ""
    group: str = ""
    flags: str = ""
    entries: tuple[Entry, ...] | None = None
    audit_flags: str = ""
    audit: tuple[Entry, ...] | None = None

    def __str__(self) -> str:
        parts = []
        if self.owner:
            parts.append("O:" + self.owner)
        if self.group:
            parts.append("G:" + self.group)
        if self.entries is not None:
            parts.append("D:" + self.flags + "".join(map(str, self.entries)))
        if self.audit is not None:
            parts.append("S:" + self.audit_flags + "".join(map(str, self.audit)))
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Translated:
    """What access bits and lists can say of a descriptor: ``mode`` has nine bits; each loss is told once."""

    mode: int
    acl: Acl
    losses: tuple[str, ...] = field(default=())


def decode(value: bytes) -> Descriptor:
    """The descriptor of an attribute's value; ``ProtocolError`` names the place of what is wrong."""
    if len(value) > MAX_TEXT:
        raise _wrong(f"a security descriptor of {len(value)} bytes is too long", MAX_TEXT)
    try:
        text = value.removesuffix(b"\0").decode()
    except UnicodeDecodeError as error:
        raise _wrong("a security descriptor is no UTF-8 text", error.start) from None
    if "\0" in text:
        raise _wrong("a NUL in the text of a security descriptor", text.index("\0"))
    sections: dict[str, str] = {}
    start = 0
    for letter, start, end in _sections(text):
        if letter in sections:
            raise _wrong(f"a second section {letter}: in a security descriptor", start)
        sections[letter] = text[start:end]
    for letter in "OG":
        if not _PUNCTUATION.isdisjoint(sections.get(letter, "")):
            raise _wrong(f"section {letter}: of a security descriptor is no name", text.index(letter + ":"))
    if text and not sections:
        raise _wrong("a security descriptor begins with a section such as O: or D:", 0)
    flags, entries = _list(sections.get("D"))
    audit_flags, audit = _list(sections.get("S"))
    return Descriptor(sections.get("O", ""), sections.get("G", ""), flags, entries, audit_flags, audit)


def encode(descriptor: Descriptor) -> bytes:
    """The attribute's value."""
    return str(descriptor).encode()


def explain(descriptor: Descriptor) -> str:
    """One line of an annotated transcript."""
    found = translate(descriptor)
    lost = f", without {', '.join(found.losses)}" if found.losses else ""
    return f"owner {descriptor.owner or '-'}, group {descriptor.group or '-'}, mode {found.mode:03o}{lost}"


def mask_of(rights: str) -> int:
    """SDDL-2: two-letter tokens, or one number."""
    if rights[:2].lower() == "0x":
        try:
            return int(rights, 16) & 0xFFFFFFFF
        except ValueError:
            return 0
    mask = 0
    for at in range(0, len(rights), 2):
        mask |= _RIGHTS.get(rights[at : at + 2], 0)
    return mask


def bits_of(mask: int) -> int:
    """SDDL-2: three access bits, each set only if all of its right is there."""
    return sum(bit for bit, right, _ in _BITS if mask & right == right)


def rights_of(bits: int) -> str:
    """SDDL-2: the tokens of three access bits; empty for none."""
    return "".join(token for bit, _, token in _BITS if bits & bit)


def from_mode(mode: int, owner: str, group: str) -> Descriptor:
    """SDDL-4: the descriptor of nine access bits; entries without rights are kept, so each mode is told."""
    trustees = ((owner, mode >> 6), (group, mode >> 3), ("WD", mode))
    entries = tuple(Entry("A", "", rights_of(bits & 7), "", "", trustee) for trustee, bits in trustees)
    return Descriptor(owner, group, "P", entries)


def translate(descriptor: Descriptor) -> Translated:
    """SDDL-3: the mode, the named entries, and what neither can say."""
    lost: set[str] = set()
    allowed = list(_allowed(descriptor, lost))

    def take(*names: str) -> int | None:
        for entry in allowed:
            if entry.trustee in names:
                allowed.remove(entry)
                return bits_of(entry.mask)
        return None

    user = take(descriptor.owner) if descriptor.owner else None
    group = take(descriptor.group) if descriptor.group else None
    if group is None and descriptor.group == descriptor.owner:
        group = user
    other = take(*_EVERYONE)
    if other is None:
        other = take(*_AUTHENTICATED)
    names = []
    seen = {descriptor.owner, descriptor.group, *_EVERYONE, *_AUTHENTICATED}
    for entry in allowed:
        if entry.trustee in seen:
            continue  # the first entry counts
        seen.add(entry.trustee)
        number = _relative_id(entry.trustee)
        if number is None:
            lost.add(UNKNOWN)
            continue
        is_user = _is_account(entry.trustee, number)
        names.append(Named(number, bits_of(entry.mask), is_user, entry.trustee.encode()))
    mode = (user or 0) << 6 | (group or 0) << 3 | (other or 0)
    names.sort(key=lambda one: (not one.is_user, one.id, one.name or b""))
    return Translated(mode, Acl(names=tuple(names)), tuple(kind for kind in LOSSES if kind in lost))


def known(
    acl: Acl, user: Callable[[bytes], int | None], group: Callable[[bytes], int | None]
) -> tuple[Acl, tuple[bytes, ...]]:
    """SDDL-3: the named entries whose names are known here, with their ids here, and the other names."""
    kept: list[Named] = []
    missing: list[bytes] = []
    for one in acl.names:
        name = one.name or b""
        number = (user if one.is_user else group)(name)
        if number is None:
            missing.append(name)
        else:
            kept.append(replace(one, id=number))
    return replace(acl, names=tuple(kept)), tuple(missing)


def _allowed(descriptor: Descriptor, lost: set[str]) -> Iterator[Entry]:
    """The entries that access bits can stand for; of the others the kinds."""
    for entry in descriptor.entries or ():
        kind = entry.type.upper()
        if "ID" in _pairs(entry.flags):
            lost.add(INHERITED)
        elif kind in ("OA", "OD", "ZA"):
            lost.add(OBJECT)
        elif kind in ("XA", "XD") or entry.rest:
            lost.add(CALLBACK)
        elif kind != "A":
            lost.add(DENIED if kind == "D" else UNKNOWN)
        else:
            if _has_more(entry):
                lost.add(RIGHTS)
            yield entry
    for entry in descriptor.audit or ():
        lost.add(LABEL if entry.type.upper() == "ML" else SACL)


def _has_more(entry: Entry) -> bool:
    """Whether an entry has rights that no access bit stands for; all rights are no more than ``rwx``."""
    mask, rights = entry.mask, entry.rights
    told = 0
    for bit, right, _ in _BITS:
        told |= right if bits_of(mask) & bit else 0
    if rights[:2].lower() != "0x" and not set(_pairs(rights)) <= _RIGHTS.keys():
        return True
    return mask != ALL and mask & ~told != 0


def _pairs(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(0, len(text), 2)]


def _relative_id(trustee: str) -> int | None:
    """The last number of a SID, or that of a well-known name; None for what is neither."""
    if trustee in _ALIASES:
        return _ALIASES[trustee]
    parts = trustee.split("-")
    if (
        len(parts) < 4
        or parts[0].upper() != "S"
        or not all(part.isascii() and part.isdigit() for part in parts[1:])
    ):
        return None
    number = int(parts[-1][:11])
    return number if number < 1 << 32 else None


def _is_account(trustee: str, number: int) -> bool:
    """A SID does not say what it names: 512 to 599 of a domain's are groups, all others count as accounts."""
    if trustee in _ALIASES:
        return trustee in _ACCOUNTS
    return not (trustee.startswith("S-1-5-32-") or 512 <= number < 600)


def _sections(text: str) -> Iterator[tuple[str, int, int]]:
    """(letter, start, end) of each: a letter of OGDS and a colon, outside of brackets and quotes."""
    letter, start, depth, quoted = "", 0, 0, False
    at = 0
    while at < len(text):
        char = text[at]
        if char == '"' and depth:
            quoted = not quoted
        elif quoted:
            pass
        elif char == "(":
            depth += 1
            if depth > MAX_DEPTH:
                raise _wrong(f"brackets of a security descriptor are more than {MAX_DEPTH} deep", at)
        elif char == ")":
            depth -= 1
            if depth < 0:
                raise _wrong("a bracket of a security descriptor is closed and was not opened", at)
        elif not depth and char in "OGDS" and text[at + 1 : at + 2] == ":":
            if letter:
                yield letter, start, at
            elif at:
                raise _wrong("a security descriptor begins with a section such as O: or D:", 0)
            letter, start = char, at + 2
            at += 1
        at += 1
    if depth or quoted:
        raise _wrong("a bracket or a quote of a security descriptor stays open", len(text))
    if letter:
        yield letter, start, len(text)


def _list(text: str | None) -> tuple[str, tuple[Entry, ...] | None]:
    """The flags before a list's entries, and the entries."""
    if text is None:
        return "", None
    flags, bracket, _ = text.partition("(")
    entries: list[Entry] = []
    at = len(flags)
    while bracket and at < len(text):
        if text[at] != "(":
            raise _wrong(f"{text[at]!r} stands between two entries of a security descriptor", at)
        end = _closing(text, at)
        entries.append(_entry(text[at + 1 : end], at))
        at = end + 1
    return flags, tuple(entries)


def _closing(text: str, start: int) -> int:
    depth, quoted = 0, False
    for at in range(start, len(text)):
        char = text[at]
        if char == '"':
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
            if not depth:
                return at
    raise _wrong("an entry of a security descriptor stays open", start)


def _entry(text: str, at: int) -> Entry:
    fields = text.split(";", 6)
    if len(fields) < 6:
        raise _wrong(f"an entry of a security descriptor has {len(fields)} fields, not 6", at)
    return Entry(*fields)


def _wrong(text: str, offset: int) -> ProtocolError:
    return ProtocolError(text, clause="SDDL-1", offset=offset)
