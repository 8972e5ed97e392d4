"""What the guides tell people to type is what the programs take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from refsync_conformance import clauses, cli, expectations, registry

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "docs/adopt.md", ROOT / "CONTRIBUTING.md"]
ACTION = ROOT / ".github/actions/conformance/action.yml"


def commands() -> list[str]:
    """The calls of refsync-conformance in the pages' blocks of shell."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            found += re.findall(r"^(?:\S+/)?refsync-conformance (.*)$", block, re.MULTILINE)
    return found


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_guides_can_be_typed(command: str) -> None:
    words = shlex.split(command, comments=True)
    if words[0] == "peers":
        assert words[1] in ("list", "fetch", "path")
        return
    chosen = cli.parser().parse_args(words)
    for pattern in getattr(chosen, "cases", None) or ():
        assert registry.select([pattern])
    if chosen.verb == "show":
        assert chosen.case in registry.load()
    if chosen.verb == "explain":
        assert chosen.clause in clauses.load()


def test_there_are_commands() -> None:
    assert len(commands()) >= 15


def test_the_example_of_an_expectation_is_one() -> None:
    page = (ROOT / "docs/adopt.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (entry,) = expectations.parse(example)
    assert entry.cell.partition(" ")[0] in registry.load()


def test_the_pages_lead_to_files_that_exist() -> None:
    wrong = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                wrong.append(f"{page.name}: {target}")
    assert wrong == []


def test_the_action_reads_all_that_it_takes_and_takes_all_that_it_reads() -> None:
    text = ACTION.read_text(encoding="utf-8")
    taken = set(re.findall(r"^  ([a-z-]+):\n    description:", text.partition("outputs:")[0], re.MULTILINE))
    assert taken == set(re.findall(r"inputs\.([a-z-]+)", text))
    page = (ROOT / "docs/adopt.md").read_text(encoding="utf-8")
    (job,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    given = set(re.findall(r"^          ([a-z-]+):", job, re.MULTILINE))
    assert given and given <= taken
    # What comes from whoever calls the action is never part of a script's text.
    for script in re.findall(r"run: (?:\|\n((?: {8}.*\n)+)|'(.*)')", text):
        assert "${{" not in "".join(script)


def test_the_action_calls_the_program_as_it_is() -> None:
    options = set(re.findall(r"(--[a-z-]+)", ACTION.read_text(encoding="utf-8")))
    help_text = cli.parser().parse_args(["run"])
    assert options <= {f"--{name.replace('_', '-')}" for name in vars(help_text)}
