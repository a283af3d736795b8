"""The live table of the demonstration."""

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from gateway.cli.demo.program import Seen
from gateway.domain.enums import OrderStatus, TimeInForce
from gateway.domain.money import plain
from gateway.domain.order import Order

LATEST = 12
COLORS = {
    OrderStatus.NEW: "cyan",
    OrderStatus.PARTIALLY_FILLED: "yellow",
    OrderStatus.FILLED: "green",
    OrderStatus.CANCELED: "bright_black",
    OrderStatus.EXPIRED: "bright_black",
    OrderStatus.REJECTED: "red",
    OrderStatus.IN_DOUBT: "bold magenta",
}


def render(programs: Sequence[Seen]) -> Group:
    return Group(_counts(programs), _latest(programs))


def _counts(programs: Sequence[Seen]) -> Table:
    table = Table(title="orders by status", title_justify="left", expand=False, box=SIMPLE)
    table.add_column("account", no_wrap=True)
    for status in OrderStatus:
        heading = status.value.replace("_", "\n")
        table.add_column(heading, justify="right", style=COLORS.get(status, ""))
    table.add_column("fills", justify="right")
    table.add_column("refused", justify="right")
    for seen in programs:
        counts = seen.by_status()
        cells = [str(counts[status] or "") for status in OrderStatus]
        table.add_row(seen.account, *cells, str(seen.fills), str(seen.refusals))
    return table


def _latest(programs: Sequence[Seen]) -> Table:
    table = Table(title="latest orders", title_justify="left", expand=False, box=SIMPLE)
    for name in ("order", "account", "side", "type", "quantity", "price", "filled", "status"):
        table.add_column(name, no_wrap=True)
    orders = (order for seen in programs for order in seen.orders.values())
    for order in sorted(orders, key=lambda order: order.changed_at, reverse=True)[:LATEST]:
        table.add_row(*_cells(order))
    return table


def _cells(order: Order) -> list[str | Text]:
    price = "" if order.price is None else f"{order.price:f}"
    return [
        order.order_id[-8:],
        order.account,
        order.side.value,
        order.order_type.value if order.time_in_force is TimeInForce.GTC else order.time_in_force,
        plain(order.quantity),
        price,
        plain(order.cum_quantity),
        Text(order.status.value, style=COLORS.get(order.status, "")),
    ]
