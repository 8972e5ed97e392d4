"""The grammar of filter rules, of patterns and of files of rules.

Input: a byte of switches, then the text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from refsync.filters import lines, rules
from refsync.filters.rules import Rule
from refsync.wire.errors import Exit, RefsyncError

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

TEMPLATES = (
    0,
    rules.INCLUDE,
    rules.WORDS,
    rules.WORDS | rules.NO_PREFIXES | rules.CVS | rules.NO_INHERIT,
    rules.SENDER,
    rules.NO_PREFIXES | rules.INCLUDE,
    rules.ABSOLUTE | rules.PERISHABLE,
    rules.RECEIVER | rules.WORDS,
)

SURFACE = Surface(
    priority=1,
    clauses=("FILT-4", "FILT-5", "FILT-11", "FILT-15"),
    code=("refsync.filters.rules", "refsync.filters.lines"),
    oracle="ERMS",
    dictionary={
        **{f"name_{word}": word.encode() + b" " for word in (
            "exclude", "include", "merge", "dir-merge", "hide", "show", "protect", "risk")},
        "clear": b"clear",
        "modifiers": b"-/!Csrpx ",
        "merge_modifiers": b":-ensrpw ",
        "merge_cvs": b":C",
        "comma": b",",
        "underscore": b"_",
        "anchored": b"/a/",
        "comment": b"\n# x\n",
        "deep": b"/***",
    },
    max_length=300,
)  # fmt: skip


def _syntax(call: Callable[[], list[tuple[int, bytes]]]) -> list[tuple[int, bytes]] | None:
    """The result, or None if the text was refused; only exit 1 is a legal refusal."""
    try:
        return call()
    except RefsyncError as error:
        same(error.code, int(Exit.SYNTAX), "exit code of a refusal")
        expect(error.message, "a refusal says nothing")
        return None


def fuzz_one(data: bytes) -> None:
    """Oracle: any text parses or is refused with exit 1; ``parse(format(rule)) == rule``.

    What parses has a prefix that a second grammar knows. A rule holds no more
    bytes than its text; without splitting at white space a text is one rule.
    ``--exclude`` and its rule text say the same. A file's lines have no ends,
    comments or blanks in them.
    """
    choices = Choices(data)
    switches = choices.byte()
    text = choices.rest()
    template = TEMPLATES[switches & 7]
    delete_excluded = bool(switches & 8)

    def parse() -> list[tuple[int, bytes]]:
        return list(rules.parse_rules(text, template, delete_excluded=delete_excluded))

    parsed = _syntax(parse)
    same(rules.parse_rule(b""), None, "a rule of no text")
    for flags, pattern in parsed or ():
        expect(len(pattern) <= len(text), "a pattern longer than its text")
        if not template:
            _again(Rule(*rules.split_slash(flags, pattern)))
    single = text.split(b"\0")[0]
    if parsed and not template and single[:1] != b"!":
        expect(_legal(single), f"the prefix of {single!r}")
    if parsed is not None and not template & rules.WORDS:
        expect(len(parsed) <= 1, f"{len(parsed)} rules in one text")
    _pattern(text, bool(switches & 16))
    _file(text, bool(switches & 32), bool(switches & 64))


#: What may stand between a rule's kind and its pattern; the same for the words and for the letters.
NAMED = re.compile(
    rb"(exclude|include|merge|dir-merge|hide|show|protect|risk|clear)(?:,([^ _]*)|(?=[ \t\n\v\f\r_]|$))"
)
LETTERED = re.compile(rb"([-+.:HSPR!]),?([^ _]*)")
MERGING = (b".", b":", b"merge", b"dir-merge")
SIDED = (b"H", b"S", b"P", b"R", b"hide", b"show", b"protect", b"risk")


def _legal(text: bytes) -> bool:
    """Whether the prefix of a text that is one rule is well formed."""
    found = NAMED.match(text) or LETTERED.match(text)
    if found is None or (text[0] in b"eimdhsprc" and not NAMED.match(text)):
        return False
    kind, letters = found[1], found[2] or b""
    if kind in (b"!", b"clear"):
        return True
    if kind in MERGING:
        # "C" says "-" too, and there can be but one of these
        return (
            not letters.strip(b"/Cepnwrsx-+") and sum(letters.count(one) for one in (b"C", b"-", b"+")) <= 1
        )
    allowed = b"/!px" if kind in SIDED else b"/!Cprsx"
    return not letters.strip(allowed) and not set(letters) - set(allowed) and letters.count(b"C") <= 1


def _again(rule: Rule) -> None:
    if rule.flags & rules.CLEAR:
        same(rules.format_rule(rule), b"!", "a clearing rule")
        return
    written = rules.format_rule(rule)
    same(rules.parse_rule(written), rule, f"{written!r} parsed again")
    same(rules.format_rule(rule), written, "written twice")


def _pattern(text: bytes, include: bool) -> None:
    def as_option() -> list[tuple[int, bytes]]:
        return list(rules.parse_rules(text, rules.INCLUDE if include else 0, old_prefixes=True))

    direct = _syntax(as_option)
    try:
        written = rules.rule_from_pattern(text, include)
    except RefsyncError as error:
        same(error.code, int(Exit.SYNTAX), "exit code")
        same(direct, None, "refused as rule text only")
        return
    expect(direct is not None, "refused as a pattern only")
    for flags, pattern in direct or ():
        found = rules.parse_rule(written)
        if flags & rules.CLEAR:
            same(written, "!", "a clearing pattern")
        else:
            same(found, Rule(*rules.split_slash(flags, pattern)), f"{text!r} as the rule {written!r}")
    if not direct:
        same(written, "", "an empty pattern")


def _file(text: bytes, from0: bool, words: bool) -> None:
    dropped: list[bytes] = []
    found = list(lines.parse_lines(text, from0=from0, words=words, overlong=dropped.append))
    ends = (b" \t\n\v\f\r" if words else b"") + (b"\0" if from0 else b"\r\n")
    for line in found:
        expect(line and not any(end in line for end in ends), f"the line {line!r}")
        expect(words or line[0] not in b"#;", f"the comment {line!r}")
    expect(sum(map(len, found)) + sum(map(len, dropped)) <= len(text), "more than the file holds")
    try:
        made = lines.rules_from_file(text, True, from0=from0)
    except RefsyncError as error:
        same(error.code, int(Exit.SYNTAX), "exit code")
        return
    expect(all(os.fsencode(rule)[:1] in b"+-!" for rule in made), f"rules {made}")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each kind of rule in short and long form, modifiers, faults, files."""
    texts = (
        b"- *.o", b"+ */", b"exclude *.o", b"include_x", b"-,!/ /a", b"H secret", b"show,p x", b"P keep",
        b"risk r", b"!", b"clear", b"clear x", b". file", b"merge,- file", b":C", b"dir-merge,enw- .f",
        b":nw-s .cvsignore", b"-C", b"-x user.*", b"-srp pat/", b"- ", b"Z x", b"-q x", b"excluded x",
        b"+ /dir/***", b"- a\0b", b"", b"-/", b"!x",
        b"H,s pat", b"protect,r pat", b"S/!x pat", b"-e pat", b":C- f", b".!f x",
    )  # fmt: skip
    for number, text in enumerate(texts):
        yield f"rule.{number:02}", b"\0" + text
    for template in range(8):
        yield f"template.{template}", bytes((template,)) + b"- a +b !\tc"
    yield "delete_excluded", b"\x08- x"
    yield "file", b"\x10*.o\r\n# comment\n; comment\n\n+ keep\n- drop\n!\n"
    yield "file.from0", b"\x20*.o\0# name\0\0x\n"
    yield "file.words", b"\x40a b\tc\n#d"
