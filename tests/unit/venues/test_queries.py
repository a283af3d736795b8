"""Looking for an order, and reading every page, at venues made up for it."""

import asyncio
import math
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
from gateway.venues.guard import WriteGuard, current_guard, guarded_by
from gateway.venues.hooked import hooked_class
from gateway.venues.profiles import UNKNOWN, NextPage, Paging, VenueRow
from gateway.venues.queries import LONGEST_RANGE_MS, Queries
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
        self.newest_first = False
        self.cursor_in: int | None = None
        self.keeps_until = True
        self.ranges: list[tuple[int, float]] = []
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
        if "after" in params:  # newest first, and older than that: which ccxt then turns around
            rows = [row for row in reversed(self.open) if int(row["id"]) < int(params["after"])]
            return list(reversed(rows[:limit]))
        if self.newest_first:
            return list(reversed(list(reversed(self.open))[:limit]))
        if "page" in params:
            start = (params["page"] - 1) * SIZE
        if "cursor" in params:
            start = int(params["cursor"])
        page = self.open[start : start + (limit or 1000)]
        cursor = str(start + SIZE) if start + SIZE < len(self.open) else ""
        carriers = page if self.cursor_in is None else page[self.cursor_in : self.cursor_in + 1]
        return [{**row, "info": {"next": cursor} if row in carriers else {}} for row in page]

    async def fetch_orders(
        self, _symbol: str, since: int = 0, limit: int | None = None, params: Any = None
    ) -> Any:
        return self._page(self.closed, since, limit, params)

    async def fetch_my_trades(
        self, _symbol: str, since: int | None, limit: int, params: Any = None
    ) -> Any:
        first = (params or {}).get("fromId", 0)
        rows = [fill for fill in self.fills if int(fill["id"]) >= first]
        return self._page(rows, since or 0, limit, params)

    async def fetch_order_trades(self, order: str, _symbol: str) -> Any:
        return [fill for fill in self.fills if fill["order"] == order][:SIZE]

    def _page(
        self, rows: list[dict[str, Any]], since: int, limit: int | None, params: Any
    ) -> list[dict[str, Any]]:
        until = (params or {}).get("until", math.inf) if self.keeps_until else math.inf
        self.ranges.append((since, until))
        rows = [row for row in rows if since <= row["timestamp"] <= until]
        rows.sort(key=lambda row: (row["timestamp"], int(row["id"])), reverse=self.newest_first)
        given = rows[:limit]
        if (guard := current_guard()) is not None:
            guard.rows_given = len(given)
        return [row for row in given if row["symbol"] == SYMBOL]


class StoppedClock:
    def now(self) -> int:
        return (AT_MS + 1000) * 1_000_000

    def monotonic(self) -> int:
        return 0


ROW = replace(UNKNOWN, trade_page=SIZE, closed_page=SIZE, order_trade_page=SIZE)
FORWARD = replace(ROW, pages_forward=True)
WAYS = [(FORWARD, False), (ROW, False), (ROW, True)]
WAY_NAMES = ["forward", "oldest first", "newest first"]


def ask(exchange: MadeUpExchange, request: Any, row: VenueRow = ROW) -> Any:
    settings = VenueSettings(account=AccountId("a"), exchange="binance")
    session = VenueSession(settings, row)
    session.exchange = exchange
    return asyncio.run(Queries(session, StoppedClock()).answer(request, WriteGuard()))


LOOKUP = FetchOrder(order_id=ORDER_ID, symbol=SYMBOL)


def test_without_any_id_to_ask_by_open_and_then_closed_orders_are_searched() -> None:
    exchange = MadeUpExchange()
    answer = ask(exchange, LOOKUP)
    assert answer == OrderNotFound(searched=("open_orders", "closed_orders"))


