"""Shell patterns against texts.

Input: a byte of switches, the pattern behind its length, then the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from refsync.filters import wildmatch as under_test

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=1,
    clauses=("FILT-8",),
    code=("refsync.filters.wildmatch",),
    oracle="MD",
    dictionary={
        **{f"set_{name.decode()}": b"[[:" + name + b":]]" for name in under_test.NAMED_SETS},
        "star": b"*",
        "double_star": b"**",
        "deep": b"/**/",
        "triple": b"/***",
        "negated": b"[!a]",
        "range": b"[a-z]",
        "closing_first": b"[]a]",
        "escaped": b"\\*",
        "unclosed": b"[a",
    },
    max_length=400,
    slow="half of the time is the compilation of a regular expression, which no input shares",
)

Test = Callable[[int], bool]
STAR, DOUBLE_STAR, NEVER = "star", "double star", "never"
#: A step of the model's machine: one of the above, or a test of one byte.
Step = str | Test

NAMED: dict[bytes, Test] = {
    b"alnum": lambda b: chr(b).isalnum() and b < 128,
    b"alpha": lambda b: chr(b).isalpha() and b < 128,
    b"blank": lambda b: b in b" \t",
    b"cntrl": lambda b: b < 32 or b == 127,
    b"digit": lambda b: 48 <= b <= 57,
    b"graph": lambda b: 32 < b < 127,
    b"lower": lambda b: 97 <= b <= 122,
    b"print": lambda b: 32 <= b < 127,
    b"punct": lambda b: 32 < b < 127 and not chr(b).isalnum(),
    b"space": lambda b: b in b" \t\n\v\f\r",
    b"upper": lambda b: 65 <= b <= 90,
    b"xdigit": lambda b: b in b"0123456789abcdefABCDEF",
}


def _one(byte: int) -> Test:
    return lambda other: other == byte


def _steps(pattern: bytes) -> list[Step]:
    """The pattern as steps; what follows a fault is never reached."""
    steps: list[Step] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at : at + 1]
        at += 1
        if letter == b"*":
            if steps and steps[-1] in (STAR, DOUBLE_STAR) and pattern[at - 2 : at - 1] == b"*":
                steps[-1] = DOUBLE_STAR
            else:
                steps.append(STAR)
        elif letter == b"?":
            steps.append(lambda byte: byte != 0x2F)
        elif letter == b"\\":
            steps.append(_one(pattern[at]) if at < len(pattern) else NEVER)
            at += 1
        elif letter == b"[":
            found = _set(pattern, at)
            if found is None:
                return [*steps, NEVER]
            test, at = found
            steps.append(test)
        else:
            steps.append(_one(letter[0]))
    return steps


def _set(pattern: bytes, at: int) -> tuple[Test, int] | None:
    """A list of tests for the members, as the bytes are walked through one by one."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    tests: list[Test] = []
    previous: int | None = None
    start = at
    while True:
        letter = pattern[at : at + 1]
        if not letter:
            return None
        if letter == b"]" and at > start:
            break
        following = pattern[at + 1 : at + 2]
        if letter == b"\\":
            if not following:
                return None
            tests.append(_one(following[0]))
            previous = following[0]
            at += 2
        elif letter == b"-" and previous is not None and following not in (b"", b"]"):
            at += 1
            if following == b"\\":
                at += 1
                if at >= len(pattern):
                    return None
            tests.append(lambda byte, low=previous, high=pattern[at]: low <= byte <= high)  # type: ignore[misc]
            previous = None
            at += 1
        elif letter + following == b"[:":
            name, bracket, _ = pattern[at + 2 :].partition(b"]")
            if not bracket:
                return None
            if name.endswith(b":"):
                if name[:-1] not in NAMED:
                    return None
                tests.append(NAMED[name[:-1]])
                previous = None
                at += 2 + len(name) + 1
            else:
                tests.append(_one(0x5B))
                previous = 0x5B
                at += 1
        else:
            tests.append(_one(letter[0]))
            previous = letter[0]
            at += 1
    return (lambda byte: byte != 0x2F and any(test(byte) for test in tests) != negated), at + 1


