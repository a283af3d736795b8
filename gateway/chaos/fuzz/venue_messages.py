"""A venue's messages, spoilt, through ccxt's parsers and ours: the private stream and queries."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random
from typing import Any

import aiohttp
import msgspec

from gateway.chaos.fuzz.making import spoil, spoil_bytes
from gateway.domain import venue as v
from gateway.domain.identity import AccountId, IdForm, Symbol, make_order_id, to_venue_id
from gateway.paper.build import build_server
from gateway.paper.ccxt_config import ccxt_config
from gateway.paper.settings import AccountSettings, Settings
from gateway.system import SystemClock
from gateway.venues import tap, translate
from gateway.venues.guard import WriteGuard
from gateway.venues.hooked import Hooks
from gateway.venues.profiles import row_of
from gateway.venues.queries import Queries
from gateway.venues.session import VenueSession, close_exchange
from gateway.venues.settings import Credentials, VenueSettings

ORDER_ID = make_order_id(1, 1_700_000_000_000_000_000, 12345)
OURS = to_venue_id(ORDER_ID, IdForm.UUID)
SYMBOL = Symbol("BTC/USDT")
PAPER = AccountSettings("main", {}).credential()
ORDER = {
    "symbol": "BTCUSDT",
    "orderId": 17,
    "orderListId": -1,
    "clientOrderId": OURS,
    "price": "60000.00",
    "origQty": "1.00000",
    "executedQty": "0.40000",
    "cummulativeQuoteQty": "24000.0",
    "status": "PARTIALLY_FILLED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
    "stopPrice": "0.0",
    "time": 1700000000001,
    "updateTime": 1700000000002,
    "isWorking": True,
}
TRADE = {
    "symbol": "BTCUSDT",
    "id": 5,
    "orderId": 17,
    "price": "60000.00",
    "qty": "0.40000",
    "quoteQty": "24000.0",
    "commission": "0.0004",
    "commissionAsset": "BTC",
    "time": 1700000000002,
    "isBuyer": True,
    "isMaker": False,
}
REPORT: dict[str, Any] = json.loads(
    """{"e": "executionReport", "E": 1700000000002, "s": "BTCUSDT", "c": "OURS", "S": "BUY",
    "o": "LIMIT", "f": "GTC", "q": "1.00000", "p": "60000.00", "P": "0", "F": "0", "g": -1,
    "C": "", "x": "TRADE", "X": "PARTIALLY_FILLED", "r": "NONE", "i": 17, "l": "0.40000",
    "z": "0.40000", "L": "60000.00", "n": "0.0004", "N": "BTC", "T": 1700000000002, "t": 5,
    "w": true, "m": false, "O": 1700000000001, "Z": "24000.0", "Y": "24000.0", "Q": "0"}""".replace(
        "OURS", OURS
    )
)
POSITION = {
    "e": "outboundAccountPosition",
    "E": 1700000000003,
    "u": 1700000000003,
    "B": [{"a": "BTC", "f": "10.0", "l": "0.6"}, {"a": "USDT", "f": "1000.0", "l": "0"}],
}
BALANCES = {
    "makerCommission": 10,
    "balances": [{"asset": "BTC", "free": "10.0", "locked": "0.6"}],
}


class VenueMessages:
    """`once` spoils one message and hands it to the parsers; `open` first, `close` at the end."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.taken = 0
        self._ways: list[Callable[[], Awaitable[None]]] = []

    async def open(self) -> None:
        logging.getLogger("gateway.venues").setLevel(logging.CRITICAL)
        self._server = build_server(Settings(liquidity=False))
        await self._server.start(liquidity=False)
        config = ccxt_config(self._server.url)
        settings = VenueSettings(
            account=AccountId("main"),
            exchange="binance",
            credentials=Credentials(api_key=PAPER.key, secret=PAPER.secret),
            urls=config["urls"],
            options=config["options"],
        )
        self._session = VenueSession(settings, row_of("binance", unverified=False))
        await self._session.open()
        self._queries = Queries(self._session, SystemClock())
        exchange = self._exchange = self._session.another(Hooks())
        tap.seed(exchange, self._order, self._trade)
        self._socket = exchange.client(exchange.urls["api"]["ws"]["ws-api"]["spot"])
        self._session.exchange.fetch = self._fetch
        self._ways = [self._stream, self._stream, self._ask]

    async def close(self) -> None:
        del self._session.exchange.fetch
        await close_exchange(self._exchange)
        await self._session.close()
        await self._server.stop()

    async def once(self) -> None:
        await self._random.choice(self._ways)()

    # ---- the private stream --------------------------------------------------------------------

    async def _stream(self) -> None:
        """Nothing may come out of the barrier around ccxt's handler."""
        told = self._random.choice((REPORT, REPORT, POSITION))
        text = self._spoilt({"subscriptionId": 0, "event": told})
        self._socket.handle_message(aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, text, None))

    def _order(self, raw: Any) -> None:
        self._check(translate.order(raw, IdForm.UUID, ("c",)))

    def _trade(self, raw: Any) -> None:
        self._check(translate.trade(raw, IdForm.UUID, ("c",)))

    # ---- queries -------------------------------------------------------------------------------

    async def _ask(self) -> None:
        """Whatever the venue says, a query has an answer of its own kind."""
        order = v.FetchOrder(order_id=ORDER_ID, symbol=SYMBOL, with_trades=True)
        asked: tuple[Any, ...] = (
            order,
            v.FetchOpenOrders(symbols=(SYMBOL,)),
            v.FetchTrades(symbol=SYMBOL, since=1_600_000_000_000_000_000),
            v.FetchBalances(),
        )
        async with asyncio.timeout(20):
            answer = await self._queries.answer(self._random.choice(asked), WriteGuard())
        self._check(answer)

    async def _fetch(self, url: str, *_: object, **__: object) -> Any:
        """In place of the HTTP call, with what ccxt would have made of a body that is JSON."""
        value: Any = ORDER
        if "openOrders" in url or "allOrders" in url:
            value = [ORDER, {**ORDER, "orderId": 18, "clientOrderId": "web_1"}]
        elif "myTrades" in url:
            value = [TRADE]
        elif "account" in url:
            value = BALANCES
        answer = spoil(self._random, value) if self._random.random() < 0.9 else value
        return json.loads(json.dumps(_jsonable(answer)))

    # ---- pieces --------------------------------------------------------------------------------

    def _spoilt(self, value: Any) -> str:
        random = self._random
        if random.random() < 0.7:
            return json.dumps(_jsonable(spoil(random, value)))
        return spoil_bytes(random, json.dumps(value).encode()).decode("utf-8", "replace")

    def _check(self, said: msgspec.Struct) -> None:
        self.taken += 1
        for figure in _figures(msgspec.to_builtins(said, builtin_types=(Decimal,))):
            if not figure.is_finite():
                raise SystemExit(f"{figure} was taken as a figure: {said!r}")


def _figures(value: Any) -> list[Decimal]:
    if isinstance(value, Decimal):
        return [value]
    if isinstance(value, dict):
        return [one for each in value.values() for one in _figures(each)]
    return [one for each in value for one in _figures(each)] if isinstance(value, list) else []


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_jsonable(one) for one in value]
    return repr(value) if isinstance(value, bytes) else value
