"""Lists under construction, and the per-directory files that are merged into them.

A dir-merge rule owns a slot. When a directory is entered the slot's rules
become inherited ones and the directory's own file is read in front of them;
when it is left the slot holds again what it held before.

Clauses FILT-4 and FILT-14; upstream ``exclude.c:parse_filter_str``,
``push_local_filters``, ``setup_merge_file``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable

from ..wire.errors import Exit, RefsyncError
from ..wire.limits import MAX_PATH
from .cvs import DEFAULT_PATTERNS, IGNORE_FILE
from .lines import parse_lines
from .paths import clean, confine, with_slash
from .rules import (
    ABSOLUTE,
    CLEAR,
    CVS,
    DIRECTORY,
    EXCLUDE_SELF,
    INCLUDE,
    MERGE,
    NO_INHERIT,
    PER_DIR,
    PERISHABLE,
    SIDES,
    WORDS,
    XATTR,
    Rule,
    parse_rules,
    split_slash,
)
from .source import Source

#: Where a text was met: in an option, on the wire or in a merged file; in the file of a
#: directory; in the parameters of a daemon's module.
ANYWHERE, IN_DIR, IN_MODULE = range(3)
#: Merge files that merge files: as deep as this and no deeper.
MAX_NESTING = 64


class Chain:
    """A list of rules with those that it inherits; clearing it drops both."""

    __slots__ = ("inherited", "own")

    def __init__(self, inherited: tuple[Rule, ...] = ()) -> None:
        self.own: list[Rule] = []
        self.inherited = inherited

    def rules(self) -> tuple[Rule, ...]:
        """All of them in the order of their precedence."""
        return (*self.own, *self.inherited)


class Slot:
    """A dir-merge rule at work: the rules that count in the current directory."""

    __slots__ = ("fresh", "rule", "rules")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.rules: tuple[Rule, ...] = ()
        self.fresh = True  # the directories above the transfer have not been looked at

    @property
    def file_name(self) -> bytes:
        return self.rule.pattern[self.rule.pattern.rfind(b"/") + 1 :]


class TooDeep(RefsyncError):
    """Merge files that name each other without an end."""


def missing_file(path: bytes, include: bool, error: OSError) -> RefsyncError:
    """What to end with (exit 11) when a file of rules cannot be read."""
    shown = path.decode("utf-8", "surrogateescape")
    kind = "in" if include else "ex"
    return RefsyncError(
        f"failed to open {kind}clude file {shown}: {error.strerror} ({error.errno})", Exit.FILE_IO
    )


def _anything(path: bytes) -> bool:
    """No merge file is out of bounds, unless a daemon's rules say so."""
    return True


Saved = tuple[list[Slot], list[tuple[Rule, ...]]]


