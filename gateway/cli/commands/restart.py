"""`gateway restart`."""

import click

from gateway.cli.command import Command
from gateway.cli.printing import as_json, show
from gateway.cli.processes import PROGRAMS, Supervisor
from gateway.cli.progress import progress
from gateway.cli.setting import Setting

EXAMPLES = """
gateway restart listener
"""


@click.command("restart", cls=Command, examples=EXAMPLES)
@click.argument("process", type=click.Choice(PROGRAMS))
@click.pass_obj
def command(setting: Setting, process: str) -> None:
    """Restart one process. Nothing is lost: the others go on, and wait for it where they must."""
    with progress(f"restarting {process} ..."):
        Supervisor(setting.place).restart(process)
    if setting.as_json:
        as_json({"process": process, "restarted": True})
    else:
        show(f"restarted: {process}")
