"""Windows security descriptors, from an attribute of a peer's.

Input: two bytes for a mode, then the text.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.files import sddl
from refsync.wire.errors import ProtocolError

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("SDDL-1", "SDDL-2", "SDDL-3", "SDDL-4"),
    code=("refsync.files.sddl",),
    oracle="ERM",
    dictionary={
        "owner": b"O:BA",
        "group": b"G:SY",
        "allow": b"(A;;FRFX;;;WD)",
        "deny": b"(D;;FW;;;BA)",
        "inherited": b"(A;OICIID;FA;;;SY)",
        "condition": b'(XA;;FX;;;WD;(@User.x == "(" ))',
        "label": b"S:(ML;;NW;;;HI)",
        "sid": b"S-1-5-21-1-2-3-1001",
        "mask": b"0x1200a9",
        "auto": b"D:PAI",
    },
    max_length=2048,
)


def fuzz_one(data: bytes) -> None:
    """Oracle: a text that is taken is written again letter by letter, and its bits are those of a model.

    The model looks for each bit and each trustee apart, through the entries in their order. Each mode comes
    back from the descriptor that is made of it, whoever the owner and the group are.
    """
    choices = Choices(data)
    mode = choices.integer(2) & 0o777
    raw = choices.rest()
    try:
        found = sddl.decode(raw)
    except ProtocolError as error:
        expect(error.clause == "SDDL-1", f"clause {error.clause}")
        return
    text = sddl.encode(found)
    same(sddl.decode(text), found, "decoded again")
    told = sddl.translate(found)
    expect(0 <= told.mode <= 0o777, f"mode {told.mode:o}")
    expect(
        list(told.losses) == [kind for kind in sddl.LOSSES if kind in told.losses], "losses once, in order"
    )
    if found.owner != found.group and {found.owner, found.group}.isdisjoint(
        ("WD", "AU", "S-1-1-0", "S-1-5-11")
    ):
        same(told.mode, _model(found), f"mode of {text!r}")
    made = sddl.from_mode(mode, found.owner or "BA", found.group or "SY")
    back = sddl.translate(sddl.decode(sddl.encode(made)))
    same((back.mode, back.losses), (mode, ()), f"mode {mode:o} and back")


def _model(found: sddl.Descriptor) -> int:
    """Bit by bit: is there a first plain entry for one of these names that has all of this right?"""
    plain = [
        entry
        for entry in found.entries or ()
        if entry.type in ("A", "a")
        and not entry.rest
        and "ID" not in [entry.flags[at : at + 2] for at in range(0, len(entry.flags), 2)]
    ]
    everyone = ("WD", "S-1-1-0")
    if not any(entry.trustee in everyone for entry in plain):
        everyone = ("AU", "S-1-5-11")
    mode = 0
    for names, shift in (((found.owner,), 6), ((found.group,), 3), (everyone, 0)):
        entry = next((one for one in plain if one.trustee in names and one.trustee), None)
        for bit, right in ((4, 0x120089), (2, 0x120116), (1, 0x1200A0)):
            if entry is not None and not right & ~entry.mask:
                mode |= bit << shift
    return mode


def seeds() -> Iterator[tuple[str, bytes]]:
    """The examples of the clauses, each kind of loss, brackets in conditions, what is no descriptor."""
    texts = (
        "O:BAG:SYD:(A;;FA;;;BA)(A;;FRFX;;;SY)(A;;FR;;;WD)",
        "O:BAG:SYD:PAI(A;;GA;;;BA)(A;;0x1200a9;;;SY)(A;;FRFX;;;AU)",
        "O:BAG:SYD:(D;;FW;;;BA)(A;;FRFX;;;BA)(A;;FR;;;SY)(A;;FR;;;WD)",
        "O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-513D:(A;ID;FA;;;BA)(A;;FRSD;;;S-1-5-21-1-2-3-1005)",
        'D:(OA;;FW;guid;;BA)(XA;;FR;;;WD;(a == "(" && (b)))(XD;;FX;;;WD;(c))S:AI(AU;SA;FA;;;WD)(ML;;NW;;;HI)',
        "O:BAG:BAD:(A;;;;;BA)(A;;FW;;;BA)(A;;FX;;;S-1-1-0)(A;;FR;;;somebody)",
        "S:",
        "O:",
        "",
        "O:BAO:BA",
        "D:(A;;FR;;WD)",
        "D:(A;;FR;;;WD))",
        "D:((((",
        "x",
    )
    for number, text in enumerate(texts):
        yield f"text.{number}", (number * 37 % 512).to_bytes(2, "little") + text.encode()
    yield "no-text", b"\0\0\xff\xfe"
