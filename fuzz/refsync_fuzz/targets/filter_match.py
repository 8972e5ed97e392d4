"""What a list of rules decides about names, at both ends of a connection.

Input: a byte of switches, a byte with the number of rules, rules and then names
behind their lengths.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.filters import exchange, rules
from refsync.filters.rulelist import FilterList
from refsync.filters.rules import Rule
from refsync.filters.source import Source
from refsync.options.model import Options
from refsync.wire import filterlist
from refsync.wire.cursor import Cursor
from refsync.wire.dialect import build
from refsync.wire.errors import Exit, RefsyncError

from ..choices import Choices
from ..oracle import expect, same
from ..structure import Shape, fixed
from ..target import Surface
from .wildmatch import machine

DIALECTS = tuple(build(protocol) for protocol in (32, 30, 29, 28))

SURFACE = Surface(
    priority=1,
    clauses=("FILT-3", "FILT-6", "FILT-7", "FILT-10", "FILT-12"),
    code=("refsync.filters.matching", "refsync.filters.exchange"),
    oracle="RDS",
    dictionary={
        "star": b"*",
        "deep": b"**",
        "triple": b"/***",
        "anchored": b"\4- /a",
        "directory": b"\4- a/",
        "include": b"\3+ a",
        "hide": b"\3H a",
        "protect": b"\3P a",
        "perishable": b"\4-p a",
        "negated": b"\4-! a",
        "both_sides": b"\5-sr a",
        "clear": b"\1!",
        "name": b"\5a/b.c",
    },
    max_length=300,
    slow="a list is parsed for both ends, and each name decided by both and by a model",
    shape=Shape(fixed(2), 1),
)


def _nothing(path: bytes) -> bytes:
    raise FileNotFoundError(path)


NOWHERE = Source(read=_nothing, cwd=lambda: b"/", home=lambda: None, cvsignore=lambda: None)


def _rules(choices: Choices) -> list[bytes]:
    """Texts that parse and name no file: merging is another target's."""
    texts = []
    for _ in range(choices.byte() % 8):
        text = choices.text()
        try:
            parsed = list(rules.parse_rules(text))
        except RefsyncError as error:
            same(error.code, int(Exit.SYNTAX), "exit code")
            continue
        if parsed and not parsed[0][0] & rules.MERGE:
            texts.append(text)
    return texts


def _name(raw: bytes) -> bytes:
    """A relative path of at least one component."""
    parts = [part for part in raw.replace(b"\0", b"/").split(b"/") if part not in (b"", b".", b"..")]
    return b"/".join(parts) or b"x"


def _about(rule: Rule, name: bytes, is_dir: bool) -> bool:
    """Whether a rule that is not absolute is about a name: by the machine of the target ``wildmatch``."""
    pattern, subject = rule.pattern, name
    if rule.flags & rules.DIRECTORY and not is_dir:
        return bool(rule.flags & rules.NEGATE)
    components = name.split(b"/")
    if b"**" in pattern:
        if pattern.startswith(b"**"):
            subject = b"/" + name
        if is_dir and pattern.endswith(b"***"):
            subject += b"/"
        subjects = [subject]
        if pattern[:1] != b"/" and pattern[:2] != b"**":
            subjects += [subject[at + 1 :] for at, byte in enumerate(subject) if byte == 0x2F]
    elif pattern[:1] == b"/":
        subjects = [subject]
    else:
        depth = pattern.count(b"/") + 1
        subjects = [b"/".join(components[-depth:])] if depth <= len(components) else []
    body = pattern[1:] if pattern[:1] == b"/" else pattern
    if pattern[:1] == b"/" and pattern.count(b"/") == 0:
        raise AssertionError("a slash that is none")
    if any(letter in pattern for letter in b"*?["):
        found = any(machine(body).matches(subject) for subject in subjects)
    else:
        found = any(subject == body for subject in subjects)
    return found != bool(rule.flags & rules.NEGATE)


def _model(texts: list[bytes], name: bytes, is_dir: bool, side: int) -> int:
    made: list[Rule] = []
    for text in texts:
        for flags, pattern in rules.parse_rules(text):
            if flags & rules.CLEAR:
                made.clear()
            else:
                made.append(Rule(*rules.split_slash(flags, pattern)))
    for rule in made:
        sides = rule.flags & rules.SIDES or rules.SIDES
        if sides & side and not rule.flags & rules.XATTR and _about(rule, name, is_dir):
            return 1 if rule.flags & rules.INCLUDE else -1
    return 0


