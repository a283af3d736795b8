"""The orders and trades that can be asked for: a bounded memory of closed ones.

An open order is never forgotten. Of closed orders the last `keep_orders` stay, of trades the last
`keep_trades` of each account and symbol; what is older is answered like something unknown, as
Binance does after its own retention.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice, takewhile
from typing import TypeVar

from gateway.paper.orders import Order, Trade

KEEP_ORDERS = 100_000
KEEP_TRADES = 100_000

AccountSymbol = tuple[str, str]
T = TypeVar("T")


class History:
    def __init__(self, keep_orders: int = KEEP_ORDERS, keep_trades: int = KEEP_TRADES) -> None:
        self._keep_orders = keep_orders
        self._keep_trades = keep_trades
        self._orders: dict[AccountSymbol, dict[int, Order]] = {}
        self._by_client_id: dict[tuple[str, str], Order] = {}
        self._closed: deque[Order] = deque()
        self._trades: dict[AccountSymbol, list[Trade]] = {}

    def add_order(self, order: Order) -> None:
        self._orders.setdefault((order.account, order.symbol), {})[order.order_id] = order
        self._by_client_id[order.account, order.client_order_id] = order

    def renamed(self, order: Order, old_client_id: str) -> None:
        """It has a new client order id; the old one no longer finds it."""
        if self._by_client_id.get((order.account, old_client_id)) is order:
            del self._by_client_id[order.account, old_client_id]
        self._by_client_id[order.account, order.client_order_id] = order

    def closed(self, order: Order) -> None:
        """It will not change any more, so it may be forgotten when its turn comes."""
        self._closed.append(order)
        if len(self._closed) > self._keep_orders:
            self._forget(self._closed.popleft())

    def add_trade(self, trade: Trade) -> None:
        trades = self._trades.setdefault((trade.account, trade.symbol), [])
        trades.append(trade)
        if len(trades) > self._keep_trades:
            del trades[: max(1, self._keep_trades // 4)]

    def find(
        self, account: str, symbol: str, order_id: int | None, client_order_id: str | None
    ) -> Order | None:
        """By the venue's id (the client's must then agree), else the last with the client's."""
        if order_id is not None:
            order = self._orders.get((account, symbol), {}).get(order_id)
            if order is None or client_order_id in {None, "", order.client_order_id}:
                return order
            return None
        order = self._by_client_id.get((account, client_order_id or ""))
        return order if order is not None and order.symbol == symbol else None

    def orders(
        self,
        account: str,
        symbol: str,
        *,
        from_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[Order]:
        """In the order of acceptance: from `from_id` or `start` on, else the most recent."""
        known = self._orders.get((account, symbol), {})
        newest_first = reversed(known.values())
        if from_id is not None:
            wanted = list(takewhile(lambda o: o.order_id >= from_id, newest_first))
        elif start is not None:
            wanted = list(takewhile(lambda o: o.created_at >= start, newest_first))
        else:
            return _last(newest_first, end, limit, lambda o: o.created_at)
        wanted.reverse()
        return [o for o in wanted if end is None or o.created_at <= end][:limit]

    def trades(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[Trade]:
        """By rising trade id: from `from_id` or `start` on, else the most recent `limit`."""
        trades = self._trades.get((account, symbol), [])
        if order_id is not None:
            trades = [trade for trade in trades if trade.order_id == order_id]
        if from_id is not None:
            first = bisect_left(trades, from_id, key=lambda trade: trade.trade_id)
        elif start is not None:
            first = bisect_left(trades, start, key=lambda trade: trade.time)
        else:
            return _last(reversed(trades), end, limit, lambda trade: trade.time)
        page = islice(trades, first, first + limit)
        return [trade for trade in page if end is None or trade.time <= end]

    def _forget(self, order: Order) -> None:
        self._orders[order.account, order.symbol].pop(order.order_id, None)
        if self._by_client_id.get((order.account, order.client_order_id)) is order:
            del self._by_client_id[order.account, order.client_order_id]


def _last(
    newest_first: Iterable[T], end: int | None, limit: int, time: Callable[[T], int]
) -> list[T]:
    recent = (item for item in newest_first if end is None or time(item) <= end)
    found = list(islice(recent, limit))
    found.reverse()
    return found
