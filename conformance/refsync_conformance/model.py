"""The words that the suite is written in: case, cell, verdict, finding, outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refsync_conformance.trial import Trial

PROTOCOLS = (27, 28, 29, 30, 31, 32)
TRANSPORTS = ("local", "pipe", "daemon")
DIRECTIONS = ("push", "pull")
#: The name that a cell shows for the end that the suite itself plays.
SCRIPTED = "script"


class Verdict(StrEnum):
    """How a cell ended. Only ``pass``, ``departs`` and ``xfail`` leave a run conformant; ``unsupported``
    isn't judged but counted.
    """

    PASS = "pass"
    FAIL = "fail"
    DEPARTS = "departs"  # failed what should be; nothing that must be
    FLAKY = "flaky"  # failed, and passed when it was run once more
    XFAIL = "xfail"
    XPASS = "xpass"
    UNSUPPORTED = "unsupported"
    ERROR = "error"


class Breadth(StrEnum):
    """How much of the matrix a case visits by default (``--full`` visits all of it for every case)."""

    FULL = "full"  # every combination: the cases that everything else stands on
    NORMAL = "normal"  # two combinations, as unlike as may be, the cases taking turns
    NEWEST = "newest"  # one combination, in the newest version that is spoken
    NARROW = "narrow"  # one combination: for cases whose cost or subject doesn't repay more


class Judged(StrEnum):
    """Which ends of the conversation a case puts the peer at."""

    BOTH = "both"
    CLIENT = "client"  # the suite plays the server
    SERVER = "server"  # the suite plays the client


@dataclass(frozen=True, slots=True)
class Case:
    """One numbered case. ``id`` never changes its meaning; ``run`` raises or records through its
    :class:`Trial`.
    """

    id: str
    clause: str
    title: str
    run: Callable[[Trial], None]
    transports: tuple[str, ...] = TRANSPORTS
    directions: tuple[str, ...] = DIRECTIONS
    protocols: tuple[int, ...] = PROTOCOLS
    breadth: Breadth = Breadth.NORMAL
    judged: Judged = Judged.BOTH
    # : Features a peer may lack: its refusal of one of these options by name is ``unsupported``, of any
    # other a failure.
    optional: tuple[str, ...] = ()
    needs_root: bool = False
    #: Whether the control has to pass it first; a fault that the control has itself must not hide others'.
    controlled: bool = True
    #: Further clauses that it can't pass without.
    also: tuple[str, ...] = ()
    #: Whether what is said on the wire is taken down, for the case to look at.
    tapped: bool = False
    #: Whether destination trees are compared with those of the control run.
    differential: bool = True
    #: Whether all that it needs of a server is a connection: a daemon that is up already can be judged by it.
    connects: bool = False
    #: Seconds for one run of the peer.
    timeout: float = 40.0

    @property
    def topic(self) -> str:
        return self.id.rpartition("-")[0]

    @property
    def description(self) -> str:
        """How the case works, in full: the docstring of its function."""
        lines = (self.run.__doc__ or self.title).strip().splitlines()
        return "\n".join(line.strip() for line in lines)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One place in the matrix."""

    case: str
    transport: str
    direction: str
    protocol: int
    client: str
    server: str

    @property
    def combination(self) -> str:
        """The axes without the peers: ``push pipe 31``; local copies have no direction."""
        way = "copy" if self.transport == "local" else self.direction
        return f"{way} {self.transport} {self.protocol}"

    @property
    def pair(self) -> str:
        return f"{self.client}>{self.server}"

    def __str__(self) -> str:
        return f"{self.case} [{self.combination} {self.pair}]"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that wasn't as it should be; ``expected`` and ``got`` are text, lines where there are
    several.
    """

    what: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class RunLog:
    """One process that a cell ran, as the report shows it."""

    command: str
    code: int | None
    seconds: float
    stdout: str
    stderr: str


@dataclass(slots=True)
class Outcome:
    """What came of one cell."""

    cell: Cell
    verdict: Verdict
    findings: list[Finding] = field(default_factory=list)
    reason: str = ""
    seconds: float = 0.0
    runs: list[RunLog] = field(default_factory=list)
    #: What was said on the wire, explained; one text a conversation. A failed cell is run again for it.
    transcripts: list[str] = field(default_factory=list)
    #: Whether it was seen to do what nobody may, whatever the case is about: to hang, to crash.
    grave: bool = False
    #: What the control's cell is remembered by: name -> comparable value.
    observations: dict[str, Any] = field(default_factory=dict)
    control: bool = False
