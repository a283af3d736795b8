"""What the venue keeps of an order and of a fill, in Binance's words.

Quantities, prices and amounts are `Decimal`; times are integer nanoseconds UTC.
"""

from __future__ import annotations

from copy import copy
from decimal import Decimal

import msgspec

ZERO = Decimal(0)

BUY = "BUY"
SELL = "SELL"

LIMIT = "LIMIT"
MARKET = "MARKET"
LIMIT_MAKER = "LIMIT_MAKER"
STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
ORDER_TYPES = (LIMIT, LIMIT_MAKER, MARKET, STOP_LOSS_LIMIT)

GTC = "GTC"
IOC = "IOC"
FOK = "FOK"
TIMES_IN_FORCE = (GTC, IOC, FOK)

NEW = "NEW"
PARTIALLY_FILLED = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELED = "CANCELED"
EXPIRED = "EXPIRED"
EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"

STP_NONE = "NONE"
EXPIRE_TAKER = "EXPIRE_TAKER"
EXPIRE_MAKER = "EXPIRE_MAKER"
EXPIRE_BOTH = "EXPIRE_BOTH"
STP_MODES = (STP_NONE, EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH)


class NewOrder(msgspec.Struct, frozen=True, gc=False):
    """A request for an order. Empty `client_order_id`: the venue makes one.

    `quote_quantity` is only for MARKET and excludes `quantity`. An empty `time_in_force` is GTC
    where the type allows one. An empty `self_trade_prevention` is the venue's default.
    """

    symbol: str
    side: str
    type: str
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    time_in_force: str = ""
    client_order_id: str = ""
    quote_quantity: Decimal = ZERO
    stop_price: Decimal = ZERO
    self_trade_prevention: str = ""


class Order(msgspec.Struct, gc=False):
    """One order's whole state. The venue mutates its own; everyone else gets copies."""

    account: str
    symbol: str
    order_id: int
    client_order_id: str
    side: str
    type: str
    time_in_force: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    stop_price: Decimal
    self_trade_prevention: str
    status: str
    executed: Decimal
    quote_executed: Decimal
    prevented: Decimal
    locked: Decimal
    """What is still locked for it: quote for a buy, base for a sell."""
    is_working: bool
    priority: int
    """Rank of its entry into the book, venue-wide; a stop gets it when it triggers."""
    created_at: int
    updated_at: int
    working_at: int

    @property
    def is_buy(self) -> bool:
        return self.side == BUY

    @property
    def is_open(self) -> bool:
        return self.status in {NEW, PARTIALLY_FILLED}

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    def copy(self) -> Order:
        return copy(self)


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One side of a match. Both sides carry the same `trade_id`, dense per symbol."""

    symbol: str
    trade_id: int
    order_id: int
    client_order_id: str
    account: str
    side: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    time: int