@pytest.mark.parametrize("place", ["open", "closed"])
@pytest.mark.parametrize(("row", "newest_first"), WAYS, ids=WAY_NAMES)
def test_it_is_found_by_our_id_among_open_and_closed_orders(  # case 2
    row: VenueRow, newest_first: bool, place: str
) -> None:
    exchange = MadeUpExchange()
    exchange.newest_first = newest_first
    rows = [order(number) for number in (*range(10), *range(100, 110))] + [ours()]
    setattr(exchange, place, rows)
    answer = ask(exchange, LOOKUP, row)
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
@pytest.mark.parametrize(("row", "newest_first"), WAYS, ids=WAY_NAMES)
def test_every_page_of_closed_orders_is_read(row: VenueRow, newest_first: bool, count: int) -> None:
    exchange = MadeUpExchange()
    exchange.newest_first = newest_first
    exchange.closed = [order(number, status="canceled") for number in range(count)]
    exchange.closed.append(order(count))
    request = FetchClosedOrders(symbol=SYMBOL, since=AT_MS * 10**6, until=(AT_MS + 99) * 10**6)
    answer = ask(exchange, request, row)
    assert isinstance(answer, ClosedOrders)
    assert sorted(int(each.venue_order_id) for each in answer.orders) == list(range(count))


def test_closed_orders_are_not_read_beyond_the_time_asked_for() -> None:
    exchange = MadeUpExchange()
    exchange.closed = [order(number, status="canceled") for number in range(100)]
    request = FetchClosedOrders(symbol=SYMBOL, since=AT_MS * 10**6, until=(AT_MS + 3) * 10**6)
    answer = ask(exchange, request, FORWARD)
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
    exchange.newest_first = paging.by is NextPage.LAST_ID
    exchange.open = [order(number) for number in range(count)]
    answer = ask(exchange, FetchOpenOrders(), replace(ROW, open_pages=paging))
    assert isinstance(answer, OpenOrders)
    assert sorted(int(each.venue_order_id) for each in answer.orders) == list(range(count))
    assert len(exchange.asked) <= count // SIZE + 1


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


