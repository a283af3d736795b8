"""The connections of one account: one HTTP session, and ccxt instances that share its markets."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import ClientSession, TCPConnector

from gateway.domain.identity import OrderId, Symbol
from gateway.domain.venue import Market, VenueOrder, VenueTrade
from gateway.venues import translate
from gateway.venues.guard import WriteGuard, guarded_by, trace_config
from gateway.venues.hooked import Hooks, ended, forget_ws_call, hooked_class, quiet, was_cancelled
from gateway.venues.profiles import VenueRow
from gateway.venues.scrub import scrub
from gateway.venues.settings import VenueSettings

logger = logging.getLogger(__name__)

MAX_OPEN_RETRY = 30.0
REDIAL_PAUSE = 0.1
RELOAD_PAUSE = 60.0
"""Between two loads of the markets for the sake of one that is not known."""
_MARKET_TABLES = (
    "markets",
    "markets_by_id",
    "symbols",
    "ids",
    "currencies",
    "currencies_by_id",
    "codes",
    "baseCurrencies",
    "quoteCurrencies",
)
_TIME_DIFFERENCE = "timeDifference"
"""To the venue's clock, which ccxt measures while it loads markets, if its options ask for that."""

_silent = logging.Logger("ccxt", level=logging.WARNING)
"""ccxt logs signed URLs at level DEBUG: its instances get a logger outside of the tree."""


