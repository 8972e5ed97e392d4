"""refsync(1) and refsyncd.conf(5), made from the tables that the program itself reads.

``ci/man`` writes both to ``docs/man``, from where an installation takes them. Clause OPT-10.
"""

from __future__ import annotations

from .. import __version__
from ..daemon.parameters import ALIASES, BOOL, BOOL3, TABLE, Parameter
from ..options import rows_choosing, rows_saying, rows_updating
from ..options.option import Option
from ..options.table import OPTIONS
from ..wire.errors import EXIT_TEXT
from .help import PLACES, names
from .manual_texts import ENVIRONMENT, FILES, PARAMETERS
from .roff import Page

_GROUPS = (
    ("What a run says, and how it reaches the other side", rows_saying.OPTIONS),
    ("What is chosen, and how it is compared", rows_choosing.OPTIONS),
    ("How the destination is written", rows_updating.OPTIONS),
)


def command_page() -> str:
    """refsync(1)."""
    page = Page("refsync", 1, __version__)
    page.section("Name")
    page.paragraph("refsync - copy files, and only what differs of them, from here to there")
    page.section("Synopsis")
    for places in PLACES:
        page.paragraph(f"refsync [OPTION]... {places}")
    page.section("Description")
    page.paragraph(
        "refsync speaks the rsync protocol, versions 27 to 32, and takes rsync's command line. The other "
        "end may be refsync or any other rsync. It copies within one machine, over a remote shell, or with "
        "a daemon."
    )
    page.paragraph(
        "A single ':' after a host is a remote shell; '::' and 'rsync://' are a daemon, whose module comes "
        "first in the path. With a source alone the files are listed. A source that ends with '/' means "
        "what is in the directory; without, it means the directory itself."
    )
    page.section("Options")
    page.paragraph(
        "Long options take their argument after '=' or as the next word; they cannot be shortened. Letters "
        "can be bundled. --no-OPTION turns off what another option implies."
    )
    for title, options in _GROUPS:
        page.subsection(title)
        for option in options:
            if not option.hidden and not option.refused:
                page.item(names(option), describe(option))
    refused = [option for option in OPTIONS if option.refused]
    if refused:
        page.subsection("What is refused")
        page.paragraph(
            "These are rsync's too. refsync does not ignore them: it says why and ends with exit 4."
        )
        for option in refused:
            page.item(names(option), f"{option.help or 'not to be had'} ({option.refused})")
    page.subsection("Other names")
    other = sorted(f"--{option.name}" for option in OPTIONS if option.hidden and not option.refused)
    page.paragraph("Understood as in rsync, and of use to scripts and to servers: " + ", ".join(other) + ".")
    page.section("Exit status")
    page.item("0", "all was done")
    for code, text in sorted(EXIT_TEXT.items()):
        page.item(str(int(code)), text)
    page.section("Environment")
    for name, text in ENVIRONMENT:
        page.item(name, text)
    page.section("Files")
    for name, text in FILES:
        page.item(name, text)
    page.section("Examples")
    page.example(
        "refsync -av src/ host:backup/",
        "refsync -ai --delete --dry-run src/ dst/",
        "refsync -a rsync://host/module/ copy/",
        "refsync -a -e 'ssh -p 2222' host:src/ dst/",
    )
    page.section("See also")
    page.paragraph("refsyncd.conf(5), ssh(1), rsync(1)")
    return page.text


def describe(option: Option) -> str:
    """The help's line as a sentence, and what else the table knows."""
    text = option.help[:1].upper() + option.help[1:]
    if not text.endswith("."):
        text += "."
    if option.negatable:
        text += f" --no-{option.name} turns it off."
    return text


def daemon_page() -> str:
    """refsyncd.conf(5)."""
    page = Page("refsyncd.conf", 5, __version__)
    page.section("Name")
    page.paragraph("refsyncd.conf - the configuration of a refsync daemon")
    page.section("Description")
    page.paragraph(
        "The file has rsyncd.conf's form: lines 'name = value', modules that begin with '[name]', comments "
        "that begin with '#' or ';', and a backslash at the end of a line that goes on. What stands before "
        "the first module is global, or the default of all modules that follow. '&include FILE' reads a "
        "file with settings of its own, '&merge FILE' one that goes on here. %NAME% is a variable of the "
        "environment. Case and white space in names do not count."
    )
    page.paragraph(
        "A daemon reads it from /etc/rsyncd.conf unless --config names another, anew for each client. What "
        "is wrong in it is told with its line. A parameter that is not known is reported in the log."
    )
    page.section("Global parameters")
    _parameters(page, [each for each in TABLE if not each.everywhere])
    page.section("Module parameters")
    page.paragraph("Before the first module they set the default for all.")
    _parameters(page, [each for each in TABLE if each.everywhere])
    page.section("Example")
    page.example(
        "use chroot = no",
        "log file = /var/log/refsyncd.log",
        "",
        "[pub]",
        "path = /srv/pub",
        "comment = what everybody may read",
        "read only = yes",
        "hosts allow = 192.0.2.0/24",
    )
    page.section("See also")
    page.paragraph("refsync(1), rsyncd.conf(5)")
    return page.text


def _parameters(page: Page, parameters: list[Parameter]) -> None:
    for each in sorted(parameters, key=lambda parameter: parameter.name):
        text = PARAMETERS[each.name]
        text = text[:1].upper() + text[1:] + "."
        other = [alias for alias, name in ALIASES.items() if name == each.name]
        if other:
            text += f" Also written '{other[0]}'."
        text += f" Type: {_kind(each)}. Default: {_default(each)}."
        page.item(each.name, text)


def _kind(each: Parameter) -> str:
    return "yes or no" if each.type in (BOOL, BOOL3) else each.type


def _default(each: Parameter) -> str:
    if each.default is None:
        return "depends on the other settings"
    if isinstance(each.default, bool):
        return "yes" if each.default else "no"
    text = str(each.default)
    if len(text) > 200:
        return "the usual list of compressed kinds of files"
    return text or "none"
