"""Which processes ended by an error of their own, by the supervisor's log."""

import re
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from gateway.chaos.plan import Blow
from gateway.chaos.striking import Struck

SECOND_NS = 1_000_000_000
LATE_NS = 3 * SECOND_NS
_EXITED = re.compile(r"exited: (\w+) \((exit status (\d+)|terminated by (\w+))")
_CRASHES = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL"}
_SAID_WHY = re.compile(
    r"cannot_start .*(held|another|in use|open files)|stopped .*limit of open files"
)
_PYTHON_DID_NOT_BEGIN = re.compile(r"^Fatal Python error: init_|error while loading shared librar")
_NO_FILE = re.compile(r"Err(no|or) 24\b")
_TRACE_LINES = 40
_LIBZMQ_HAS_NO_FILE = re.compile(r"^Too many open files \(src/\w+\.cpp:\d+\)")


def falls_of(log_folder: Path, struck: Iterable[Struck] = ()) -> list[str]:
    """Neither killed nor told to stop. One that found the place of its predecessor still taken, as
    after a kill of the supervisor, did what it should: it says so, each time. Without file
    descriptors Python can't begin, and libzmq aborts a process that can't accept a connection; both
    say so. libuv aborts a process that it can't begin with, without a word: it was `struck` then.
    That is the blow, not a fall."""
    starved = [one for one in struck if one.blow is Blow.DESCRIPTORS]
    found: list[str] = []
    aborted: dict[str, list[str]] = defaultdict(list)
    ended: dict[str, list[str]] = defaultdict(list)
    for line in _lines(log_folder / "supervisord.log"):
        exited = _EXITED.search(line)
        if exited is None:
            continue
        if exited[4] == "SIGABRT" and any(_is_during(line, exited[1], one) for one in starved):
            continue
        if exited[4] == "SIGABRT":
            aborted[exited[1]].append(line)
        elif exited[4] in _CRASHES:
            found.append(line)
        elif exited[3] not in {None, "0"} and exited[1] != "postgres":
            ended[exited[1]].append(line)
    for program, lines in ended.items():
        log = _lines(log_folder / f"{program}.log")
        found += lines[_count(_SAID_WHY, log) + _without_files(log) :]
    for program, lines in aborted.items():
        log = _lines(log_folder / f"{program}.log")
        found += lines[_count(_LIBZMQ_HAS_NO_FILE, log) :]
    return found


def _is_during(line: str, program: str, blow: Struck) -> bool:
    """By the supervisor's local time, in which it also notices a moment later."""
    at = time.mktime(time.strptime(line[:19], "%Y-%m-%d %H:%M:%S")) * SECOND_NS
    return program == blow.target and blow.began - SECOND_NS <= at <= blow.ended + LATE_NS


def _count(reason: re.Pattern[str], log: list[str]) -> int:
    return sum(reason.search(line) is not None for line in log)


def _without_files(log: list[str]) -> int:
    """How often Python could not begin for want of a file descriptor."""
    begins = [at for at, line in enumerate(log) if _PYTHON_DID_NOT_BEGIN.search(line)]
    return sum(_count(_NO_FILE, log[at : at + _TRACE_LINES]) > 0 for at in begins)


def _lines(path: Path) -> list[str]:
    """With the file that was rotated away last before it."""
    lines = []
    for one in (path.with_name(path.name + ".1"), path):
        if one.exists():
            lines += one.read_text(errors="replace").splitlines()
    return lines
