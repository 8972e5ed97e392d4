"""The C kernel under sanitizers, and its coverage: copies of the reference with a kernel built anew.

``build`` makes a copy of the package in which the kernel is compiled by clang with AddressSanitizer,
UndefinedBehaviorSanitizer and libFuzzer's edge counters, so that atheris sees its edges. The process
that loads it needs atheris's own sanitizer library, loaded first (``environment``). ``count`` builds one
with gcov's counters and replays the corpora.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import planted

#: Targets whose inputs go to the kernel.
TARGETS = (
    *(
        "native_kernel",
        "native_bulk",
        "native_ring",
        "native_ring_life",
        "native_small",
        "native_rows",
        "native_rowfiles",
    ),
    *("delta_match", "session"),  # which reach it too, more slowly
)
#: What the compiler adds; the first thing undefined ends the process.
SANITIZERS = (
    "-g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined"
)


class CannotBuild(LookupError):
    """A compiler or a library is missing; the message says which, and what to install."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Lines of one C file, those that ran, and the numbers of those that did not."""

    name: str
    lines: int
    ran: int
    missing: tuple[int, ...]


def library() -> Path:
    """The sanitizer library that comes with atheris."""
    spec = importlib.util.find_spec("atheris")
    if spec is None or spec.origin is None:
        raise CannotBuild("atheris is not installed, and with it the sanitizers' library")
    for place in (Path(spec.origin).parent, Path(spec.origin).parent.parent):
        if (place / "asan_with_fuzzer.so").is_file():
            return place / "asan_with_fuzzer.so"
    raise CannotBuild("this build of atheris has no asan_with_fuzzer.so")


def build(place: Path, compiler: str, flags: str) -> Path:
    """Copy the reference to ``place`` and build its kernel there; the directory for ``PYTHONPATH``."""
    if shutil.which(compiler) is None:
        raise CannotBuild(f"{compiler} is not installed")
    copy = place / "refsync"
    shutil.copytree(planted.package(), copy, ignore=shutil.ignore_patterns("__pycache__", "_kernel*"))
    environment = {
        **os.environ,
        "CC": compiler,
        "LDSHARED": f"{compiler} -shared",
        "CFLAGS": flags,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, str(copy / "native" / "build.py")],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not list(place.glob("_kernel*.so")) + list(copy.glob("_kernel*.so")):
        # the compiler's words; behind them Python only says where it has called it
        said = (done.stdout + done.stderr).partition("Traceback")[0][-3000:]
        raise CannotBuild(f"the kernel can't be built with {compiler}:\n{said}")
    for made in place.glob("_kernel*.so"):
        made.rename(copy / made.name)
    return place


def environment(place: Path) -> Mapping[str, str]:
    """For a process that loads a sanitized kernel."""
    return {
        **os.environ,
        "PYTHONPATH": str(place),
        "LD_PRELOAD": str(library()),
        # Python's own allocations are not ours to judge
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
    }


def fuzz(targets: Sequence[str], arguments: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """Run each target over a kernel with sanitizers: its name, exit code, what was printed."""
    with tempfile.TemporaryDirectory(prefix="refsync-sanitized-") as name:
        place = build(Path(name), "clang", SANITIZERS)
        for target in targets:
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "refsync_fuzz",
                    "run",
                    target,
                    "--engine",
                    "atheris",
                    "--log",
                    *arguments,
                ],
                env=environment(place),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            )
            yield target, done.returncode, done.stdout


def counted_edges(log: str) -> int:
    """Edges of C that the fuzzer counts, as it says when it starts; 0 if it sees none."""
    return sum(int(found) for found in re.findall(r"Loaded 1 modules\s+\((\d+) inline 8-bit counters\)", log))


def count(targets: Sequence[str]) -> list[Covered]:
    """What the committed corpora reach of each C file, by gcov."""
    if shutil.which("gcov") is None:
        raise CannotBuild("gcov is not installed")
    with tempfile.TemporaryDirectory(prefix="refsync-gcov-") as name:
        place = build(Path(name), "gcc", "-O0 -g --coverage")
        done = subprocess.run(
            [sys.executable, "-m", "refsync_fuzz", "replay", *targets],
            env={**os.environ, "PYTHONPATH": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotBuild(f"the replay failed:\n{(done.stdout + done.stderr)[-2000:]}")
        notes = sorted(place.rglob("*.gcno"))
        if not notes:
            raise CannotBuild("the compiler has left no notes for gcov")
        sources = place / "refsync" / "native"
        for note in notes:
            subprocess.run(
                ["gcov", "-o", str(note.parent), str(note)], cwd=sources, capture_output=True, check=False
            )
        return [covered(path) for path in sorted(sources.glob("*.c.gcov")) if (sources / path.stem).is_file()]


def covered(path: Path) -> Covered:
    """Read one ``NAME.c.gcov``."""
    lines, missing = 0, []
    for row in path.read_text(errors="replace").splitlines():
        times, number, _ = (part.strip() for part in row.split(":", 2))
        if times == "-" or number == "0":
            continue
        lines += 1
        if times in ("#####", "====="):
            missing.append(int(number))
    return Covered(path.stem, lines, lines - len(missing), tuple(missing))


def table(rows: Sequence[Covered]) -> str:
    """For people, with the lines that were not reached."""
    text = []
    for row in rows:
        share = 100 * row.ran / row.lines if row.lines else 100.0
        text.append(
            f"{row.name:22} {row.ran:4} of {row.lines:4} lines  {share:5.1f} %  not: {_ranges(row.missing)}"
        )
    return "\n".join(text)


def _ranges(numbers: Sequence[int]) -> str:
    """``3-5 9``: neighbours together."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(str(one) if one == other else f"{one}-{other}" for one, other in parts) or "none"
