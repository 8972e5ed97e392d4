"""The filter list of one side: ordered rules, the first that matches decides.

A list is built from options or from the wire, is told which side it works
for (``settle``), and then follows the walk through the directories
(``enter_dir``, ``leave_to``) while it answers for each name (``check``).

Clauses FILT-3, FILT-10 and FILT-15; upstream ``exclude.c:check_filter``,
``name_is_excluded``, ``change_local_filter_dir``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .lines import rules_from_file
from .matching import matches
from .merge import IN_MODULE, Chain, Merger, Saved, missing_file
from .paths import absolute
from .rules import (
    CVS,
    INCLUDE,
    NO_PREFIXES,
    PER_DIR,
    PERISHABLE,
    SENDER,
    SIDES,
    XATTR,
    Rule,
    as_bytes,
)
from .source import Source

_DEFAULT_SOURCE = Source()


class FilterList:
    """Rules in order, with the per-directory files that they name.

    ``daemon`` is a module's own list: what it excludes is excluded, whatever
    the other rules say. ``ignore_perishable`` is on while the contents of a
    directory that goes away are deleted.
    """

    def __init__(
        self,
        *,
        source: Source = _DEFAULT_SOURCE,
        from0: bool = False,
        delete_excluded: bool = False,
        module_root: bytes | None = None,
        daemon: FilterList | None = None,
    ) -> None:
        self.ignore_perishable = False
        #: is called with each rule that decides: the rule, the name, whether it is a directory, where from
        self.tell: Callable[[Rule, bytes, bool, bytes], None] | None = None
        self.daemon = daemon
        self._module_root = module_root
        self._chain = Chain()
        self._merger = Merger(source, from0=from0, delete_excluded=delete_excluded, module_root=module_root)
        self._entered: list[tuple[bytes, bytes, Saved]] = []  # root, name, what to restore
        self._base: bytes | None = None  # the transfer's root below the module's; None: not worked out
        if daemon is not None:
            self._merger.may_read = self._daemon_allows

    @classmethod
    def from_options(
        cls,
        rules: Iterable[str | bytes],
        *,
        source: Source = _DEFAULT_SOURCE,
        from0: bool = False,
        delete_excluded: bool = False,
        module_root: bytes | None = None,
    ) -> FilterList:
        """A list of ``--filter`` texts; ``RefsyncError`` if one is wrong (1) or a file not there (11)."""
        made = cls(source=source, from0=from0, delete_excluded=delete_excluded, module_root=module_root)
        for rule in rules:
            made.add(rule)
        return made

    def extended(
        self, rules: Iterable[bytes], *, old_prefixes: bool = False, delete_excluded: bool = False
    ) -> FilterList:
        """A client's rules under this list, which goes on deciding first: a daemon's list and the wire's."""
        merger = self._merger
        made = FilterList(
            source=merger.source,
            from0=merger.from0,
            delete_excluded=delete_excluded,
            module_root=self._module_root,
            daemon=self if self._chain.own else None,
        )
        made._merger.side = merger.side
        made._merger.reads_stdin = False
        for rule in rules:
            made.add(rule, old_prefixes=old_prefixes)
        return made

    # -- making it --------------------------------------------------------

    def add(self, text: str | bytes, *, old_prefixes: bool = False) -> None:
        """Put a rule at the end; a merge rule brings the rules of its file."""
        self._merger.add_text(self._chain, as_bytes(text), old_prefixes=old_prefixes)

    def add_of_module(self, text: bytes, template: int, *, old_prefixes: bool = False) -> None:
        """DAEMON-8: rules as a module's parameter states them."""
        self._merger.add_text(self._chain, text, template, place=IN_MODULE, old_prefixes=old_prefixes)

    def add_file_of_module(self, path: bytes, template: int) -> None:
        """DAEMON-8: patterns from a file that a module names."""
        self._merger.add_file(
            self._chain, path, Rule(template, b""), place=IN_MODULE, old_prefixes=True, required=True
        )

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules in order, dir-merge rules as themselves."""
        return self._chain.own

    @property
    def cvs_rules(self) -> Sequence[Rule]:
        """What a ``-C`` rule stands for; empty until there is one."""
        return self._merger.cvs.own

    @property
    def warnings(self) -> list[str]:
        """Rules that were thrown away, in upstream's words; whoever shows them clears the list."""
        return self._merger.warnings

    @property
    def trusts_sender(self) -> bool:
        """HOST-2: a dir-merge rule means that only the sender can know what is excluded."""
        return self._merger.saw_dir_merge

    @property
    def has_xattr_rules(self) -> bool:
        """Whether any rule is about attribute names, which changes what ``--xattrs`` sends."""
        return self._merger.has_xattr_rules

    def settle(self, side: int) -> None:
        """FILT-10: this end is ``side``: decide for each rule so far on which side it counts.

        Rules that are added later count on this side, whatever they say.
        """
        self.work_for(side)
        for rule in (*self._chain.own, *self._merger.cvs.own):
            rule.applies = self.sides_of(rule)

    def work_for(self, side: int) -> None:
        """This end is ``side``, ``SENDER`` or ``RECEIVER``; the rules so far count as they did."""
        self._merger.side = side

    def sides_of(self, rule: Rule) -> int:
        """The sides that a rule is for; with ``--delete-excluded`` one that names none is the sender's."""
        named = rule.flags & SIDES
        if named:
            return named
        keeps = rule.flags & PER_DIR and not rule.flags & NO_PREFIXES
        return SENDER if self._merger.delete_excluded and not keeps else SIDES

    def delete_excluded(self) -> None:
        """``--delete-excluded`` was given: it counts for the rules that come and, in ``settle``, for all."""
        self._merger.delete_excluded = True

    def old_cvs(self) -> None:
        """Below protocol 30 nothing that CVS ignores is perishable."""
        self._merger.perishable_cvs = False

    # -- walking ----------------------------------------------------------

    def set_root(self, path: bytes) -> None:
        """Names are relative to ``path`` from here on; absolute rules and merge files need to know."""
        self._merger.root = absolute(path or b".", self._merger.source.cwd() if path[:1] != b"/" else b"/")
        self._base = None

    def enter_dir(self, path: bytes, name: bytes) -> None:
        """The walk is in the directory ``name`` of the transfer, ``path`` of the file system.

        Its merge files are read, unless it has been entered and not left. Other
        directories are left first, but for those that it lies in.
        """
        full = path if path[:1] == b"/" else absolute(path or b".", self._merger.source.cwd())
        full = absolute(full, b"/")
        root = full
        if name != b"." and (full == b"/" + name or full.endswith(b"/" + name)):
            root = full[: -len(name) - 1] or b"/"
        while self._entered:
            its_root, its_name, _ = self._entered[-1]
            if its_root == root and its_name == name:
                return
            if its_root == root and (its_name == b"." or name.startswith(its_name + b"/")):
                break
            self._leave()
        if root != self._merger.root:
            self._merger.root = root
            self._base = None
        self._entered.append((root, name, self._merger.save()))
        self._merger.enter(full)
        if self.daemon is not None:
            self.daemon.set_root(root)

    def leave_to(self, name: bytes) -> None:
        """Back in the directory ``name``, which was entered before; the deeper ones are left."""
        while self._entered and self._entered[-1][1] != name:
            self._leave()

    def leave_all(self) -> None:
        """The walk is over."""
        while self._entered:
            self._leave()

    def _leave(self) -> None:
        self._merger.restore(self._entered.pop()[2])

    # -- asking -----------------------------------------------------------

    def check(self, name: bytes, is_dir: bool, side: int = 0, *, xattr: bool = False) -> int:
        """-1: excluded (hidden, protected), 1: included, 0: no rule matches.

        ``name`` is the path in the transfer. ``side`` asks for the rules of one
        side; 0 is this end's own. ``xattr``: it is the name of an attribute.
        """
        if self.daemon is not None and self.daemon.check(name, is_dir, xattr=xattr) < 0:
            return -1
        rules = self._chain.own
        return self._first(rules, name, is_dir, side or self._merger.side, xattr) if rules else 0

    def check_for_sender(self, name: bytes, is_dir: bool) -> int:
        """HOST-2: what the sender must have decided about a name by the rules that both ends know.

        0 if a dir-merge rule makes that unknowable.
        """
        if self.trusts_sender:
            return 0
        return self._first(self._chain.own, name, is_dir, SENDER, False)

    def _first(
        self, rules: Iterable[Rule], name: bytes, is_dir: bool, side: int, xattr: bool, origin: bytes = b""
    ) -> int:
        for rule in rules:
            flags = rule.flags
            if flags & PERISHABLE and self.ignore_perishable:
                continue
            if flags & (PER_DIR | CVS):
                inner = self._merger.slot(rule) if flags & PER_DIR else self._merger.cvs.own
                file = rule.pattern.rsplit(b"/", 1)[-1]
                origin_of_these = b" [per-dir " + file + b"]" if flags & PER_DIR else b" [global CVS]"
                result = self._first(inner, name, is_dir, side, xattr, origin_of_these)
                if result:
                    return result
            elif (
                rule.applies & side
                and bool(flags & XATTR) == xattr
                and matches(rule, name, is_dir, self._base_path())
            ):
                if self.tell is not None and not xattr:
                    self.tell(rule, name, is_dir, origin)
                return 1 if flags & INCLUDE else -1
        return 0

    def _base_path(self) -> bytes:
        if self._base is None:
            merger = self._merger
            root = merger.root or merger.source.cwd()
            self._base = root[len(merger.module_root) :].strip(b"/")
        return self._base

    def _daemon_allows(self, path: bytes) -> bool:
        """A client cannot have a file of a module read that the module hides."""
        root = self._merger.module_root
        if self.daemon is None or not path.startswith(root + b"/"):
            return True
        return self.daemon.check(path[len(root) :], False) >= 0


def read_patterns(
    path: bytes, include: bool, *, from0: bool = False, source: Source = _DEFAULT_SOURCE
) -> list[str]:
    """FILT-15: an ``--exclude-from`` or ``--include-from`` file as rule texts; ``RefsyncError`` (exit 11)."""
    try:
        data = source.read(path)
    except OSError as error:
        raise missing_file(path, include, error) from None
    return rules_from_file(data, include, from0=from0)
