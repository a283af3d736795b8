"""The board of `gateway watch`, drawn for a width and a height."""

import time

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.cli.board import Board
from gateway.cli.printing import (
    SIDE_STYLES,
    STATUS_STYLES,
    age,
    clock_time,
    figure,
    kind_of,
    short_id,
    span,
    status_of,
    table,
)
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.money import ZERO
from gateway.domain.order import Order, Transaction

DIM = "bright_black"
BAR = 10
WIDE = 110  # columns; below that things stand one above the other, and some are left out
NEEDLESS = ("type", "average", "changed")
SHOWN_ALARMS, SHOWN_DOUBTS = 4, 4
SILENT_NS = 3_000_000_000
UNANSWERED_S = 6.0
FEWEST_ORDERS = 3
COLUMNS = (
    *("order", "account", "symbol", "side", "type", "quantity", "price", "filled", "average"),
    *("status", "changed"),
)
SECOND = 1_000_000_000


def draw(board: Board, width: int, height: int, rows: int | None = None) -> RenderableType:
    """`rows`: orders shown; otherwise as many as leave room for the rest."""
    above = [*_head(board), *_beside(_accounts(board), _alarms(board), width)]
    above += _doubts(board)
    below = _fills(board, width)
    taken = sum(map(_height, (*above, *below))) + 3  # the frame and head of the orders
    room = rows or max(height - taken, FEWEST_ORDERS)
    return Group(*above, _orders(board, room, width), *below)


def _height(part: RenderableType) -> int:
    """As it is made here: no line is ever wrapped."""
    if isinstance(part, Panel):
        return _height(part.renderable) + 2
    if isinstance(part, Table):
        cells = (cell for column in part.columns for cell in column.cells)
        inner = max((_height(cell) for cell in cells if isinstance(cell, Panel)), default=1)
        return max(inner, part.row_count + part.show_header)
    return 1


def _panel(content: RenderableType, title: str | Text, style: str = DIM) -> Panel:
    return Panel(content, title=title, title_align="left", box=ROUNDED, border_style=style)


def _beside(left: Panel, right: Panel, width: int) -> list[RenderableType]:
    if width < WIDE:
        return [left, right]
    tall = max(_height(left), _height(right))
    left.height = right.height = tall
    both = Table.grid(expand=True)
    both.add_column(ratio=1)
    both.add_column(ratio=1)
    both.add_row(left, right)
    return [both]


# ---- the gateway -------------------------------------------------------------------------------


def _head(board: Board) -> list[RenderableType]:
    left = Text(" gateway ", style="reverse bold").append("  ", style="not reverse")
    for role in Role:
        left.append("● ", style=f"not reverse not bold {_light(board.health.get(role))}")
        left.append(f"{role.value}  ", style="not reverse not bold")
    seconds = time.monotonic() - board.began
    rate = f"{board.updates:,} updates  {board.updates / max(seconds, 1):.1f}/s"
    right = Text(f"{rate}  {time.strftime('%H:%M:%S', time.gmtime())}Z", style=DIM)
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, justify="right")
    line.add_row(left, right)
    return [line, *_problems(board)]


def _light(health: m.Health | None) -> str:
    if health is None or time.time_ns() - health.at > SILENT_NS:
        return DIM
    return "green" if health.ready else "red"


def _problems(board: Board) -> list[Text]:
    said = [f"{one.role.value}: {what}" for one in board.health.values() for what in one.problems]
    silence = time.monotonic() - board.glances.answered_at
    if silence > UNANSWERED_S:
        said.append(f"no answer for {span(int(silence * SECOND))}: streams and alarms are old")
    return [Text(f" {what}", style="red", no_wrap=True, overflow="ellipsis") for what in said]


def _accounts(board: Board) -> Panel:
    streams = {one.account: one for one in board.glances.streams}
    made = table("account", "venue", "open", "in doubt", right=("open", "in doubt"))
    made.add_column("private stream", no_wrap=True, overflow="ellipsis", ratio=1)
    made.box, made.expand = None, True
    for info in board.glances.accounts:
        doubts = len(board.doubts(info.account))
        made.add_row(
            info.account,
            info.venue,
            str(board.open_count(info.account)),
            Text(str(doubts), style=STATUS_STYLES[OrderStatus.IN_DOUBT] if doubts else DIM),
            _stream(streams.get(info.account)),
        )
    return _panel(made, "accounts")


def _stream(state: m.StreamState | None) -> Text:
    if state is None:
        return Text("● not heard of yet", style=DIM)
    said = age(state.at)
    long = "" if said == "now" else f" for {said}"
    if state.up:
        return Text("● ", style="green").append(f"heard{long}", style=DIM)
    return Text(f"● down{long}: {state.text}", style="red")


