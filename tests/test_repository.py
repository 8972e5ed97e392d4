"""The repository tests itself: what the design promises about its shape.

The rules are applied to the tree as it stands, so that a new module, case, target or script is held to them
from its first day.
"""

from __future__ import annotations

import ast
import os
import pathlib
import re
import subprocess
import tomllib
from collections.abc import Iterator

import pytest
import refsync
from refsync_conformance import clauses, registry

ROOT = pathlib.Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "reference/refsync"
PACKAGES = (REFERENCE, ROOT / "conformance/refsync_conformance", ROOT / "fuzz/refsync_fuzz")
MODULES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
TESTS = sorted((ROOT / "tests").glob("*.py"))
SCRIPTS = sorted(
    path
    for path in [*(ROOT / "ci").iterdir(), ROOT / ".ci/run"]
    if path.is_file() and os.access(path, os.X_OK)
)

MAY_IMPORT = {
    "native": set(),
    "wire": set(),
    "session": {"wire", "native"},  # native for MD4 alone, which the greeting's digests need
    "delta": {"wire", "native"},
    "filters": {"wire"},
    "options": {"wire", "filters"},
    "files": {"wire", "options", "filters"},
    "transport": {"wire", "session"},
    "uring": {"wire", "native"},
    "engine": {"wire", "session", "delta", "filters", "options", "files", "transport", "uring", "native"},
    "daemon": {"wire", "session", "delta", "filters", "options", "files", "transport", "uring", "engine"},
    "cli": {
        "wire",
        "session",
        "delta",
        "filters",
        "options",
        "files",
        "transport",
        "uring",
        "native",
        "engine",
        "daemon",
    },
}
"""Which subpackage of the reference may import which others; itself always."""

DOES_IO = {
    "asyncio",
    "concurrent",
    "ctypes",
    "fcntl",
    "io",
    "mmap",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
}
"""Modules through which code could read, write, wait or look at a clock."""

LONGEST = 400


