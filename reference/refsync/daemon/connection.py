"""One client of the daemon, from its greeting to the end of its transfer.

Clauses DAEMON-8 to DAEMON-10; upstream ``clientserver.c:start_daemon``, ``rsync_module``.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Sequence

from ..engine import preload  # noqa: F401 - a chroot hides modules
from ..engine.server import offer_from, serve
from ..engine.session import PeerExit
from ..files.interrupt import Interrupted
from ..files.log import Log
from ..files.temp import discard_all
from ..options.chmod import parse as parse_chmod
from ..options.combinations import cap_max_alloc
from ..options.model import Options
from ..options.parse import parse
from ..options.refusal import Refusals
from ..options.saying import settle_log
from ..session.daemon_server import Admitted, Refused, read_arguments, start
from ..session.link import Link, PeerClosed
from ..session.setup import negotiate
from ..session.tasks import Tasks
from ..transport.pace import Pace
from ..transport.pump import FAREWELL, Pump
from ..wire import mux
from ..wire.errors import Exit, RefsyncError
from ..wire.integers import int32
from .access import Client
from .config import Config
from .converter import Converter
from .entrance import Start
from .host import ModuleHost
from .paths import expand_arguments

#: Seconds that a client has from its connection to its last argument: who only connects must not
#: hold a place for long, however slowly it goes on sending.
HANDSHAKE_SECONDS = 60

#: What a client may not ask of a daemon: options that read or write the daemon's own files before any
#: confinement, or run something. Their names may have more after them, such as ``=FILE``.
_REFUSED = (
    *("config", "daemon", "dparam", "early-input", "log-file", "password-file", "rsh", "rsync-path"),
    *("exclude", "include", "filter", "read-batch", "write-batch"),
    *("remote-option", "version", "help"),
)
_REFUSED_LETTERS = "fFMVh"


class Connection:
    """Serves one client over two descriptors, which may be the same socket.

    ``finish`` tells the other end that nothing more will be sent. ``head`` was read already.
    """

    def __init__(
        self,
        start: Start,
        config: Config,
        client: Client,
        log: Log,
        fd_in: int,
        fd_out: int,
        *,
        finish: Callable[[], None] = lambda: None,
        head: bytes = b"",
    ) -> None:
        self._start = start
        self._finish = finish
        self._host = ModuleHost(start, config, client, log, {fd_in, fd_out})
        self._log = log
        self._link = Link()
        self._link.feed(head)
        self._pump = Pump(self._link, fd_in, fd_out)

    def run(self) -> int:
        """Returns the exit code; nothing escapes."""
        begin_deadline()
        tasks = Tasks(self._link, self._converse())
        code = int(Exit.CRASHED)
        try:
            self._pump.run(tasks)
            code = int(tasks.results[0])
        except PeerExit as error:
            code = error.code
            self._pump.flush()
        except PeerClosed as error:
            code = error.code
            if self._host.context and not self._link.framed_out:  # else the transfer has logged it
                self._log(f"{error} (code {code})")
        except RefsyncError as error:
            code = error.code
            logged = self._link.framed_out or isinstance(error, Refused)  # by the transfer, or the host
            if error.message and not logged:
                self._log(f"{error} (code {code})")
            if code != Exit.TIMEOUT:  # who has had its time gets no more of it
                self._pump.flush()
                self._finish()
                self._pump.drain_input()
        except Interrupted as stop:
            code = stop.code
            self._pump.flush(FAREWELL)
        except Exception:  # a connection must end with a code and a trace in the log, whatever it meets
            self._log(traceback.format_exc().rstrip())
        finally:
            signal.alarm(0)
            discard_all()
        return code

    async def _converse(self) -> int:
        link, host = self._link, self._host
        self._log(f"connect from {host.client.host} ({host.client.address})")
        admitted = await start(link, host)
        if admitted is None:
            signal.alarm(0)
            return Exit.OK
        context = host.context
        assert context is not None
        head, named = split_arguments(admitted.arguments)
        if is_secluded(head):  # the real ones follow, behind a program's name (OPT-3)
            words = await read_arguments(link)
            if host.charset is not None:  # ICONV-6: whether or not the client converts names
                words = [host.charset.text_from_wire(word) for word in words]
            more, named = split_arguments(words[1:])
            # below protocol 30 upstream's client lets "(null)" stand where its own list of arguments ends
            head = [word for word in head if word.startswith(b"-")] + more
        signal.alarm(0)
        options, objection = self._parse(head)
        rules = context.rules(sender=options.sender)
        paths = expand_arguments(
            named, admitted.module, context.root, lambda name, is_dir: rules.check(name, is_dir) < 0
        )
        request = b" ".join(named)
        direction = "on" if options.sender else "to"
        who = f"{host.user}@" if host.user else ""
        shown = request.decode("utf-8", "surrogateescape")
        complaint = host.hooks.before_transfer(request, [b"rsyncd", *head, b".", *paths])
        self._log(f"rsync {direction} {shown} from {who}{host.client.host} ({host.client.address})")
        if complaint or objection:
            error = objection or RefsyncError("", Exit.UNSUPPORTED)
            error.message = complaint.decode("utf-8", "surrogateescape").rstrip() or error.message
            await self._reject(admitted, head, error, complaint)
            raise error
        if host.hooks.converter is not None:
            context.names = Converter(host.hooks.converter)
        self._adjust(options, admitted)
        return await serve(
            link,
            options,
            [b".", *paths],
            module=context,
            remote_protocol=admitted.remote_protocol,
            log=self._log.write,
            charset=None if options.iconv is None else host.charset,
        )

    def _parse(self, head: Sequence[bytes]) -> tuple[Options, RefsyncError | None]:
        """The client's options, and what is wrong with them."""
        try:
            check_options(head)
            refusals = Refusals(
                self._host.section.text("refuse options"), iconv=self._host.charset is not None
            )
            for word in refusals.unknown:
                self._log(f'No match for refuse-options string "{word}"')
            options, rest = parse([os.fsdecode(word) for word in head], allow=refusals.check)
            refusals.check_implied(options)
            if rest or not options.server:
                raise RefsyncError("the arguments are not those of a server", Exit.SYNTAX)
        except RefsyncError as error:
            return Options(server=True, sender=b"--sender" in head), error
        return options, None

    def _adjust(self, options: Options, admitted: Admitted) -> None:
        """What the module says about the client's options."""
        section = self._host.section
        options.protocol = admitted.protocol
        for levels in (options.info, options.debug):
            levels.limit(section.number("max verbosity"))
        options.stderr, options.quiet = "client", False  # a daemon's standard error leads to nobody
        options.log_file = None  # the daemon's own log is the only one
        options.log_file_format = self._start.log_format or None
        if section.flag("transfer logging") and not options.log_file_format:
            options.log_file_format = section.text("log format")
        settle_log(options)
        cap_max_alloc(options, os.environ)
        options.ignore_errors |= section.flag("ignore errors")
        options.munge_links = self._host.munge_links
        options.sanitize_links = not options.munge_links and self._host.confined
        options.unmatched_ids = self._host.numeric_ids
        chmod = section.text("outgoing chmod" if options.sender else "incoming chmod")
        try:
            parse_chmod(chmod or "u+r", 0)
            options.module_chmod = chmod
        except ValueError:
            kind = "outgo" if options.sender else "incom"
            self._log(f'Invalid "{kind}ing chmod" directive: {chmod}')
        if section.flag("fake super"):
            options.fake_super, options.xattrs = True, min(options.xattrs, 1)
        elif options.fake_super:  # a client can't have the module keep what is not its own to keep
            options.fake_super, options.super_user = False, True
        noatime = section.maybe("open noatime")
        if noatime is not None:
            options.open_noatime = noatime
        if not options.temp_dir:
            options.temp_dir = section.text("temp dir") or None
        limit = section.number("timeout")
        if limit and (not options.timeout or limit < options.timeout):
            options.timeout = limit
        self._pump.timeout = options.timeout
        limits = [limit for limit in (options.bwlimit, self._start.bwlimit) if limit]
        self._pump.pace = Pace(min(limits, default=0))

    async def _reject(
        self, admitted: Admitted, head: Sequence[bytes], error: RefsyncError, complaint: bytes = b""
    ) -> None:
        """DAEMON-10: a client takes errors in frames by now, so the setup has to be gone through for them."""
        link = self._link
        offer = offer_from(guess_options(head, admitted), remote_protocol=admitted.remote_protocol)
        agreement = await negotiate(link, offer)
        if any(word.startswith(b"--files-from") for word in head) and b"--sender" not in head:
            link.write(b"\0")
        text = complaint or f"rsync: {error.message}\n".encode("utf-8", "surrogateescape")
        for line in text.splitlines(keepends=True):
            link.message(mux.ERROR, line)
        error.code = int(Exit.UNSUPPORTED)
        if agreement.dialect.error_exit:
            link.message(mux.ERROR_EXIT, int32(error.code))
        await link.flush()


