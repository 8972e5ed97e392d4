"""What a case's function is given: a place, two peers, and the means to build, run, demand and observe.

Demands (``same_tree``, ``equal``, ``check``) are held against every cell. Observations are remembered from
the control's cell and held against the cells of the peer under judgement, so that a case need not spell out
what upstream prints.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NoReturn

from refsync_conformance import compare, output, trees
from refsync_conformance.compare import Snapshot
from refsync_conformance.model import Case, Cell, Finding
from refsync_conformance.peers import probe
from refsync_conformance.peers.model import Peer
from refsync_conformance.sandbox import Finished, Sandbox
from refsync_conformance.transports import Daemon, DaemonRefused, Pipe, Standing, Transport, connect
from refsync_conformance.wiretap.render import lines
from refsync_conformance.wiretap.stream import Record
from refsync_conformance.wiretap.transcript import records

_REFUSED = re.compile(
    r"(?:not supported yet|unknown option|not configured|does not support|is not supported"
    r"|configured to refuse)"
)
#: Findings that one comparison adds at most; the rest is counted.
MOST = 12


class Unsupported(Exception):
    """The case can't be judged here: the peer or the machine lacks what it is about."""


class Stop(Exception):
    """The case can't go on; its findings say why."""


class Trial:
    """One cell being run. Paths are given relative to the cell's area: ``src/``, ``dst``."""

    def __init__(self, case: Case, cell: Cell, sandbox: Sandbox, peers: Mapping[str, Peer]) -> None:
        self.case = case
        self.cell = cell
        self.sandbox = sandbox
        self.protocol = cell.protocol
        self.area = os.fsencode(sandbox.area)
        self.findings: list[Finding] = []
        self.observations: dict[str, Any] = {}
        self.began_ns = time.time_ns()
        #: Whether a run hung, crashed or left something running: no peer may, whatever a case is about.
        self.grave = False
        self._peers = peers
        self._transport: Transport | None = None

    # --- places

    def path(self, place: str | bytes) -> bytes:
        """An absolute path in the area; a trailing slash stays."""
        return os.path.join(self.area, trees.as_bytes(place))

    def build(self, tree: Iterable[trees.Node], place: str = "src") -> None:
        """Make a tree, or add to one. Raises ``OSError`` as the system does."""
        trees.build(self.path(place), tree)

    def clone(self, source: str, target: str) -> None:
        """A copy of a tree with its attributes, made by the suite."""
        trees.copy(self.path(source), self.path(target))

    def write(self, place: str | bytes, content: bytes, *, mtime_ns: int = trees.EPOCH_NS) -> None:
        """Write (or replace the content of) one file and set its time."""
        path = self.path(place)
        with open(path, "wb") as stream:
            stream.write(content)
        os.utime(path, ns=(mtime_ns, mtime_ns))

    def read(self, place: str | bytes) -> bytes:
        """The content of a file; that the peer has left no file there to be read is a finding."""
        try:
            with open(self.path(place), "rb") as stream:
                return stream.read()
        except (IsADirectoryError, NotADirectoryError, FileNotFoundError) as problem:
            self.fail(f"{trees.as_bytes(place).decode('utf-8', 'replace')}", "a file", str(problem.strerror))
            raise Stop from problem

    def exists(self, place: str | bytes) -> bool:
        return os.path.lexists(self.path(place))

    def snapshot(self, place: str = "dst") -> dict[bytes, compare.Facts]:
        return compare.snapshot(self.path(place).rstrip(b"/"))

    # --- runs

    @property
    def transport(self) -> Transport:
        """The way to the far end, made when first needed."""
        if self._transport is None:
            try:
                client, server = self._peers[self.cell.client], self._peers[self.cell.server]
                self._transport = connect(self.cell.transport, self.sandbox, server, client)
            except DaemonRefused as refused:
                self.fail("the daemon starts", "it listens", str(refused))
                raise Stop from refused
        return self._transport

    def use_daemon(self, *, module: str = "", globals_: str = "", program: bytes = b"") -> Daemon:
        """Start the cell's daemon with further configuration lines, or connect to one that is up.

        ``program`` is what becomes the daemon, if it is not the peer itself.
        """
        address = self._peers[self.cell.server].address
        if address is not None:
            if module or globals_:
                self.unsupported("the daemon would have to be configured for this case")
            self._transport = standing = Standing(self.sandbox, address)
            return standing
        server = program or self.executable(self.cell.server)
        try:
            daemon = Daemon(self.sandbox, server, module=module, globals_=globals_)
        except DaemonRefused as refused:
            self.refused_option(refused.said)
            self.fail("the daemon starts", "it listens", str(refused))
            raise Stop from refused
        self._transport = daemon
        return daemon

    def executable(self, name: str) -> bytes:
        return os.fsencode(self._peers[name].path)

    @property
    def remote_is_source(self) -> bool:
        return self.cell.direction == "pull"

    @property
    def far_receiver_is_daemon(self) -> bool:
        """Whether a daemon receives, which keeps links inside of its module."""
        return self.cell.transport == "daemon" and not self.remote_is_source

    def at_receiver(self, place: str) -> bytes:
        """A place as an option of the receiving side names it: below the module where that is a daemon."""
        return b"/" + place.encode() if self.far_receiver_is_daemon else self.path(place)

    def sync(
        self,
        *options: str | bytes,
        sources: Collection[str | bytes] = ("src/",),
        dest: str | bytes | None = "dst/",
        expect: int | Collection[int] | None = 0,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Finished:
        """Transfer ``sources`` to ``dest`` in the cell's direction and demand the exit code (None: any that
        is a code).
        """
        here, there = self.path, lambda place: self.transport.remote(self.path(place))
        at_source, at_dest = (there, here) if self.remote_is_source else (here, there)
        places = [at_source(place) for place in sources]
        if dest is not None:
            places.append(at_dest(dest))
        return self.client(*options, places=places, expect=expect, env=env, timeout=timeout)

    def client(
        self,
        *options: str | bytes,
        places: Iterable[bytes] = (),
        expect: int | Collection[int] | None = 0,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Finished:
        """Run the client with the transport's options, the cell's protocol and these words."""
        peer = self._peers[self.cell.client]
        words = [*map(trees.as_bytes, options), b"--protocol=%d" % self.protocol, *self.transport.options()]
        if peer.protocol == self.protocol and "--protocol" in peer.as_client.lacks:
            words.remove(b"--protocol=%d" % self.protocol)  # it has no other version to speak
        if lacking := probe.missing(peer.as_client, words):
            self.unsupported(f"{peer.name} does not know {', '.join(sorted(set(lacking)))}")
        argv = [self.executable(self.cell.client), *words, *places]
        finished = self.sandbox.run(argv, timeout=timeout or self.case.timeout, env=env)
        self.ended(finished, expect)
        return finished

    def ended(self, finished: Finished, expect: int | Collection[int] | None) -> None:
        """Hold a run to its end: in time, with an expected code, leaving no process behind."""
        if finished.code is None:
            self.grave = True
            self.fail("the run ends", f"within {self.case.timeout:.0f} s", "it had to be killed")
            raise Stop
        self.grave |= bool(finished.leftovers) or finished.code < 0
        if finished.leftovers:
            self.fail("processes left behind", "none", str(finished.leftovers))
        wanted = {expect} if isinstance(expect, int) else expect
        if wanted is not None and finished.code not in wanted:
            said = finished.stderr.decode("utf-8", "backslashreplace")
            if finished.code != 0:
                self.refused_option(said)
            self.fail(
                "exit code",
                " or ".join(str(code) for code in sorted(wanted)),
                f"{finished.code}\n{said[-1500:]}".rstrip(),
            )
            raise Stop
        if finished.code < 0:
            self.fail("how the run ended", "with an exit code", f"by signal {-finished.code}")

    def refused_option(self, said: str) -> None:
        """Raise :class:`Unsupported` if a message refuses by name one of the case's optional features, or an
        option that the peer was found to lack.
        """
        peers = [self._peers[name] for name in (self.cell.client, self.cell.server) if name in self._peers]
        for line in said.splitlines():
            if any(probe.named(line) & (one.as_client.lacks | one.as_server.lacks) for one in peers):
                raise Unsupported(line.strip())
            if _REFUSED.search(line) and any(word in line for word in self.case.optional):
                raise Unsupported(line.strip())

    def unsupported(self, reason: str) -> NoReturn:
        """End the cell unjudged, with the reason."""
        raise Unsupported(reason)

    # --- demands

    def fail(self, what: str, expected: str, got: str) -> None:
        self.findings.append(Finding(what, expected, got))

    def equal(self, what: str, expected: object, got: object) -> None:
        """Demand that two values are the same."""
        if expected != got:
            self.fail(what, _show(expected), _show(got))

    def check(self, what: str, holds: bool, *, expected: str, got: str) -> None:
        """Demand that something holds."""
        if not holds:
            self.fail(what, expected, got)

    def matches(self, what: str, pattern: str, found: bytes) -> None:
        """Demand that output matches a regular expression somewhere."""
        shown = output.text(found, self.sandbox.area)
        if not re.search(pattern, shown, re.MULTILINE):
            self.fail(what, f"something that matches {pattern}", shown[-1500:] or "(nothing)")

    def same_tree(
        self,
        expected: str | Snapshot = "src",
        got: str | Snapshot = "dst",
        *,
        ignore: Collection[str] = (),
        without: Callable[[bytes], bool] | None = None,
    ) -> None:
        """Demand that two trees (places or snapshots) are alike in all that ``-a`` carries, less ``ignore``.

        Times count in nanoseconds from protocol 31 on, in seconds before. Which names are one file is left to
        :meth:`same_links`, extended attributes to :meth:`same_extended`: not all runs carry them.
        """
        want = self.snapshot(expected) if isinstance(expected, str) else dict(expected)
        have = self.snapshot(got) if isinstance(got, str) else dict(got)
        if without is not None:
            want = {name: facts for name, facts in want.items() if not without(name)}
        aspects = compare.ASPECTS - {"group", "extended"} - set(ignore)
        self._add(compare.differences(want, have, aspects=aspects, whole_seconds=self.protocol < 31))

    def untouched(self, before: Snapshot, place: str = "dst") -> None:
        """Demand that a tree is exactly what it was."""
        self._add(compare.differences(before, self.snapshot(place), what=f"{place} (must not change)"))

    def same_links(self, expected: str = "src", got: str = "dst") -> None:
        """Demand that the same names are one file in both trees."""
        self._add(compare.differences(self.snapshot(expected), self.snapshot(got), aspects={"group"}))

    def same_extended(self, expected: str = "src", got: str = "dst") -> None:
        """Demand that the extended attributes and access lists of two trees are the same."""
        self._add(compare.differences(self.snapshot(expected), self.snapshot(got), aspects={"extended"}))

    def _add(self, found: list[Finding]) -> None:
        self.findings.extend(found[:MOST])
        if len(found) > MOST:
            self.fail("further differences of this tree", "none", str(len(found) - MOST))

    # --- the suite as one of the ends

    def use_shell(self, script: str, *, runs_peer: bool = False) -> None:
        """Let this shell script be the remote shell: it plays the server, or stands before the peer."""
        server = self.executable(self.cell.server) if runs_peer else b"/bin/true"
        client = self._peers.get(self.cell.client)
        names_server = client is None or "--rsync-path" not in client.as_client.lacks
        self._transport = Pipe(self.sandbox, server, script=script, names_server=names_server)

    def use_transport(self, transport: Transport) -> None:
        """Let the far end be reached some other way."""
        self._transport = transport

    def serve(self, stdin: bytes, *options: str, expect: int | Collection[int] | None = None) -> Finished:
        """Run the peer as a server that receives into ``dst`` and is told ``stdin``, then end of file."""
        argv = [
            self.executable(self.cell.server),
            b"--server",
            *(trees.as_bytes(one) for one in options),
            b".",
            self.path("dst"),
        ]
        finished = self.sandbox.run(argv, timeout=self.case.timeout, stdin=stdin)
        self.ended(finished, expect)
        return finished

    # --- what was said

    def overhear(self) -> tuple[list[str], list[Record]]:
        """The server's arguments and all that was said in the run that ended last, of a ``tapped`` case.

        It has to be understood to the last byte.
        """
        captures = self.sandbox.taken_down()
        if not captures:
            self.fail("the conversation", "something is said", "nothing")
            raise Stop
        header, found = records(captures[-1])
        for record in found:
            if record.kind == "unknown" and _REFUSED.search(record.text):
                self.unsupported(record.text)
            if record.kind in ("wrong", "unknown"):
                shown = "\n".join(lines(record))
                self.fail("what is said", f"what {record.clause or 'the protocol'} has", shown)
                raise Stop
        return header.arguments, found

    # --- observations

    def observe(self, name: str, value: object) -> None:
        """Remember a value that has to be the same with the control at both ends."""
        self.observations[name] = value

    def observe_lines(self, name: str, finished: Finished) -> list[str]:
        """Remember standard output line by line, variable figures masked, deletions apart."""
        found = self._comparable(output.settled(output.lines(finished.stdout, self.sandbox.area)))
        self.observe(name, found)
        return found

    def items(self, finished: Finished, name: str = "itemised lines") -> list[str]:
        """Remember, and return, the itemised lines of a run."""
        found = self._comparable(output.settled(output.items(finished.stdout, self.sandbox.area)))
        self.observe(name, found)
        return found

    def _comparable(self, lines: list[str]) -> list[str]:
        """Without what upstream's server gets wrong below protocol 29: it does not say what it deletes."""
        if self.protocol >= 29 or self.remote_is_source:
            return lines
        return [line for line in lines if not line.startswith(("*deleting", "deleting "))]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _show(value: object) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(str(one) for one in value) or "(nothing)"
    if isinstance(value, bytes):
        return compare.printable(value[:2000])
    return str(value)


def against_control(control: dict[str, Any], trial_values: dict[str, Any]) -> list[Finding]:
    """Findings for observations that differ from the control's."""
    found: list[Finding] = []
    for name, value in trial_values.items():
        if name not in control:
            found.append(Finding(f"{name}, as the control has it", "(not observed)", _show(value)))
        elif name.startswith("tree "):
            found.extend(
                compare.differences(control[name], value, what=f"{name[5:]}, as the control leaves it")
            )
        elif control[name] != value:
            found.append(Finding(f"{name}, as the control has it", _show(control[name]), _show(value)))
    return found
