"""What this machine's own apt configuration says about mirrors, read and never written.

The suite brings no list of mirrors. It takes the one that the machine's administrator chose, and changes only
the suite: somebody behind a local mirror or a proxy gets packages the way that the machine gets all others.

Sources: sources.list(5), both its one-line and its deb822 form.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterator

from refsync_conformance.peers.catalogue import Distribution

APT_DIRECTORY = pathlib.Path("/etc/apt")
KEYRINGS = pathlib.Path("/usr/share/keyrings")
OS_RELEASE = pathlib.Path("/etc/os-release")

DEBIAN_SUITES = frozenset(
    ["buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid", "stable", "testing", "unstable"]
)
UBUNTU_SUITES = frozenset(["focal", "jammy", "noble", "oracular", "plucky", "questing", "resolute", "devel"])
MIRROR_VARIABLES: dict[Distribution, str] = {
    "debian": "REFSYNC_DEBIAN_MIRROR",
    "debian-security": "REFSYNC_DEBIAN_SECURITY_MIRROR",
    "ubuntu": "REFSYNC_UBUNTU_MIRROR",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Mirror:
    """A mirror of one distribution; `signed_by` is a key ring's path or a key, as in a deb822 field."""

    uri: str
    signed_by: str


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One `deb` entry of the machine's apt configuration."""

    uri: str
    suite: str
    signed_by: str = ""


def one_line_sources(text: str) -> Iterator[Source]:
    """The `deb` entries of a `.list` file."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words or words[0] != "deb":
            continue
        words = words[1:]
        options: list[str] = []
        if words and words[0].startswith("["):
            while words:
                options.append(words.pop(0))
                if options[-1].endswith("]"):
                    break
        signed_by = ""
        for option in " ".join(options).strip("[] ").split():
            key, _, value = option.partition("=")
            if key.lower() == "signed-by":
                signed_by = value
        if len(words) >= 2:
            yield Source(words[0], words[1], signed_by)


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    key = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, key = {}, ""
        elif line[0] in " \t":
            if key:
                fields[key] += "\n" + line
        else:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()


def deb822_sources(text: str) -> Iterator[Source]:
    """The `deb` entries of a `.sources` file, one for each pair of mirror and suite."""
    for fields in _stanzas(text):
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, fields.get("signed-by", ""))


def sources(apt_directory: pathlib.Path | None = None) -> list[Source]:
    """All `deb` entries that apt would read on this machine, in its order."""
    top = APT_DIRECTORY if apt_directory is None else apt_directory
    found: list[Source] = []
    parts = top / "sources.list.d"
    for path in [top / "sources.list", *(sorted(parts.iterdir()) if parts.is_dir() else [])]:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # not there, or not for our eyes; what is missing is said when no mirror is found
        if path.suffix == ".list":
            found.extend(one_line_sources(text))
        elif path.suffix == ".sources":
            found.extend(deb822_sources(text))
    return found


def distribution_of(source: Source) -> Distribution | None:
    """Which archive a source is, told by its suite: hosts have any name, suites don't. None if neither."""
    stem = source.suite.partition("/")[0]
    for suffix in ("-security", "-updates", "-backports", "-proposed", "-proposed-updates"):
        stem = stem.removesuffix(suffix)
    if stem in DEBIAN_SUITES:
        return "debian-security" if source.suite.endswith(("-security", "/updates")) else "debian"
    if stem in UBUNTU_SUITES:
        return "ubuntu"
    return None


def keyring(distribution: Distribution) -> pathlib.Path:
    """Where the distribution's package puts its archive's key ring (it need not be there)."""
    return KEYRINGS / (
        "ubuntu-archive-keyring.gpg" if distribution == "ubuntu" else "debian-archive-keyring.gpg"
    )


def mirrors(distribution: Distribution, apt_directory: pathlib.Path | None = None) -> list[Mirror]:
    """Mirrors of a distribution: the environment's (see MIRROR_VARIABLES) or those apt is configured with.

    The distribution's whole key ring is preferred to a source's own `Signed-By`, which may hold the keys of
    the installed release alone; signatures are verified either way.
    """
    whole = keyring(distribution)
    named = os.environ.get(MIRROR_VARIABLES[distribution], "")
    if named:
        return [Mirror(named, str(whole))]
    found: list[Mirror] = []
    for source in sources(apt_directory):
        if distribution_of(source) != distribution or source.uri.startswith("cdrom:"):
            continue
        mirror = Mirror(source.uri, str(whole) if whole.is_file() else source.signed_by)
        if mirror.signed_by and mirror not in found:
            found.append(mirror)
    return found


def describe() -> str:
    """The machine's own name for its system, such as `Ubuntu 24.04.1 LTS`."""
    try:
        for line in OS_RELEASE.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            if key == "PRETTY_NAME":
                return value.strip("\"'")
    except OSError:
        pass
    return "an unknown system"


def advice(distribution: Distribution) -> str:
    """What to do when `mirrors` finds none, as one or two commands."""
    variable = MIRROR_VARIABLES[distribution]
    package = keyring(distribution).name.removesuffix(".gpg")
    lines = [f"this machine ({describe()}) has no {distribution} mirror among its apt sources; name one:"]
    if not keyring(distribution).is_file():
        lines.append(f"    sudo apt-get install {package}")
    lines.append(f"    export {variable}=http://YOUR-MIRROR/{distribution}")
    return "\n".join(lines)
