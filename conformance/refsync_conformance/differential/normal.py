"""What may differ between two programs that do the same: this is the whole list."""

from __future__ import annotations

import re

#: (what it is about, what is looked for, what stands there instead)
RULES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("rates", re.compile(r"[\d.,]+[KMGT]?( bytes/sec)"), r"#\1"),
    ("rates and times of progress", re.compile(r" +[\d.]+[kMG]B/s +[\d?]+:[\d?]{2}:[\d?]{2}"), r" #B/s #"),
    ("pieces in which progress is shown", re.compile(r"\r +[\d,.KMGT]+ +\d+% #B/s # {2}(?=\r)"), ""),
    ("bytes of the link", re.compile(r"^(sent )\S+( bytes  received )\S+"), r"\1#\2#"),
    ("bytes of the link", re.compile(r"(speedup is )\S+"), r"\1#"),
    ("bytes of the link", re.compile(r"^(Total bytes (?:sent|received): ).*"), r"\1#"),
    ("bytes of the link", re.compile(r"^(File list (?:size|generation time|transfer time): ).*"), r"\1#"),
    ("hits in the hash table", re.compile(r"hash_hits=\d+  false_alarms=\d+"), "hash_hits=#"),
    ("process ids", re.compile(r"pid=\d+"), "pid=#"),
    ("places in the source, names of the program", re.compile(r" at \S+\(\d+\) \[(\w+)=[^\]]*\]"), r" [\1]"),
    ("places in the source, names of the program", re.compile(r" \[(\w+)=refsync[^\]]*\]"), r" [\1]"),
    ("names of temporary files", re.compile(r"(\.\w+)\.\w{6}(?=\W|$)"), r"\1.#"),
)


def lines(raw: bytes, area: str) -> list[str]:
    """The lines of an output, in order of the alphabet: which process speaks first is a matter of luck."""
    text = raw.decode("utf-8", "backslashreplace").replace(area, "AREA").replace(area[1:], "AREA")
    found = []
    for line in text.split("\n"):
        for _, pattern, instead in RULES:
            line = pattern.sub(instead, line)
        found.append(line)
    return sorted(found)
