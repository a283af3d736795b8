"""Background liquidity: a market maker around a random-walk mid, and takers now and then.

It makes users' resting orders fill, wholly or partly, without any other user. All randomness is
the `random.Random` that is passed in.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

import msgspec

from gateway.paper.core import PaperVenue
from gateway.paper.orders import BUY, GTC, IOC, SELL, Order


class Liquidity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one symbol is quoted. Distances are fractions of the mid price."""

    levels: int = 5
    half_spread: Decimal = Decimal("0.0001")
    level_gap: Decimal = Decimal("0.0001")
    level_notional: Decimal = Decimal(50000)
    """Size of each level, in quote."""
    volatility: float = 0.0001
    """Standard deviation of one step of the mid."""
    taker_probability: float = 0.3
    taker_notional: Decimal = Decimal(20000)


QUOTE_UNITS = {"BTC": Decimal(60000), "ETH": Decimal(3000)}
"""Roughly what one unit of a quote asset is worth in dollars, to scale the default sizes."""


def default_liquidity(quote_asset: str) -> Liquidity:
    """The same quoting for every symbol, in sizes that suit its quote asset."""
    unit = QUOTE_UNITS.get(quote_asset, Decimal(1))
    return Liquidity(level_notional=50000 / unit, taker_notional=20000 / unit)


class MarketMaker:
    """Quotes one symbol. Call `step` as often as the market shall move."""

    def __init__(self, venue: PaperVenue, symbol: str, liquidity: Liquidity) -> None:
        self._engine = venue.engine
        self._market = venue.engine.markets[symbol]
        self._liquidity = liquidity
        self._mid = self._market.symbol.start_price
        self._quotes: list[Order] = []

    def step(self, now: int, rng: Random) -> None:
        """Move the mid, requote around it, and perhaps trade. Users' orders may fill."""
        move = 1 + rng.gauss(0.0, self._liquidity.volatility)
        symbol = self._market.symbol
        low, high = symbol.start_price / 2, symbol.start_price * 2
        self._mid = min(max(self._mid * Decimal(f"{move:.8f}"), low), high)
        self._withdraw()
        self._quote(now)
        if rng.random() < self._liquidity.taker_probability:
            self._take(now, rng)
        self._engine.reporter.finish(now)

    def stop(self) -> None:
        """Take all quotes away."""
        self._withdraw()

    def _withdraw(self) -> None:
        for order in self._quotes:
            if order.is_open:
                self._market.book.side_of(order).remove(order)
        self._quotes.clear()

    def _quote(self, now: int) -> None:
        terms = self._liquidity
        quantity = self._quantity(terms.level_notional)
        for level in range(terms.levels):
            distance = self._mid * (terms.half_spread + level * terms.level_gap)
            for side, price in ((BUY, self._mid - distance), (SELL, self._mid + distance)):
                order = self._submit(side, price, quantity, GTC, now)
                if order.is_open:
                    self._quotes.append(order)

    def _take(self, now: int, rng: Random) -> None:
        """A marketable order of random size that reaches at most the first two levels."""
        side = BUY if rng.random() < 0.5 else SELL
        reach = self._mid * (self._liquidity.half_spread + self._liquidity.level_gap)
        price = self._mid + reach if side == BUY else self._mid - reach
        notional = self._liquidity.taker_notional * Decimal(f"{rng.random():.4f}")
        quantity = self._quantity(notional)
        self._submit(side, price, quantity, IOC, now)

    def _submit(self, side: str, price: Decimal, quantity: Decimal, tif: str, now: int) -> Order:
        on_tick = self._on_tick(price, side)
        name = self._market.symbol.name
        return self._engine.submit_house(name, side, on_tick, quantity, tif, now)

    def _quantity(self, notional: Decimal) -> Decimal:
        step = self._market.symbol.step
        return max(notional // (self._mid * step) * step, step)

    def _on_tick(self, price: Decimal, side: str) -> Decimal:
        """Away from the mid, so that a quote never crosses its own other side."""
        tick = self._market.symbol.tick
        ticks = price // tick
        return (ticks if side == BUY else ticks + 1) * tick
