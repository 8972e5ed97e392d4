"""Windows security descriptors: text, access bits, named entries, and what is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from refsync.engine.descriptors import Descriptors
from refsync.engine.session import Session
from refsync.files import sddl
from refsync.options.model import Options
from refsync.wire.entry import FileEntry
from refsync.wire.errors import ProtocolError
from refsync.wire.xattr import Xattr


def mode_of(text: str) -> str:
    return f"{sddl.translate(sddl.decode(text.encode())).mode:04o}"


def losses_of(text: str) -> tuple[str, ...]:
    return sddl.translate(sddl.decode(text.encode())).losses


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("O:BAG:SYD:(A;;FA;;;BA)(A;;FRFX;;;SY)(A;;FR;;;WD)", "0754"),
        ("O:BAG:SYD:(A;;FA;;;BA)(A;;FRFX;;;SY)(A;;FRFX;;;AU)", "0755"),
        ("O:BAG:SYD:(D;;FW;;;BA)(A;;FRFX;;;BA)(A;;FR;;;SY)(A;;FR;;;WD)", "0544"),
        ("O:BAG:SYD:(A;;0x1200a9;;;BA)(A;;0x120089;;;SY)(A;;0x120088;;;WD)", "0540"),
        ("O:BAG:SYD:(A;ID;FA;;;BA)(A;;FR;;;BA)(A;;GAXX;;;SY)", "0470"),
        ("O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-513D:PAI(A;;FRFW;;;S-1-5-21-1-2-3-1001)", "0600"),
        ("O:BAG:BAD:(A;;FA;;;BA)(A;;FR;;;S-1-1-0)", "0774"),
        ("O:BAG:SY", "0000"),
        ("", "0000"),
    ],
)
def test_mode(text: str, mode: str) -> None:
    assert mode_of(text) == mode


@pytest.mark.parametrize(("owner", "group"), [("BA", "SY"), ("BA", "BA"), ("S-1-5-21-9-8-7-1001", "BU")])
def test_each_mode_survives_the_round_trip(owner: str, group: str) -> None:
    for mode in range(0o1000):
        text = sddl.encode(sddl.from_mode(mode, owner, group))
        found = sddl.translate(sddl.decode(text))
        assert (found.mode, found.losses, found.acl.names) == (mode, (), ())


def test_the_text_of_a_mode() -> None:
    text = sddl.encode(sddl.from_mode(0o751, "BA", "SY"))
    assert text == b"O:BAG:SYD:P(A;;FRFWFX;;;BA)(A;;FRFX;;;SY)(A;;FX;;;WD)"


def test_a_descriptor_is_kept_to_the_letter() -> None:
    text = (
        'O:SYG:BAD:PAI(XA;OICI;FA;;;WD;(@User.Title == "a)b" && (Member_of {SID(BA)})))(A;;FR;;;WD)'
        "S:AI(AU;SAFA;FA;;;WD)(ML;;NW;;;HI)"
    )
    found = sddl.decode(text.encode())
    assert str(found) == text
    assert (found.flags, found.audit_flags) == ("PAI", "AI")
    assert found.entries is not None and found.entries[0].rest.startswith("(@User")


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("O:BAD:(A;;FA;;;BA)", ()),
        ("O:BAD:(D;;FW;;;BA)(D;;FR;;;BA)", (sddl.DENIED,)),
        ("O:BAD:(A;ID;FW;;;BA)", (sddl.INHERITED,)),
        ("O:BAD:(OA;;FW;guid;;BA)", (sddl.OBJECT,)),
        ("O:BAD:(XA;;FW;;;BA;(x))", (sddl.CALLBACK,)),
        ("S:(AU;SA;FA;;;WD)(ML;;NW;;;HI)", (sddl.SACL, sddl.LABEL)),
        ("O:BAD:(A;;FRSD;;;BA)(A;;0x1f01fe;;;WD)", (sddl.RIGHTS,)),
        ("O:BAD:(A;;FR;;;nobody here)", (sddl.UNKNOWN,)),
    ],
)
def test_each_kind_of_loss_is_told_once(text: str, lost: tuple[str, ...]) -> None:
    assert losses_of(text) == lost


def test_other_trustees_become_named_entries() -> None:
    text = b"O:BAG:SYD:(A;;FA;;;BA)(A;;FRFX;;;S-1-5-21-1-2-3-1005)(A;;FR;;;BU)(A;;FA;;;BU)(A;;FW;;;DA)"
    names = sddl.translate(sddl.decode(text)).acl.names
    assert [(one.id, one.access, one.is_user, one.name) for one in names] == [
        (1005, 5, True, b"S-1-5-21-1-2-3-1005"),
        (512, 2, False, b"DA"),
        (545, 4, False, b"BU"),
    ]


def test_names_that_are_not_known_here_are_left_out() -> None:
    acl = sddl.translate(sddl.decode(b"O:BAD:(A;;FR;;;BU)(A;;FX;;;LA)(A;;FW;;;DA)")).acl
    kept, missing = sddl.known(acl, {b"LA": 7}.get, {b"BU": 9}.get)
    assert [(one.id, one.name) for one in kept.names] == [(7, b"LA"), (9, b"BU")]
    assert missing == (b"DA",)


@pytest.mark.parametrize(
    "value",
    [
        b"\xff",
        b"O:B\0A\0",
        b"O:B)A",
        b"x",
        b"(A;;FR;;;WD)",
        b"O:BAO:SY",
        b"D:(A;;FR;;;WD",
        b"D:(A;;FR;;;WD))",
        b"D:(A;;FR;;WD)",
        b"D:(A;;FR;;;WD)x",
        b"D:" + b"(" * 65,
        b'D:(XA;;FA;;;WD;(a == "b))',
        b"O:" + b"B" * sddl.MAX_TEXT,
    ],
)
def test_what_is_no_descriptor(value: bytes) -> None:
    with pytest.raises(ProtocolError):
        sddl.decode(value)


@pytest.mark.parametrize("verbose", [0, 1])
def test_what_is_lost_is_told_once_a_run(verbose: int) -> None:
    lines: list[bytes] = []
    session = SimpleNamespace(options=Options(verbose=verbose), reporter=SimpleNamespace(info=lines.append))
    told = Descriptors(cast(Session, session))
    for name, text in (
        (b"a", b"O:BAD:(D;;FW;;;BA)(A;;FR;;;S-1-5-21-1-2-3-1005)"),
        (b"b", b"O:BAD:(D;;FW;;;BA)(A;ID;FR;;;BA)"),
        (b"c", b"no descriptor"),
    ):
        entry = FileEntry(name)
        other = b"O:BAD:(OA;;FR;g;;WD)"
        entry.xattrs = [
            Xattr(sddl.ATTRIBUTE, len(text), text, b"", 1),
            Xattr(b"user.other", len(other), other, b"", 2),
        ]
        told.kept(entry)
    assert lines == verbose * [
        b"security descriptor of a: access bits and lists have no entries that deny\n",
        b"security descriptor of a: S-1-5-21-1-2-3-1005 is not known here\n",
        b"security descriptor of b: access bits and lists have no inherited entries\n",
        b"security descriptor of c: a security descriptor begins with a section such as O: or D:\n",
    ]
