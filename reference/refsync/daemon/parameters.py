"""Every parameter of ``rsyncd.conf``: its type, where it may stand, its default and what is done with it.

Names compare without case and white space. Clauses DAEMON-1, DAEMON-2;
upstream ``daemon-parm.txt``, ``rsyncd.conf(5)``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.skip_compress import default_patterns

#: Types of values. "bool3" has a third value, unset (None); a "path" loses its trailing slashes.
STRING, PATH, INTEGER, BOOL, BOOL3, FACILITY = "string", "path", "integer", "bool", "bool3", "facility"
#: What is done with a parameter. One that is refused keeps the daemon from starting, unless it has
#: a value that asks for nothing; one that is only not honoured is named once in the log.
SUPPORTED, REFUSED, NOT_HONOURED = "supported", "refused", "not honoured"

Value = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """``status`` other than supported has a ``reason``; ``everywhere`` is False for global ones."""

    name: str
    type: str
    default: Value
    everywhere: bool = True
    status: str = SUPPORTED
    reason: str = ""


def _refuse(name: str, type_: str, default: Value, reason: str, *, everywhere: bool = True) -> Parameter:
    return Parameter(name, type_, default, everywhere, REFUSED, reason)


_NO_PROGRAMS = "it runs a program, which this daemon does not do yet"

_TABLE: tuple[Parameter, ...] = (
    # global
    Parameter("address", STRING, "", everywhere=False),
    _refuse("daemon chroot", STRING, "", "the daemon would not be confined", everywhere=False),
    _refuse("daemon gid", STRING, "", "the daemon would keep its group", everywhere=False),
    _refuse("daemon uid", STRING, "", "the daemon would keep its user", everywhere=False),
    Parameter("motd file", STRING, "", everywhere=False),
    Parameter("pid file", STRING, "", everywhere=False),
    Parameter("socket options", STRING, "", False, NOT_HONOURED, "sockets keep the system's settings"),
    Parameter("listen backlog", INTEGER, 5, everywhere=False),
    Parameter("port", INTEGER, 0, everywhere=False),
    _refuse("proxy protocol", BOOL, False, "every client would have the proxy's address", everywhere=False),
    # of a module, or the default for all modules that follow
    Parameter("auth users", STRING, ""),
    Parameter("charset", STRING, ""),
    Parameter("comment", STRING, ""),
    Parameter("dont compress", STRING, default_patterns().decode()),
    _refuse("early exec", STRING, "", _NO_PROGRAMS),
    Parameter("exclude", STRING, ""),
    Parameter("exclude from", STRING, ""),
    Parameter("fake super", BOOL, False),
    Parameter("filter", STRING, ""),
    Parameter("forward lookup", BOOL, True),
    Parameter("gid", STRING, ""),
    Parameter("hosts allow", STRING, ""),
    Parameter("hosts deny", STRING, ""),
    Parameter("ignore errors", BOOL, False),
    _refuse("ignore nonreadable", BOOL, False, "unreadable files would be listed"),
    Parameter("include", STRING, ""),
    Parameter("include from", STRING, ""),
    Parameter("incoming chmod", STRING, ""),
    Parameter("list", BOOL, True),
    Parameter("lock file", STRING, "/var/run/rsyncd.lock"),
    Parameter("log file", STRING, ""),
    Parameter("log format", STRING, "%o %h [%a] %m (%u) %f %l"),
    Parameter("max connections", INTEGER, 0),
    Parameter("max verbosity", INTEGER, 1),
    Parameter("munge symlinks", BOOL3, None),
    _refuse("name converter", STRING, "", _NO_PROGRAMS),
    Parameter("numeric ids", BOOL3, None),
    Parameter("open noatime", BOOL3, None, True, NOT_HONOURED, "files are opened in the ordinary way"),
    Parameter("outgoing chmod", STRING, ""),
    Parameter("path", PATH, ""),
    _refuse("post-xfer exec", STRING, "", _NO_PROGRAMS),
    _refuse("pre-xfer exec", STRING, "", _NO_PROGRAMS),
    Parameter("read only", BOOL, True),
    Parameter("refuse options", STRING, ""),
    Parameter("reverse lookup", BOOL, True),
    Parameter("secrets file", STRING, ""),
    Parameter("strict modes", BOOL, True),
    Parameter("syslog facility", FACILITY, "daemon"),
    Parameter("syslog tag", STRING, "rsyncd"),
    _refuse("temp dir", PATH, "", "temporary files would go elsewhere"),
    Parameter("timeout", INTEGER, 0),
    Parameter("transfer logging", BOOL, False),
    Parameter("uid", STRING, ""),
    Parameter("use chroot", BOOL3, None),
    Parameter("write only", BOOL, False),
)

_ALIASES = {"bind address": "address", "rsync port": "port"}


def squeeze(name: str) -> str:
    """A name as it is compared: no white space, one case."""
    return "".join(name.split()).lower()


#: Parameters by their squeezed name.
PARAMETERS: dict[str, Parameter] = {squeeze(each.name): each for each in _TABLE}
PARAMETERS.update({squeeze(alias): PARAMETERS[squeeze(name)] for alias, name in _ALIASES.items()})