def _alarms(board: Board) -> Panel:
    alarms = board.glances.alarms
    if not alarms:
        return _panel(Text("none", style=DIM), "open alarms")
    made = _lines()
    for one in alarms[:SHOWN_ALARMS]:
        when = Text(f"{age(one.at):>6}", style=DIM)
        made.add_row(short_id(one.alarm_id), when, Text(one.kind, style="bold red"), one.text)
    hidden = len(alarms) - SHOWN_ALARMS
    more = f"  ({hidden} more: gateway alarms --open)" if hidden > 0 else ""
    return _panel(made, f"open alarms: {len(alarms)}{more}", "red")


def _lines() -> Table:
    """A grid whose last column takes what is left, and is cut off there."""
    made = Table.grid(padding=(0, 2), expand=True)
    for _ in range(3):
        made.add_column(no_wrap=True)
    made.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    return made


# ---- orders ------------------------------------------------------------------------------------


def _doubts(board: Board) -> list[RenderableType]:
    doubts = board.doubts()
    if not doubts:
        return []
    made = _lines()
    for order in doubts[:SHOWN_DOUBTS]:
        what = f"{order.side.value} {figure(order.quantity)} {order.symbol}"
        when = Text(f"{age(order.changed_at):>6}", style=DIM)
        made.add_row(short_id(order.order_id), when, what, order.doubt or "")
    hidden = len(doubts) - SHOWN_DOUBTS
    more = f"  ({hidden} more: gateway orders --status in_doubt)" if hidden > 0 else ""
    return [_panel(made, f"in doubt: {len(doubts)}{more}", STATUS_STYLES[OrderStatus.IN_DOUBT])]


def _orders(board: Board, rows: int, width: int) -> Panel:
    cells = [_cells(order) for order in board.ranked()[:rows]]
    names = [name for name in COLUMNS if width >= WIDE or name not in NEEDLESS]
    made = table(*names, right=("quantity", "price", "average", "changed"))
    made.box, made.expand = None, True
    for one in cells:
        made.add_row(*(one[name] for name in names))
    return _panel(made, _order_title(board))


def _order_title(board: Board) -> Text:
    counts = board.counts()
    text = Text(f"orders: {len(board.orders)}")
    for status in OrderStatus:
        if counts[status]:
            text.append("  ").append(f"{counts[status]} {_word(status)}", STATUS_STYLES[status])
    return text


def _word(status: OrderStatus) -> str:
    return status.value.replace("_", " ")


def _cells(order: Order) -> dict[str, Text]:
    dim = DIM if order.is_closed else ""
    return {
        "order": Text(short_id(order.order_id), style=dim),
        "account": Text(order.account, style=dim),
        "symbol": Text(order.symbol, style=dim),
        "side": Text(order.side.value, style=SIDE_STYLES[order.side]),
        "type": Text(kind_of(order), style=dim),
        "quantity": Text(figure(order.quantity), style=dim),
        "price": Text(figure(order.price), style=dim),
        "filled": _bar(order),
        "average": Text(figure(order.avg_price), style=dim),
        "status": status_of(order),
        "changed": Text(age(order.changed_at), style=DIM),
    }


def _bar(order: Order) -> Text:
    share = order.cum_quantity / order.quantity if order.quantity > ZERO else ZERO
    full = min(int(share * BAR), BAR)
    text = Text("━" * full, style=STATUS_STYLES[order.status])
    text.append("─" * (BAR - full), style=DIM)
    return text.append(f" {figure(order.cum_quantity)}" if order.cum_quantity else "", DIM)


def _fills(board: Board, width: int) -> list[RenderableType]:
    if not board.fills:
        return []
    made = Table.grid(padding=(0, 2))
    cells = [_fill_cells(one) for one in board.fills]
    names = [name for name in cells[0] if width >= WIDE or name not in ("order", "fee", "in")]
    for name in names:
        is_figure = name in ("quantity", "price", "fee")
        made.add_column(no_wrap=True, justify="right" if is_figure else "left")
    for one in cells:
        made.add_row(*(one[name] for name in names))
    return [_panel(made, "latest fills")]


def _fill_cells(one: Transaction) -> dict[str, Text]:
    fee = f"fee {figure(one.fee)}" if one.fee is not None else ""
    return {
        "at": Text(clock_time(one.venue_time or one.recorded_at), style=DIM),
        "order": Text(short_id(one.order_id)),
        "account": Text(one.account),
        "kind": Text(f"{one.kind.value} {one.side.value}", style=SIDE_STYLES[one.side]),
        "symbol": Text(one.symbol),
        "quantity": Text(figure(one.quantity)),
        "price": Text(f"@ {figure(one.price)}"),
        "fee": Text(fee, style=DIM),
        "in": Text(one.fee_currency or "", style=DIM),
    }
