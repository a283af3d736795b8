"""Which processes ended by an error of their own, by the supervisor's log."""

import re
from collections import defaultdict
from pathlib import Path

_EXITED = re.compile(r"exited: (\w+) \((exit status (\d+)|terminated by (\w+))")
_CRASHES = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL"}
_HELD = re.compile(r"cannot_start .*(held|another|in use)")


def falls_of(log_folder: Path) -> list[str]:
    """Neither killed nor told to stop. One that found the place of its predecessor still taken, as
    after a kill of the supervisor, did what it should: it says so, each time."""
    found: list[str] = []
    ended: dict[str, list[str]] = defaultdict(list)
    for line in _lines(log_folder / "supervisord.log"):
        exited = _EXITED.search(line)
        if exited is None:
            continue
        if exited[4] in _CRASHES:
            found.append(line)
        elif exited[3] not in {None, "0"} and exited[1] != "postgres":
            ended[exited[1]].append(line)
    for program, lines in ended.items():
        said = sum(_HELD.search(line) is not None for line in _lines(log_folder / f"{program}.log"))
        found += lines[said:]
    return found


def errors_in(log_folder: Path, program: str) -> list[str]:
    """Lines that say that something went wrong that nobody had foreseen."""
    marks = ("Traceback", "callback_failed", "Task exception was never retrieved", "unhandled")
    return [line for line in _lines(log_folder / f"{program}.log") if any(m in line for m in marks)]


def _lines(path: Path) -> list[str]:
    """With the file that was rotated away last before it."""
    lines = []
    for one in (path.with_name(path.name + ".1"), path):
        if one.exists():
            lines += one.read_text(errors="replace").splitlines()
    return lines
