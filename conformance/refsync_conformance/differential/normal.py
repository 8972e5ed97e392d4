"""What may differ between two programs that do the same: this is the whole list."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: (what it is about, what is looked for, what stands there instead)
RULES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("rates", re.compile(r"[\d.,]+[KMGT]?( bytes/sec)"), r"#\1"),
    ("rates and times of progress", re.compile(r" +[\d.]+[kMG]B/s +[\d?]+:[\d?]{2}:[\d?]{2}"), r" #B/s #"),
    ("pieces in which progress is shown", re.compile(r"\r +[\d,.KMGT]+ +\d+% #B/s # {2}(?=\r)"), ""),
    ("pieces in which progress is shown", re.compile(r"\r[^\r]*\(xfr#[^\r]*(?=\r)"), ""),
    ("bytes of the link", re.compile(r"\b(sent )\S+( bytes  received )\S+"), r"\1#\2#"),
    ("bytes of the link", re.compile(r"(speedup is )\S+"), r"\1#"),
    ("bytes of the link", re.compile(r"\b(Total bytes (?:sent|received): ).*"), r"\1#"),
    ("bytes of the link", re.compile(r"\b(File list (?:size|generation time|transfer time): ).*"), r"\1#"),
    ("hits in the hash table", re.compile(r"hash_hits=\d+  false_alarms=\d+"), "hash_hits=#"),
    ("bytes of the link", re.compile(r"\(\d+ bytes received so far\)"), "(# bytes received so far)"),
    ("ports", re.compile(r"\bport \d+"), "port #"),
    ("process ids", re.compile(r"pid=\d+"), "pid=#"),
    ("places in the source", re.compile(r" at \w+\.(?:c|py)\(\d+\)(?= \[)"), ""),
    ("names of the version", re.compile(r" \[(\w+)=(?:refsync )?\d[^\]]*\]"), r" [\1=VERSION]"),
    ("times and processes of a log", re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\d+\] "), "DATE [#] "),
    ("names of temporary files", re.compile(r"(\.\w+)\.\w{6}(?=\W|$)"), r"\1.#"),
)

#: What the generator tells by message: it overtakes the data by which others learn of an item.
MESSAGE = re.compile(
    r"^(\*?deleting |(skipping|cannot|created|could not|not creating) |IO error "
    r"|\S+ is (newer|uptodate|over|under) )"
)


def streams(found: list[str]) -> tuple[list[str], list[str]]:
    """Lines about items, and messages: each in an order of its own."""
    told = [bool(MESSAGE.match(line)) for line in found]
    return (
        [line for line, is_message in zip(found, told, strict=True) if not is_message],
        [line for line, is_message in zip(found, told, strict=True) if is_message],
    )


def lines(raw: bytes, names: Mapping[str, str]) -> list[str]:
    """The lines of an output after the rules; ``names``: paths of this run, and what stands for them."""
    text = raw.decode("utf-8", "backslashreplace")
    for path, name in names.items():
        text = text.replace(path, name).replace(path[1:], name)
    found = []
    for line in text.split("\n"):
        for _, pattern, instead in RULES:
            line = pattern.sub(instead, line)
        found.append(line)
    return found