class Machine:
    """All states of a pattern at once, as bits: no backtracking, so no shortcut to get wrong."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self._double = sum(1 << at for at, step in enumerate(steps) if step == DOUBLE_STAR)
        self._stars = self._double | sum(1 << at for at, step in enumerate(steps) if step == STAR)
        self._after: dict[int, int] = {}  # of each byte: the states that it leads on from
        self._first = self._settle(1)
        self._last = 1 << len(steps)

    def _settle(self, states: int) -> int:
        """A star may match nothing."""
        while (more := states | (states & self._stars) << 1) != states:
            states = more
        return states

    def matches(self, text: bytes, *, anywhere: bool = False) -> bool:
        """The whole of it; ``anywhere``: or what follows one of its slashes."""
        states, after = self._first, self._after
        for byte in text:
            steps = after.get(byte)
            if steps is None:
                takes = (not isinstance(step, str) and step(byte) for step in self._steps)
                steps = after[byte] = sum(1 << at for at, taken in enumerate(takes) if taken)
            stay = self._double if byte == 0x2F else self._stars
            states = self._settle(states & stay | (states & steps) << 1)
            if byte == 0x2F and anywhere:
                states |= self._first
        return bool(states & self._last)


@lru_cache(1024)
def machine(pattern: bytes) -> Machine:
    """The pattern's machine; the same patterns come again and again."""
    return Machine(_steps(pattern))


def fuzz_one(data: bytes) -> None:
    """Oracle: the verdict of a state machine that keeps all possibilities at once.

    So also for a pattern that may start after any slash. No pattern takes
    exponential time: the engine's time limit tells.
    """
    choices = Choices(data)
    switches = choices.byte()
    pattern = choices.text().replace(b"\0", b"*")
    text = choices.rest().replace(b"\0", b"/")
    if switches & 1:
        text *= 1 + switches // 32
    model = machine(pattern)
    got = under_test.wildmatch(pattern, text)
    same(got, model.matches(text), f"{pattern!r} against {text!r}")
    anywhere = under_test.compile_pattern(pattern, True)(text)
    same(anywhere, model.matches(text, anywhere=True), f"{pattern!r} anywhere in {text!r}")
    expect(anywhere or not got, "matches from the start, yet not anywhere")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each kind of wildcard, faults in sets, patterns that invite backtracking."""
    pairs = {
        "literal": (b"foo", b"foo"),
        "star": (b"*.o", b"main.o"),
        "star_slash": (b"*.o", b"src/main.o"),
        "deep": (b"/src/**/main.?", b"/src/a/b/main.c"),
        "deep_star": (b"**/*a*/**b", b"x/yaz/q/b"),
        "triple": (b"dir/***", b"dir/x/y"),
        "sets": (b"[a-c][!x-z][]x][^]y][[:digit:]-]", b"bq]a-"),
        "set_names": (b"[[:alpha:][:punct:]][[:space:]]", b"!\t"),
        "set_colon": (b"[[:]x[:a]]", b":x:]"),
        "set_escape": (b"[\\]\\-a-\\z]", b"q"),
        "set_unclosed": (b"*[a-", b"a"),
        "set_unknown": (b"*[[:foo:]]", b"f"),
        "escape": (b"\\*\\?\\[x", b"*?[x"),
        "escape_end": (b"a\\", b"a\\"),
        "backtrack": (b"*a" * 24 + b"b", b"a" * 60),
        "backtrack_deep": (b"**a" * 20 + b"/b", b"a" * 60),
        "backtrack_mixed": (b"**/*a*" * 8 + b"b", b"aa/" * 20),
        "set_negated_slash": (b"a[!b]c", b"a/c"),
        "set_range_end": (b"[a-c][\\x-z]", b"cz"),
        "question": (b"?*?*?/**?", b"abc/d"),
    }  # fmt: skip
    for name, (pattern, text) in pairs.items():
        yield name, bytes((0, len(pattern))) + pattern + text
    yield "repeated", bytes((0xE1, 12)) + b"*a*a*a*a*a*b" + b"aaaaaaaa/"
