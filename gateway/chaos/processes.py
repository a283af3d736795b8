"""What the kernel tells of a process, and what it does to one."""

import os
import resource
import signal
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """All below it. Nothing for one that has ended meanwhile."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(word) for word in listed.read_text().split()]
        except OSError:
            continue
        for child in direct:
            found += [child, *children_of(child)]
    return found


def of_home(home: Path) -> dict[int, str]:
    """The programs of a gateway's home that run now, by their pid, whoever started them."""
    mark = f"GATEWAY_HOME={home}".encode()
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            is_ours = mark in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        programs = [word.decode() for word in words if word.startswith(b"procs.")]
        if is_ours and programs:
            found[int(folder.name)] = programs[0].removeprefix("procs.")
    return found


def send(pid: int, number: signal.Signals) -> bool:
    """False: there is no such process any more."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def open_files(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * resource.getpagesize()


def allow_files(pid: int, most: int | None) -> None:
    """From now on it can open no file beyond `most`; None: as many as its hard limit says."""
    try:
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard if most is None else most, hard))
    except (ProcessLookupError, PermissionError):
        return
