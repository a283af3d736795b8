"""A small disk for the journals that can be filled, where this machine lets us have one.

A file system in memory is mounted over the journals' folder, in a mount namespace of this run's
own: it is seen by nobody else, and is gone with the last process of the run. That takes root.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

INSIDE = "GATEWAY_CHAOS_NAMESPACE"
SIZE_MIB = 192


def can_mount() -> bool:
    """Whether a namespace of its own may be had, and mounted in."""
    if os.geteuid() != 0:
        return False
    trial = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "t", "/mnt"]
    try:
        return subprocess.run(trial, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def is_inside() -> bool:
    return INSIDE in os.environ


def enter(arguments: list[str]) -> NoReturn:
    """Becomes the same program in a mount namespace of its own."""
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, *arguments]
    os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})


class SmallDisk:
    """Mounted over `folder`, for as long as the namespace lives."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = f"size={SIZE_MIB}m,mode=0700"
        _run("mount", "-t", "tmpfs", "-o", options, "journals", str(folder))
        self._folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        block = bytes(1 << 20)
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    block = block[: file.write(block) or 1]
            except OSError:
                return  # full

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        _run("umount", "--lazy", str(self._folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
