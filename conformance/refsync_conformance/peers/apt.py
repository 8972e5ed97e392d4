"""apt with a configuration, state and cache of its own, so that the machine's are never touched.

apt does what it is good at: verifying the archive's signature, resolving dependencies, fetching through
whatever proxy the machine uses, comparing sums. It sees an empty package database, so it downloads a program
with all of its libraries down to libc, and it never installs.

Sources: apt.conf(5), sources.list(5), apt-get(8).
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from refsync_conformance.peers.catalogue import Pinned, Release
from refsync_conformance.peers.machine import Mirror
from refsync_conformance.peers.model import PeerError

HELPER = "/usr/lib/apt/apt-helper"
"""apt's own downloader, which is not on the path."""

TIMEOUT = 600
"""Seconds for one call of apt; the largest index is about 10 MB."""


NOT_NEEDED = ("init-system-helpers", "lsb-base")
"""Declared as installed: they only start services, and pull Perl and dpkg in on older releases."""


def _installed(package: str) -> str:
    return (
        f"Package: {package}\nStatus: install ok installed\nVersion: 999\nArchitecture: all\n"
        f"Multi-Arch: foreign\nMaintainer: none\nDescription: declared, not there\n"
    )


def _environment(configuration: pathlib.Path | None = None) -> dict[str, str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    environment.pop("APT_CONFIG", None)
    if configuration is not None:
        environment["APT_CONFIG"] = str(configuration)
    return environment


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise PeerError(f"{command[0]} {command[1]} took longer than {TIMEOUT} s") from problem


def missing_tools() -> list[str]:
    """The programs that fetching needs and this machine lacks."""
    return [
        tool for tool in ("apt-get", "apt-cache", "apt-config", "dpkg-deb", "dpkg") if not shutil.which(tool)
    ]


def acquire_settings(dump: str) -> list[str]:
    """The machine's own download settings (proxies, certificates, timeouts) out of `apt-config dump`.

    Only these are taken: the rest has hooks that clean the machine's package cache after an update. What
    would weaken the signature check is left out too.
    """
    return [
        line
        for line in dump.splitlines()
        if line.startswith("Acquire::")
        and not line.startswith("Acquire::Allow")
        and "IndexTargets" not in line
    ]


class PrivateApt:
    """Some suites, through an apt that keeps everything below `top` (an existing directory).

    `suites` are pairs of a mirror and a suite on it; the first is the one that the release is looked for in.
    """

    def __init__(self, top: pathlib.Path, suites: list[tuple[Mirror, str]]) -> None:
        self.top = top
        self._mirror, self.suite = suites[0]
        for name in ("lists/partial", "archives/partial", "empty"):
            (top / name).mkdir(parents=True)
        (top / "status").write_text("\n".join(map(_installed, NOT_NEEDED)), encoding="utf-8")
        stanzas = [
            f"Types: deb\nURIs: {mirror.uri}\nSuites: {suite}\n"
            f"Components: main\nSigned-By: {mirror.signed_by}\n"
            for mirror, suite in suites
        ]
        (top / "peer.sources").write_text("\n".join(stanzas), encoding="utf-8")
        dump = _run(["apt-config", "dump"], _environment()).stdout
        self.architecture = _run(["dpkg", "--print-architecture"], _environment()).stdout.strip()
        ours = {
            "Dir::State": top,
            "Dir::State::lists": top / "lists",
            "Dir::State::status": top / "status",
            "Dir::State::extended_states": top / "extended_states",
            "Dir::Cache": top,
            "Dir::Cache::archives": top / "archives",
            "Dir::Log": top / "log",
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": top / "empty",
            "Dir::Etc::sourcelist": top / "peer.sources",
            "Dir::Etc::sourceparts": top / "empty",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": top / "empty",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            # Downloading as another user fails below a home directory that is closed to it.
            "APT::Sandbox::User": "root",
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "Acquire::AllowDowngradeToInsecureRepositories": "false",
        }
        text = ['Acquire::Retries "2";', *acquire_settings(dump)]
        text += [f'{key} "{value}";' for key, value in ours.items()]
        configuration = top / "apt.conf"
        configuration.write_text("\n".join(text) + "\n", encoding="utf-8")
        self._environment = _environment(configuration)

    def _apt(self, command: list[str], purpose: str) -> str:
        done = _run(command, self._environment)
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
            detail = "\n".join(f"    {line}" for line in (said or done.stderr.splitlines())[:4])
            raise PeerError(f"{purpose} failed (apt exit {done.returncode})\n{detail}".rstrip())
        return done.stdout

    def update(self) -> None:
        """Fetch and verify the suite's index. Raises PeerError, also if it isn't signed by the key ring."""
        self._apt(["apt-get", "update", "-q=2"], f"reading the package index of {self.suite}")

    def version(self, release: Release) -> str | None:
        """The newest package version in the suite that is the release wanted, or None."""
        # "   rsync | 3.4.1+ds1-5 | http://mirror/debian trixie/main amd64 Packages", newest first
        for line in self._apt(
            ["apt-cache", "madison", release.package], f"searching {self.suite}"
        ).splitlines():
            columns = [column.strip() for column in line.split("|")]
            if len(columns) >= 2 and is_version(columns[1], release.wanted):
                return columns[1]
        return None

    def download(self, package: str, version: str) -> list[pathlib.Path]:
        """Fetch that package and everything it depends on; the `.deb` files, verified by apt."""
        return self._download(f"{package}={version}", f"fetching {package} {version} from {self.suite}")

    def download_pinned(self, pinned: Pinned) -> list[pathlib.Path]:
        """As `download`, for a package that only the pool has: apt checks it against the pinned digest."""
        purpose = f"fetching {pinned.version} from the pool behind {self.suite}"
        digest = pinned.sha256.get(self.architecture)
        if digest is None:
            raise PeerError(f"{purpose} failed: no digest is pinned for {self.architecture}")
        path = pinned.path.format(architecture=self.architecture)
        package = self.top / path.rpartition("/")[2]
        address = f"{self._mirror.uri.rstrip('/')}/{path}"
        self._apt([HELPER, "download-file", address, str(package), f"SHA256:{digest}"], purpose)
        return [package, *self._download(str(package), purpose)]

    def _download(self, what: str, purpose: str) -> list[pathlib.Path]:
        command = ["apt-get", "install", "-q=2", "-y", "--download-only", "--no-install-recommends"]
        self._apt([*command, what], purpose)
        return sorted((self.top / "archives").glob("*.deb"))


def upstream_version(package_version: str) -> str:
    """The upstream part of a package's version, `3.4.1` of `1:3.4.1+ds1-5`."""
    return package_version.rpartition(":")[2].rpartition("-")[0].partition("+")[0]


def is_version(package_version: str, wanted: str) -> bool:
    """Whether a package's version (`[epoch:]upstream-revision`) is of the wanted upstream version.

    `3.4.1` takes `3.4.1+ds1-5` and not `3.4.10-1`; a wanted version that ends in a dot takes all below it.
    """
    upstream = package_version.rpartition(":")[2]
    if not upstream.startswith(wanted):
        return False
    rest = upstream[len(wanted) :]
    return wanted == "" or wanted.endswith(".") or (not rest[:1].isdigit() and rest[:1] != ".")