class VenueSession:
    """`open` returns when markets are loaded and a connection is warm."""

    def __init__(self, settings: VenueSettings, row: VenueRow) -> None:
        self.settings = settings
        self.row = row
        self.markets: Mapping[Symbol, Market] = {}
        self._class = hooked_class(settings.exchange)
        self._http: ClientSession | None = None
        self._warming: asyncio.Task[None] | None = None
        self._cold = asyncio.Event()
        self._are_markets_doubted = False
        self._no_reload_before = 0.0
        self.exchange: Any = None

    @property
    def is_open(self) -> bool:
        return self._warming is not None

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.settings.credentials.values()

    async def open(self) -> None:
        """Tries until the markets are there; each failure is logged."""
        self._http = _http_session(self.settings.keep_warm * 3)
        self.exchange = self._instance(_Cooling(self.settings.account, self._cold))
        pause = self.settings.open_retry
        while not await self._load_markets():
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_OPEN_RETRY)
        await self._warm()
        self._warming = asyncio.create_task(self._keep_warm())

    async def close(self) -> None:
        if self._warming is not None:
            await ended(self._warming)
            self._warming = None
        if self.exchange is not None:
            self.exchange.hooks = Hooks()  # a socket that we close ourselves is not lost
            await close_exchange(self.exchange)
        if self._http is not None:
            await self._http.close()

    def another(self, hooks: Hooks) -> Any:
        """A fresh ccxt instance on the same HTTP session, with the markets loaded."""
        exchange = self._instance(hooks)
        _take_markets(exchange, self.exchange)
        return exchange

    def _instance(self, hooks: Hooks) -> Any:
        settings, row = self.settings, self.row
        exchange = self._class(
            {
                **settings.credentials.for_ccxt(),
                "urls": dict(settings.urls),
                "session": self._http,
                "enableRateLimit": False,
                "timeout": int(settings.request_timeout * 1000),
                "options": dict(row.options),
            }
        )
        exchange.options = exchange.deep_extend(
            exchange.options, self._ws_options(), self._window(), dict(settings.options)
        )
        exchange.hooks = hooks
        exchange.number = str
        exchange.logger = _silent
        exchange.timeout_on_exit = 0
        if exchange.options.get("fetchCurrencies") is False:
            exchange.has["fetchCurrencies"] = False
        return exchange

    def _ws_options(self) -> dict[str, Any]:
        return {"ws": {"keepAlive": int(self.settings.keep_alive * 1000)}}

    def _window(self) -> dict[str, Any]:
        if not self.row.receive_window_option or self.row.receive_window is None:
            return {}
        return {self.row.receive_window_option: self.row.receive_window // translate.NS_PER_MS}

    async def _load_markets(self) -> bool:
        """In a fresh instance: ccxt takes an answer without markets for an answer, for good."""
        fresh = self._instance(Hooks())
        try:
            await fresh.load_markets()
            markets = _understood(fresh)
        except Exception as error:  # noqa: BLE001 - logged, and tried again
            self._note_no_markets(f"{type(error).__name__}: {error}")
            return False
        finally:
            await close_exchange(fresh)  # else ccxt warns of it when it is collected
        if not markets:
            self._note_no_markets("the venue lists none")
            return False
        self.markets = markets
        _take_markets(self.exchange, fresh)
        return True

    def _note_no_markets(self, text: str) -> None:
        extra = {"account": self.settings.account, "error": scrub(text, self.secrets)}
        logger.warning("venue_markets_failed", extra=extra)

    # -- what is told, in our words

    def order(self, raw: Mapping[str, Any], order_id: OrderId | None = None) -> VenueOrder:
        """Raises NotUnderstood, also for a market that is not known: ccxt passes on the venue's own
        name of it as if it were a symbol. `order_id`: see `translate.order`."""
        order = translate.order(raw, self.row.id_form, self.row.raw_ids, order_id)
        self._require_market(order.symbol)
        return order

    def streamed_order(self, raw: Mapping[str, Any]) -> VenueOrder:
        """As `order`, with what ccxt misreads of this venue's stream put right or left out."""
        filled = (raw.get("info") or {}).get(self.row.stream_filled)
        if filled is not None:
            raw = {**raw, "filled": filled, "cost": None}
        if not self.row.stream_has_quantity:
            raw = {**raw, "amount": None}
        return self.order(raw)

    def trade(self, raw: Mapping[str, Any]) -> VenueTrade:
        """As `order`."""
        trade = translate.trade(raw, self.row.id_form, self.row.raw_ids)
        self._require_market(trade.symbol)
        return trade

    def is_left_out(self, raw: Mapping[str, Any]) -> bool:
        """Of a market in which quantities are not of the base asset: it is nobody's here."""
        market = self.exchange.markets.get(raw.get("symbol"))
        return market is not None and not translate.is_in_base(market)

    def _require_market(self, symbol: Symbol) -> None:
        if symbol not in self.exchange.markets:
            if not self._are_markets_doubted:
                self._are_markets_doubted = True  # it may have been listed since they were loaded
                self._cold.set()
            raise translate.NotUnderstood(f"no market is known by the name {symbol}")

    async def _reload_doubted(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._are_markets_doubted and now >= self._no_reload_before:
            self._no_reload_before = now + RELOAD_PAUSE
            self._are_markets_doubted = not await self._load_markets()

    async def _keep_warm(self) -> None:
        """From time to time, and at once when the socket for orders was lost."""
        pause = REDIAL_PAUSE
        while True:
            await self._until_due()
            if self._cold.is_set():
                await asyncio.sleep(pause)
                self._cold.clear()
            await self._reload_doubted()
            is_warm = await self._warm()
            pause = REDIAL_PAUSE if is_warm else min(pause * 2, self.settings.keep_warm)

    async def _until_due(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.keep_warm):
                await self._cold.wait()

    async def _warm(self) -> bool:
        """One cheap public call, so that the next order finds an open connection."""
        try:
            if self.exchange.has.get("fetchTime"):
                await self.exchange.fetch_time()
            await self._warm_socket()
        except (Exception, asyncio.CancelledError) as error:
            if was_cancelled():
                raise
            text = scrub(f"{type(error).__name__}: {error}", self.secrets)
            logger.info(
                "venue_ping_failed", extra={"account": self.settings.account, "error": text}
            )
            return False
        return True

    async def _warm_socket(self) -> None:
        call = self.row.ws_warm_call
        if not call or not self.markets or not self.uses_socket or self.exchange.clients:
            return
        guard = WriteGuard()
        try:
            with guarded_by(guard):
                async with asyncio.timeout(self.settings.request_timeout):
                    await getattr(self.exchange, call)(next(iter(self.markets)))
        finally:
            forget_ws_call(guard)

    @property
    def uses_socket(self) -> bool:
        """Places and cancels go over a websocket, as asked for and as far as the venue can."""
        chosen = self.settings.orders_over or self.row.orders_over
        has = self._class.has if self.exchange is None else self.exchange.has
        able = has.get("createOrderWs") and has.get("cancelOrderWs")
        return chosen == "ws" and bool(able) and self.row.orders_over_ws_work


class _Cooling(Hooks):
    """Of the instance for commands: it only needs to know when to dial again."""

    def __init__(self, account: str, cold: asyncio.Event) -> None:
        self._account = account
        self._cold = cold

    def on_trouble(self, text: str) -> None:
        logger.info("venue_order_socket_lost account=%s error=%s", self._account, scrub(text))
        self._cold.set()


async def close_exchange(exchange: Any, most: float | None = None) -> None:
    """Also ends whoever still waits for one of its sockets. After `most` seconds a peer that does
    not say goodbye is left."""
    for client in list(exchange.clients.values()):
        if client.ping_looper is not None:
            client.ping_looper.cancel()
    await quiet(asyncio.wait_for(exchange.close(), most))


def _http_session(keepalive: float) -> ClientSession:
    """No bound on connections: a burst of orders must not queue. Their number is bounded by
    `max_in_flight`."""
    connector = TCPConnector(limit=0, keepalive_timeout=keepalive, ttl_dns_cache=300)
    return ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[trace_config()],
    )


def _take_markets(exchange: Any, source: Any) -> None:
    """With what ccxt keeps of them among its options."""
    for table in _MARKET_TABLES:
        setattr(exchange, table, getattr(source, table))
    for name in (*source.options.get("marketHelperProps", ()), _TIME_DIFFERENCE):
        if source.options.get(name) is not None:
            exchange.options[name] = source.options[name]


def _understood(exchange: Any) -> Mapping[Symbol, Market]:
    """Markets that can't be translated are left out, and orders on them refused."""
    markets: dict[Symbol, Market] = {}
    skipped = 0
    for raw in exchange.markets.values():
        try:
            market = translate.market(raw, exchange.precisionMode)
        except translate.NotUnderstood:
            skipped += 1
            continue
        markets[market.symbol] = market
    if skipped:
        logger.warning("venue_markets_skipped", extra={"venue": exchange.id, "count": skipped})
    return markets
