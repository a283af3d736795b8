"""What `gateway watch` shows: health, orders, the latest fills and alarms of the accounts."""

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable

from rich.box import ROUNDED
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.cli.printing import (
    SIDE_STYLES,
    STATUS_STYLES,
    age,
    clock_time,
    figure,
    kind_of,
    short_id,
    status_of,
    table,
)
from gateway.client import Client
from gateway.domain import messages as m
from gateway.domain.change import Alarm
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.money import ZERO
from gateway.domain.order import Order, Transaction

KEPT_ORDERS = 2_000
KEPT_FILLS = 5
KEPT_ALARMS = 3
BAR = 10
SILENT_NS = 3_000_000_000


class Board:
    """Fed by the client's callbacks, drawn by `render`. Of closed orders the oldest go."""

    def __init__(self, client: Client, accounts: tuple[str, ...]) -> None:
        self._accounts = set(accounts)
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._fills: deque[Transaction] = deque(maxlen=KEPT_FILLS)
        self._alarms: deque[Alarm] = deque(maxlen=KEPT_ALARMS)
        self._health: dict[Role, m.Health] = {}
        self._updates = 0
        self._began = time.monotonic()
        protocol = client.protocol
        protocol.on_item = self._on_item
        protocol.on_restated = lambda _account, orders: self.load(orders)
        protocol.on_health = lambda health: self._health.__setitem__(health.role, health)
        protocol.on_alarm = lambda raised: self._alarms.appendleft(raised.alarm)

    def load(self, orders: Iterable[Order]) -> None:
        for order in sorted(orders, key=lambda order: order.changed_at):
            self._note(order)

    def take_health(self, reply: m.HealthReply) -> None:
        self._health = {health.role: health for health in reply.processes}

    def _on_item(self, item: m.StreamItem, _replayed: bool) -> None:
        self._updates += 1
        if isinstance(item, m.OrderUpdate):
            self._note(item.order)
        else:
            self._fills.appendleft(item.transaction)

    def _note(self, order: Order) -> None:
        if self._accounts and order.account not in self._accounts:
            return
        known = self._orders.get(order.order_id)
        if known is None or order.changed_at >= known.changed_at:
            self._orders[order.order_id] = order
            self._orders.move_to_end(order.order_id)
        if len(self._orders) > KEPT_ORDERS:
            closed = next((one for one in self._orders.values() if one.is_closed), None)
            self._orders.pop(closed.order_id if closed else next(iter(self._orders)))

    # ---- drawing -------------------------------------------------------------------------------

    def render(self, rows: int) -> RenderableType:
        parts: list[RenderableType] = [self._head(), self._order_panel(rows)]
        if self._fills:
            parts.append(self._fill_panel())
        if self._alarms:
            parts.append(self._alarm_panel())
        return Group(*parts)

    def _head(self) -> RenderableType:
        line = Text(" gateway ", style="reverse bold")
        line.append("  ")
        for role in Role:
            line.append("● ", style=self._light(role)).append(f"{role.value}  ")
        seconds = time.monotonic() - self._began
        rate = f"{self._updates} updates, {self._updates / max(seconds, 1):.1f}/s"
        line.append(f"{time.strftime('%H:%M:%S', time.gmtime())}Z  {rate}", style="bright_black")
        counts = Counter(order.status for order in self._orders.values())
        boxes = Columns([self._count(one, counts[one]) for one in OrderStatus], padding=(0, 2))
        return Group(line, *self._problems(), boxes)

    def _light(self, role: Role) -> str:
        health = self._health.get(role)
        if health is None or time.time_ns() - health.at > SILENT_NS:
            return "bright_black"
        return "green" if health.ready else "red"

    def _problems(self) -> list[Text]:
        said = (f"{h.role.value}: {p}" for h in self._health.values() for p in h.problems)
        return [Text(f"  {problem}", style="red") for problem in said]

    def _count(self, status: OrderStatus, count: int) -> Text:
        style = STATUS_STYLES[status] if count else "bright_black"
        return Text(f"{status.value.replace('_', ' ')} {count}", style=style)

    def _order_panel(self, rows: int) -> Panel:
        shown = sorted(self._orders.values(), key=_rank)[:rows]
        names = ("order", "account", "symbol", "side", "type", "quantity", "price")
        right = ("quantity", "price", "average", "changed")
        made = table(*names, "filled", "average", "status", "changed", right=right)
        made.box = None
        for order in shown:
            made.add_row(*_cells(order))
        open_ones = sum(not order.is_closed for order in self._orders.values())
        title = f"orders: {open_ones} open, {len(self._orders)} seen"
        return _panel(made, title)

    def _fill_panel(self) -> Panel:
        made = Table.grid(padding=(0, 2))
        for one in self._fills:
            made.add_row(
                Text(clock_time(one.venue_time or one.recorded_at), style="bright_black"),
                one.account,
                Text(f"{one.kind.value} {one.side.value}", style=SIDE_STYLES[one.side]),
                f"{figure(one.quantity)} {one.symbol} @ {figure(one.price)}",
                f"fee {figure(one.fee)} {one.fee_currency}" if one.fee is not None else "",
                short_id(one.order_id),
            )
        return _panel(made, "latest fills")

    def _alarm_panel(self) -> Panel:
        made = Table.grid(padding=(0, 2))
        for one in self._alarms:
            made.add_row(clock_time(one.at), Text(one.kind, style="bold red"), one.text)
        return _panel(made, "alarms")


def _panel(content: RenderableType, title: str) -> Panel:
    return Panel(content, title=title, title_align="left", box=ROUNDED, border_style="bright_black")


def _rank(order: Order) -> tuple[bool, bool, int]:
    """Doubts first, then what is open, the latest change first."""
    return (order.status is not OrderStatus.IN_DOUBT, order.is_closed, -order.changed_at)


def _cells(order: Order) -> list[str | Text]:
    dim = "bright_black" if order.is_closed else ""
    return [
        Text(short_id(order.order_id), style=dim),
        order.account,
        order.symbol,
        Text(order.side.value, style=SIDE_STYLES[order.side]),
        kind_of(order),
        figure(order.quantity),
        figure(order.price),
        _bar(order),
        figure(order.avg_price),
        status_of(order),
        Text(age(order.changed_at), style="bright_black"),
    ]


def _bar(order: Order) -> Text:
    share = order.cum_quantity / order.quantity if order.quantity > ZERO else ZERO
    full = min(int(share * BAR), BAR) if share else 0
    text = Text("━" * full, style=STATUS_STYLES[order.status])
    text.append("━" * (BAR - full), style="bright_black dim")
    return text.append(f" {figure(order.cum_quantity)}")
