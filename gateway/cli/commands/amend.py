"""`gateway amend`."""

import click

from gateway.cli.command import Command
from gateway.cli.exits import OutcomeNotKnown
from gateway.cli.printing import as_json, order_line, show
from gateway.cli.progress import progress
from gateway.cli.reach import CLIENT_ID, asking, following
from gateway.cli.setting import Setting
from gateway.cli.waiting import Follow, find_order
from gateway.client import Client
from gateway.domain import messages as m
from gateway.domain.enums import Pending
from gateway.domain.errors import BadInput, Code, GatewayError
from gateway.domain.order import Order
from gateway.system import SystemClock

SECOND = 1_000_000_000
EXAMPLES = """
gateway amend 0123456789ab --quantity 0.005
gateway amend 0123456789ab --price 20100 --json
"""


@click.command("amend", cls=Command, examples=EXAMPLES)
@click.argument("order_id", metavar="ID")
@click.option("--quantity", help="The new whole quantity, what is filled included.")
@click.option("--price", help="The new limit.")
@click.option("--client", default=CLIENT_ID, show_default=True, help="Who amends.")
@click.option("--timeout", default=15.0, show_default=True, help="Seconds to wait.")
@click.pass_obj
def command(
    setting: Setting,
    order_id: str,
    quantity: str | None,
    price: str | None,
    client: str,
    timeout: float,
) -> None:
    """Change the quantity or price of the open order ID, in place.

    ID is the whole id, or its end as the tables show it. A venue that can't amend in place
    refuses with `amend_unsupported`.
    """
    if quantity is None and price is None:
        raise click.UsageError("give --quantity, --price or both")
    with asking(setting, client) as asker:
        account = find_order(asker, order_id).account
    with following(setting, client, (account,)) as trader:
        follow = Follow(trader, find_order(trader, order_id))
        before = follow.order
        if before.is_closed:
            raise BadInput(f"the order is {before.status}", Code.ALREADY_CLOSED)
        trader.protocol.amend(_amend(trader, client, before, quantity, price))
        with progress("waiting for the venue's answer ..."):
            known = follow.until(lambda order: _is_over(before, order), timeout)
    if setting.as_json:
        as_json(follow.order)
    else:
        show(order_line(follow.order))
    _judge(before, follow.order, known=known)


def _amend(
    trader: Client, client_id: str, order: Order, quantity: str | None, price: str | None
) -> m.Amend:
    return m.Amend(
        order_id=order.order_id,
        command_id=trader.protocol.new_id(),
        client_id=client_id,
        account=order.account,
        symbol=order.symbol,
        expires_at=SystemClock().now() + 2 * SECOND,
        quantity=quantity,
        price=price,
    )


def _is_over(before: Order, now: Order) -> bool:
    asked = now.changed_at > before.changed_at and now.amend_asked
    answered = now.revision > before.revision or now.pending is not Pending.REPLACE
    return now.is_closed or (asked and answered)


def _judge(before: Order, now: Order, *, known: bool) -> None:
    if now.revision > before.revision:
        return
    if now.is_closed:
        raise GatewayError(f"the order is {now.status}", Code.ALREADY_CLOSED)
    if known:
        raise GatewayError("the venue refused; `gateway order` shows why", Code.VENUE_REFUSED)
    raise OutcomeNotKnown(f"order {now.order_id}: the amend was not answered in time")
