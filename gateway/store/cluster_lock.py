"""One postgres for one cluster folder, whoever starts it and whoever was killed before.

The lock is the kernel's, on a file beside the cluster. It is taken before anything is touched
and stays open in postgres and all its children, so it is free exactly when nobody uses the
folder any more. What is written in the file says who holds it: PostgreSQL's own pid file cannot
tell its process from another that got the same number after a crash.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_STARTED = 19  # field 22 of /proc/PID/stat, counted after the name, which may hold anything
_ENDED = {"Z", "X"}  # a zombie has ended, its parent just has not asked yet


def process_started(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in _ENDED else int(fields[_STARTED - 1])


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """A process that is already gone gets a start that no living one has."""
        started = process_started(pid)
        return cls(pid, -1 if started is None else started)

    @property
    def alive(self) -> bool:
        return process_started(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that is, or becomes, postgres, and the one that started it."""

    postgres: Process
    starter: Process

    @property
    def orphaned(self) -> bool:
        return not self.starter.alive


class ClusterLock:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def fileno(self) -> int:
        return self._file

    def take(self) -> bool:
        """At once or not at all. Once taken it survives exec, and ends with the last process."""
        if not self._lock():
            return False
        me, starter = Process.of(os.getpid()), Process.of(os.getppid())
        os.ftruncate(self._file, 0)
        os.pwrite(
            self._file, f"{me.pid} {me.started} {starter.pid} {starter.started}\n".encode(), 0
        )
        os.set_inheritable(self._file, True)
        return True

    @property
    def is_free(self) -> bool:
        if not self._lock():
            return False
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return True

    def holder(self) -> Holder | None:
        """What the last one to take it wrote; None if it has not, or was cut short."""
        try:
            pid, started, starter, starter_started = map(int, os.pread(self._file, 200, 0).split())
        except ValueError:
            return None
        return Holder(Process(pid, started), Process(starter, starter_started))

    def close(self) -> None:
        os.close(self._file)

    def _lock(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
