"""A log: a file, or the system's; a daemon's, or what ``--log-file`` names.

Clause OUT-14; upstream ``log.c:logit``, ``logfile_open``.
"""

from __future__ import annotations

import os
import syslog
import time

from ..options.named import open_named

_NAMES = (
    *("auth", "authpriv", "cron", "daemon", "kern", "lpr", "mail", "news", "syslog", "user", "uucp"),
    *(f"local{number}" for number in range(8)),
)
#: Names that the system's log knows.
FACILITIES: dict[str, int] = {name: getattr(syslog, f"LOG_{name.upper()}") for name in _NAMES}
FACILITIES["security"] = syslog.LOG_AUTH


class Log:
    """Writes lines. ``path`` empty means the system's log.

    The file is open only from one use to ``release``, so that it can be
    rotated; a connection opens it before it gives up its rights.
    """

    def __init__(self, path: str = "", tag: str = "rsyncd", facility: str = "daemon") -> None:
        self.path = path
        self._fd = -1
        self.failure = ""  # why ``path`` is not what is written to
        self._system = (tag, facility)
        time.localtime()  # a chroot takes the time zone's file away
        self._begin(tag, facility)

    def change(self, path: str, tag: str, facility: str) -> None:
        """Go on elsewhere, if that is another place: a module may have a log of its own."""
        if path == self.path and (path or (tag, facility) == self._system):
            return
        self.release()
        self.path, self._system = path, (tag, facility)
        self._begin(tag, facility)

    def _begin(self, tag: str, facility: str) -> None:
        path = self.path
        if path:
            try:
                self._open()
            except OSError as error:
                self.path = ""
                self.failure = f"failed to open log-file {path}: {error.strerror} ({error.errno})"
                self._use_system(tag, facility)
                self(self.failure)
        else:
            self._use_system(tag, facility)

    def write(self, text: bytes) -> None:
        """Log a message, without its last newline."""
        self(text.removesuffix(b"\n").decode("utf-8", "surrogateescape"))

    def __call__(self, text: str) -> None:
        """Log one or more lines; what could move a terminal's cursor is written as an escape."""
        for line in text.split("\n"):
            safe = printable(line)
            if not self.path:
                _to_system(safe)
                continue
            stamp = time.strftime("%Y/%m/%d %H:%M:%S")
            try:
                if self._fd < 0:
                    self._open()
                os.write(self._fd, f"{stamp} [{os.getpid()}] {safe}\n".encode("utf-8", "surrogateescape"))
            except OSError as error:  # no room, no directory: nobody's transfer fails for that
                self._use_system(*self._system)
                _to_system(f"failed to write to log-file {self.path}: {error.strerror} ({error.errno})")
                _to_system(safe)

    def release(self) -> None:
        """Close the file until it is next written to."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._fd = open_named(self.path, flags, 0o644)

    @staticmethod
    def _use_system(tag: str, facility: str) -> None:
        number = FACILITIES.get(facility.lower(), syslog.LOG_DAEMON)
        if facility.isascii() and facility.isdecimal() and int(facility) > 0:
            number = int(facility)  # as upstream: the number that syslog(3) takes
        syslog.openlog(tag, syslog.LOG_PID | syslog.LOG_NDELAY, number)


def _to_system(text: str) -> None:
    syslog.syslog(syslog.LOG_INFO, text.encode("utf-8", "backslashreplace").decode())


def printable(text: str) -> str:
    """OUT-14: a line without control characters but tabs."""
    return "".join(
        char if (char >= " " and char != "\x7f") or char == "\t" else f"\\#{ord(char):03o}" for char in text
    )
