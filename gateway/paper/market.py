"""One symbol's market: its book, its waiting stops and its last price."""

from __future__ import annotations

from bisect import insort
from decimal import Decimal

from gateway.paper.book import Book
from gateway.paper.orders import EXPIRE_MAKER, STP_NONE, ZERO, Order
from gateway.paper.symbols import Symbol

Stop = tuple[Decimal, int, Order]


class Market:
    """State of one symbol. `next_order_id` and `next_trade_id` are dense for users' orders."""

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol
        self.book = Book()
        self.last_price = symbol.start_price
        self.next_order_id = 1
        self.next_trade_id = 1
        self._sell_stops: list[Stop] = []
        self._buy_stops: list[Stop] = []

    def hold_stop(self, order: Order) -> None:
        """Keep it aside until the last price reaches its stop price."""
        insort(self._stops_of(order), self._stop_key(order))

    def drop_stop(self, order: Order) -> None:
        """ValueError if it is not held."""
        self._stops_of(order).remove(self._stop_key(order))

    def pop_triggered(self) -> Order | None:
        """The next stop whose price the market has reached, nearest first."""
        if self._sell_stops and -self._sell_stops[0][0] >= self.last_price:
            return self._sell_stops.pop(0)[2]
        if self._buy_stops and self._buy_stops[0][0] <= self.last_price:
            return self._buy_stops.pop(0)[2]
        return None

    def would_trigger(self, order: Order) -> bool:
        if order.is_buy:
            return self.last_price >= order.stop_price
        return self.last_price <= order.stop_price

    def walk(self, taker: Order) -> tuple[Decimal, Decimal]:
        """Base and quote that it would exchange if it were matched now."""
        base = quote = ZERO
        for maker in self.book.against(taker).orders():
            if not reaches(taker, maker.price):
                break
            if maker.account == taker.account and taker.self_trade_prevention != STP_NONE:
                if taker.self_trade_prevention == EXPIRE_MAKER:
                    continue
                break
            quantity = min(maker.remaining, self.wanted(taker, maker.price, base, quote))
            if quantity <= ZERO:
                break
            base += quantity
            quote += quantity * maker.price
        return base, quote

    def wanted(self, taker: Order, price: Decimal, base: Decimal, quote: Decimal) -> Decimal:
        """What a taker that has exchanged `base` and `quote` so far still wants at `price`."""
        if not taker.quote_quantity:
            return taker.quantity - base
        step = self.symbol.step
        return (taker.quote_quantity - quote) // (price * step) * step

    def _stops_of(self, order: Order) -> list[Stop]:
        return self._buy_stops if order.is_buy else self._sell_stops

    @staticmethod
    def _stop_key(order: Order) -> Stop:
        price = order.stop_price if order.is_buy else -order.stop_price
        return (price, order.order_id, order)


def reaches(taker: Order, price: Decimal) -> bool:
    """May it trade at `price`? A market order (price 0) may at any."""
    if not taker.price:
        return True
    return taker.price >= price if taker.is_buy else taker.price <= price
