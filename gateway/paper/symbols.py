"""A symbol: its two assets and the filters that its orders must pass."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from gateway.paper.orders import ZERO

ASSET_DECIMALS = 8


class PercentPrice(msgspec.Struct, frozen=True):
    """PERCENT_PRICE_BY_SIDE: the band around the last price, by side of the order."""

    bid_up: Decimal = Decimal(5)
    bid_down: Decimal = Decimal("0.2")
    ask_up: Decimal = Decimal(5)
    ask_down: Decimal = Decimal("0.2")


class Symbol(msgspec.Struct, frozen=True):
    """The rules of one symbol; `name` is the venue's id, as `BTCUSDT`.

    The product of tick and step must fit the 8 decimals of an asset, so that price x quantity
    is always an exact amount and no fill ever needs rounding: ValueError otherwise.
    """

    name: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    start_price: Decimal
    """Mid price before the first trade; the reference of the filters until then."""
    min_price: Decimal = Decimal("0.00000001")
    max_price: Decimal = Decimal(1000000)
    min_quantity: Decimal = Decimal("0.00000001")
    max_quantity: Decimal = Decimal(9000)
    min_notional: Decimal = Decimal(5)
    max_notional: Decimal = Decimal(9000000)
    max_orders: int = 200
    percent_price: PercentPrice | None = None

    def __post_init__(self) -> None:
        if self.tick <= ZERO or self.step <= ZERO:
            raise ValueError(f"{self.name}: tick and step must be positive")
        if decimals(self.tick) + decimals(self.step) > ASSET_DECIMALS:
            raise ValueError(f"{self.name}: tick x step has more than {ASSET_DECIMALS} decimals")

    @property
    def unified(self) -> str:
        """The name that ccxt gives it: `BTC/USDT`."""
        return f"{self.base}/{self.quote}"


def decimals(number: Decimal) -> int:
    """Digits after the point, without trailing zeros."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else ASSET_DECIMALS + 1


def symbol(
    unified: str,
    tick: str,
    step: str,
    start_price: str,
    min_notional: str = "5",
    max_orders: int = 200,
) -> Symbol:
    """A symbol from ccxt's name (`BTC/USDT`) with a lot of one step and Binance-like bounds."""
    base, quote = unified.split("/")
    return Symbol(
        name=base + quote,
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        start_price=Decimal(start_price),
        min_price=Decimal(tick),
        min_quantity=Decimal(step),
        min_notional=Decimal(min_notional),
        max_orders=max_orders,
    )


DEFAULT_SYMBOLS = (
    symbol("BTC/USDT", "0.01", "0.00001", "60000"),
    symbol("ETH/USDT", "0.01", "0.0001", "3000"),
    symbol("ETH/BTC", "0.00001", "0.001", "0.05", min_notional="0.0001"),
)
