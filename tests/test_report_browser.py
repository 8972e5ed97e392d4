"""The report in a real browser: filters, links and colours do what they say. Without one, skipped by name."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from refsync_conformance import registry, report, results, runner
from refsync_conformance.model import SCRIPTED, Cell, Finding, Outcome, Verdict
from refsync_conformance.peers.model import Peer

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason=f"no browser for the report: none of {', '.join(NAMES)} is installed"
)

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    "--disable-extensions",
    "--mute-audio",
    "--virtual-time-budget=4000",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with a failure, a pass, something unsupported and a case judged alone."""

    def outcome(case: str, verdict: Verdict, **fields: Any) -> Outcome:
        server = fields.pop("server", "up")
        place = Cell(case, fields.pop("transport", "pipe"), "push", 32, "mine", server)
        return Outcome(place, verdict, **fields)

    finding = [Finding("content of a", "one", "<two>")]
    run = runner.Run(
        outcomes=[
            outcome("TREE-001", Verdict.PASS),
            outcome("DEL-001", Verdict.FAIL, findings=finding, transcripts=["> 000000  1f  version"]),
            outcome("TIME-001", Verdict.UNSUPPORTED, reason="not here", transport="daemon"),
            outcome("BAD-001", Verdict.PASS, server=SCRIPTED),
        ],
        began=1.8e9,
    )
    peers = (Peer("mine", "1.0", 32, Path("/x"), "exec"), Peer("up", "3.4.1", 32, Path("/y"), "upstream"))
    data = results.as_data(run, registry.load(), peers, command="run", code=1, control="up")
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(report.render(data), encoding="utf-8")
    return path


def ask(page: Path, script: str, *arguments: str, fragment: str = "") -> Any:
    """What a script finds in the page, run after the page's own; fails for an error in either."""
    asked = page.with_name("asked.html")
    told = f"<script>(() => {{ const answer = (() => {{ {script} }})();"
    told += 'const pre = document.createElement("pre"); pre.id = "answer";'
    told += "pre.textContent = JSON.stringify(answer); document.body.append(pre); })();</script></body>"
    asked.write_text(page.read_text(encoding="utf-8").replace("</body>", told), encoding="utf-8")
    assert BROWSER is not None
    with tempfile.TemporaryDirectory(prefix="refsync-browser-", ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            [
                BROWSER,
                *QUIET,
                *arguments,
                f"--user-data-dir={profile}",
                "--dump-dom",
                f"file://{asked}{fragment}",
            ],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
    answer = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout, re.DOTALL)
    assert answer is not None, done.stderr[-2000:]
    return json.loads(html.unescape(answer[1]))


FILTERS = """
    const rows = [...document.querySelectorAll("tr.row")];
    const seen = () => rows.filter((one) => !one.hidden).map((one) => one.id);
    const set = (id, value) => {
        const one = document.getElementById(id);
        one.value = value;
        one.dispatchEvent(new Event(id === "find" ? "input" : "change"));
    };
    const found = { all: seen(), said: document.getElementById("shown").textContent };
    set("find", "del-0");
    found.word = seen();
    set("find", "");
    set("role", "role-client");
    found.role = seen();
    set("role", "");
    set("transport", "daemon");
    found.transport = seen();
    found.dim = document.querySelectorAll(".glance .dim").length;
    found.failures = [...document.querySelectorAll(".failure")].filter((one) => !one.hidden).length;
    set("transport", "");
    const box = document.querySelector('.filters input[value="fail"]');
    box.checked = false;
    box.dispatchEvent(new Event("change"));
    found.verdict = seen();
    return found;
"""


def test_filters_leave_what_they_say(page: Path) -> None:
    found = ask(page, FILTERS)
    assert sorted(found["all"]) == ["BAD-001", "DEL-001", "TIME-001", "TREE-001"]
    assert found["said"] == "4 of 4 cases"
    assert found["word"] == ["DEL-001"]
    assert found["role"] == ["BAD-001"]
    assert (found["transport"], found["dim"], found["failures"]) == (["TIME-001"], 3, 0)
    assert sorted(found["verdict"]) == ["BAD-001", "TIME-001", "TREE-001"]


LINKS = """
    const row = document.getElementById("DEL-001");
    const opened = !row.nextElementSibling.hidden;
    row.click();
    const closed = row.nextElementSibling.hidden;
    row.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    const link = row.nextElementSibling.querySelector('a[href^="#cell-"]');
    const failure = document.querySelector(link.getAttribute("href"));
    const style = (one) => getComputedStyle(one).backgroundColor;
    return { opened, closed, again: !row.nextElementSibling.hidden, failure: failure.tagName,
             wide: document.documentElement.scrollWidth <= innerWidth,
             paper: style(document.body), fetched: performance.getEntriesByType("resource").length };
"""


def test_links_open_what_they_lead_to_by_day_and_by_night(page: Path) -> None:
    day = ask(page, LINKS, "--window-size=1200,900", fragment="#DEL-001")
    night = ask(page, LINKS, "--force-dark-mode", "--window-size=500,900", fragment="#DEL-001")
    for found in (day, night):
        assert found["opened"] and found["closed"] and found["again"]
        assert found["failure"] == "DETAILS"
        assert found["fetched"] == 0
        assert found["wide"]
    channels = [sum(map(int, re.findall(r"\d+", one["paper"])[:3])) for one in (day, night)]
    assert channels[0] > 600 > 150 > channels[1]
