"""Packages into a directory, and the wrapper that runs a program from it with its own libraries.

The program runs under the loader and the libc that it was built for, so a release for a newer system runs on
an older one and the other way round. The wrapper sets no environment: what a peer starts (a remote shell, the
other peer) must not inherit its libraries.
"""

from __future__ import annotations

import pathlib
import shlex
import shutil
import struct
import subprocess

from refsync_conformance.peers.model import PeerError

_PT_INTERP = 3


def unpack(packages: list[pathlib.Path], root: pathlib.Path) -> None:
    """Unpack `.deb` files into `root`. Raises PeerError when one is damaged."""
    root.mkdir()
    for package in packages:
        done = subprocess.run(
            ["dpkg-deb", "-x", str(package), str(root)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise PeerError(f"can't unpack {package.name}: {done.stderr.strip()}")
    # Manuals, translations and time zones: three quarters of the bytes, and nothing runs them.
    shutil.rmtree(root / "usr/share", ignore_errors=True)


def interpreter(program: pathlib.Path) -> str | None:
    """The loader that an ELF program asks for, or None if it needs none. Raises PeerError if it isn't ELF.

    Source: the ELF specification, program header PT_INTERP; both classes and both byte orders.
    """
    data = program.read_bytes()
    if data[:4] != b"\x7fELF":
        raise PeerError(f"{program} is not an ELF program")
    order = "<" if data[5] == 1 else ">"
    try:
        if data[4] == 2:
            (table,) = struct.unpack_from(order + "Q", data, 32)
            size, count = struct.unpack_from(order + "HH", data, 54)
            at, length, form = 8, 32, "Q"
        else:
            (table,) = struct.unpack_from(order + "I", data, 28)
            size, count = struct.unpack_from(order + "HH", data, 42)
            at, length, form = 4, 16, "I"
        for header in range(table, table + size * count, size):
            if struct.unpack_from(order + "I", data, header)[0] == _PT_INTERP:
                (start,) = struct.unpack_from(order + form, data, header + at)
                (amount,) = struct.unpack_from(order + form, data, header + length)
                return data[start : start + amount].rstrip(b"\0").decode()
    except (struct.error, OverflowError, ValueError, IndexError) as problem:
        raise PeerError(f"{program} is a damaged ELF program") from problem
    return None


def command(root: pathlib.Path, program: str) -> list[str]:
    """The argument vector that runs `program` (relative to `root`) with the libraries below `root`."""
    target = root / program
    if not target.is_file():
        raise PeerError(f"the package has no {program}")
    loader = interpreter(target)
    if loader is None:
        return [str(target)]
    wanted = pathlib.PurePath(loader).name
    # A link may be absolute, and then names this machine's loader.
    inside = [path for path in sorted(root.rglob(wanted)) if path.resolve().is_relative_to(root.resolve())]
    loaders = sorted((path for path in inside if path.is_file()), key=pathlib.Path.is_symlink)
    if not loaders:
        raise PeerError(f"the packages have no {wanted}, which {program} needs")
    # The loader's own directory has libc; other packages may use the sibling of a system with merged /usr.
    home = loaders[0].parent.relative_to(root)
    plain = pathlib.PurePath(*home.parts[1:]) if home.parts[0] == "usr" else home
    places = [
        root / place for place in (home, plain, "usr" / plain, "lib", "usr/lib") if (root / place).is_dir()
    ]
    return [str(loaders[0]), "--library-path", ":".join(dict.fromkeys(map(str, places))), str(target)]


def wrapper_text(argv: list[str]) -> str:
    """A shell script that becomes `argv` with its own arguments appended."""
    return f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n'


def write_wrapper(path: pathlib.Path, argv: list[str]) -> None:
    """Write `wrapper_text` as an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(wrapper_text(argv), encoding="utf-8")
    path.chmod(0o755)
