"""Without its markets an exchange's names would pass for symbols: none are taken for granted."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from gateway.domain.identity import AccountId, Symbol
from gateway.domain.venue import VenueOrder
from gateway.venues.hooked import Hooks
from gateway.venues.profiles import ROWS, UNKNOWN
from gateway.venues.session import VenueSession
from gateway.venues.settings import VenueSettings
from gateway.venues.translate import NotUnderstood

BTC, ETH = Symbol("BTC/USDT"), Symbol("ETH/USDT")


class MadeUpExchange:
    id = "madeup"
    precisionMode = ccxt.TICK_SIZE  # noqa: N815 ccxt's name

    def __init__(self, listed: tuple[Symbol, ...]) -> None:
        self._listed = listed
        self.has: dict[str, bool] = {}
        self.options: dict[str, Any] = {"marketHelperProps": ["byAltName"], "byAltName": {}}
        self.clients: dict[str, Any] = {}
        for table in ("markets", "markets_by_id", "currencies", "currencies_by_id"):
            setattr(self, table, {})
        for table in ("symbols", "ids", "codes", "baseCurrencies", "quoteCurrencies"):
            setattr(self, table, [])

    async def load_markets(self) -> None:
        self.markets = {
            symbol: {"symbol": symbol, "base": symbol[:3], "quote": symbol[4:]}
            for symbol in self._listed
        }
        self.options |= {"byAltName": {symbol: symbol for symbol in self._listed}}
        self.options["timeDifference"] = len(self._listed)

    async def close(self) -> None:
        pass


class Session(VenueSession):
    """Each instance that it makes lists what is next; the last of them for good."""

    def __init__(self, *listings: tuple[Symbol, ...]) -> None:
        settings = VenueSettings(account=AccountId("a"), exchange="binance", open_retry=0.001)
        super().__init__(settings, UNKNOWN)
        self._listings: Iterator[tuple[Symbol, ...]] = iter(((), *listings))
        self._listing: tuple[Symbol, ...] = ()

    def _instance(self, hooks: Hooks) -> MadeUpExchange:
        self._listing = next(self._listings, self._listing)
        return MadeUpExchange(self._listing)


def heard(symbol: str) -> dict[str, Any]:
    return {"id": "1", "symbol": symbol, "status": "open", "info": {}}


def test_an_answer_without_any_market_is_asked_for_again() -> None:
    session = Session((), (), (BTC,))

    async def scenario() -> None:
        await session.open()
        await session.close()

    asyncio.run(scenario())
    assert set(session.markets) == set(session.exchange.markets) == {BTC}


def test_the_venues_own_name_of_a_market_is_no_symbol() -> None:
    session = Session((BTC,))

    async def scenario() -> None:
        await session.open()
        assert session.order(heard(BTC)).symbol == BTC
        with pytest.raises(NotUnderstood, match="BTCUSDT"):
            session.order(heard("BTCUSDT"))
        await session.close()

    asyncio.run(scenario())


def test_a_market_that_was_listed_since_is_loaded_when_it_is_heard_of() -> None:
    session = Session((BTC,), (BTC, ETH))

    async def scenario() -> None:
        await session.open()
        with pytest.raises(NotUnderstood):
            session.order(heard(ETH))
        async with asyncio.timeout(30):
            while ETH not in session.markets:
                await asyncio.sleep(0.01)
        assert session.order(heard(ETH)).symbol == ETH
        await session.close()

    asyncio.run(scenario())


def test_what_ccxt_keeps_of_markets_among_its_options_goes_with_them() -> None:
    session = Session((BTC,))

    async def scenario() -> None:
        await session.open()
        for exchange in (session.exchange, session.another(Hooks())):
            assert exchange.options["byAltName"] == {BTC: BTC}
            assert exchange.options["timeDifference"] == 1
        await session.close()

    asyncio.run(scenario())


def heard_partly_filled(venue: str) -> VenueOrder:
    settings = VenueSettings(account=AccountId("a"), exchange=venue)
    session = VenueSession(settings, ROWS[venue])
    session.exchange = MadeUpExchange((BTC,))
    session.exchange.markets = {BTC: {"symbol": BTC}}
    figures = {"amount": "0.2", "filled": "0.2", "cost": "20", "info": {"accBaseVolume": "0.7"}}
    return session.streamed_order({**heard(BTC), **figures})


def test_what_was_filled_is_all_that_was_and_not_the_last_fill_where_ccxt_reads_that() -> None:
    order = heard_partly_filled("bitget")
    assert (order.cum_quantity, order.cum_cost) == (Decimal("0.7"), None)


def test_what_was_filled_is_not_taken_for_the_quantity_where_ccxt_does() -> None:
    order = heard_partly_filled("coinbase")
    assert (order.quantity, order.cum_quantity) == (None, Decimal("0.2"))


def test_other_streams_are_taken_as_ccxt_reads_them() -> None:
    order = heard_partly_filled("binance")
    assert (order.quantity, order.cum_quantity) == (Decimal("0.2"), Decimal("0.2"))