def name(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


def imported(path: pathlib.Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of all that a module imports, wherever in it; relative ones resolved."""
    package_top = next(package for package in PACKAGES if path.is_relative_to(package)).parent
    here = path.relative_to(package_top).with_suffix("").parts
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: len(here) - node.level]] if node.level else []
            base += node.module.split(".") if node.module else []
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def subpackage(path: pathlib.Path) -> str | None:
    parts = path.relative_to(REFERENCE).parts
    return parts[0] if len(parts) > 1 else None


def of_reference(*subpackages: str) -> list[pathlib.Path]:
    return [path for path in MODULES if path.is_relative_to(REFERENCE) and subpackage(path) in subpackages]


def test_every_subpackage_has_its_place_in_the_order() -> None:
    present = {subpackage(path) for path in MODULES if path.is_relative_to(REFERENCE)} - {None}
    assert present <= set(MAY_IMPORT)
    assert {"wire", "session", "engine", "cli"} <= present


def test_the_order_has_no_cycle() -> None:
    left = {part: set(needs) for part, needs in MAY_IMPORT.items()}
    while left:
        free = {part for part, needs in left.items() if not needs & left.keys()}
        assert free, f"these import each other: {sorted(left)}"
        left = {part: needs for part, needs in left.items() if part not in free}


def test_imports_point_one_way() -> None:
    wrong = []
    for path in of_reference(*MAY_IMPORT):
        part = subpackage(path)
        assert part is not None
        for line, target in imported(path):
            names = target.split(".")
            if names[0] in ("refsync_conformance", "refsync_fuzz"):
                wrong.append(f"{name(path)}:{line} imports {target}")
            elif (
                names[0] == "refsync"
                and names[1:2]
                and names[1] in MAY_IMPORT.keys() - MAY_IMPORT[part] - {part}
            ):
                wrong.append(f"{name(path)}:{line}: {part} imports {target}")
    assert wrong == []


def test_the_start_is_not_slowed_by_what_only_tools_need() -> None:
    """``refsync.typed`` and ``refsync.records`` serve instead: a fifth of the time to the first byte."""
    slow = {"typing", "dataclasses", "inspect", "pkgutil", "subprocess", "argparse"}
    allowed = {REFERENCE / "typed.py", REFERENCE / "native/build.py"}
    found = [
        f"{path.relative_to(REFERENCE)}: {node.lineno}"
        for path in sorted(REFERENCE.rglob("*.py"))
        if path not in allowed
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and slow & {alias.name for alias in node.names})
        or (isinstance(node, ast.ImportFrom) and not node.level and node.module in slow)
    ]
    assert found == []


def test_wire_and_session_do_no_io() -> None:
    wrong = []
    for path in of_reference("wire", "session"):
        wrong += [
            f"{name(path)}:{line} imports {target}"
            for line, target in imported(path)
            if target.split(".")[0] in DOES_IO
        ]
        wrong += [
            f"{name(path)}:{node.lineno} calls {node.func.id}"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if node.func.id in ("open", "print", "input", "exec", "eval", "__import__")
        ]
    assert wrong == []


def test_wire_keeps_no_state_between_calls() -> None:
    wrong = [
        f"{name(path)}:{node.lineno}"
        for path in of_reference("wire")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Global)
    ]
    assert wrong == []


def test_modules_are_short() -> None:
    lengths = {name(path): len(path.read_bytes().splitlines()) for path in [*MODULES, *TESTS]}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_modules_say_what_they_are() -> None:
    assert [name(path) for path in [*MODULES, *TESTS] if not ast.get_docstring(tree(path))] == []


def test_nothing_is_left_for_later() -> None:
    words = "|".join(word.upper() for word in ("todo", "fixme", "xxx"))
    later = re.compile(rf"\b({words}|Not{'Implemented'}Error)\b")
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in [*MODULES, *TESTS, *SCRIPTS]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if later.search(line)
    ]
    assert found == []


def test_each_case_cites_a_clause_that_exists() -> None:
    known = clauses.load()
    cases = registry.load()
    assert len(cases) >= 40
    wrong = {case.id: id for case in cases.values() for id in (case.clause, *case.also) if id not in known}
    assert wrong == {}


def test_each_clause_is_judged_or_says_why_not() -> None:
    judged = {id for case in registry.load().values() for id in (case.clause, *case.also)}
    known = clauses.load()
    assert sorted(id for id, clause in known.items() if id not in judged and not clause.unjudged) == []
    assert sorted(id for id in judged if id in known and known[id].unjudged) == []


def test_each_clause_that_code_cites_exists() -> None:
    known = clauses.load()
    topics = {clause.topic for clause in known.values()}
    # A case's number has three digits and a clause's never begins with nought.
    citation = re.compile(r"\b([A-Z]+)-([1-9]\d?)\b")
    explicit = re.compile(r"clause=\"([^\"]+)\"")
    wrong = set()
    for path in [*MODULES, *TESTS]:
        text = path.read_text(encoding="utf-8")
        cited = {"-".join(found) for found in citation.findall(text) if found[0] in topics}
        if path in MODULES:
            cited |= set(explicit.findall(text))
        wrong |= {f"{name(path)}: {id}" for id in cited - known.keys()}
    assert sorted(wrong) == []


def test_case_titles_tell_cases_apart() -> None:
    titles = [case.title for case in registry.load().values()]
    assert sorted({title for title in titles if titles.count(title) > 1}) == []


def test_clauses_are_numbered_by_topic_and_have_text() -> None:
    wrong = [
        clause.id
        for clause in clauses.load().values()
        if not re.fullmatch(r"[A-Z]+-\d+", clause.id)
        or not clause.text.strip()
        or not 27 <= clause.since <= clause.until <= 32
    ]
    assert wrong == []


def fuzz_targets() -> set[str]:
    folder = ROOT / "fuzz/refsync_fuzz/targets"
    return {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}


def test_each_target_has_seeds_and_each_seed_directory_a_target() -> None:
    seeded = {path.parent.name for path in (ROOT / "corpus").glob("*/seeds") if any(path.iterdir())}
    assert {"varint", "negotiation_prologue"} <= fuzz_targets()
    assert seeded == fuzz_targets()


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Name and text of all that is committed, or of all files where there is no git checkout."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode == 0:
        paths = [ROOT / os.fsdecode(entry) for entry in listing.stdout.split(b"\0") if entry]
    else:
        paths = [*MODULES, *TESTS, *SCRIPTS, *ROOT.glob("*.*"), *(ROOT / "docs").rglob("*.md")]
    for path in paths:
        if path.is_file() and not path.is_relative_to(ROOT / "corpus"):
            yield name(path), path.read_text(encoding="utf-8", errors="replace")


def test_no_registry_or_mirror_is_named() -> None:
    # A machine's own configuration says where packages come from. Dots are left out here, to not find itself.
    hosts = [
        host.replace(" ", ".")
        for host in ("pypi org", "pythonhosted org", "debian org", "archive ubuntu com", "golang org")
    ]
    found = [(path, host) for path, text in tracked_texts() for host in hosts if host in text.lower()]
    assert found == []


def test_scripts_are_strict_and_small() -> None:
    assert {"setup", "test", "verify", "lint", "run"} <= {path.name for path in SCRIPTS}
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        if not text.startswith("#!/usr/bin/env bash\n"):
            continue
        assert "set -euo pipefail" in text or "common.sh" in text, name(path)
        assert len(text.splitlines()) <= 150, name(path)
        parsed = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, parsed.stderr


def test_ci_runs_what_the_readme_tells() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "ci/verify" in readme and "ci/test" in readme
    assert re.search(r"^ci/test\b", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)


def test_files_that_the_readme_links_exist() -> None:
    missing = []
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", text):
            if not (document.parent / target).exists():
                missing.append(f"{name(document)}: {target}")
    assert missing == []


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert refsync.__version__ == project["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_checkers_are_strict() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert tool["mypy"]["strict"] is True
    assert set(tool["mypy"]["packages"]) == {"refsync", "refsync_conformance", "refsync_fuzz"}
    assert tool["ruff"]["line-length"] == 110
    assert {"E", "F", "W", "I", "B", "UP"} <= set(tool["ruff"]["lint"]["select"])


def test_the_licence_is_there() -> None:
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]


def test_the_coverage_floor_only_rises() -> None:
    floor_file = "ci/coverage-floor"
    history = subprocess.run(
        ["git", "log", "--format=%H", "--", floor_file], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if history.returncode != 0:
        pytest.skip("not a git checkout: there is no history to compare with")
    # "28.5 2026-01-31": a floor is a figure that was measured, with its day.
    measured = re.compile(r"(\d+\.\d) \d{4}-\d\d-\d\d\n")
    now = measured.fullmatch((ROOT / floor_file).read_text(encoding="utf-8"))
    assert now is not None
    floors = [float(now[1])]
    for commit in history.stdout.split():
        shown = subprocess.run(
            ["git", "show", f"{commit}:{floor_file}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        then = measured.fullmatch(shown.stdout)  # a shallow clone may lack it
        if then is not None:
            floors.append(float(then[1]))
    assert floors == sorted(floors, reverse=True)
