"""What makes a trade the same trade."""

import hashlib
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from gateway.domain.money import plain
from gateway.domain.venue import VenueTrade


class TradeDigest(Struct, frozen=True):
    """What must be remembered of a trade to recognise it, and to notice other figures."""

    price: Decimal
    quantity: Decimal
    fee_known: bool


def digest(trade: VenueTrade) -> TradeDigest:
    return TradeDigest(trade.price, trade.quantity, trade.fee is not None)


def trade_key(account: str, trade: VenueTrade) -> str:
    """(account, symbol, venue order id, trade id, leg); a hash of the content without a trade id.

    The leg is part of the key because two fills can share a trade id (a position that flipped).
    """
    name = trade.trade_id if trade.trade_id is not None else _content_hash(trade)
    return f"{account}|{trade.symbol}|{trade.venue_order_id}|{name}|{trade.leg}"


def fee_key(key: str) -> str:
    return key + "|fee"


def amendment_key(key: str, amendment_id: str) -> str:
    return f"{key}|amended|{amendment_id}"


def correction_key(key: str, trade: VenueTrade, corrections: int) -> str:
    """Of figures that take the place of those first kept; so many such are known already."""
    return amendment_key(key, f"{corrections}|{plain(trade.quantity)}|{plain(trade.price)}")


def corrections_of(key: str, keys: Iterable[str]) -> int:
    """How many amendments of the trade are among the keys."""
    prefix = amendment_key(key, "")
    return sum(1 for one in keys if one.startswith(prefix))


def amended_trade_key(key: str) -> str:
    """The key of the trade that an amendment is of."""
    return key.partition(amendment_key("", ""))[0]


def conflict_key(key: str, trade: VenueTrade) -> str:
    """Of figures that are kept out because the trade is known with others (case 31)."""
    return f"{key}|conflict|{plain(trade.quantity)}|{plain(trade.price)}"


def _content_hash(trade: VenueTrade) -> str:
    figures = (trade.side, plain(trade.price), plain(trade.quantity), str(trade.venue_time))
    return "~" + hashlib.sha256("|".join(figures).encode()).hexdigest()[:24]
