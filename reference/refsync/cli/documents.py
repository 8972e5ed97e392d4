"""Writes the manual pages and the completions below a directory; ``ci/man`` calls it.

Exit: 0 written or, with ``--check``, up to date; 1 behind; 2 usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from .completions import bash, fish, zsh
from .manual import command_page, daemon_page

#: What is made, by its place below ``docs``.
DOCUMENTS: dict[str, Callable[[], str]] = {
    "man/refsync.1": command_page,
    "man/refsyncd.conf.5": daemon_page,
    "completions/bash/refsync": bash,
    "completions/zsh/_refsync": zsh,
    "completions/fish/refsync.fish": fish,
}


def main(argv: list[str]) -> int:
    """``[--check] DIRECTORY``"""
    check = argv[:1] == ["--check"]
    if len(argv) != 1 + check:
        print("usage: python -m refsync.cli.documents [--check] DIRECTORY", file=sys.stderr)
        return 2
    behind = 0
    for name, make in DOCUMENTS.items():
        path = Path(argv[-1]) / name
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        behind = 1
        if check:
            print(f"{path} is behind: run ci/man", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    return behind if check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
