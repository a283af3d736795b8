"""`gateway order`."""

import click

from gateway.cli.command import Command
from gateway.cli.exits import OutcomeNotKnown
from gateway.cli.history import order_page
from gateway.cli.printing import as_json, console, show
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.cli.waiting import find_id
from gateway.client import Refused
from gateway.domain.errors import BadInput, Code
from gateway.domain.messages import OrderReply

EXAMPLES = """
gateway order 0123456789ab
gateway order 0123456789ab --json
"""


@click.command("order", cls=Command, examples=EXAMPLES)
@click.argument("order_id", metavar="ID")
@click.pass_obj
def command(setting: Setting, order_id: str) -> None:
    """The order ID: its state, and its whole history with causes and evidence.

    ID is the whole id, or its end as the tables show it. Exit code 1: the gateway refused it or
    never received it; 3: nothing is known of it yet.
    """
    with asking(setting) as client:
        reply = client.get_order(find_id(client, order_id), history=True)
    if setting.as_json:
        as_json(reply)
    else:
        show(order_page(reply, console().width))
    _judge(reply)


def _judge(reply: OrderReply) -> None:
    match reply.fate:
        case "refused" if reply.refusal is not None:
            raise Refused(reply.refusal)
        case "never_received":
            raise BadInput("it was never received", Code.NOT_RECEIVED)
        case "unknown":
            raise OutcomeNotKnown("nothing is known of it yet", Code.UNKNOWN_ORDER)
