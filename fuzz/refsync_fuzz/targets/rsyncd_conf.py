"""The daemon's configuration: its grammar, and what becomes of sections and values.

Input: the text of a file.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator

from refsync.daemon.config import Config, load
from refsync.daemon.grammar import Statement, statements
from refsync.daemon.parameters import BOOL, BOOL3, INTEGER, PARAMETERS, PATH, squeeze
from refsync.wire.errors import Exit, RefsyncError

from ..oracle import expect, same
from ..structure import Shape, fixed
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("DAEMON-1", "DAEMON-2", "DAEMON-4"),
    code=("refsync.daemon.grammar", "refsync.daemon.config", "refsync.daemon.parameters"),
    oracle="RMDS",
    dictionary={
        **{f"parameter_{number}": each.name.encode() for number, each in enumerate(PARAMETERS.values())},
        "section": b"\n[mod]\n",
        "global": b"\n[global]\n",
        "equals": b" = ",
        "continued": b" \\\n  ",
        "yes": b"yes",
        "unset": b"unset",
        "comment": b"\n# ",
        "variable": b"%HOME%",
        "include": b"\n&include /none\n",
    },
    max_length=2000,
    shape=Shape(fixed(0)),
)
_PLACE = tempfile.mkdtemp(prefix="refsync-fuzz-")
_FILE = os.path.join(_PLACE, "rsyncd.conf")
atexit.register(shutil.rmtree, _PLACE, ignore_errors=True)


def _parsed(text: str) -> list[Statement] | str:
    """The statements, or the message of the refusal."""
    try:
        return list(statements(text, "file"))
    except RefsyncError as error:
        same(int(error.code), int(Exit.SYNTAX), "exit code")
        expect("file, line " in error.message, f"no line in {error.message!r}")
        return error.message


def _written(statement: Statement) -> str:
    if statement.kind == "section":
        return f"[{statement.name}]\n"
    if statement.kind == "directive":
        return f"{statement.name} {statement.value}\n"
    return f"{statement.name} = {statement.value}\n"


def _again(found: list[Statement]) -> None:
    """What was understood, written plainly, is understood alike."""
    plain = [each for each in found if each.kind != "bad" and not each.value.endswith("\\")]
    plain = [each for each in plain if not any(mark in each.name for mark in "\\\r[")]
    text = "".join(_written(each) for each in plain)
    again = _parsed(text)
    expect(not isinstance(again, str), f"{text!r} is refused: {again}")
    same(
        [(each.kind, each.name, each.value) for each in again if isinstance(each, Statement)],
        [(each.kind, each.name, each.value) for each in plain],
        f"{text!r} read again",
    )


def _loaded(data: bytes) -> tuple[Config | None, list[str]]:
    with open(_FILE, "wb") as file:
        file.write(data)
    said: list[str] = []
    try:
        return load(_FILE, say=said.append), said
    except RefsyncError as error:
        same(int(error.code), int(Exit.SYNTAX), "exit code")
        expect(error.message, "a refusal without a reason")
        return None, said


def _boolean(text: str) -> bool | None:
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(
        "".join(text.split()).lower()
    )


def _model(found: list[Statement]) -> tuple[list[str], dict[tuple[str, str], str]]:
    """Names of the modules in order, and the text of each value that a module or the globals end up with."""
    order: list[str] = []
    texts: dict[tuple[str, str], str] = {}
    current = ""
    for each in found:
        if each.kind == "section":
            current = "" if squeeze(each.name) == "global" else squeeze(each.name)
            if current and current not in (squeeze(name) for name in order):
                order.append(each.name)
                for (section, key), text in list(texts.items()):
                    if not section and PARAMETERS[key].everywhere:
                        texts[current, key] = text
        elif each.kind == "parameter" and squeeze(each.name) in PARAMETERS:
            parameter = PARAMETERS[squeeze(each.name)]
            if current and not parameter.everywhere:
                continue
            word = "".join(each.value.split()).lower()
            unset = parameter.type == BOOL3 and word in ("unset", "-1")
            if parameter.type in (BOOL, BOOL3) and _boolean(each.value) is None and not unset:
                continue
            texts[current, squeeze(parameter.name)] = each.value
    return order, texts


def fuzz_one(data: bytes) -> None:
    """Oracle: written plainly it is read alike; modules and values are those of a model of statements.

    Nothing but a refusal with a line escapes, and what is not known is told.
    """
    text = data.decode("utf-8", "surrogateescape")
    found = _parsed(text)
    config, said = _loaded(data)
    if isinstance(found, str):
        expect(config is None, "a file that can't be parsed is loaded")
        return
    _again(found)
    if any(each.kind == "directive" or (each.kind == "section" and "/" in each.name) for each in found):
        return
    expect(config is not None, "a file without fault is refused")
    assert config is not None
    order, texts = _model(found)
    same([module.name for module in config.modules], order, "modules")
    for section in (config.main, *config.modules):
        here = "" if section is config.main else squeeze(section.name)
        for key, parameter in PARAMETERS.items():
            wanted = texts.get((here, key))
            if key != squeeze(parameter.name) or wanted is None or "%" in wanted:
                continue
            if parameter.type in (BOOL, BOOL3):
                same(section.raw(key), _boolean(wanted), f"{parameter.name} of {wanted!r}")
            elif parameter.type == INTEGER:
                expect(type(section.raw(key)) is int, f"{parameter.name} of {wanted!r}")
            elif parameter.type == PATH:
                same(section.raw(key), wanted.rstrip("/") or wanted[:1], parameter.name)
            else:
                same(section.raw(key), wanted, parameter.name)
    unknown = [each for each in found if each.kind == "parameter" and squeeze(each.name) not in PARAMETERS]
    expect(len(said) >= len(unknown), f"{len(unknown)} unknown parameters, {len(said)} messages")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each parameter, and each form of a line."""
    yield "usual", b"pid file = /run/x\nuse chroot = no\n\n[mod]\n  path = /srv/mod\n  read only = no\n"
    yield (
        "names",
        b"Read  ONLY=yes\n[ A  b ]\npa th = /x/\n[AB]\ncomment = y\n[global]\nlist=no\n[c]\npath=/c\n",
    )
    yield "lines", b"# a\n ; b\n\\ x = 1\n[m\\\nod]\npath = a\\\n b \\ \n c\n"
    yield "faults", b"[a\n"
    yield "faults.name", b"= x\n"
    yield "faults.section", b"[]\n"
    yield "bad", b"nonsense\nlist = perhaps\nfrob = 1\n[m]\nport = 3\n"
    yield "include", b"&include /none\n"
    yield "directive", b"&frob\n&merge\n"
    yield "variables", b"[m]\npath = %HOME%/x%\nlist = %X%\n"
    yield "end", b"[m]\npath=/x\0list = no\n"
    every = "".join(f"{each.name} = 1\n" for each in PARAMETERS.values())
    yield "every", every.encode() + b"[m]\n" + every.encode()
