"""What functions import late is there before a daemon changes its root."""

from __future__ import annotations

import ast
import importlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import refsync

ROOT = pathlib.Path(refsync.__file__).parent
#: Where no daemon goes.
ELSEWHERE = {"cli", "build.py"}


def late(path: pathlib.Path) -> Iterator[str]:
    """Modules of others that functions of this file import."""
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    yield str(node.module)


def test_what_is_imported_late_is_preloaded() -> None:
    preload = importlib.import_module("refsync.engine.preload")
    found = {
        name
        for path in ROOT.rglob("*.py")
        if not ELSEWHERE & set(path.relative_to(ROOT).parts)
        for name in late(path)
        if not name.startswith("refsync")
    }
    assert found, "this test no longer sees anything"
    assert found <= set(preload.OF_OTHERS)


def test_every_module_of_a_transfer_is_preloaded() -> None:
    preload = importlib.import_module("refsync.engine.preload")
    names = preload.names()
    assert {"refsync.engine.sender", "refsync.engine.receiver", "refsync.wire.zstd_tokens"} <= set(names)
    assert not [name for name in names if name.startswith("refsync.cli.")]
    assert all(name in sys.modules for name in names)


def test_daemon_starts_without_the_kernel() -> None:
    """Where nothing was compiled, no module that needs it is asked for."""
    text = "import sys; sys.modules['refsync._kernel'] = None; import refsync.engine.preload"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
