"""Which processes ended by an error of their own, by the supervisor's log."""

import re
from collections import defaultdict
from pathlib import Path

_EXITED = re.compile(r"exited: (\w+) \((exit status (\d+)|terminated by (\w+))")
_CRASHES = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL"}
_EXCUSED = re.compile(r"cannot_start .*(held|another|in use)|^Fatal Python error: init_import_site")
_LIBZMQ_HAS_NO_FILE = re.compile(r"^Too many open files \(src/\w+\.cpp:\d+\)")


def falls_of(log_folder: Path) -> list[str]:
    """Neither killed nor told to stop. One that found the place of its predecessor still taken, as
    after a kill of the supervisor, did what it should: it says so, each time. Without a file
    descriptor for a connection that it accepts libzmq aborts the process, and says so: that is the
    blow, not a fall."""
    found: list[str] = []
    aborted: dict[str, list[str]] = defaultdict(list)
    ended: dict[str, list[str]] = defaultdict(list)
    for line in _lines(log_folder / "supervisord.log"):
        exited = _EXITED.search(line)
        if exited is None:
            continue
        if exited[4] == "SIGABRT":
            aborted[exited[1]].append(line)
        elif exited[4] in _CRASHES:
            found.append(line)
        elif exited[3] not in {None, "0"} and exited[1] != "postgres":
            ended[exited[1]].append(line)
    for reason, exits in ((_EXCUSED, ended), (_LIBZMQ_HAS_NO_FILE, aborted)):
        for program, lines in exits.items():
            log = _lines(log_folder / f"{program}.log")
            found += lines[sum(reason.search(line) is not None for line in log) :]
    return found


def _lines(path: Path) -> list[str]:
    """With the file that was rotated away last before it."""
    lines = []
    for one in (path.with_name(path.name + ".1"), path):
        if one.exists():
            lines += one.read_text(errors="replace").splitlines()
    return lines
