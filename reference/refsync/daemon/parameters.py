"""Every parameter of ``rsyncd.conf``: its type, where it may stand, its default and what is done with it.

Names compare without case and white space. Clauses DAEMON-1, DAEMON-2;
upstream ``daemon-parm.txt``, ``rsyncd.conf(5)``.
"""

from __future__ import annotations

from ..engine.skip_compress import default_patterns
from ..records import dataclass

#: Types of values. "bool3" has a third value, unset (None); a "path" loses its trailing slashes.
STRING, PATH, INTEGER, BOOL, BOOL3, FACILITY = "string", "path", "integer", "bool", "bool3", "facility"

Value = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """``everywhere`` is False for global ones."""

    name: str
    type: str
    default: Value
    everywhere: bool = True


TABLE: tuple[Parameter, ...] = (
    # global
    Parameter("address", STRING, "", everywhere=False),
    Parameter("daemon chroot", STRING, "", everywhere=False),
    Parameter("daemon gid", STRING, "", everywhere=False),
    Parameter("daemon uid", STRING, "", everywhere=False),
    Parameter("motd file", STRING, "", everywhere=False),
    Parameter("pid file", STRING, "", everywhere=False),
    Parameter("socket options", STRING, "", everywhere=False),
    # upstream has 5, which a few clients at once fill: the kernel then lets nobody else connect
    Parameter("listen backlog", INTEGER, 512, everywhere=False),
    Parameter("port", INTEGER, 0, everywhere=False),
    Parameter("proxy protocol", BOOL, False, everywhere=False),
    Parameter("proxy protocol hosts", STRING, "", everywhere=False),  # upstream has it since 3.5
    # of a module, or the default for all modules that follow
    Parameter("auth users", STRING, ""),
    Parameter("charset", STRING, ""),
    Parameter("comment", STRING, ""),
    Parameter("dont compress", STRING, default_patterns().decode()),
    Parameter("early exec", STRING, ""),
    Parameter("exclude", STRING, ""),
    Parameter("exclude from", STRING, ""),
    Parameter("fake super", BOOL, False),
    Parameter("filter", STRING, ""),
    Parameter("forward lookup", BOOL, True),
    Parameter("gid", STRING, ""),
    Parameter("hosts allow", STRING, ""),
    Parameter("hosts deny", STRING, ""),
    Parameter("ignore errors", BOOL, False),
    Parameter("ignore nonreadable", BOOL, False),
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
    Parameter("name converter", STRING, ""),
    Parameter("numeric ids", BOOL3, None),
    Parameter("open noatime", BOOL3, None),
    Parameter("outgoing chmod", STRING, ""),
    Parameter("path", PATH, ""),
    Parameter("post-xfer exec", STRING, ""),
    Parameter("pre-xfer exec", STRING, ""),
    Parameter("read only", BOOL, True),
    Parameter("refuse options", STRING, ""),
    Parameter("reverse lookup", BOOL, True),
    Parameter("secrets file", STRING, ""),
    Parameter("strict modes", BOOL, True),
    Parameter("syslog facility", FACILITY, "daemon"),
    Parameter("syslog tag", STRING, "rsyncd"),
    Parameter("temp dir", PATH, ""),
    Parameter("timeout", INTEGER, 0),
    Parameter("transfer logging", BOOL, False),
    Parameter("uid", STRING, ""),
    Parameter("use chroot", BOOL3, None),
    Parameter("write only", BOOL, False),
)

#: Other names, each with the one that stands in the table.
ALIASES = {"bind address": "address", "rsync port": "port"}


def squeeze(name: str) -> str:
    """A name as it is compared: no white space, one case."""
    return "".join(name.split()).lower()


#: Parameters by their squeezed name.
PARAMETERS: dict[str, Parameter] = {squeeze(each.name): each for each in TABLE}
PARAMETERS.update({squeeze(alias): PARAMETERS[squeeze(name)] for alias, name in ALIASES.items()})
