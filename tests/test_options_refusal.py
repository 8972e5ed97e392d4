"""What a module's ``refuse options`` refuses."""

from __future__ import annotations

import pytest
from refsync.options.parse import parse
from refsync.options.refusal import Refusals
from refsync.wire.errors import RefsyncError


def refused(rules: str, *arguments: str) -> str:
    """The refusal's message, empty if all is taken."""
    refusals = Refusals(rules)
    try:
        options, _ = parse(["--server", *arguments], allow=refusals.check)
        refusals.check_implied(options)
    except RefsyncError as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    ("rules", "arguments", "name"),
    [
        ("checksum", ["-rc"], "--checksum (-c)"),
        ("c", ["-r", "--checksum"], "--checksum (-c)"),
        ("delete-*", ["-r", "--delete-after"], "--delete-after"),
        ("delete", ["-r", "--delete-after"], "--delete"),
        ("delete-during", ["-r", "--del"], "--del"),
        ("a", ["-t"], "--times (-t)"),
        ("*", ["-v"], "--verbose (-v)"),
        ("* !verbose", ["-vc"], "--checksum (-c)"),
        ("inplace", ["--append"], "--inplace"),
        ("partial", ["--inplace"], "--partial"),
        ("", ["--sender", "--copy-devices"], "--copy-devices"),
    ],
)
def test_what_is_refused(rules: str, arguments: list[str], name: str) -> None:
    message = refused(rules, *arguments)
    if "is not supported yet" in message:  # the option itself is still to come
        pytest.skip(message)
    assert message == f"The server is configured to refuse {name}"


@pytest.mark.parametrize(
    ("rules", "arguments"),
    [
        ("", ["-av"]),
        ("*", ["-n"]),
        ("* !a !r !l", ["-rl"]),
        ("delete !delete-after", ["-r"]),
        ("checksum !c", ["-c"]),
    ],
)
def test_what_is_taken(rules: str, arguments: list[str]) -> None:
    assert refused(rules, *arguments) == ""


def test_names_that_fit_nothing_are_told() -> None:
    assert Refusals("nonsense !also-nonsense checksum x*y").unknown == ["nonsense", "also-nonsense", "x*y"]
