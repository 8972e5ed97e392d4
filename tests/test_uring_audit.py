"""The audit of the ring: every place that submits is reached by a real transfer, and the page says so."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from refsync.uring.sites import SITES
from uring_tools import usable

ROOT = Path(__file__).resolve().parent.parent


def audit() -> ModuleType:
    loader = SourceFileLoader("uring_audit", str(ROOT / "ci/uring-audit"))
    spec = importlib.util.spec_from_loader("uring_audit", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["uring_audit"] = module
    loader.exec_module(module)
    return module


def test_the_page_has_the_places_that_the_code_has() -> None:
    tool = audit()
    text = tool.PAGE.read_text()
    empty = {site.name: tool.Found() for site in SITES}
    assert tool.places(text) == tool.places(tool.page(empty))
    assert "**nothing**" not in text
    assert tool.unreached(empty) == [site.name for site in SITES]  # the check can fail


def test_sites_are_numbered_as_in_the_kernel() -> None:
    source = (ROOT / "reference/refsync/native/uring.c").read_text()
    names = source[source.index("SITE_READ_SOURCE") : source.index("SITES\n}")].replace("\n", " ").split(",")
    assert [name.strip() for name in names if name.strip()] == [
        "SITE_" + site.name.upper().replace("-", "_") for site in SITES
    ]


@pytest.mark.skipif(bool(usable()), reason=f"no ring here: {usable()}")
def test_a_transfer_reaches_every_place() -> None:
    tool = audit()
    found = tool.measure()
    assert tool.unreached(found) == []
    for site in SITES:
        here = found[site.name]
        assert here.opcodes <= set(site.opcodes)
        assert here.count.failed == 0
        if "RECV" not in site.opcodes:  # which goes on by itself
            assert here.count.completed == here.count.submitted
