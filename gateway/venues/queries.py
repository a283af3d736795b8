"""What a venue is asked: one order, open orders, trades, balances.

An answer of "not there" is only given if the venue itself said so, everywhere we had to look, with
every page read. Whatever goes wrong on the way makes it `QueryFailed`.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

import ccxt

from gateway.domain.errors import Code
from gateway.domain.identity import EXTERNAL_TAG, Symbol, order_id_tag, order_id_time
from gateway.domain.venue import (
    Balances,
    ClosedOrders,
    FetchBalances,
    FetchClosedOrders,
    FetchOpenOrders,
    FetchOrder,
    FetchTrades,
    OpenOrders,
    OrderFound,
    OrderNotFound,
    QueryAnswer,
    QueryFailed,
    Trades,
    VenueOrder,
    VenueTrade,
)
from gateway.ports import Clock
from gateway.venues import translate
from gateway.venues.commands import failure_of, order_name
from gateway.venues.guard import WriteGuard, current_guard, guarded_by
from gateway.venues.outcomes import query_failed
from gateway.venues.profiles import NextPage, Paging, VenueRow
from gateway.venues.session import VenueSession

Query = FetchOrder | FetchOpenOrders | FetchClosedOrders | FetchTrades | FetchBalances
Row = Mapping[str, Any]

MAX_PAGES = 200
SCAN_MARGIN_MS = 60_000
"""The venue's clock may differ from the one that made the order's id, and from ours."""
LONGEST_RANGE_MS = 7 * 24 * 3600 * 1000
"""Bybit, KuCoin and Binance's derivatives are asked about no more at once."""
RANGE_SLACK_MS = 2000
"""Times of some venues are rounded to seconds."""


class CannotAnswer(Exception):
    """The venue can't be asked this, or not so that the answer would be complete."""


class Page(NamedTuple):
    """`given`: how many rows came, of which `rows` are those of the symbol asked for."""

    rows: list[Row]
    given: int


