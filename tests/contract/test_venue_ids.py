"""What each venue's requests really carry: our id, under the venue's own name, in its own form.

ccxt's unified `clientOrderId` is dropped or renamed by several venues, and changes between its
versions, so this runs at every upgrade. No network: the last step before signing is intercepted,
and markets are made up.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.enums import OrderType, Side
from gateway.domain.errors import Code
from gateway.domain.identity import (
    AccountId,
    ClientId,
    IdForm,
    Symbol,
    VenueOrderId,
    make_order_id,
    to_venue_id,
)
from gateway.domain.order import NewOrder
from gateway.domain.venue import (
    AmendOrder,
    CancelOrder,
    FetchClosedOrders,
    FetchOrder,
    FetchTrades,
    NotSent,
    OrderNotFound,
    PlaceOrder,
)
from gateway.venues.commands import Commands
from gateway.venues.guard import WriteGuard
from gateway.venues.hooked import Hooks
from gateway.venues.profiles import ROWS, row_of
from gateway.venues.queries import SCAN_MARGIN_MS, Queries
from gateway.venues.session import VenueSession
from gateway.venues.settings import Credentials, OrdersOver, VenueSettings
from gateway.venues.translate import market

ORDER_ID = make_order_id(0x5A5, 1_763_000_000_000_000_000, 0x0123456789ABCDEF)
VENUE_ORDER_ID = VenueOrderId("987654321")
SINCE, NOW = 1_763_000_000, 1_763_000_100
"""Seconds; the order's id is of the first."""
QUERIES = (FetchOrder, FetchTrades, FetchClosedOrders)
FORM = {
    IdForm.UUID: ORDER_ID,
    IdForm.HEX: ORDER_ID.replace("-", ""),
    IdForm.HEX_0X: "0x" + ORDER_ID.replace("-", ""),
    IdForm.GATE: to_venue_id(ORDER_ID, IdForm.GATE),
}
# venue: (form, create, cancel, fetch): the names under which the id goes out; None: it can't
EXPECTED: dict[str, tuple[IdForm, str, str | None, str | None]] = {
    "binance": (IdForm.UUID, "newClientOrderId", "origClientOrderId", "origClientOrderId"),
    "binanceusdm": (IdForm.UUID, "newClientOrderId", "origClientOrderId", "origClientOrderId"),
    "okx": (IdForm.HEX, "clOrdId", "clOrdId", "clOrdId"),
    "bybit": (IdForm.UUID, "orderLinkId", "orderLinkId", "orderLinkId"),
    "kraken": (IdForm.UUID, "cl_ord_id", "cl_ord_id", None),
    "gate": (IdForm.GATE, "text", "order_id", "order_id"),
    "kucoin": (IdForm.UUID, "clientOid", "clientOid", "clientOid"),
    "bitget": (IdForm.UUID, "clientOid", "clientOid", "clientOid"),
    "hyperliquid": (IdForm.HEX_0X, "c", "cloid", "oid"),
    "coinbase": (IdForm.UUID, "client_order_id", None, None),
}
SWAPS = {"binanceusdm", "hyperliquid"}
IN_SECONDS = {"kraken", "gate"}


class StoppedClock:
    def now(self) -> int:
        return NOW * 10**9

    def monotonic(self) -> int:
        return 0


