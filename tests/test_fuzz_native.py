"""The C kernel's sanitizers and coverage, and what builds the targets for OSS-Fuzz."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from refsync_fuzz import export, sanitized
from refsync_fuzz import target as targets

ROOT = Path(__file__).resolve().parents[1]
GCOV = """\
        -:    0:Source:kernel.c
        -:    1:/* a comment */
       12:    2:int one(void)
    #####:    3:    return 1;
    #####:    4:    return 2;
        1*:    5:    return 3;
    =====:    9:    abort();
"""


def test_what_gcov_says_is_read(tmp_path: Path) -> None:
    (tmp_path / "kernel.c.gcov").write_text(GCOV)
    found = sanitized.covered(tmp_path / "kernel.c.gcov")
    assert found == sanitized.Covered("kernel.c", 5, 2, (3, 4, 9))
    words = sanitized.table([found]).split()
    assert words == ["kernel.c", "2", "of", "5", "lines", "40.0", "%", "not:", "3-4", "9"]


def test_edges_of_c_are_counted() -> None:
    log = "INFO: Using it\nINFO: Loaded 1 modules   (4147 inline 8-bit counters): 4147 [0x7e, 0x7f),\n"
    assert sanitized.counted_edges(log) == 4147
    assert sanitized.counted_edges("nothing") == 0


def test_without_a_compiler_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(sanitized.CannotBuild, match="no-such-compiler is not installed"):
        sanitized.build(tmp_path, "no-such-compiler", "")
    assert not list(tmp_path.iterdir())


def test_what_can_not_be_compiled_is_shown(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong-compiler"
    wrong.write_text("#!/bin/sh\necho 'this is no C' >&2\nexit 1\n")
    wrong.chmod(0o755)
    with pytest.raises(sanitized.CannotBuild, match="this is no C"):
        sanitized.build(tmp_path / "place", str(wrong), "")


def test_native_targets_exist() -> None:
    assert set(sanitized.TARGETS) <= set(targets.names())


def test_oss_fuzz_builds_every_target(tmp_path: Path) -> None:
    """``build.sh`` as the image runs it, with the image's commands written down instead of carried out."""
    tools, out, log = tmp_path / "tools", tmp_path / "out", tmp_path / "log"
    tools.mkdir()
    out.mkdir()
    commands = {name: f'echo "{name} $*" >>"{log}"' for name in ("pip3", "compile_python_fuzzer")}
    for name, command in {**commands, "python3": f'exec "{sys.executable}" "$@"'}.items():
        (tools / name).write_text(f"#!/bin/sh\n{command}\n")
        (tools / name).chmod(0o755)
    subprocess.run(
        ["bash", str(ROOT / "fuzz" / "oss-fuzz" / "build.sh")],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OUT": str(out),
        },
        check=True,
        capture_output=True,
    )
    said = log.read_text().splitlines()
    assert said[0] == "pip3 install .[fuzz]"
    programs = {Path(line.split()[1]).stem for line in said if line.startswith("compile_python_fuzzer")}
    assert programs == set(targets.names())
    made = {path.name for path in out.iterdir()}
    for target in targets.load_all():
        wanted = {f"{target.name}_seed_corpus.zip", f"{target.name}.options"}
        wanted |= {f"{target.name}.dict"} if target.surface.dictionary else set()
        assert wanted <= made
    assert "wire_vectors_seed_corpus.zip" in made


def test_vectors_are_exported(tmp_path: Path) -> None:
    archive = export.vectors(tmp_path)
    assert archive is not None
    with zipfile.ZipFile(archive) as zipped:
        names = zipped.namelist()
    assert len(names) == len(set(names)) > 100
    assert any(name.endswith("-invalid") for name in names)


def test_project_files_lead_to_the_build() -> None:
    build = ROOT / "fuzz" / "oss-fuzz" / "build.sh"
    assert build.stat().st_mode & stat.S_IXUSR
    for path in (ROOT / ".clusterfuzzlite" / "Dockerfile", ROOT / "fuzz" / "oss-fuzz" / "Dockerfile"):
        text = path.read_text()
        assert "base-builder-python" in text and "fuzz/oss-fuzz/build.sh" in text
    for path in (ROOT / ".clusterfuzzlite" / "project.yaml", ROOT / "fuzz" / "oss-fuzz" / "project.yaml"):
        assert "language: python" in path.read_text()


def test_one_file_says_what_is_to_be_filled_in() -> None:
    """The checkout of OSS-Fuzz is taken from the project file, by the command of the Dockerfile."""
    place = ROOT / "fuzz" / "oss-fuzz"
    project, docker = (place / "project.yaml").read_text(), (place / "Dockerfile").read_text()
    named = {path.name for path in place.iterdir() if "refsync.invalid" in path.read_text()}
    assert named == {"project.yaml"}
    values = [line for line in project.splitlines() if "refsync.invalid" in line and line[0] != "#"]
    assert [line.partition(":")[0] for line in values] == ["homepage", "main_repo", "primary_contact"]
    command = re.search(r'"\$\((sed .*)\)"', docker)
    assert command is not None
    shell = command[1].replace("$SRC/project.yaml", str(place / "project.yaml"))
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stdout == "https://refsync.invalid/refsync.git\n"


SCRIPTS = ("fuzz-smoke", "fuzz-coverage", "fuzz-nightly", "fuzz-native", "fuzz-planted")


@pytest.mark.parametrize("script", SCRIPTS)
def test_workflows_call_the_scripts(script: str) -> None:
    assert os.access(ROOT / "ci" / script, os.X_OK)
    workflows = "".join(path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    assert f"run: ci/{script}\n" in workflows
