"""`gateway logs`."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click

from gateway.cli.command import Command
from gateway.cli.processes import PROGRAMS
from gateway.cli.setting import Setting
from gateway.domain.errors import BadInput

POLL_S = 0.2
EXAMPLES = """
gateway logs listener
gateway logs -f executor listener
gateway logs -n 200
"""


@click.command("logs", cls=Command, examples=EXAMPLES)
@click.argument("processes", metavar="[PROCESS]...", nargs=-1, type=click.Choice(PROGRAMS))
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written, until Ctrl-C.")
@click.option("--lines", "-n", type=click.IntRange(0), default=30, show_default=True, help="Last.")
@click.pass_obj
def command(setting: Setting, processes: tuple[str, ...], follow: bool, lines: int) -> None:
    """Show or follow the logs of processes; of all, if none is named.

    They lie in the home's folder `log`.
    """
    names = processes or PROGRAMS
    files = [LogFile(setting.place.log / f"{name}.log") for name in names]
    if not any(file.path.exists() for file in files):
        raise BadInput(f"there is no log in {setting.place.log} yet")
    width = max(map(len, names)) if len(names) > 1 else 0
    for name, file in zip(names, files, strict=True):
        for line in file.last(lines):
            _echo(name, line, width)
    while follow:
        for name, file in zip(names, files, strict=True):
            for line in file.new():
                _echo(name, line, width)
        time.sleep(POLL_S)


def _echo(name: str, line: str, width: int) -> None:
    prefix = click.style(name.ljust(width) + " | ", dim=True) if width else ""
    click.echo(prefix + line)


class LogFile:
    """A file that grows and that the supervisor replaces from time to time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file_id: tuple[int, int] | None = None
        self._at = 0
        self._rest = b""

    def last(self, count: int) -> Iterator[str]:
        yield from deque(self.new(), maxlen=count)

    def new(self) -> Iterator[str]:
        """Whole lines since the last call; a line that is not finished waits."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                file_id = (status.st_dev, status.st_ino)
                if file_id != self._file_id or status.st_size < self._at:
                    self._file_id, self._at, self._rest = file_id, 0, b""
                file.seek(self._at)
                for chunk in file:
                    self._at += len(chunk)
                    self._rest += chunk
                    if self._rest.endswith(b"\n"):
                        yield self._rest.decode(errors="replace").rstrip("\n")
                        self._rest = b""
        except FileNotFoundError:
            return