class Probe:
    """One venue, its requests caught before they are signed."""

    def __init__(self, exchange: str, over: OrdersOver = OrdersOver.REST) -> None:
        settings = VenueSettings(
            account=AccountId("probe"),
            exchange=exchange,
            orders_over=over,
            credentials=Credentials(
                api_key="key",
                secret="secret",
                password="pass",
                other={"walletAddress": "0x" + "1" * 40, "privateKey": "0x" + "2" * 64},
            ),
        )
        self.row = row_of(exchange, unverified=False)
        self.sent: list[tuple[str, Any]] = []
        self.session = VenueSession(settings, self.row)
        self.session.exchange = self.session._instance(Hooks())
        # bybit asks for these first, once
        self.session.exchange.options |= {
            "enableUnifiedMargin": False,
            "enableUnifiedAccount": True,
        }
        self.symbol = self._make_market()
        self.session.exchange.request = self._request
        self.session.exchange.watch = self._watch
        self.session.exchange.authenticate = self._authenticate

    async def _request(
        self,
        path: str,
        api: Any = None,
        method: str = "GET",
        params: Any = None,
        config: Any = None,
    ) -> Any:
        self.sent.append((path, params))
        return {}

    async def _watch(self, _url: str, _hash: str, message: Any = None, *_more: Any) -> Any:
        self.sent.append(("socket", message))
        return {}

    async def _authenticate(self, *_more: Any, **_named: Any) -> str:
        return "token"

    def _make_market(self) -> Symbol:
        exchange = self.session.exchange
        is_swap = exchange.id in SWAPS
        symbol = Symbol("BTC/USDT:USDT" if is_swap else "BTC/USDT")
        made = exchange.safe_market_structure(
            {
                "id": "BTCUSDT",
                "symbol": symbol,
                "base": "BTC",
                "quote": "USDT",
                "baseId": "0" if exchange.id == "hyperliquid" else "BTC",
                "quoteId": "USDT",
                "settle": "USDT" if is_swap else None,
                "settleId": "USDT" if is_swap else None,
                "type": "swap" if is_swap else "spot",
                "spot": not is_swap,
                "swap": is_swap,
                "future": False,
                "option": False,
                "margin": False,
                "contract": is_swap,
                "linear": True if is_swap else None,
                "inverse": False if is_swap else None,
                "contractSize": "1" if is_swap else None,
                "active": True,
                "precision": {"price": "0.1", "amount": "0.001"},
                "limits": {"amount": {"min": "0.001"}, "price": {}, "cost": {}},
                "info": {"orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"], "szDecimals": "3"},
            }
        )
        exchange.set_markets([made])
        self.session.markets = {symbol: market(made, exchange.precisionMode)}
        return symbol

    def order(self, stop_price: Decimal | None = None) -> NewOrder:
        is_stop = stop_price is not None
        return NewOrder(
            order_id=ORDER_ID,
            account=AccountId("probe"),
            symbol=self.symbol,
            client_id=ClientId("probe"),
            side=Side.BUY,
            order_type=OrderType.STOP_LIMIT if is_stop else OrderType.LIMIT,
            quantity=Decimal("0.01"),
            price=Decimal(50000),
            stop_price=stop_price,
        )

    def names_of(self, wanted: str | None) -> set[str]:
        """The keys under which a value went out in any request."""
        return {key for _, params in self.sent for key, value in _leaves(params) if value == wanted}

    def times(self) -> set[int]:
        """Moments that went out in any request, as seconds."""
        unit = 1 if self.session.exchange.id in IN_SECONDS else 1000
        found = (_seconds(value, unit) for _, params in self.sent for _, value in _leaves(params))
        return {second for second in found if second is not None}

    def run(self, request: Any) -> Any:
        self.sent.clear()
        worker: Any = Commands(self.session)
        queries: Any = Queries(self.session, StoppedClock())
        call = queries.answer if isinstance(request, QUERIES) else worker.carry_out
        return asyncio.run(self._bounded(call(request, WriteGuard())))

    async def _bounded(self, call: Any) -> Any:
        self.session.exchange.asyncio_loop = asyncio.get_running_loop()
        return await asyncio.wait_for(call, 10)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value


def _seconds(value: Any, unit: int) -> int | None:
    if isinstance(value, str) and value.endswith("Z"):
        return int(datetime.fromisoformat(value).timestamp())
    return value // unit if isinstance(value, int) else None


@pytest.fixture(params=list(EXPECTED))
def probe(request: pytest.FixtureRequest) -> Probe:
    return Probe(request.param)


def test_every_row_is_probed() -> None:
    assert set(EXPECTED) == set(ROWS)


def test_a_place_carries_our_id(probe: Probe) -> None:
    form, create, _, _ = EXPECTED[probe.session.exchange.id]
    probe.run(PlaceOrder(order=probe.order()))
    assert create in probe.names_of(FORM[form]), probe.sent


def test_a_place_carries_the_figures_as_they_are(probe: Probe) -> None:
    probe.run(PlaceOrder(order=probe.order()))
    values = {Decimal(v) for _, p in probe.sent for _, v in _leaves(p) if _is_number(v)}
    assert {Decimal("0.01"), Decimal(50000)} <= values, probe.sent


STOPS = {"binance": "stopPrice"}


def test_a_stop_order_is_sent_with_its_trigger_or_not_at_all(probe: Probe) -> None:
    stop_price = Decimal(49000)
    answer = probe.run(PlaceOrder(order=probe.order(stop_price)))
    name = STOPS.get(probe.session.exchange.id)
    if name is None:
        assert isinstance(answer, NotSent)
        assert answer.code is Code.BAD_COMBINATION
        assert not probe.sent
    else:
        assert probe.names_of("49000") == {name}, probe.sent


def test_a_stop_order_of_a_contract_is_not_sent_where_those_of_spot_markets_are() -> None:
    probe = Probe("binance")
    probe.session.exchange.markets[probe.symbol] |= {"contract": True}
    answer = probe.run(PlaceOrder(order=probe.order(Decimal(49000))))
    assert isinstance(answer, NotSent)
    assert answer.code is Code.BAD_COMBINATION
    assert not probe.sent


def test_a_place_signs_nothing_but_the_order_at_hyperliquid() -> None:
    probe = Probe("hyperliquid")
    probe.run(PlaceOrder(order=probe.order()))
    actions = [params["action"] for _, params in probe.sent if "action" in (params or {})]
    assert [action["type"] for action in actions] == ["order"]
    assert "builder" not in actions[0]


