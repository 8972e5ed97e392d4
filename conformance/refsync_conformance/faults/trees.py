"""The trees that faults are tried on, and what must hold of them afterwards."""

from __future__ import annotations

import os
import random
import re
import shutil
from pathlib import Path

#: Names that a receiver gives to what it is writing.
TEMPORARY = re.compile(r"^\..+\.[A-Za-z0-9]{6}$")


def data(name: str, version: int, size: int) -> bytes:
    return random.Random(f"{name} {version}").randbytes(size)


#: name -> (size, whether the destination has an old version)
FILES = {
    "new": (70_000, False),
    "old": (90_000, True),
    "same": (5_000, True),
    "empty": (0, False),
    "dir/inner": (40_000, True),
    "dir/deep/leaf": (300, False),
    "holes": (400_000, True),
    "linked": (3_000, True),
    "large": (1_500_000, False),
    "grown": (600_000, True),
    **{f"many/{number}": (1 + number * 300, False) for number in range(12)},
}
KEPT = "not of this run"


def build(base: Path) -> tuple[Path, Path]:
    """A source, and a destination with older versions, one that is the same and one more that is to go."""
    src, dst = base / "src", base / "dst"
    for name, (size, old) in FILES.items():
        for root, version in ((src, 2), *(((dst, 1),) if old else ())):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(name, 2 if name == "same" else version, size))
            os.utime(path, (1_600_000_000 + version, 1_600_000_000 + version))
    os.utime(dst / "same", (1_600_000_002, 1_600_000_002))
    os.link(src / "linked", src / "other-name")
    (src / "symlink").symlink_to("old")
    (dst / "symlink").symlink_to("elsewhere")
    os.mkfifo(src / "fifo")
    (dst / "extra-dir").mkdir()
    (dst / "extra-dir" / "extra").write_text("to be deleted")
    (base / "beside").mkdir()
    (base / "beside" / "kept").write_text(KEPT)
    os.setxattr(src / "new", "user.note", b"a note")
    return src, dst


def content(name: str, version: int, size: int) -> bytes:
    if name == "grown":  # by its last part
        return data(name, 0, 300_000) + data(name, version, size - 300_000)
    if name != "holes":
        return data(name, version, size)
    return data(name, version, 50_000) + bytes(300_000) + data(name, version, 50_000)


def problems(base: Path, *, complete: bool, inplace: bool = False, killed: bool = False) -> list[str]:
    """What is wrong after a run: files neither old nor new, temporary ones, a source that was touched.

    ``complete``: all has to be new. ``killed``: who was writing could not tidy up.
    """
    found: list[str] = []
    src, dst = base / "src", base / "dst"
    for name, (size, old) in FILES.items():
        new = content(name, 2, size)
        if (src / name).read_bytes() != new:
            found.append(f"the source's {name} has changed")
        path = dst / name
        if not path.exists():
            if complete or old:
                found.append(f"{name} is lost" if old else f"{name} is missing")
            continue
        got = path.read_bytes()
        if got != new and (complete or (not inplace and got != content(name, 1, size))):
            found.append(f"{name} is neither old nor new" if not complete else f"{name} is not new")
    if (base / "beside" / "kept").read_text() != KEPT:
        found.append("a file outside was touched")
    if complete and (dst / "extra-dir").exists():
        found.append("what should be deleted is there")
    if not killed:
        found += [f"temporary file {name} is left" for name in temporaries(dst)]
    return found


def temporaries(root: Path) -> list[str]:
    return [name for _, _, names in os.walk(root) for name in names if TEMPORARY.match(name)]


def remove(base: Path) -> None:
    shutil.rmtree(base, ignore_errors=True)
