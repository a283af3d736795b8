"""Accounts and their money. Every movement is exact; nothing is ever rounded away."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import msgspec

from gateway.paper.errors import insufficient_balance
from gateway.paper.orders import ZERO, Order

COMMISSION_STEP = Decimal("0.00000001")


class Balance(msgspec.Struct, gc=False):
    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


class Fees(msgspec.Struct, frozen=True):
    """Rates as fractions. `asset`: charge all commissions in it while its balance lasts.

    `asset_prices` says what one unit of a received asset is worth in `asset`; a received asset
    that is not listed is charged in itself.
    """

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    asset: str = ""
    asset_prices: dict[str, Decimal] = {}


class Account:
    """One account's balances, open orders and order index.

    `is_house` marks the venue's own liquidity: it may go negative, nothing is locked for it,
    and nobody is told about its orders.
    """

    def __init__(self, name: str, fees: Fees, *, is_house: bool = False) -> None:
        self.name = name
        self.fees = fees
        self.is_house = is_house
        self.balances: dict[str, Balance] = {}
        self.open_orders: dict[tuple[str, int], Order] = {}
        self.open_client_ids: dict[str, Order] = {}
        self.open_count: dict[str, int] = {}

    def balance(self, asset: str) -> Balance:
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found

    def lock(self, asset: str, amount: Decimal) -> None:
        """Move free money into an order's reservation, or raise -2010."""
        balance = self.balance(asset)
        if amount > balance.free:
            raise insufficient_balance()
        balance.free -= amount
        balance.locked += amount

    def unlock(self, asset: str, amount: Decimal) -> None:
        balance = self.balance(asset)
        balance.locked -= amount
        balance.free += amount

    def opened(self, order: Order) -> None:
        self.open_orders[order.symbol, order.order_id] = order
        self.open_client_ids[order.client_order_id] = order
        self.open_count[order.symbol] = self.open_count.get(order.symbol, 0) + 1

    def closed(self, order: Order) -> None:
        """Forget it as an open order; its client id may be used again. Safe to call twice."""
        if self.open_orders.pop((order.symbol, order.order_id), None) is not None:
            self.open_count[order.symbol] -= 1
            self.open_client_ids.pop(order.client_order_id, None)

    def commission(self, asset: str, amount: Decimal, *, is_maker: bool) -> tuple[Decimal, str]:
        """What a fill that brought `amount` of `asset` costs, and in which asset.

        Truncated to 8 decimals. The fee asset pays only if its free balance covers it, else the
        received asset does, as at Binance.
        """
        fees = self.fees
        rate = fees.maker if is_maker else fees.taker
        if not rate:
            return ZERO, asset
        if fees.asset:
            price = fees.asset_prices.get(asset)
            if price is not None:
                fee = (amount * rate * price).quantize(COMMISSION_STEP, ROUND_DOWN)
                if fee <= self.balance(fees.asset).free:
                    return fee, fees.asset
        return (amount * rate).quantize(COMMISSION_STEP, ROUND_DOWN), asset
