"""A Binance session without a network: markets made up, nothing dialled."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.domain.identity import AccountId, Symbol
from gateway.venues.fast.binance_spot import BinanceSpot
from gateway.venues.hooked import Hooks
from gateway.venues.profiles import ROWS
from gateway.venues.session import VenueSession
from gateway.venues.settings import Credentials, VenueSettings
from gateway.venues.translate import market

SYMBOL = Symbol("BTC/USDT")
NOW_MS = 1_763_000_000_123
ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"]
FILTERS: list[dict[str, str]] = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
]


class Clock:
    def now(self) -> int:
        return NOW_MS * 1_000_000

    def monotonic(self) -> int:
        return 0


def session(options: Mapping[str, Any] | None = None, **more: Any) -> VenueSession:
    """As after `open`."""
    fields: dict[str, Any] = {
        "account": AccountId("main"),
        "exchange": "binance",
        "credentials": Credentials(api_key="the-key", secret="the-secret"),
        "options": options or {},
    }
    made = VenueSession(VenueSettings(**{**fields, **more}), ROWS["binance"])

    async def load() -> None:
        made.exchange = made._instance(Hooks())
        made.exchange.milliseconds = lambda: NOW_MS
        made.exchange.options |= {"crossMarginPairsData": [], "isolatedMarginPairsData": []}
        raw = made.exchange.parse_market(_listing())
        made.exchange.set_markets([raw])
        made.markets = {SYMBOL: market(made.exchange.markets[SYMBOL], made.exchange.precisionMode)}
        await made.exchange.close()

    asyncio.run(load())
    return made


def dialect(made: VenueSession) -> BinanceSpot:
    return BinanceSpot(made.exchange, made.markets, made.row)


def _listing() -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "orderTypes": ORDER_TYPES,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "filters": FILTERS,
    }