class Queries:
    def __init__(self, session: VenueSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._row: VenueRow = session.row

    async def answer(self, request: Query, guard: WriteGuard) -> QueryAnswer:
        """Raises nothing but a cancellation."""
        try:
            with guarded_by(guard):
                return await self._ask(request)
        except translate.NotUnderstood as error:
            return QueryFailed(code=Code.MALFORMED, text=str(error))
        except CannotAnswer as error:
            return QueryFailed(code=Code.VENUE_QUERY_FAILED, text=str(error))
        except Exception as error:  # noqa: BLE001 - any failure at all is only a failed query
            return query_failed(self._row.family, failure_of(error, guard))

    async def _ask(self, request: Query) -> QueryAnswer:
        match request:
            case FetchOrder():
                return await self._order(request)
            case FetchOpenOrders():
                return await self._open_orders(request)
            case FetchClosedOrders():
                return await self._closed_orders(request)
            case FetchTrades():
                return Trades(trades=await self._trades(request.symbol, request.since))
            case FetchBalances():
                raw = await self._session.exchange.fetch_balance()
                return Balances(balances=translate.balances(raw))

    # -- one order

    async def _order(self, request: FetchOrder) -> QueryAnswer:
        searched: list[str] = []
        found = await self._by_id(request, searched)
        if found is None and not (searched and self._row.by_id_is_complete):
            found = await self._by_scanning(request, searched)
        if found is None:
            return OrderNotFound(searched=tuple(searched))
        if not request.with_trades:
            return OrderFound(order=found)
        return await self._with_trades(found)

    async def _by_id(self, request: FetchOrder, searched: list[str]) -> VenueOrder | None:
        """By our id, then by the venue's: either may be the one that the venue still knows."""
        exchange, row = self._session.exchange, self._row
        names = (
            order_name(row, request.order_id, None, row.fetch_by),
            order_name(row, request.order_id, request.venue_order_id, None),
        )
        if not exchange.has.get("fetchOrder"):
            return None
        for venue_id, params in (name for name in names if name is not None):
            try:
                raw = await exchange.fetch_order(
                    row.fetch_id if venue_id is None else venue_id,
                    request.symbol,
                    {**row.fetch_params, **params},
                )
            except ccxt.OrderNotFound:
                if "by_id" not in searched:
                    searched.append("by_id")
                continue
            return self._asked_for(raw, request)
        return None

    def _asked_for(self, raw: Row, request: FetchOrder) -> VenueOrder:
        """A name that the venue did not understand may have brought some other order."""
        order = self._session.order(raw)
        is_it = order.order_id == request.order_id or (
            request.venue_order_id is not None and order.venue_order_id == request.venue_order_id
        )
        if not is_it:
            raise translate.NotUnderstood("the venue answered with another order")
        return order

    async def _by_scanning(self, request: FetchOrder, searched: list[str]) -> VenueOrder | None:
        """Open orders first: an order only ever moves from there to the closed ones."""
        async for raw in self._all_open(request.symbol):
            if self._is(raw, request):
                return self._asked_for(raw, request)
        searched.append("open_orders")
        async for raw in self._all_closed(request):
            if self._is(raw, request):
                return self._asked_for(raw, request)
        searched.append("closed_orders")
        return None

    def _is(self, raw: Row, request: FetchOrder) -> bool:
        if request.venue_order_id is not None and str(raw.get("id")) == request.venue_order_id:
            return True
        ours = translate.order_id_in(raw, self._row.id_form, self._row.raw_ids)
        return ours == request.order_id

    async def _with_trades(self, found: VenueOrder) -> OrderFound:
        """That the order was found counts even if its trades can't be had now."""
        try:
            trades = await self._trades_of(found)
        except Exception:  # noqa: BLE001 - a failed query, and only of the second question
            return OrderFound(order=found)
        return OrderFound(order=found, trades=trades, trades_asked=True)

    async def _trades_of(self, found: VenueOrder) -> tuple[VenueTrade, ...]:
        """By the order if all come at once, else by time."""
        trades = await self._trades_by_order(found)
        if trades is None:
            since = found.order_id and order_id_time(found.order_id)
            if not since:
                raise CannotAnswer("since when to look for its trades is not known")
            trades = await self._trades(found.symbol, since - SCAN_MARGIN_MS * translate.NS_PER_MS)
        return tuple(t for t in trades if t.venue_order_id == found.venue_order_id)

    async def _trades_by_order(self, found: VenueOrder) -> tuple[VenueTrade, ...] | None:
        exchange, most = self._session.exchange, self._row.order_trade_page
        if not most or exchange.has.get("fetchOrderTrades") is not True:
            return None
        page = await _page(exchange.fetch_order_trades(found.venue_order_id, found.symbol))
        return self._translated(page.rows) if page.given < most else None

    # -- lists

    async def _open_orders(self, request: FetchOpenOrders) -> QueryAnswer:
        symbols: tuple[Symbol, ...] = () if self._row.lists_all_open_orders else request.symbols
        if not symbols and not self._row.lists_all_open_orders:
            raise CannotAnswer("this venue lists open orders by symbol only")
        found = [
            self._session.order(raw)
            for symbol in symbols or (None,)
            async for raw in self._all_open(symbol)
            if not self._session.is_left_out(raw)
        ]
        return OpenOrders(orders=tuple(found), symbols=symbols)

    async def _all_open(self, symbol: Symbol | None) -> AsyncIterator[Row]:
        paging = self._row.open_pages
        limit = paging.size or None
        fetch = self._session.exchange.fetch_open_orders

        async def page(params: dict[str, Any]) -> list[Row]:
            rows: list[Row] = await fetch(symbol, None, limit, params)
            return rows

        async for row in _pages(page, paging):
            yield row

    async def _closed_orders(self, request: FetchClosedOrders) -> QueryAnswer:
        since, until = request.since // translate.NS_PER_MS, request.until // translate.NS_PER_MS
        rows = self._closed_since(request.symbol, since, until)
        found = [self._session.order(raw) async for raw in rows]
        return ClosedOrders(orders=tuple(one for one in found if one.status.is_closed))

    async def _all_closed(self, request: FetchOrder) -> AsyncIterator[Row]:
        """Since the order's id was made."""
        if order_id_tag(request.order_id) == EXTERNAL_TAG:
            raise CannotAnswer("since when to look for an order that is not ours is not known")
        since = order_id_time(request.order_id) // translate.NS_PER_MS - SCAN_MARGIN_MS
        async for row in self._closed_since(request.symbol, since):
            yield row

    async def _closed_since(
        self, symbol: Symbol, since: int, until: int | None = None
    ) -> AsyncIterator[Row]:
        """In ms. Page by page it ends with the one on which all were placed later than `until`."""
        fetch = _closed_call(self._session.exchange, self._row.closed_call)
        size = self._row.closed_page
        if self._row.pages_forward:
            rows = _by_time(lambda start: fetch(symbol, start, size), since, size, until)
        elif self._row.closed_by_time:
            rows = self._over_time(
                lambda start, end: fetch(symbol, start, size, self._closed_until(end)), since, size
            )
        else:
            rows = _all_at_once(fetch(symbol), size)
        async for row in rows:
            yield row

    def _closed_until(self, end: int) -> dict[str, Any]:
        name = self._row.closed_until_s
        return {name: end // 1000} if name else {"until": end}

    def _over_time(
        self, fetch: Callable[[int, int], Any], since: int, size: int
    ) -> AsyncIterator[Row]:
        now = self._clock.now() // translate.NS_PER_MS
        return _by_range(fetch, since, now + SCAN_MARGIN_MS, size)

    async def _trades(self, symbol: Symbol, since_ns: int) -> tuple[VenueTrade, ...]:
        """Oldest first."""
        since = since_ns // translate.NS_PER_MS
        size, from_id = self._row.trade_page, self._row.trade_from_id
        fetch = self._session.exchange.fetch_my_trades
        if from_id:
            pages = _by_ids(fetch, symbol, since, size, from_id)
        elif self._row.pages_forward:
            pages = _by_time(lambda start: fetch(symbol, start, size), since, size)
        else:
            pages = self._over_time(
                lambda start, end: fetch(symbol, start, size, {"until": end}), since, size
            )
        # Each row at once: ccxt's take many times the memory, and an hour has very many.
        trades = [self._session.trade(row) async for row in pages]
        return tuple(sorted(trades, key=lambda trade: trade.venue_time))

    def _translated(self, rows: Iterable[Row]) -> tuple[VenueTrade, ...]:
        return tuple(self._session.trade(row) for row in rows)


async def _pages(page: Callable[[dict[str, Any]], Any], paging: Paging) -> AsyncIterator[Row]:
    """Until a page is short. Rows come once each, though a page may overlap the one before."""
    seen: set[str] = set()
    params: dict[str, Any] = {}
    for number in range(2, MAX_PAGES + 2):
        rows, given = await _page(page(params))
        fresh = [row for row in rows if str(row.get("id")) not in seen]
        seen.update(str(row.get("id")) for row in fresh)
        for row in fresh:
            yield row
        if given < (paging.size or math.inf):
            return
        if rows and not fresh:
            raise CannotAnswer("the venue gave the same page again")
        following = _next_page(paging, rows, number)
        if following is None:
            return
        params = following
    raise CannotAnswer(f"more than {MAX_PAGES} pages")


def _next_page(paging: Paging, rows: list[Row], number: int) -> dict[str, Any] | None:
    """After a full page. None: it was the last, as a venue with cursors says itself."""
    match paging.by:
        case NextPage.NUMBER:
            return {paging.parameter: number}
        case NextPage.LAST_ID if rows:
            return {paging.parameter: min(rows, key=_age)["id"]}
        case NextPage.CURSOR if rows:
            return _cursor_in(paging, rows)
    raise CannotAnswer("there may be more than fits a page, and no way to the next")


def _age(row: Row) -> tuple[int, int, str]:
    """ccxt sorts rows by their times, whichever end the venue's page began at."""
    venue_id = str(row.get("id"))
    return _time_of(row), len(venue_id), venue_id


def _cursor_in(paging: Paging, rows: list[Row]) -> dict[str, Any] | None:
    """ccxt writes it into the row that came first, and sorts them then."""
    told = ((row.get("info") or {}).get(paging.cursor_key) for row in rows)
    cursor = next(filter(None, told), None)
    return {paging.parameter: cursor} if cursor else None


async def _by_time(
    fetch: Callable[[int], Any], since: int, size: int, until: int | None = None
) -> AsyncIterator[Row]:
    """Pages forward from a time in ms, each from the last row's on; rows come once each."""
    seen: set[str] = set()
    for _ in range(MAX_PAGES):
        rows = await fetch(since)
        fresh = _unseen(rows, seen)
        for row in fresh:
            yield row
        if len(rows) < size or _all_later(rows, until):
            return
        latest = max(map(_time_of, rows))
        if not fresh or latest < since:
            raise CannotAnswer("more rows in one millisecond than fit a page")
        since = latest
    raise CannotAnswer(f"more than {MAX_PAGES} pages")


def _all_later(rows: list[Row], until: int | None) -> bool:
    return until is not None and min(map(_time_of, rows)) > until


async def _by_range(
    fetch: Callable[[int, int], Any], since: int, until: int, size: int
) -> AsyncIterator[Row]:
    """By ranges of time in ms, whichever end of one a venue begins at: only a page that is not full
    counts as all of its range; else the range is asked for again in halves. Rows come once each."""
    seen: set[str] = set()
    ranges = _windows(since, until)
    for _ in range(MAX_PAGES):
        if not ranges:
            return
        start, end = ranges.pop()
        page = await _page(fetch(start, end))
        if page.given < size:
            for row in _unseen(page.rows, seen):
                yield row
        elif any(_time_of(row) > end + RANGE_SLACK_MS for row in page.rows):
            raise CannotAnswer("the venue was asked for a range of time, and did not keep to it")
        else:
            ranges += _halves(start, end)
    if ranges:
        raise CannotAnswer(f"more than {MAX_PAGES} pages")


def _windows(since: int, until: int) -> list[tuple[int, int]]:
    """The earliest last; never none, for clocks may disagree."""
    end = max(until, since + 1)
    starts = range(since, end, LONGEST_RANGE_MS)
    if len(starts) > MAX_PAGES:
        raise CannotAnswer("it is too long ago")
    return [(start, min(start + LONGEST_RANGE_MS, end)) for start in reversed(starts)]


def _halves(start: int, end: int) -> list[tuple[int, int]]:
    """The earlier last. They share a moment, for a venue may round times down to seconds, or leave
    one end of a range out."""
    if end - start <= 1:
        raise CannotAnswer("more rows at one time than fit a page")
    middle = (start + end) // 2
    return [(middle, end), (start, middle)]


async def _all_at_once(call: Awaitable[list[Row]], size: int) -> AsyncIterator[Row]:
    """For a venue that takes no times, and tells the latest only."""
    page = await _page(call)
    if page.given >= size:
        raise CannotAnswer("there may be more than the venue lists")
    for row in page.rows:
        yield row


async def _by_ids(
    fetch: Callable[..., Any], symbol: Symbol, since: int, size: int, parameter: str
) -> AsyncIterator[Row]:
    """The first page by time, the others each from the id after the last on."""
    rows = await fetch(symbol, since, size)
    for _ in range(MAX_PAGES):
        for row in rows:
            yield row
        if len(rows) < size:
            return
        following = max(int(row["id"]) for row in rows) + 1
        rows = await fetch(symbol, None, size, {parameter: following})
    raise CannotAnswer(f"more than {MAX_PAGES} pages")


async def _page(call: Awaitable[list[Row]]) -> Page:
    guard = current_guard()
    if guard is not None:
        guard.rows_given = 0
    rows = await call
    return Page(rows, max(len(rows), guard.rows_given if guard is not None else 0))


def _unseen(rows: list[Row], seen: set[str]) -> list[Row]:
    """Notes them as seen, too."""
    fresh = [row for row in rows if _identity(row) not in seen]
    seen.update(map(_identity, fresh))
    return fresh


def _time_of(row: Row) -> int:
    return int(row.get("timestamp") or 0)


def _identity(row: Row) -> str:
    return f"{row.get('order')}/{row.get('id')}/{row.get('timestamp')}/{row.get('amount')}"


def lists_closed_orders(has: Mapping[str, Any], named: str) -> bool:
    """Whether `_closed_call` has something to call."""
    ways = ("fetchOrders", "fetchCanceledAndClosedOrders")
    return bool(named) or any(has.get(way) is True for way in ways)


def _closed_call(exchange: Any, named: str) -> Callable[..., Any]:
    """Must list canceled orders too; ccxt's `fetch_closed_orders` does so for some venues only."""
    if named:
        return getattr(exchange, named)  # type: ignore[no-any-return]
    if exchange.has.get("fetchOrders") is True:
        return exchange.fetch_orders  # type: ignore[no-any-return]
    if exchange.has.get("fetchCanceledAndClosedOrders") is True:
        return exchange.fetch_canceled_and_closed_orders  # type: ignore[no-any-return]
    raise CannotAnswer("this venue does not list all its closed orders")
