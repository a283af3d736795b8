"""`gateway run`."""

import os
import sys

import click

from gateway.cli.command import Command
from gateway.cli.processes import PROGRAMS, environment
from gateway.cli.reach import load
from gateway.cli.setting import Setting

EXAMPLES = """
gateway run listener
gateway --config desk.toml run executor
"""


@click.command("run", cls=Command, examples=EXAMPLES)
@click.argument("process", type=click.Choice(PROGRAMS))
@click.pass_obj
def command(setting: Setting, process: str) -> None:
    """Run one process here, in the foreground, for another supervisor or for a look.

    It becomes the process: signals and exit code are the process's own.
    """
    config = load(setting, for_processes=True)
    setting.place.make()
    arguments = [sys.executable, "-m", f"procs.{process}"]
    os.execve(sys.executable, arguments, environment(setting, config))
