"""`gateway orders`."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from gateway.cli.accounts import ACCOUNT
from gateway.cli.command import Command
from gateway.cli.printing import as_json_lines, console, order_table, show
from gateway.cli.progress import counted
from gateway.cli.reach import asking
from gateway.cli.setting import Setting
from gateway.client import Client
from gateway.client import questions as q
from gateway.domain.enums import OrderStatus
from gateway.domain.order import Order

PAGE = 500
SECOND = 1_000_000_000
EXAMPLES = """
gateway orders
gateway orders --open --account main
gateway orders --status in_doubt
gateway orders --hours 24 --limit 1000 --json
"""


@click.command("orders", cls=Command, examples=EXAMPLES)
@click.option("--account", type=ACCOUNT, help="Only of this account.")
@click.option("--symbol", help="Only of this market.")
@click.option("--client", "owner", help="Only of this client.")
@click.option("--open", "open_only", is_flag=True, help="Only those that are not closed.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in OrderStatus]),
    help="Only in this state; may be given more than once.",
)
@click.option("--hours", type=float, help="Only those made in the last hours.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.pass_obj
def command(
    setting: Setting,
    account: str | None,
    symbol: str | None,
    owner: str | None,
    open_only: bool,
    statuses: tuple[str, ...],
    hours: float | None,
    limit: int,
) -> None:
    """List orders, newest first."""
    question: dict[str, Any] = {
        "account": account,
        "symbol": symbol,
        "owner": owner,
        "statuses": tuple(OrderStatus(status) for status in statuses),
        "open_only": open_only,
        "since": None if hours is None else time.time_ns() - int(hours * 3600 * SECOND),
    }
    with asking(setting) as client:
        found = pages(client, question, limit)
        if setting.as_json:
            as_json_lines(found)
            return
        orders = list(counted(found, "orders"))
    show(order_table(orders, console().width) if orders else "no orders")
    if len(orders) == limit:
        click.echo(f"the newest {limit} are shown; --limit asks for more", err=True)


def pages(client: Client, question: Mapping[str, Any], limit: int) -> Iterator[Order]:
    after, left = None, limit
    while left > 0:
        wanted = {**question, "limit": min(left, PAGE), "after": after}
        reply = client.ask(q.list_orders(**wanted))
        yield from reply.orders
        left -= len(reply.orders)
        after = reply.next
        if after is None or not reply.orders:
            return
