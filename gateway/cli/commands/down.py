"""`gateway down`."""

import time

import click

from gateway.cli.command import Command
from gateway.cli.exits import OutcomeNotKnown
from gateway.cli.printing import as_json, show
from gateway.cli.processes import Supervisor
from gateway.cli.progress import progress
from gateway.cli.setting import Setting

POLL_S = 0.1
EXAMPLES = """
gateway down
"""


@click.command("down", cls=Command, examples=EXAMPLES)
@click.option("--timeout", default=120.0, show_default=True, help="Seconds to wait.")
@click.pass_obj
def command(setting: Setting, timeout: float) -> None:
    """Stop the gateway's processes and supervisord, the writers before the keepers.

    Open orders stay open at their venues.
    """
    supervisor = Supervisor(setting.place)
    supervisor.shut_down()
    deadline = time.monotonic() + timeout
    with progress("stopping ..."):
        while supervisor.is_running():
            if time.monotonic() > deadline:
                raise OutcomeNotKnown(f"it still stops after {timeout:g} s")
            time.sleep(POLL_S)
    if setting.as_json:
        as_json({"home": str(setting.place.root), "running": False})
    else:
        show(f"stopped: {setting.place.root}")
