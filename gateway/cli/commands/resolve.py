"""`gateway resolve`."""

import click

from gateway.cli.command import Command
from gateway.cli.operator import operator_named
from gateway.cli.printing import as_json, order_line, show
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.cli.waiting import find_id
from gateway.client import questions as q
from gateway.domain.enums import OrderStatus

VERDICTS = (OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED)
EXAMPLES = """
gateway resolve 0123456789ab --as canceled --reason "support ticket 4711: never booked"
"""


@click.command("resolve", cls=Command, examples=EXAMPLES)
@click.argument("order_id", metavar="ID")
@click.option(
    "--as",
    "status",
    required=True,
    type=click.Choice([status.value for status in VERDICTS]),
    help="How it ended.",
)
@click.option("--reason", required=True, help="How you know. It is kept with the order.")
@click.option("--operator", help="Who says so. [your login]")
@click.pass_obj
def command(
    setting: Setting, order_id: str, status: str, reason: str, operator: str | None
) -> None:
    """End the doubt about the order ID, on your word.

    Only an order in doubt can be resolved. Should the venue show it after all, it comes back to
    life, with an alarm.
    """
    who = operator_named(operator)
    with asking(setting) as client:
        question = q.resolve(find_id(client, order_id), who, OrderStatus(status), reason)
        order = client.ask(question).order
    if setting.as_json:
        as_json(order)
    elif order is not None:
        show(order_line(order))
