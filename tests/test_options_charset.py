"""What a client tells the server of ``--iconv``."""

from __future__ import annotations

import pytest
from refsync.options.model import Options
from refsync.options.server_args import build


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, None),
        ("-", None),
        (".", "."),
        ("UTF-8", "UTF-8"),
        ("UTF-8,ISO-8859-1", "ISO-8859-1"),
        ("UTF-8,ISO-8859-1,X", "ISO-8859-1,X"),
        ("UTF-8,", ""),
        (",UTF-8", "UTF-8"),
    ],
)
def test_the_server_is_told_its_own_charset(given: str | None, sent: str | None) -> None:
    args = build(Options(iconv=given), inc_recurse=True)
    assert [arg for arg in args if arg.startswith("--iconv")] == ([] if sent is None else [f"--iconv={sent}"])