def fuzz_one(data: bytes) -> None:
    """Oracle: the first rule that a model finds to be about a name decides, on each side; so it does locally.

    What a client sends makes the server decide as the client would for the
    server's side; only a protocol without words for a rule refuses (exit 2).
    """
    choices = Choices(data)
    switches = choices.byte()
    texts = _rules(choices)
    names: list[tuple[bytes, bool]] = []
    while choices and len(names) < 12:
        names.append((_name(choices.text()), bool(choices.byte() & 1)))
    mine = FilterList.from_options(texts, source=NOWHERE)
    mine.set_root(b"/")
    sends = bool(switches & 1)
    own, other = (rules.SENDER, rules.RECEIVER) if sends else (rules.RECEIVER, rules.SENDER)
    modelled = not any(rule.flags & (rules.ABSOLUTE | rules.CVS) for rule in mine.rules)
    local = _local(texts, switches) if switches & 128 else None
    mine.settle(own)
    for name, is_dir in names:
        for side in (own, other):
            got = mine.check(name, is_dir, side)
            same(mine.check(b"/", is_dir, side), 0, "the root alone")
            if modelled:
                same(got, _model(texts, name, is_dir, side), f"{texts} about {name!r}, side {side}")
        expect(mine.check(name, is_dir) == mine.check(name, is_dir, own), "another side than its own")
        if local is not None and not switches & 64:
            wanted = mine.check(name, is_dir, rules.RECEIVER)
            same(local.check(name, is_dir), wanted, f"{name!r} on the receiver of a local copy")
    _sent(mine, names, switches, sends=sends, other=other)


def _local(texts: list[bytes], switches: int) -> FilterList:
    """What the receiver of a local copy has (FILT-18)."""
    local = FilterList.from_options(texts, source=NOWHERE)
    local.set_root(b"/")
    exchange.local_rules(local, Options(cvs_exclude=bool(switches & 64)), DIALECTS[switches >> 1 & 3])
    return local


def _sent(
    mine: FilterList, names: list[tuple[bytes, bool]], switches: int, *, sends: bool, other: int
) -> None:
    dialect = DIALECTS[switches >> 1 & 3]
    options = Options(
        delete=not switches & 8,
        delete_excluded=bool(switches & 16),
        prune_empty_dirs=bool(switches & 32),
        cvs_exclude=bool(switches & 64),
        sender=sends,
    )
    try:
        wire = exchange.client_rules(mine, options, dialect, sender=sends)
    except RefsyncError as error:
        same(error.code, int(Exit.PROTOCOL), "exit code of a refusal")
        expect(not dialect.filter_modern, "the newest protocols have words for every rule")
        return
    travels = not sends or options.prune_empty_dirs
    travels |= options.delete and (not options.delete_excluded or dialect.filter_prefixes)
    same(wire is not None, travels, "whether a list travels")
    if wire is None:
        return
    cursor = Cursor(wire)
    received = filterlist.decode(cursor)
    if dialect.protocol == 29:  # the "p" came later
        parsed = [flags for text in received for flags, _ in rules.parse_rules(text)]
        expect(not any(flags & rules.PERISHABLE for flags in parsed), f"{received} sent to protocol 29")
    same(cursor.remaining(), 0, "bytes behind the list")
    own = FilterList(source=NOWHERE)
    server = exchange.server_rules(own, received, options, dialect, sender=not sends)
    server.set_root(b"/")
    if options.cvs_exclude or options.delete_excluded:
        return  # then each side decides by rules of its own, too
    for name, is_dir in names:
        same(
            server.check(name, is_dir),
            mine.check(name, is_dir, other),
            f"{name!r} by {received} on the server",
        )


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each way to hold a pattern against a name, both directions, old protocols."""

    def pack(*texts: bytes) -> bytes:
        return bytes((len(texts),)) + b"".join(bytes((len(text),)) + text for text in texts)

    names = b"".join(
        bytes((len(name),)) + name + bytes((is_dir,))
        for name, is_dir in (
            (b"a", 0), (b"a", 1), (b"a/b.c", 0), (b"d/a/b.c", 0), (b"d/a", 1), (b"x.o", 0), (b"d/x.o", 0),
        )
    )  # fmt: skip
    lists = {
        "plain": (b"- *.o", b"+ a/", b"- a", b"- d/a/b.c"),
        "anchored": (b"+ /a/", b"- /a", b"- /d/*/b.c"),
        "deep": (b"- **/b.c", b"- d/**", b"+ a/***", b"- /**/a"),
        "sided": (b"H *.o", b"P a", b"S d/", b"R *", b"-p x.o"),
        "negated": (b"-! */", b"-/ /a", b"+! *.o"),
        "negated_alone": (b"-! */", b"+! *.o"),
        "perishable": (b"-p x.o", b"- a"),
        "components": (b"- d/*/b.c", b"+ ?/x.?", b"- a/*/*/*"),
        "cvs": (b"+ x.o", b"-C", b"- a"),
        "clear": (b"- *", b"!", b"+ a"),
        "old_words": (b"- - x", b"- + y", b"- !", b"+ z"),
    }  # fmt: skip
    for name, texts in lists.items():
        for switches in (
            (0, 1, 4, 6, 7, 0x10, 0x29, 0x40, 0x47, 0x51, 0x80, 0xC6) if name != "deep" else (0, 3, 5)
        ):
            yield f"{name}.{switches}", bytes((switches,)) + pack(*texts) + names
