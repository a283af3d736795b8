"""`gateway refresh`."""

import click

from gateway.cli.command import Command
from gateway.cli.printing import as_json, order_line, show
from gateway.cli.progress import progress
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.cli.waiting import find_id

EXAMPLES = """
gateway refresh 0123456789ab
gateway refresh 0123456789ab --json
"""


@click.command("refresh", cls=Command, examples=EXAMPLES)
@click.argument("order_id", metavar="ID")
@click.pass_obj
def command(setting: Setting, order_id: str) -> None:
    """Ask the venue about the order ID now; show it as it is after the answer."""
    with asking(setting) as client:
        whole_id = find_id(client, order_id)
        with progress("asking the venue ..."):
            order = client.refresh_order(whole_id).order
    if setting.as_json:
        as_json(order)
    elif order is not None:
        show(order_line(order))