def split_arguments(arguments: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Options, and the paths after the first lone dot."""
    if b"." not in arguments:
        return list(arguments), []
    dot = arguments.index(b".")
    return list(arguments[:dot]), list(arguments[dot + 1 :])


def is_secluded(head: Sequence[bytes]) -> bool:
    """Whether the client keeps its arguments out of sight: ``-s`` before the letters of ``-e``."""
    return any(word[:1] == b"-" and word[:2] != b"--" and "s" in _bundle(word) for word in head)


def check_options(head: Sequence[bytes]) -> None:
    """DAEMON-10: refuse what a client must not make the daemon do, before it is even parsed."""
    for word in head:
        if word.startswith(b"--"):
            name = word[2:].partition(b"=")[0].decode("latin-1")
            if name.startswith(_REFUSED):
                raise RefsyncError(f"The server is configured to refuse --{name}", Exit.UNSUPPORTED)
        elif word.startswith(b"-"):
            for letter in _bundle(word):
                if letter in _REFUSED_LETTERS:
                    raise RefsyncError(f"The server is configured to refuse -{letter}", Exit.UNSUPPORTED)


def guess_options(head: Sequence[bytes], admitted: Admitted) -> Options:
    """Of options that could not be parsed, those that decide how the setup goes."""
    options = Options(server=True, protocol=admitted.protocol, sender=b"--sender" in head, inc_recurse=False)
    for word in head:
        text = word.decode("latin-1")
        if text.startswith("-") and not text.startswith("--"):
            letters, e, capabilities = text[1:].partition("e")
            options.capabilities = capabilities if e else options.capabilities
            options.compress |= "z" in letters
        elif text.startswith("--checksum-choice="):
            options.checksum_choice = text.partition("=")[2]
        elif text.startswith(("--compress-choice=", "--new-compress", "--old-compress")):
            choice = {"--new-compress": "zlibx", "--old-compress": "zlib"}
            options.compress_choice = choice.get(text) or text.partition("=")[2]
            options.compress = int(options.compress_choice != "none")
        elif text.startswith("--compress-level="):
            options.compress = options.compress or -1
    return options


def _bundle(word: bytes) -> str:
    """The letters of a bundle; ``e`` takes all that follows it."""
    return word[1:].decode("latin-1").partition("e")[0]


def begin_deadline() -> None:
    """DAEMON-9: from now on the client's time runs, unless it does already."""
    signal.signal(signal.SIGALRM, _too_slow)
    left = signal.alarm(HANDSHAKE_SECONDS)
    if left:
        signal.alarm(left)


def _too_slow(number: int, frame: object) -> None:
    raise RefsyncError(
        f"the client took more than {HANDSHAKE_SECONDS} seconds to say what it wants", Exit.TIMEOUT
    )
