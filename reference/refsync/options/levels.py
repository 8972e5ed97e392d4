"""How much is told of what: one level for each word of ``--info`` and ``--debug``.

A word that the user has set keeps its level, whatever ``-v`` says, before or
after. Clauses OUT-10, OUT-11; upstream ``options.c:parse_output_words``,
``make_output_option``, ``output_item_help``, ``limit_output_verbosity``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .words import (
    DEBUG,
    DEBUG_BY_VERBOSITY,
    INFO,
    INFO_BY_VERBOSITY,
    MAX_LEVEL,
    MAX_VERBOSITY,
    Word,
)
from .wrong import wrong


class Levels:
    """The levels of one table, ``info`` or ``debug``: ``levels["NAME"]`` is 0 if nothing is told of it."""

    def __init__(self, option: str, words: tuple[Word, ...], by_verbosity: tuple[str, ...]) -> None:
        self._option = option
        self._words = {word.name: word for word in words}
        self._by_verbosity = by_verbosity
        self._levels = dict.fromkeys(self._words, 0)
        self._chosen: set[str] = set()  # by the user

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Levels) and self._levels == other._levels
        return same and isinstance(other, Levels) and self._chosen == other._chosen

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, name: str) -> int:
        return self._levels[name]

    def choose(self, words: str, *, lenient: bool = False) -> bool:
        """Take an argument of the user's; True if it asks for help. Words after ``help`` don't count.

        ``RefsyncError`` (exit 1) if a word is unknown, unless ``lenient``: a
        server passes over what a newer client may know.
        """
        for name, level in _split(words):
            if name == "help":
                return True
            named = self._named(name)
            if not named and not lenient:
                raise wrong(f'Unknown --{self._option} item: "{name}"')
            for word in named:
                self._levels[word] = 0 if name == "none" else level
                self._chosen.add(word)
        return False

    def imply(self, words: str) -> None:
        """Set levels as another option does: what the user has said about a word stays."""
        for name, level in _split(words):
            for word in self._named(name):
                if word not in self._chosen:
                    self._levels[word] = level

    def imply_verbosity(self, count: int) -> None:
        """What so many ``-v`` turn on."""
        for words in self._by_verbosity[: min(count, MAX_VERBOSITY) + 1]:
            self.imply(words)

    def limit(self, count: int) -> None:
        """A daemon's ``max verbosity``: no word has more than so many ``-v`` would give it."""
        if count > MAX_VERBOSITY:
            return
        most = Levels(self._option, tuple(self._words.values()), self._by_verbosity)
        most.imply_verbosity(max(count, 0))
        for word, level in self._levels.items():
            self._levels[word] = min(level, most[word])

    def for_server(self, sides: int) -> str | None:
        """The option that tells a server what the user has said about words that it has a use for."""
        useful = [word.name for word in self._words.values() if word.sides & sides]
        chosen = [name for name in useful if name in self._chosen]
        if not chosen:
            return None
        common = -1
        if chosen == useful:  # then the commonest level can be said of all
            most, many = -1, 4
            for level, count in Counter(self._levels[name] for name in chosen).items():
                if count > many or (count == many and most >= 0 and self._first(chosen, level, most)):
                    most, many = level, count
            common = most
        shown = [] if common < 0 else [("NONE", "ALL")[common > 0] + _digit(common or 1)]
        shown += [name + _digit(self._levels[name]) for name in chosen if self._levels[name] != common]
        return f"--{self._option}=" + ",".join(shown)

    def _first(self, names: list[str], level: int, other: int) -> bool:
        """Of two levels that are equally common, whether ``level`` is complete first."""
        last = {self._levels[name]: at for at, name in enumerate(names)}
        return last[level] < last[other]

    def help_lines(self) -> Iterator[str]:
        """``--info=help``, ``--debug=help``."""
        yield "Use OPT or OPT1 for level 1 output, OPT2 for level 2, etc.; OPT0 silences."
        yield ""
        for word in self._words.values():
            yield f"{word.name:<10} {word.help}"
        yield ""
        yield f"{'ALL':<10} Set all --{self._option} options (e.g. all{MAX_LEVEL})"
        yield f"{'NONE':<10} Silence all --{self._option} options (same as all0)"
        yield f"{'HELP':<10} Output this help message"
        yield ""
        yield "Options added at each level of verbosity:"
        for count, words in enumerate(self._by_verbosity):
            added = dict(_split(words))
            if added:
                named = [name + _digit(added[name]) for name in self._words if name in added]
                yield f"{count}) {','.join(named)}"

    def _named(self, name: str) -> list[str]:
        if name in ("all", "none"):
            return [word.name for word in self._words.values() if word.sides]
        return [name.upper()] if name.upper() in self._words else []


def info_levels() -> Levels:
    return Levels("info", INFO, INFO_BY_VERBOSITY)


def debug_levels() -> Levels:
    return Levels("debug", DEBUG, DEBUG_BY_VERBOSITY)


def _split(words: str) -> Iterator[tuple[str, int]]:
    """(word, level) of each word; ``all``, ``none`` and ``help`` in small letters, others as written."""
    for word in words.split(","):
        if not word:
            continue
        name = word if word[0].isdecimal() else word.rstrip("0123456789")
        digits = word[len(name) :]
        level = min(int(digits[:9]), MAX_LEVEL) if digits else 1
        lowered = name.lower()
        yield (lowered if lowered in ("all", "none", "help") else name, level)


def _digit(level: int) -> str:
    return "" if level == 1 else str(level)
