"""The supervisor's configuration for a home that is not beside the checkout, and who has a parent.

The top-level `supervisord.conf` is the one description of what runs. It names its paths from
`%(here)s`; a copy for another home is the same text with those paths replaced.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from gateway.domain.errors import BadConfig, Unavailable
from gateway.home import Home

CHECKOUT = Path(__file__).resolve().parent.parent
PARENT = "GATEWAY_PARENT"
"""In a program's environment, the process that looks after it, if that is no supervisor."""
_UNSAFE = set("\"'\n\r;,")  # they mean something in an ini file or in a supervisord list


def configuration_for(
    home: Home, template: str, checkout: Path = CHECKOUT, without: Collection[str] = ()
) -> str:
    """Its text; BadConfig if a path holds a character that the file cannot express.

    Programs `without` are known to the supervisor, and not started by themselves.
    """
    for path in (home.root, home.run, checkout):
        if _UNSAFE & set(str(path)):
            raise BadConfig(f"a path with quotes, commas or semicolons cannot be used: {path}")
    for program in without:
        header = f"[program:{program}]\n"
        template = template.replace(header, f"{header}autostart=false\n")
    return (
        template.replace("%(here)s/var/run", _escaped(home.run))
        .replace("%(here)s/var", _escaped(home.root))
        .replace("%(here)s", _escaped(checkout))
    )


def write_configuration(home: Home, without: Collection[str] = ()) -> Path:
    """Make the home's folders and put the file into its run folder."""
    home.make()
    template = (CHECKOUT / "supervisord.conf").read_text(encoding="utf-8")
    path = home.run / "supervisord.conf"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(configuration_for(home, template, without=without), encoding="utf-8")
    draft.replace(path)
    return path


def require_parent(environment: Mapping[str, str]) -> None:
    """Raises Unavailable if whoever started this program has ended already.

    `setpriv --pdeathsig` has the kernel end a program with its parent, but says nothing of one that
    was killed before that: such a program would be looked after by nobody, and keep out the one
    that takes its place.
    """
    if not _has_parent(environment):
        text = "whoever started this program has ended: another one is started in its place"
        raise Unavailable(text)


def _has_parent(environment: Mapping[str, str]) -> bool:
    """A supervisor's programs are of its session, and whoever takes in orphans is of another."""
    if PARENT in environment:
        return environment[PARENT] == str(os.getppid())
    if "SUPERVISOR_ENABLED" not in environment:
        return True
    try:
        return os.getsid(os.getppid()) == os.getsid(0)
    except ProcessLookupError:
        return False


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