class Merger:
    """Puts rules into chains, follows merge files and keeps the slots of dir-merge rules.

    ``side`` is this end's (``SENDER`` or ``RECEIVER``; both while that is not known).
    ``module_root`` is the directory that absolute rules start from, empty for the
    file system's; with it no merge file outside of it is read.
    """

    def __init__(
        self, source: Source, *, from0: bool, delete_excluded: bool, module_root: bytes | None
    ) -> None:
        self.source = source
        self.side = SIDES
        self.from0 = from0
        self.delete_excluded = delete_excluded
        self.module_root = (module_root or b"").rstrip(b"/")
        self.perishable_cvs = True
        self.has_xattr_rules = False
        self.saw_dir_merge = False
        self.warnings: list[str] = []
        self.cvs = Chain()
        self.root = module_root or b""  # the transfer's, absolute; empty: the current directory
        self.may_read: Callable[[bytes], bool] = _anything
        self.reads_stdin = (
            not module_root
        )  # what "-" names; never for a peer's rules: a server's is the connection
        self._cvs_read = False
        self._slots: list[Slot] = []
        self._by_rule: dict[int, Slot] = {}
        # The directory whose files are read: absolute, with a slash at its end.
        self._dir = with_slash(module_root) if module_root else b""
        self._above = False  # reading the files of directories above the transfer
        self._depth = 0

    # -- slots ------------------------------------------------------------

    def slot(self, rule: Rule) -> tuple[Rule, ...]:
        """The rules that a dir-merge rule stands for in the current directory."""
        found = self._by_rule.get(id(rule))
        return found.rules if found is not None else ()

    def save(self) -> Saved:
        """The state to come back to when a directory is left."""
        return list(self._slots), [slot.rules for slot in self._slots]

    def restore(self, saved: Saved) -> None:
        """Leave a directory: slots that began in it end, the others hold what they held."""
        slots, contents = saved
        for slot, rules in zip(slots, contents, strict=True):
            slot.rules = rules
        self._slots = list(slots)
        self._by_rule = {id(slot.rule): slot for slot in slots}

    def enter(self, path: bytes) -> None:
        """Read the merge files of the directory at ``path`` (absolute, clean)."""
        self._dir = with_slash(path)
        position = 0
        while position < len(self._slots):  # a file may bring more slots
            slot = self._slots[position]
            position += 1
            inherited = () if slot.rule.flags & NO_INHERIT else slot.rules
            if slot.fresh:
                slot.fresh = False
                inherited = self._look_above(slot, inherited)
                self._dir = with_slash(path)
            chain = Chain(inherited)
            self.add_file(chain, self._dir + slot.rule.pattern, slot.rule, place=IN_DIR)
            slot.rules = chain.rules()

    def _look_above(self, slot: Slot, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """A path in the rule asks for its file in all directories from there down to the transfer."""
        name = self._merge_path(slot.rule.pattern)
        if not name.startswith(b"/"):
            return rules
        top, slot.rule.pattern = with_slash(name[: name.rfind(b"/")]), slot.file_name
        transfer = self._dir
        if not transfer.startswith(top) or not top.startswith(with_slash(self.module_root)):
            return rules  # "./." in a module's root would be the module itself, seen from above
        self._above = True
        try:
            here = top
            while here != transfer:
                self._dir = here
                chain = Chain(rules)
                self.add_file(chain, here + slot.rule.pattern, slot.rule, place=IN_DIR)
                if slot.rule.flags & NO_INHERIT:
                    self._end_slots(chain.rules())
                else:
                    rules = chain.rules()
                here = transfer[: transfer.index(b"/", len(here)) + 1]
        finally:
            self._above = False
        return rules

    # -- rules ------------------------------------------------------------

    def add_text(
        self,
        chain: Chain,
        text: bytes,
        template: int = 0,
        *,
        place: int = ANYWHERE,
        old_prefixes: bool = False,
    ) -> None:
        """Parse a text and put its rules at the end of the chain's own.

        In the file of a directory a leading slash means that directory. In a
        module any slash means the module's root, and what excludes a directory
        excludes what is in it. In both, rules for the other side are dropped at once.
        """
        for flags, pattern in parse_rules(
            text, template, old_prefixes=old_prefixes, delete_excluded=self.delete_excluded
        ):
            if len(pattern) >= MAX_PATH:
                self._discard(b"discarding over-long filter: ", pattern)
                continue
            if flags & CLEAR:
                self._clear(chain)
            elif flags & MERGE:
                self._add_merge(chain, flags, pattern or IGNORE_FILE, place)
            else:
                self._append(chain, flags, pattern, place)
                if flags & CVS:
                    self._read_cvs(flags)

    def _clear(self, chain: Chain) -> None:
        self._end_slots(chain.own)
        chain.own.clear()
        chain.inherited = ()

    def _end_slots(self, rules: Iterable[Rule]) -> None:
        """The slots of rules that are gone: their files are read no more."""
        gone = {id(rule) for rule in rules if rule.flags & PER_DIR}
        if gone:
            self._slots = [slot for slot in self._slots if id(slot.rule) not in gone]
            self._by_rule = {id(slot.rule): slot for slot in self._slots}

    def _add_merge(self, chain: Chain, flags: int, name: bytes, place: int) -> None:
        if flags & EXCLUDE_SELF:
            self._append(chain, 0, name[name.rfind(b"/") + 1 :], ANYWHERE)
            flags &= ~EXCLUDE_SELF
        if not flags & PER_DIR:
            self.add_file(chain, self._merge_path(name), Rule(flags, b""), required=True)
            return
        self.saw_dir_merge = True
        if self._above:
            self._append(chain, flags, self._merge_path(name, in_module=True), ANYWHERE)
        else:
            self._append(chain, flags, name, place)

    def _append(self, chain: Chain, flags: int, pattern: bytes, place: int) -> None:
        if place and flags & SIDES and not flags & self.side:
            return
        anchored = pattern.startswith(b"/")
        flags, pattern = split_slash(flags, pattern)
        if not flags & (ABSOLUTE | MERGE):
            if place and anchored:
                flags |= ABSOLUTE
                pattern = self._dir[len(self.module_root) : -1] + pattern
            elif place == IN_MODULE and b"/" in pattern:
                flags |= ABSOLUTE
        if place == IN_MODULE and flags & DIRECTORY and not flags & INCLUDE:
            flags &= ~DIRECTORY
            pattern += b"/***"
        rule = Rule(flags, pattern)
        if flags & PER_DIR:
            slot = Slot(rule)
            if any(other.file_name == slot.file_name for other in self._slots):
                return
            self._slots.append(slot)
            self._by_rule[id(rule)] = slot
        elif flags & XATTR:
            self.has_xattr_rules = True
        chain.own.append(rule)

    def _read_cvs(self, flags: int) -> None:
        """The ignore list that every ``-C`` rule shares, made when the first of them is met."""
        if self._cvs_read:
            return
        self._cvs_read = True
        perishable = PERISHABLE if self.perishable_cvs else 0
        self.add_text(self.cvs, DEFAULT_PATTERNS, flags | perishable)
        home = self.source.home()
        if home:
            self.add_file(self.cvs, with_slash(home) + IGNORE_FILE, Rule(flags, b""))
        self.add_text(self.cvs, self.source.cvsignore() or b"", flags)

    # -- files ------------------------------------------------------------

    def add_file(
        self,
        chain: Chain,
        path: bytes,
        rule: Rule,
        *,
        place: int = ANYWHERE,
        old_prefixes: bool = False,
        required: bool = False,
    ) -> None:
        """Add the rules of a file; one that is not there counts only if it is ``required`` (exit 11)."""
        full = self._found_from_root(path)
        try:
            if not self.may_read(full):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            read = self.source.named if required and full != b"-" else None
            data = (read or self.source.read)(full)
        except OSError as error:
            if not required:
                return
            raise missing_file(path, bool(rule.flags & INCLUDE), error) from None
        if self._depth >= MAX_NESTING:
            raise TooDeep("merge files are nested too deeply", Exit.SYNTAX)
        self._depth += 1
        try:
            words = bool(rule.flags & WORDS)
            for line in parse_lines(data, from0=self.from0, words=words, overlong=self._overlong):
                self.add_text(chain, line, rule.flags, place=place, old_prefixes=old_prefixes)
        except TooDeep:
            raise
        except RefsyncError as error:
            if not self.module_root or error.code != Exit.SYNTAX:
                raise
            # the client may not be one who may read the file, so it does not learn what stands there
            name = full.removeprefix(self.module_root + b"/").decode("utf-8", "surrogateescape")
            raise RefsyncError(f"{name} has a line that is no filter rule", Exit.SYNTAX) from None
        finally:
            self._depth -= 1

    def _discard(self, what: bytes, text: bytes) -> None:
        """Warn of a rule that does not count; what a module's file has is not told to its client."""
        told = b"one of a file" if self.module_root and self._depth else text
        self.warnings.append((what + told).decode("utf-8", "surrogateescape"))

    def _overlong(self, line: bytes) -> None:
        self._discard(b"discarding over-long filter: ", line + b"...")

    def _found_from_root(self, path: bytes) -> bytes:
        if path == b"-":
            return path if self.reads_stdin else with_slash(self.root or b".") + path
        if path.startswith(b"/") or not self.root:
            return path
        return with_slash(self.root) + path

    def _merge_path(self, name: bytes, *, in_module: bool = False) -> bytes:
        """The absolute path of a merge file; a name without a slash stays, except above the transfer."""
        if not self._above and b"/" not in name:
            return name
        if self.module_root:
            depth = sum(1 for part in self._dir[len(self.module_root) :].split(b"/") if part)
            root = b"/" if in_module else self.module_root
            name = confine(name, root, depth)
        else:
            name = clean(name)
        if name.startswith(b"/"):
            return name
        start = self._dir[len(self.module_root) :] if in_module else self._dir
        return clean(start + name)
