"""`gateway cancel`."""

import click

from gateway.cli.command import Command
from gateway.cli.exits import OutcomeNotKnown
from gateway.cli.printing import as_json, order_line, short_id, show
from gateway.cli.progress import progress
from gateway.cli.reach import CLIENT_ID, asking, following
from gateway.cli.setting import Setting
from gateway.cli.waiting import Follow, find_order
from gateway.client import Client
from gateway.domain.enums import OrderStatus, Pending
from gateway.domain.errors import BadInput, Code
from gateway.domain.order import Order

EXAMPLES = """
gateway cancel 0123456789ab
gateway cancel 0123456789ab ba9876543210 --timeout 60
gateway cancel 0123456789ab --no-wait --json
"""


@click.command("cancel", cls=Command, examples=EXAMPLES)
@click.argument("order_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--client", default=CLIENT_ID, show_default=True, help="Who cancels.")
@click.option("--no-wait", is_flag=True, help="Return when the gateway has taken it.")
@click.option("--timeout", default=15.0, show_default=True, help="Seconds to wait for each.")
@click.pass_obj
def command(
    setting: Setting, order_ids: tuple[str, ...], client: str, no_wait: bool, timeout: float
) -> None:
    """Cancel orders, and wait for their end.

    ID is the whole id, or its end as the tables show it. The gateway goes on cancelling after this
    command has ended. Exit code 1: an order ended in another way; 3: its end was not seen yet.
    """
    with asking(setting, client) as asker:
        accounts = {find_order(asker, text).account for text in order_ids}
    with following(setting, client, tuple(accounts)) as trader:
        before = [find_order(trader, text) for text in order_ids]
        ends = [_cancel(setting, trader, order, timeout, no_wait=no_wait) for order in before]
    for order, end in zip(before, ends, strict=True):
        _judge(order, end, no_wait=no_wait)


def _cancel(
    setting: Setting, trader: Client, order: Order, timeout: float, *, no_wait: bool
) -> Order:
    follow = Follow(trader, order)
    if not order.is_closed:
        trader.protocol.cancel(order.order_id, order.account, order.symbol, order.venue_order_id)
        with progress(f"waiting for the end of {short_id(order.order_id)} ..."):
            follow.until(_is_taken if no_wait else _is_closed, timeout)
    if setting.as_json:
        as_json(follow.order)
    else:
        show(order_line(follow.order))
    return follow.order


def _is_taken(order: Order) -> bool:
    return order.is_closed or order.pending is Pending.CANCEL


def _is_closed(order: Order) -> bool:
    return order.is_closed


def _judge(before: Order, end: Order, *, no_wait: bool) -> None:
    if before.is_closed or end.status in (OrderStatus.FILLED, OrderStatus.REJECTED):
        raise BadInput(f"order {end.order_id} is {end.status}", Code.ALREADY_CLOSED)
    if not (_is_taken(end) if no_wait else end.is_closed):
        raise OutcomeNotKnown(f"order {end.order_id} is {end.status}; cancelling goes on")
