"""Tables for people, JSON for machines."""

import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import click
import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.domain.enums import OrderStatus, Pending, Side, TimeInForce
from gateway.domain.money import plain
from gateway.domain.order import Order

_JSON = msgspec.json.Encoder(decimal_format="string", enc_hook=str)
PIPED_WIDTH = 200  # a file has no edge to wrap at
SECOND = 1_000_000_000
STATUS_STYLES = {
    OrderStatus.PENDING_NEW: "blue",
    OrderStatus.NEW: "cyan",
    OrderStatus.PARTIALLY_FILLED: "yellow",
    OrderStatus.FILLED: "green",
    OrderStatus.CANCELED: "bright_black",
    OrderStatus.EXPIRED: "bright_black",
    OrderStatus.REJECTED: "red",
    OrderStatus.IN_DOUBT: "bold magenta",
}
SIDE_STYLES = {Side.BUY: "green", Side.SELL: "red"}


def console() -> Console:
    """Without markup: a venue's words may hold brackets."""
    out = Console(highlight=False, markup=False, emoji=False)
    if not out.is_terminal:
        out.width = PIPED_WIDTH
    return out


def show(*things: Any) -> None:
    console().print(*things)


def as_json(value: Any) -> None:
    """One line. Money is a decimal string, a time an integer of ns UTC, as on the wire."""
    click.echo(_JSON.encode(value).decode())


def as_json_lines(values: Iterable[Any]) -> None:
    for value in values:
        as_json(value)


def table(*columns: str, right: Iterable[str] = (), title: str | None = None) -> Table:
    made = Table(box=SIMPLE, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in set(right) else "left", no_wrap=True)
    return made


# ---- figures -----------------------------------------------------------------------------------


def figure(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def clock_time(ns: int | None, *, digits: int = 3) -> str:
    """Of the day, UTC."""
    if not ns:
        return ""
    part = f"{ns % SECOND:09d}"[:digits]
    return time.strftime("%H:%M:%S", time.gmtime(ns // SECOND)) + (f".{part}" if digits else "")


def date_time(ns: int | None) -> str:
    if not ns:
        return ""
    return time.strftime("%Y-%m-%d ", time.gmtime(ns // SECOND)) + clock_time(ns) + "Z"


def span(ns: int) -> str:
    """A length of time in two or three digits and a unit."""
    seconds = max(ns, 0) / SECOND
    for limit, unit, size in (
        (1, "ms", 0.001),
        (120, "s", 1),
        (7200, "min", 60),
        (172800, "h", 3600),
    ):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86400:.3g} d"


def age(ns: int | None) -> str:
    """In whole units: it is looked at while it grows."""
    if not ns:
        return ""
    seconds = max(time.time_ns() - ns, 0) // SECOND
    for limit, unit, size in ((1, "now", 0), (120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds // size} {unit}" if size else unit
    return f"{seconds // 86400} d"


def ago(ns: int | None) -> str:
    said = age(ns)
    return said if said in ("", "now") else f"{said} ago"


# ---- orders ------------------------------------------------------------------------------------

ORDER_COLUMNS = (
    *("order", "account", "symbol", "side", "type", "quantity", "price", "filled", "status"),
    "changed",
)
WIDE = 100
NEEDLESS = ("type", "changed")


def short_id(order_id: str) -> str:
    """The last group of the id, which every command takes in its place."""
    return order_id[-12:]


def kind_of(order: Order) -> str:
    words = [order.order_type.value.replace("_", "-")]
    if order.time_in_force is not TimeInForce.GTC:
        words.append(order.time_in_force.value)
    if order.post_only:
        words.append("post")
    return " ".join(words)


def status_of(order: Order) -> Text:
    text = Text(order.status.value, style=STATUS_STYLES[order.status])
    if order.pending is not Pending.NONE and not order.is_closed:
        text.append(f" ({order.pending.value} pending)", style="yellow")
    if order.is_closed and not order.trades_complete:
        text.append(" (trades to come)", style="yellow")
    return text


def order_cells(order: Order) -> dict[str, str | Text]:
    return {
        "order": short_id(order.order_id),
        "account": order.account,
        "symbol": order.symbol,
        "side": Text(order.side.value, style=SIDE_STYLES[order.side]),
        "type": kind_of(order),
        "quantity": figure(order.quantity),
        "price": figure(order.price),
        "filled": figure(order.cum_quantity),
        "status": status_of(order),
        "changed": age(order.changed_at),
    }


def order_table(orders: Iterable[Order], width: int = PIPED_WIDTH) -> Table:
    """With fewer columns where all of them would be cut off."""
    left_out = NEEDLESS if width < WIDE else ()
    names = [name for name in ORDER_COLUMNS if name not in left_out]
    made = table(*names, right=("quantity", "price", "filled", "changed"))
    if left_out:
        made.padding = 0
    for order in orders:
        cells = order_cells(order)
        made.add_row(*(cells[name] for name in names))
    return made


def order_line(order: Order) -> Text:
    """One order in one line, its whole id first."""
    line = Text(f"{order.order_id}  ")
    line.append(order.side.value, style=SIDE_STYLES[order.side])
    line.append(f" {figure(order.quantity)} {order.symbol}")
    if order.price is not None:
        line.append(f" @ {figure(order.price)}")
    line.append("  ").append(status_of(order))
    if order.cum_quantity:
        line.append(f"  filled {figure(order.cum_quantity)}")
        if order.avg_price is not None:
            line.append(f" @ {figure(order.avg_price)}")
    if order.reason:
        line.append(f"  {order.reason_code}: {order.reason}")
    return line
