"""The register of advisories as data: every published fault of an rsync, and what shows that a peer lacks it.

``advisories.toml`` beside this module holds tables ``[[advisory]]`` with ``id`` (a CVE, or a short name for
a fault without a number), ``title``, ``sent`` (what a peer or the file system does), ``must`` (what has to
come of it), ``roles`` (where the peer under test is at risk: ``client``, ``server``), and the proof:
``cases`` of the suite, ``tests`` of this repository (``file::function``) where no case can do it, or neither
where there is nothing to test. Without a case ``why`` says why. ``docs/audits/advisories.md`` is made of it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from refsync_conformance import registry
from refsync_conformance.model import Judged

ROLES = ("client", "server")
#: Where the page lies, from the top of a checkout.
PAGE = Path("docs/audits/advisories.md")
_FIELDS = {"id", "title", "sent", "must", "roles", "cases", "tests", "why"}


class AdvisoryError(Exception):
    """A register that can't be used: the message names the entry and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One fault that an rsync has had."""

    id: str
    title: str
    sent: str
    must: str
    roles: tuple[str, ...]
    cases: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    why: str = ""

    @property
    def numbered(self) -> bool:
        """Whether it is a CVE."""
        return self.id.startswith("CVE-")

    @property
    def kind(self) -> str:
        """How it is held: by ``case``, by ``test``, or ``none`` where it can't happen."""
        return "case" if self.cases else "test" if self.tests else "none"


def parse(text: str) -> list[Advisory]:
    """The entries of a register. Raises :class:`AdvisoryError` for one that is incomplete or contradicts
    itself.
    """
    found = []
    for table in tomllib.loads(text).get("advisory", []):
        name = table.get("id", "?")
        if unknown := sorted(table.keys() - _FIELDS):
            raise AdvisoryError(f"{name}: unknown field {unknown[0]}")
        try:
            one = Advisory(
                id=table["id"],
                title=table["title"],
                sent=table["sent"],
                must=table["must"],
                roles=tuple(table["roles"]),
                cases=tuple(table.get("cases", ())),
                tests=tuple(table.get("tests", ())),
                why=table.get("why", ""),
            )
        except KeyError as error:
            raise AdvisoryError(f"{name}: no {error.args[0]}") from error
        if set(one.roles) - set(ROLES):
            raise AdvisoryError(f"{name}: roles are {', '.join(ROLES)}")
        if bool(one.roles) != (one.kind != "none"):
            raise AdvisoryError(f"{name}: there are roles if and only if there is something to test")
        if not one.cases and not one.why:
            raise AdvisoryError(f"{name}: without a case it has to say why")
        found.append(one)
    return found


@cache
def load() -> dict[str, Advisory]:
    """All entries by id, in the order of the file. Raises :class:`AdvisoryError` for an id used twice."""
    entries: dict[str, Advisory] = {}
    text = resources.files(__package__).joinpath("advisories.toml").read_text(encoding="utf-8")
    for one in parse(text):
        if one.id in entries:
            raise AdvisoryError(f"{one.id} is there twice")
        entries[one.id] = one
    return entries


def of_case(id: str) -> list[Advisory]:
    """The entries that a case proves something about."""
    return [one for one in load().values() if id in one.cases]


def roles_of(case: str) -> set[str]:
    """Which ends a case puts the peer under test at."""
    judged = registry.load()[case].judged
    return set(ROLES) if judged == Judged.BOTH else {judged.value}


def explain(one: Advisory) -> str:
    """An entry for a terminal, with the titles of its cases."""
    lines = [f"{one.id}  {one.title}", "", f"sent: {one.sent}", f"must: {one.must}"]
    if one.roles:
        lines.append(f"at risk: {', '.join(one.roles)}")
    lines += [f"    {id:12} {registry.load()[id].title}" for id in one.cases]
    lines += [f"    {test}" for test in one.tests]
    if one.why:
        lines.append(one.why)
    return "\n".join(lines)


def count() -> str:
    """How many entries are held by what."""
    kinds = [one.kind for one in load().values()]
    return (
        f"{len(kinds)} entries: {kinds.count('case')} with cases, {kinds.count('test')} with tests of this "
        f"repository alone, {kinds.count('none')} that can't happen here."
    )


HEAD = """\
# Advisories

Written by `refsync-conformance advisories --write`; do not edit. Every published fault of an rsync and every
fault that upstream fixed without a number, and the cases that play it: `refsync-conformance show CASE` tells
how, `refsync-conformance explain CVE-2024-12085` prints a row. An id of the form HOSTILE-0NN judges a client,
HOSTILE-5NN and up its server twin; other cases put the peer at both ends unless `show` says otherwise. Memory
faults become "refused with an error of the protocol, in time and in bounded memory"; faults of reach, of
races, of filters and of quoting apply to every implementation as they are.
"""


def page() -> str:
    """The register as the page in docs."""
    entries = load().values()
    sections = (
        ("With a number", [one for one in entries if one.numbered and one.roles]),
        ("Without a number", [one for one in entries if not one.numbered and one.roles]),
    )
    lines = [HEAD, count(), ""]
    for title, rows in sections:
        lines += [
            f"## {title}",
            "",
            "| fault | what is sent, or done | what must come of it | at risk | held by |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| {one.id}: {_cell(one.title)} | {_cell(one.sent)} | {_cell(one.must)} "
            f"| {', '.join(one.roles)} | {_proof(one)} |"
            for one in rows
        ]
        lines.append("")
    lines += ["## What can't happen here", "", "| fault | what it was | why there is no case |"]
    lines += ["| --- | --- | --- |"]
    lines += [
        f"| {one.id}: {_cell(one.title)} | {_cell(one.sent)} | {_cell(one.why)} |"
        for one in entries
        if not one.roles
    ]
    return "\n".join(lines) + "\n"


def _proof(one: Advisory) -> str:
    parts = [*one.cases, *(f"`{test}`" for test in one.tests)]
    return ", ".join(parts) + (f". {_cell(one.why)}" if one.why else "")


def _cell(text: str) -> str:
    """Text in a table: what Markdown would take for markup stays as it is."""
    return "".join("\\" + letter if letter in "\\|<>*_`[]" else letter for letter in text)


def command(write: bool) -> int:
    """The verb ``advisories``: print the page, or write it into the checkout one stands in."""
    text = page()
    if not write:
        print(text, end="")
        return 0
    try:
        PAGE.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AdvisoryError(f"{PAGE}: {error.strerror}; run it at the top of a checkout") from error
    print(f"wrote {PAGE}: {count()}")
    return 0
