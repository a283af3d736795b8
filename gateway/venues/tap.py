"""Every order and fill that a venue's private stream says, none lost.

ccxt's `watch_orders` loses what comes while nobody waits, and merges what comes in between. But it
appends each update to a cache on its way, and keeps a cache that is already there: ours hands
a copy on before ccxt merges it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ccxt.async_support.base.ws.cache import ArrayCacheBySymbolById

MAX_ROWS = 1000
"""ccxt searches the cache from its end at each update: 40 us at a thousand rows, ten times that at
ten thousand."""

OnRow = Callable[[Mapping[str, Any]], None]


class TapCache(ArrayCacheBySymbolById):  # type: ignore[misc]
    """`on_row` is called in the order of arrival, for every row, before `append` returns."""

    def __init__(self, on_row: OnRow) -> None:
        super().__init__(MAX_ROWS)
        self._on_row = on_row

    def append(self, item: dict[str, Any]) -> None:
        self._on_row(dict(item))
        super().append(item)


def seed(exchange: Any, on_order: OnRow, on_trade: OnRow) -> None:
    """Before the first watch. All three, since some venues make the first and last together."""
    exchange.orders = TapCache(on_order)
    exchange.triggerOrders = TapCache(on_order)
    exchange.myTrades = TapCache(on_trade)


def is_tapped(exchange: Any) -> bool:
    """False: this exchange's class has put caches of its own in place of ours."""
    return isinstance(exchange.orders, TapCache) and isinstance(exchange.myTrades, TapCache)
