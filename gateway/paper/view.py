"""What a query sees: the truth, or, under a data fault, something older or less."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.paper.entries import Execution
from gateway.paper.faults import Fault, FaultKind, first_of
from gateway.paper.orders import Order, Trade
from gateway.paper.parameters import NS_PER_MS
from gateway.paper.record import Record


class View(msgspec.Struct, frozen=True):
    """`newest`: orders and trades after it are not visible. `as_of`: orders look as they did then.
    Both are venue times; None is no restriction."""

    newest: int | None = None
    as_of: int | None = None
    record: Record | None = None

    def sees(self, order: Order) -> bool:
        return self.newest is None or order.created_at <= self.newest

    def orders(self, orders: Iterable[Order]) -> list[Order]:
        return [self._aged(order) for order in orders if self.sees(order)]

    def trades(self, trades: Iterable[Trade]) -> list[Trade]:
        return [t for t in trades if self.newest is None or t.time <= self.newest]

    def _aged(self, order: Order) -> Order:
        """Its last recorded state of that time; the first one if it is younger."""
        if self.as_of is None or self.record is None or order.updated_at <= self.as_of:
            return order
        oldest = order
        for entry in reversed(self.record.entries()):
            if isinstance(entry, Execution) and _same(entry.order, order):
                oldest = entry.order
                if entry.time <= self.as_of:
                    break
        return oldest


def _same(one: Order, other: Order) -> bool:
    return (one.account, one.symbol, one.order_id) == (
        other.account,
        other.symbol,
        other.order_id,
    )


TRUTH = View()


def view_under(faults: Iterable[Fault], record: Record, now: int) -> View:
    """The view that these faults leave."""
    faults = list(faults)
    invisible = first_of(faults, FaultKind.INVISIBLE)
    stale = first_of(faults, FaultKind.STALE)
    if invisible is None and stale is None:
        return TRUTH
    return View(
        newest=now - invisible.lag_ms * NS_PER_MS if invisible else None,
        as_of=now - stale.lag_ms * NS_PER_MS if stale else None,
        record=record,
    )