def test_a_cancel_by_our_id_names_it(probe: Probe) -> None:
    form, _, cancel, _ = EXPECTED[probe.session.exchange.id]
    answer = probe.run(CancelOrder(order_id=ORDER_ID, symbol=probe.symbol))
    if cancel is None:
        assert isinstance(answer, NotSent)
        assert not probe.sent
    else:
        assert probe.names_of(FORM[form]) == {cancel}, probe.sent


def test_a_cancel_by_the_venues_id_names_that(probe: Probe) -> None:
    request = CancelOrder(order_id=ORDER_ID, symbol=probe.symbol, venue_order_id=VENUE_ORDER_ID)
    probe.run(request)
    assert probe.names_of(VENUE_ORDER_ID) or probe.names_of(int(VENUE_ORDER_ID)), probe.sent  # type: ignore[arg-type]


WITH_SOCKET = ["binance", "binanceusdm", "okx", "bybit", "gate", "hyperliquid"]


@pytest.mark.parametrize("exchange", WITH_SOCKET)
def test_over_a_websocket_a_place_and_a_cancel_carry_our_id(exchange: str) -> None:
    probe = Probe(exchange, OrdersOver.WS)
    form, create, cancel, _ = EXPECTED[exchange]
    probe.run(PlaceOrder(order=probe.order()))
    assert {path for path, _ in probe.sent} == {"socket"}
    assert create in probe.names_of(FORM[form]), probe.sent
    probe.run(CancelOrder(order_id=ORDER_ID, symbol=probe.symbol))
    assert probe.names_of(FORM[form]) == {cancel}, probe.sent


def test_where_orders_over_a_websocket_do_not_work_they_go_over_rest() -> None:
    probe = Probe("kraken", OrdersOver.WS)
    probe.run(CancelOrder(order_id=ORDER_ID, symbol=probe.symbol))
    assert [path for path, _ in probe.sent] == ["CancelOrder"]


def test_a_question_by_our_id_names_it(probe: Probe) -> None:
    form, _, _, fetch = EXPECTED[probe.session.exchange.id]
    probe.run(FetchOrder(order_id=ORDER_ID, symbol=probe.symbol))
    names = probe.names_of(FORM[form])
    assert names == (set() if fetch is None else {fetch}), probe.sent


def test_no_request_carries_an_id_that_is_not_there(probe: Probe) -> None:
    order_id, symbol = ORDER_ID, probe.symbol
    for request in (
        CancelOrder(order_id=order_id, symbol=symbol),
        CancelOrder(order_id=order_id, symbol=symbol, venue_order_id=VENUE_ORDER_ID),
        FetchOrder(order_id=order_id, symbol=symbol),
        FetchOrder(order_id=order_id, symbol=symbol, venue_order_id=VENUE_ORDER_ID),
    ):
        probe.run(request)
        assert not probe.names_of("None"), probe.sent
        assert not probe.names_of(None), probe.sent


@pytest.mark.parametrize("exchange", ["bybit", "bitget"])
def test_that_there_is_no_order_of_our_id_is_understood(exchange: str) -> None:
    probe = Probe(exchange)
    answer = probe.run(FetchOrder(order_id=ORDER_ID, symbol=probe.symbol))
    assert isinstance(answer, OrderNotFound)


def test_an_amend_names_the_order_or_is_refused_here(probe: Probe) -> None:
    request = AmendOrder(
        order_id=ORDER_ID,
        symbol=probe.symbol,
        venue_order_id=VENUE_ORDER_ID,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.02"),
        price=None if probe.session.exchange.id == "binance" else Decimal(49000),
    )
    answer = probe.run(request)
    if isinstance(answer, NotSent):
        assert not probe.sent
    else:
        form, _, _, _ = EXPECTED[probe.session.exchange.id]
        assert probe.names_of(VENUE_ORDER_ID) or probe.names_of(FORM[form]), probe.sent


def has_both_ends(probe: Probe) -> bool:
    """Some venues take the second after the end."""
    end = NOW + SCAN_MARGIN_MS // 1000
    times = probe.times()
    return SINCE in times and not times.isdisjoint({end, end + 1})


BY_RANGE = sorted(name for name, row in ROWS.items() if not row.pages_forward)
CLOSED_BY_RANGE = [name for name in BY_RANGE if ROWS[name].closed_by_time and name != "okx"]


@pytest.mark.parametrize("exchange", BY_RANGE)
def test_a_search_for_trades_names_both_ends_of_its_range(exchange: str) -> None:
    probe = Probe(exchange)
    probe.run(FetchTrades(symbol=probe.symbol, since=SINCE * 10**9))
    assert has_both_ends(probe), probe.sent


@pytest.mark.parametrize("exchange", CLOSED_BY_RANGE)
def test_a_search_for_closed_orders_names_both_ends_of_its_range(exchange: str) -> None:
    probe = Probe(exchange)
    probe.run(FetchClosedOrders(symbol=probe.symbol, since=SINCE * 10**9, until=NOW * 10**9))
    assert has_both_ends(probe), probe.sent


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.replace(".", "", 1).isdigit()
