"""OUT-14: when the log of a client has the totals of its run."""

from __future__ import annotations

from pathlib import Path

import pytest
from refsync.cli.messages import Printer
from refsync.engine.stats import Statistics
from refsync.files.log import Log
from refsync.options.parse import parse
from refsync.session.link import Link


@pytest.mark.parametrize(
    ("words", "sender", "code", "counts"),
    [
        ((), True, 0, "sent 4 bytes  received 0"),
        ((), False, 0, "sent 7 bytes  received 8"),
        ((), True, 23, "sent 4 bytes  received 0"),
        ((), False, 23, None),  # its counts are only whole at the end
        (("--stats",), True, 0, None),  # they were printed, and logged, as statistics
        (("--stats",), True, 23, "sent 4 bytes  received 0"),
    ],
)
def test_totals(tmp_path: Path, words: tuple[str, ...], sender: bool, code: int, counts: str | None) -> None:
    options, _ = parse([*words])
    options.sender = sender
    path = tmp_path / "log"
    printer = Printer(options, Log(str(path), tag="rsync"))
    printer.attach(Statistics(total_size=9, total_written=7, total_read=8))
    printer.link = Link()
    printer.link.write(b"data")
    printer.link.sent(len(printer.link.output()))
    printer.log_totals(code)
    said = path.read_text() if path.exists() else ""
    assert said.endswith(f"{counts} bytes  total size 9\n") if counts else not said


def test_a_log_that_cannot_be_written_goes_to_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("syslog.syslog", lambda priority, text: told.append(text))
    monkeypatch.setattr("syslog.openlog", lambda *words: told.append(words[0]))
    place = tmp_path / "logs"
    place.mkdir()
    log = Log(str(place / "log"), "a tag")
    log("first")
    log.release()
    (place / "log").rename(tmp_path / "rotated")
    place.rmdir()
    log("second")
    place.mkdir()
    log("third")
    assert told == [
        "a tag",
        f"failed to write to log-file {place}/log: No such file or directory (2)",
        "second",
    ]
    assert (tmp_path / "rotated").read_text().endswith("] first\n")
    assert (place / "log").read_text().endswith("] third\n")
