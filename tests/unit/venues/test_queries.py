"""Looking for an order, and reading every page, at venues made up for it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import ccxt
import pytest
from msgspec.structs import replace

from gateway.domain.errors import Code
from gateway.domain.identity import (
    AccountId,
    IdForm,
    Symbol,
    VenueOrderId,
    external_order_id,
    make_order_id,
)
from gateway.domain.venue import (
    ClosedOrders,
    FetchClosedOrders,
    FetchOpenOrders,
    FetchOrder,
    FetchTrades,
    OpenOrders,
    OrderFound,
    OrderNotFound,
    QueryFailed,
    Trades,
)
from gateway.venues.guard import WriteGuard
from gateway.venues.profiles import UNKNOWN, NextPage, Paging, VenueRow
from gateway.venues.queries import Queries
from gateway.venues.session import VenueSession
from gateway.venues.settings import VenueSettings

SYMBOL = Symbol("BTC/USDT")
AT_MS = 1_763_000_000_000
ORDER_ID = make_order_id(1, AT_MS * 1_000_000, 1)
SIZE = 3


def order(number: int, **more: Any) -> dict[str, Any]:
    raw = {"id": str(number), "symbol": SYMBOL, "status": "open", "timestamp": AT_MS + number}
    return {**raw, "info": {}, **more}


def ours(**more: Any) -> dict[str, Any]:
    return order(77, clientOrderId=ORDER_ID.replace("-", ""), **more)


def fill(number: int, at: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "order": "1",
        "symbol": SYMBOL,
        "side": "buy",
        "price": "1",
        "amount": "1",
        "timestamp": at,
    }


class MadeUpExchange:
    def __init__(self, **has: bool) -> None:
        self.has: Mapping[str, bool] = {"fetchOrder": True, "fetchOrders": True, **has}
        self.by_id: dict[str | None, Any] = {}
        self.open: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []
        self.asked: list[Any] = []
        self.markets: dict[str, dict[str, Any]] = {SYMBOL: {"symbol": SYMBOL}}

    async def fetch_order(self, name: str | None, _symbol: str, params: Any) -> Any:
        self.asked.append((name, params))
        if name not in self.by_id:
            raise ccxt.OrderNotFound("no such order")
        return self.by_id[name]

    async def fetch_open_orders(
        self, symbol: str | None, _since: int | None, limit: int | None, params: Any
    ) -> Any:
        self.asked.append((symbol, params))
        start = 0
        if "after" in params:
            start = [row["id"] for row in self.open].index(params["after"]) + 1
        if "page" in params:
            start = (params["page"] - 1) * SIZE
        if "cursor" in params:
            start = int(params["cursor"])
        page = self.open[start : start + (limit or 1000)]
        cursor = str(start + SIZE) if start + SIZE < len(self.open) else ""
        return [{**row, "info": {"next": cursor}} for row in page]

    async def fetch_orders(self, _symbol: str, since: int, limit: int) -> Any:
        rows = [row for row in self.closed if row["timestamp"] >= since]
        return sorted(rows, key=lambda row: row["timestamp"])[:limit]

    async def fetch_my_trades(
        self, _symbol: str, since: int | None, limit: int, params: Any = None
    ) -> Any:
        first = (params or {}).get("fromId", 0)
        rows = [r for r in self.fills if r["timestamp"] >= (since or 0) and int(r["id"]) >= first]
        return sorted(rows, key=lambda row: int(row["id"]))[:limit]


ROW = replace(UNKNOWN, trade_page=SIZE, closed_page=SIZE)


def ask(exchange: MadeUpExchange, request: Any, row: VenueRow = ROW) -> Any:
    settings = VenueSettings(account=AccountId("a"), exchange="binance")
    session = VenueSession(settings, row)
    session.exchange = exchange
    return asyncio.run(Queries(session).answer(request, WriteGuard()))


LOOKUP = FetchOrder(order_id=ORDER_ID, symbol=SYMBOL)


def test_without_any_id_to_ask_by_open_and_then_closed_orders_are_searched() -> None:
    exchange = MadeUpExchange()
    answer = ask(exchange, LOOKUP)
    assert answer == OrderNotFound(searched=("open_orders", "closed_orders"))


@pytest.mark.parametrize("place", ["open", "closed"])
def test_it_is_found_by_our_id_among_open_and_closed_orders(place: str) -> None:  # case 2
    exchange = MadeUpExchange()
    rows = [order(number) for number in range(10)] + [ours()]
    setattr(exchange, place, rows)
    answer = ask(exchange, LOOKUP)
    assert isinstance(answer, OrderFound)
    assert answer.order.order_id == ORDER_ID


def test_a_no_by_id_that_does_not_cover_closed_orders_is_followed_up() -> None:
    exchange = MadeUpExchange()
    exchange.closed = [ours(status="canceled")]
    row = replace(ROW, fetch_by="clientOrderId", by_id_is_complete=False)
    assert isinstance(ask(exchange, LOOKUP, row), OrderFound)


def test_a_no_by_id_that_covers_all_is_enough() -> None:
    row = replace(ROW, fetch_by="clientOrderId", by_id_is_complete=True)
    assert ask(MadeUpExchange(), LOOKUP, row) == OrderNotFound(searched=("by_id",))


def test_both_ids_are_tried_before_it_is_called_not_found() -> None:
    exchange = MadeUpExchange()
    exchange.by_id = {"77": ours()}
    row = replace(ROW, fetch_by="clientOrderId", by_id_is_complete=True)
    lookup = replace(LOOKUP, venue_order_id=VenueOrderId("77"))
    assert isinstance(ask(exchange, lookup, row), OrderFound)
    assert [name for name, _ in exchange.asked] == [None, "77"]


def test_an_answer_about_another_order_is_no_answer() -> None:
    exchange = MadeUpExchange()
    exchange.by_id = {None: order(5)}
    row = replace(ROW, fetch_by="userref")
    answer = ask(exchange, LOOKUP, row)
    assert isinstance(answer, QueryFailed)
    assert answer.code is Code.MALFORMED


def test_a_venue_that_lists_no_closed_orders_gives_no_evidence_of_absence() -> None:
    exchange = MadeUpExchange(fetchOrders=False, fetchClosedOrders=True)
    assert isinstance(ask(exchange, LOOKUP), QueryFailed)


def test_since_when_to_look_for_an_order_that_is_not_ours_is_not_made_up() -> None:
    exchange = MadeUpExchange()
    external = external_order_id("a", SYMBOL, "9")
    row = replace(ROW, by_id_is_complete=False)
    lookup = FetchOrder(order_id=external, symbol=SYMBOL, venue_order_id=VenueOrderId("9"))
    assert isinstance(ask(exchange, lookup, row), QueryFailed)


@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE + 1, 4 * SIZE])
def test_every_page_of_closed_orders_is_read(count: int) -> None:
    exchange = MadeUpExchange()
    exchange.closed = [order(number, status="canceled") for number in range(count)]
    exchange.closed.append(order(count))
    request = FetchClosedOrders(symbol=SYMBOL, since=AT_MS * 10**6, until=(AT_MS + 99) * 10**6)
    answer = ask(exchange, request)
    assert isinstance(answer, ClosedOrders)
    assert [int(each.venue_order_id) for each in answer.orders] == list(range(count))


def test_closed_orders_are_not_read_beyond_the_time_asked_for() -> None:
    exchange = MadeUpExchange()
    exchange.closed = [order(number, status="canceled") for number in range(100)]
    request = FetchClosedOrders(symbol=SYMBOL, since=AT_MS * 10**6, until=(AT_MS + 3) * 10**6)
    answer = ask(exchange, request)
    assert isinstance(answer, ClosedOrders)
    assert 4 <= len(answer.orders) <= 3 * SIZE


PAGINGS = [
    Paging(by=NextPage.LAST_ID, size=SIZE, parameter="after"),
    Paging(by=NextPage.NUMBER, size=SIZE, parameter="page"),
    Paging(by=NextPage.CURSOR, size=SIZE, parameter="cursor", cursor_key="next"),
    Paging(),
]


@pytest.mark.parametrize("paging", PAGINGS, ids=lambda paging: paging.by.value)
@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE + 1, 4 * SIZE])
def test_every_page_of_open_orders_is_read(paging: Paging, count: int) -> None:
    exchange = MadeUpExchange()
    exchange.open = [order(number) for number in range(count)]
    answer = ask(exchange, FetchOpenOrders(), replace(ROW, open_pages=paging))
    assert isinstance(answer, OpenOrders)
    assert [int(each.venue_order_id) for each in answer.orders] == list(range(count))


def test_by_symbol_only_means_that_the_answer_names_its_symbols() -> None:
    exchange = MadeUpExchange()
    row = replace(ROW, lists_all_open_orders=False)
    assert isinstance(ask(exchange, FetchOpenOrders(), row), QueryFailed)
    answer = ask(exchange, FetchOpenOrders(symbols=(SYMBOL,)), row)
    assert answer == OpenOrders(orders=(), symbols=(SYMBOL,))


def test_an_open_order_that_can_not_be_read_makes_the_whole_list_no_answer() -> None:
    exchange = MadeUpExchange()
    exchange.open = [order(1), order(2, status=None)]
    answer = ask(exchange, FetchOpenOrders())
    assert isinstance(answer, QueryFailed)
    assert answer.code is Code.MALFORMED


@pytest.mark.parametrize("by", ["", "fromId"])
@pytest.mark.parametrize("count", [0, 1, SIZE, 10])
def test_every_page_of_trades_is_read_once(by: str, count: int) -> None:
    exchange = MadeUpExchange()
    exchange.fills = [fill(number, AT_MS + number // 2) for number in range(count)]
    request = FetchTrades(symbol=SYMBOL, since=AT_MS * 1_000_000)
    answer = ask(exchange, request, replace(ROW, trade_from_id=by))
    assert isinstance(answer, Trades)
    assert [int(trade.trade_id or -1) for trade in answer.trades] == list(range(count))


def test_more_trades_in_a_millisecond_than_fit_a_page_are_not_passed_over() -> None:
    exchange = MadeUpExchange()
    exchange.fills = [fill(number, AT_MS) for number in range(SIZE + 1)]
    request = FetchTrades(symbol=SYMBOL, since=AT_MS * 1_000_000)
    by_time = ask(exchange, request)
    by_id = ask(exchange, request, replace(ROW, trade_from_id="fromId"))
    assert isinstance(by_time, QueryFailed)
    assert len(by_id.trades) == SIZE + 1


def test_the_form_of_ids_is_the_rows() -> None:
    assert ROW.id_form is IdForm.HEX


def test_an_order_of_a_market_that_is_not_known_is_not_told_under_the_venues_own_name() -> None:
    exchange = MadeUpExchange()
    exchange.open = [order(1, symbol="BTCUSDT")]
    answer = ask(exchange, FetchOpenOrders())

    assert isinstance(answer, QueryFailed)
    assert answer.code is Code.MALFORMED


def test_orders_of_markets_that_are_left_out_are_nobodys() -> None:
    exchange = MadeUpExchange()
    contract = Symbol("BTC/USD:BTC")
    exchange.markets[contract] = {"symbol": contract, "contract": True, "inverse": True}
    exchange.open = [order(1), order(2, symbol=contract)]

    answer = ask(exchange, FetchOpenOrders())

    assert isinstance(answer, OpenOrders)
    assert [each.symbol for each in answer.orders] == [SYMBOL]