@pytest.mark.parametrize(("row", "newest_first"), WAYS, ids=WAY_NAMES)
@pytest.mark.parametrize("by", ["", "fromId"])
@pytest.mark.parametrize("count", [0, 1, SIZE, 10])
def test_every_page_of_trades_is_read_once(
    row: VenueRow, newest_first: bool, by: str, count: int
) -> None:
    exchange = MadeUpExchange()
    exchange.newest_first = newest_first and not by
    exchange.fills = [fill(number, AT_MS + number // 2 * 2) for number in range(count)]
    request = FetchTrades(symbol=SYMBOL, since=AT_MS * 1_000_000)
    answer = ask(exchange, request, replace(row, trade_from_id=by))
    assert isinstance(answer, Trades)
    assert sorted(int(trade.trade_id or -1) for trade in answer.trades) == list(range(count))


@pytest.mark.parametrize("row", [FORWARD, ROW], ids=["forward", "by range"])
def test_more_trades_in_a_millisecond_than_fit_a_page_are_not_passed_over(row: VenueRow) -> None:
    exchange = MadeUpExchange()
    exchange.fills = [fill(number, AT_MS) for number in range(SIZE + 1)]
    request = FetchTrades(symbol=SYMBOL, since=AT_MS * 1_000_000)
    by_time = ask(exchange, request, row)
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


CLOSED = FetchClosedOrders(symbol=SYMBOL, since=AT_MS * 10**6, until=(AT_MS + 99) * 10**6)


@pytest.mark.parametrize(("count", "kind"), [(SIZE - 1, ClosedOrders), (SIZE, QueryFailed)])
def test_where_no_end_can_be_set_a_full_page_is_no_answer(count: int, kind: type) -> None:
    exchange = MadeUpExchange()
    exchange.newest_first, exchange.keeps_until = True, False
    exchange.closed = [order(number, status="canceled") for number in range(count)]
    assert isinstance(ask(exchange, CLOSED), kind)


@pytest.mark.parametrize(("count", "kind"), [(SIZE - 1, ClosedOrders), (SIZE, QueryFailed)])
def test_where_no_times_are_taken_a_full_page_is_no_answer(count: int, kind: type) -> None:
    exchange = MadeUpExchange()
    exchange.closed = [order(number, status="canceled") for number in range(count)]
    row = replace(ROW, closed_by_time=False, closed_page=SIZE)
    assert isinstance(ask(exchange, CLOSED, row), kind)


def test_a_page_is_full_also_with_rows_of_other_symbols() -> None:
    exchange = MadeUpExchange()
    exchange.newest_first = True
    exchange.fills = [
        {**fill(number, AT_MS + 2 * number), "symbol": "ETH/USDT"} for number in range(9)
    ]
    exchange.fills.append(fill(9, AT_MS))
    answer = ask(exchange, FetchTrades(symbol=SYMBOL, since=AT_MS * 1_000_000))
    assert isinstance(answer, Trades)
    assert [trade.trade_id for trade in answer.trades] == ["9"]


def test_a_long_time_is_asked_for_in_ranges_that_venues_take() -> None:
    exchange = MadeUpExchange()
    month = 30 * 24 * 3600 * 1000
    answer = ask(exchange, FetchTrades(symbol=SYMBOL, since=(AT_MS - month) * 1_000_000))
    starts, ends = zip(*exchange.ranges, strict=True)
    assert answer == Trades(trades=())
    assert all(end - start <= LONGEST_RANGE_MS for start, end in exchange.ranges)
    assert starts == (AT_MS - month, *ends[:-1])
    assert ends[-1] > AT_MS


def test_what_is_too_long_ago_is_not_searched_in_part() -> None:
    assert isinstance(ask(MadeUpExchange(), FetchTrades(symbol=SYMBOL, since=0)), QueryFailed)


@pytest.mark.parametrize("count", [1, SIZE, 2 * SIZE])
def test_trades_of_one_order_that_fill_a_page_are_searched_by_time(count: int) -> None:
    exchange = MadeUpExchange(fetchOrderTrades=True)
    exchange.by_id = {None: ours()}
    exchange.fills = [{**fill(number, AT_MS), "order": "77"} for number in range(count)]
    exchange.fills = [{**each, "timestamp": AT_MS + int(each["id"])} for each in exchange.fills]
    row = replace(ROW, fetch_by="clientOrderId", by_id_is_complete=True)
    answer = ask(exchange, replace(LOOKUP, with_trades=True), row)
    assert isinstance(answer, OrderFound)
    assert len(answer.trades) == count


def test_a_question_is_given_every_row_of_its_symbol_and_their_number() -> None:
    rows = [{"symbol": symbol, "timestamp": at} for at in (1, 2) for symbol in ("A", "B")]
    exchange = hooked_class("binance")({})
    guard = WriteGuard()
    with guarded_by(guard):
        assert exchange.filter_by_symbol_since_limit(rows, "A", 2, 1) == [rows[0], rows[2]]
    assert guard.rows_given == 4
    assert exchange.filter_by_symbol_since_limit(rows, "A", 2, 1) == [rows[2]]


@pytest.mark.parametrize(("count", "kind"), [(SIZE - 1, OpenOrders), (SIZE, QueryFailed)])
def test_a_full_page_of_open_orders_after_which_none_can_be_asked_for_is_no_answer(
    count: int, kind: type
) -> None:
    exchange = MadeUpExchange()
    exchange.open = [order(number) for number in range(count)]
    row = replace(ROW, open_pages=Paging(size=SIZE))
    assert isinstance(ask(exchange, FetchOpenOrders(), row), kind)


def test_the_same_page_of_open_orders_again_is_no_answer() -> None:
    exchange = MadeUpExchange()
    exchange.open = [order(number) for number in range(SIZE + 1)]
    row = replace(ROW, open_pages=Paging(by=NextPage.NUMBER, size=SIZE, parameter="ignored"))
    assert isinstance(ask(exchange, FetchOpenOrders(), row), QueryFailed)
    assert len(exchange.asked) == 2


def test_a_cursor_is_found_in_any_row() -> None:
    exchange = MadeUpExchange()
    exchange.open = [order(number) for number in range(SIZE + 1)]
    exchange.cursor_in = 0
    paging = Paging(by=NextPage.CURSOR, size=SIZE, parameter="cursor", cursor_key="next")
    answer = ask(exchange, FetchOpenOrders(), replace(ROW, open_pages=paging))
    assert isinstance(answer, OpenOrders)
    assert len(answer.orders) == SIZE + 1
