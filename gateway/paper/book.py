"""One symbol's resting orders in price-time order."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal

from gateway.paper.orders import ZERO, Order

Level = OrderedDict[int, Order]
"""The orders of one price by order id, oldest first. OrderedDict because a plain dict scans its
deleted entries to find the first one, which makes a long queue quadratic."""


class BookSide:
    """Bids or asks. Prices are kept sorted with the best one last, where removal is cheap."""

    def __init__(self, *, is_bid: bool) -> None:
        self._sign = 1 if is_bid else -1
        self._keys: list[Decimal] = []
        self._levels: dict[Decimal, Level] = {}

    def add(self, order: Order) -> None:
        """Queue it behind every order of its price."""
        key = order.price * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = OrderedDict()
            insort(self._keys, key)
        level[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take it out of its level. KeyError if it does not rest here."""
        key = order.price * self._sign
        level = self._levels[key]
        del level[order.order_id]
        if not level:
            del self._levels[key]
            keys = self._keys
            if keys[-1] == key:
                keys.pop()
            else:
                del keys[bisect_left(keys, key)]

    def first(self) -> Order | None:
        """The order that a taker meets next."""
        if not self._keys:
            return None
        return next(iter(self._levels[self._keys[-1]].values()))

    def best_price(self) -> Decimal | None:
        return self._keys[-1] * self._sign if self._keys else None

    def orders(self) -> Iterator[Order]:
        """Every resting order, in the order in which takers meet them."""
        for key in reversed(self._keys):
            yield from self._levels[key].values()

    def depth(self, limit: int) -> list[tuple[Decimal, Decimal]]:
        """Price and total remaining quantity of the best `limit` levels."""
        best = self._keys[: -limit - 1 : -1]
        return [
            (key * self._sign, sum((o.remaining for o in self._levels[key].values()), ZERO))
            for key in best
        ]


class Book:
    """Both sides of one symbol."""

    def __init__(self) -> None:
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)

    def side_of(self, order: Order) -> BookSide:
        return self.bids if order.is_buy else self.asks

    def against(self, order: Order) -> BookSide:
        return self.asks if order.is_buy else self.bids

    def crosses(self, order: Order) -> bool:
        """Would it trade at once, at its own limit?"""
        best = self.against(order).best_price()
        if best is None:
            return False
        return best <= order.price if order.is_buy else best >= order.price
