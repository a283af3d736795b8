"""The contract of the `Venue` port. An implementation passes it by giving the class a bench.

Nothing here knows of asyncio: time goes on only inside `run_until`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import count
from typing import Any, Protocol

from gateway.domain.enums import OrderStatus, OrderType, Side
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol, make_order_id
from gateway.domain.order import NewOrder
from gateway.domain.venue import (
    AmendOrder,
    Balances,
    CancelOrder,
    ClosedOrders,
    Done,
    FetchBalances,
    FetchClosedOrders,
    FetchOpenOrders,
    FetchOrder,
    FetchTrades,
    NotSent,
    OpenOrders,
    OrderFound,
    OrderHeard,
    OrderNotFound,
    OutcomeUnknown,
    PlaceOrder,
    QueryFailed,
    Refused,
    StreamDown,
    StreamEvent,
    StreamUp,
    TradeHeard,
    Trades,
    VenueAnswer,
    VenueRequest,
)
from gateway.ports import Venue

SYMBOL = Symbol("BTC/USDT")
SECOND = 1_000_000_000
_numbers = count(1)


class Trouble(StrEnum):
    """What a bench can do to the next request, or to the private stream."""

    LOSE_REQUEST = "lose_request"  # it never arrives
    LOSE_ANSWER = "lose_answer"  # it is carried out, the answer never comes
    FAIL_QUERIES = "fail_queries"  # every question is answered with an error
    CUT_STREAM = "cut_stream"


@dataclass(frozen=True)
class Recorded:
    """What the venue itself holds of one order."""

    venue_order_id: str
    status: OrderStatus
    cum_quantity: Decimal


class VenueBench(Protocol):
    """A venue with an account that owns plenty, the symbol BTC/USDT with a tick of 0.01 around
    60000, an empty book, and its stream not yet listened to."""

    venue: Venue

    def now(self) -> int: ...

    def run_until(self, condition: Callable[[], bool]) -> None:
        """Lets time go on until it holds; an AssertionError if it never does."""

    def inject(self, trouble: Trouble) -> None: ...

    def record(self) -> Mapping[OrderId, list[Recorded]]:
        """Every order ever accepted, by our id: two of one id were placed twice."""

    def trade_against(self, side: Side, price: Decimal, quantities: list[Decimal]) -> None:
        """Somebody else trades so with what rests, each quantity at once after the other."""


def order_at(
    bench: VenueBench, price: str = "50000", quantity: str = "0.01", **more: Any
) -> NewOrder:
    fields: dict[str, Any] = {
        "order_id": make_order_id(0x5A5, bench.now(), next(_numbers)),
        "account": AccountId(bench.venue.account),
        "symbol": SYMBOL,
        "client_id": ClientId("contract"),
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "expires_at": bench.now() + 60 * SECOND,
    }
    return NewOrder(**{**fields, **more})


def ask(bench: VenueBench, *requests: VenueRequest) -> list[VenueAnswer]:
    """Starts them all in one go; their answers, in the order of the requests."""
    answers: list[list[VenueAnswer]] = [[] for _ in requests]
    for request, answer in zip(requests, answers, strict=True):
        bench.venue.start(request, answer.append)
        assert answer == [], "answered from inside the call"
    bench.run_until(lambda: all(answers))
    assert [len(answer) for answer in answers] == [1] * len(requests)
    return [answer[0] for answer in answers]


def place(bench: VenueBench, order: NewOrder) -> VenueAnswer:
    return ask(bench, PlaceOrder(order=order))[0]


def cancel_of(order: NewOrder, venue_order_id: Any = None) -> CancelOrder:
    return CancelOrder(order_id=order.order_id, symbol=order.symbol, venue_order_id=venue_order_id)


def amend_of(order: NewOrder, expires_at: int) -> AmendOrder:
    """Down to 0.004."""
    return AmendOrder(
        order_id=order.order_id,
        symbol=order.symbol,
        venue_order_id=None,
        side=order.side,
        order_type=order.order_type,
        quantity=Decimal("0.004"),
        price=None,
        expires_at=expires_at,
    )


def lookup_of(order: NewOrder, **more: Any) -> FetchOrder:
    return FetchOrder(order_id=order.order_id, symbol=order.symbol, **more)


def listen(bench: VenueBench) -> list[StreamEvent]:
    heard: list[StreamEvent] = []
    bench.venue.listen(heard.append)
    bench.run_until(lambda: bool(heard))
    assert isinstance(heard[0], StreamUp)
    return heard


def statuses(heard: list[StreamEvent], order: NewOrder) -> list[OrderStatus]:
    return [
        event.order.status
        for event in heard
        if isinstance(event, OrderHeard) and event.order.order_id == order.order_id
    ]


class VenueContract:
    """Give a subclass a fixture `bench`."""

    # -- place

    def test_a_place_is_done_with_the_venues_id(self, bench: VenueBench) -> None:
        order = order_at(bench)
        answer = place(bench, order)
        assert isinstance(answer, Done)
        held = bench.record()[order.order_id]
        assert [recorded.venue_order_id for recorded in held] == [answer.venue_order_id]
        assert answer.order is None or answer.order.order_id == order.order_id

    def test_a_second_place_with_the_id_of_an_open_order_is_no_refusal(
        self, bench: VenueBench
    ) -> None:
        order = order_at(bench)
        place(bench, order)
        answer = place(bench, order)
        assert isinstance(answer, OutcomeUnknown)
        assert len(bench.record()[order.order_id]) == 1

    def test_a_place_beyond_the_funds_is_refused(self, bench: VenueBench) -> None:
        answer: VenueAnswer = Done()
        for _ in range(20):
            order = order_at(bench, price="990", quantity="9000", side=Side.SELL)
            answer = place(bench, order)
            if not isinstance(answer, Done):
                break
        assert isinstance(answer, Refused)
        assert answer.code is Code.VENUE_FUNDS
        assert order.order_id not in bench.record()

    def test_a_place_below_the_least_value_is_refused(self, bench: VenueBench) -> None:
        order = order_at(bench, quantity="0.00001")
        answer = place(bench, order)
        assert isinstance(answer, Refused)
        assert answer.code is Code.VENUE_FILTER
        assert order.order_id not in bench.record()

    def test_a_post_only_place_that_would_match_is_refused(self, bench: VenueBench) -> None:
        place(bench, order_at(bench, price="60000", side=Side.SELL))
        order = order_at(bench, price="60000", post_only=True)
        answer = place(bench, order)
        assert isinstance(answer, Refused)
        assert answer.code is Code.VENUE_WOULD_MATCH
        assert order.order_id not in bench.record()

    def test_a_place_on_an_unknown_symbol_is_not_sent(self, bench: VenueBench) -> None:
        answer = place(bench, order_at(bench, symbol=Symbol("NO/SUCH")))
        assert isinstance(answer, NotSent)
        assert answer.code is Code.UNKNOWN_SYMBOL

    def test_a_place_whose_figures_the_venue_would_round_is_not_sent(
        self, bench: VenueBench
    ) -> None:
        coarse = order_at(bench, quantity="0.0100000001")
        between = order_at(bench, price="50000.001")
        answers = ask(bench, PlaceOrder(order=coarse), PlaceOrder(order=between))
        codes = [answer.code for answer in answers if isinstance(answer, NotSent)]
        assert codes == [Code.QUANTITY_PRECISION, Code.PRICE_PRECISION]

    def test_a_place_that_has_expired_is_not_sent(self, bench: VenueBench) -> None:
        order = order_at(bench, expires_at=bench.now() - 1)
        answer = place(bench, order)
        assert isinstance(answer, NotSent)
        assert answer.code is Code.EXPIRED
        assert order.order_id not in bench.record()

    def test_a_stop_limit_order_rests_with_its_stop_price(self, bench: VenueBench) -> None:
        place(bench, order_at(bench, price="60000", side=Side.SELL))
        place(bench, order_at(bench, price="60000"))
        order = order_at(
            bench,
            price="65000",
            order_type=OrderType.STOP_LIMIT,
            stop_price=Decimal(64000),
        )
        assert isinstance(place(bench, order), Done)
        [found] = ask(bench, lookup_of(order))
        assert isinstance(found, OrderFound)
        assert found.order.order_type is OrderType.STOP_LIMIT
        assert found.order.stop_price == Decimal(64000)

    def test_many_places_at_once_are_each_answered_once(self, bench: VenueBench) -> None:
        orders = [order_at(bench) for _ in range(40)]
        answers = ask(bench, *(PlaceOrder(order=order) for order in orders))
        assert all(isinstance(answer, Done) for answer in answers)
        assert set(bench.record()) == {order.order_id for order in orders}

    def test_a_place_whose_answer_is_lost_is_unknown_and_then_found(
        self, bench: VenueBench
    ) -> None:
        order = order_at(bench)
        bench.inject(Trouble.LOSE_ANSWER)
        answer = place(bench, order)
        [found] = ask(bench, lookup_of(order))
        assert isinstance(answer, OutcomeUnknown)
        assert isinstance(found, OrderFound)
        assert found.order.order_id == order.order_id

    def test_a_place_that_is_lost_on_its_way_is_never_called_refused(
        self, bench: VenueBench
    ) -> None:
        order = order_at(bench)
        bench.inject(Trouble.LOSE_REQUEST)
        answer = place(bench, order)
        [missing] = ask(bench, lookup_of(order))
        assert isinstance(answer, OutcomeUnknown | NotSent)
        assert isinstance(missing, OrderNotFound)
        assert order.order_id not in bench.record()

    # -- cancel and amend

    def test_a_cancel_by_our_id_ends_the_order(self, bench: VenueBench) -> None:
        order = order_at(bench)
        place(bench, order)
        [answer] = ask(bench, cancel_of(order))
        assert isinstance(answer, Done)
        assert answer.order is None or answer.order.order_id == order.order_id
        assert [r.status for r in bench.record()[order.order_id]] == [OrderStatus.CANCELED]

    def test_a_cancel_by_the_venues_id_ends_the_order(self, bench: VenueBench) -> None:
        order = order_at(bench)
        placed = place(bench, order)
        assert isinstance(placed, Done)
        [answer] = ask(bench, cancel_of(order, placed.venue_order_id))
        assert isinstance(answer, Done)
        assert [r.status for r in bench.record()[order.order_id]] == [OrderStatus.CANCELED]

    def test_a_cancel_of_an_order_that_is_not_open_is_not_found(self, bench: VenueBench) -> None:
        order = order_at(bench)
        place(bench, order)
        ask(bench, cancel_of(order))
        for answer in ask(bench, cancel_of(order), cancel_of(order_at(bench))):
            assert isinstance(answer, Refused)
            assert answer.code is Code.VENUE_ORDER_NOT_FOUND

    def test_a_cancel_given_right_behind_its_place_does_not_overtake_it(
        self, bench: VenueBench
    ) -> None:
        orders = [order_at(bench) for _ in range(10)]
        requests: list[VenueRequest] = []
        for order in orders:
            requests += [PlaceOrder(order=order), cancel_of(order)]
        answers = ask(bench, *requests)
        assert all(isinstance(answer, Done) for answer in answers)
        ends = [recorded.status for held in bench.record().values() for recorded in held]
        assert ends == [OrderStatus.CANCELED] * len(orders)

    def test_an_amend_down_keeps_the_order_and_its_id(self, bench: VenueBench) -> None:
        order = order_at(bench, quantity="0.01")
        place(bench, order)
        [answer] = ask(bench, amend_of(order, expires_at=bench.now() + 60 * SECOND))
        [found] = ask(bench, lookup_of(order))
        assert isinstance(found, OrderFound)
        if bench.venue.profile.can_amend:
            assert isinstance(answer, Done)
            assert found.order.quantity == Decimal("0.004")
        else:
            assert isinstance(answer, NotSent)
            assert answer.code is Code.AMEND_UNSUPPORTED

    def test_an_amend_that_has_expired_is_not_sent(self, bench: VenueBench) -> None:
        order = order_at(bench, quantity="0.01")
        place(bench, order)
        [answer] = ask(bench, amend_of(order, expires_at=bench.now() - 1))
        [found] = ask(bench, lookup_of(order))
        can_amend = bench.venue.profile.can_amend
        assert isinstance(answer, NotSent)
        assert answer.code is (Code.EXPIRED if can_amend else Code.AMEND_UNSUPPORTED)
        assert isinstance(found, OrderFound)
        assert found.order.quantity == order.quantity

    # -- questions

    def test_an_order_is_found_open_and_closed_by_either_id(self, bench: VenueBench) -> None:
        order = order_at(bench)
        placed = place(bench, order)
        assert isinstance(placed, Done)
        [opened] = ask(bench, lookup_of(order))
        ask(bench, cancel_of(order))
        closed, by_venue_id = ask(
            bench, lookup_of(order), lookup_of(order, venue_order_id=placed.venue_order_id)
        )
        assert isinstance(opened, OrderFound)
        assert isinstance(closed, OrderFound)
        assert isinstance(by_venue_id, OrderFound)
        assert opened.order.status is OrderStatus.NEW
        assert opened.order.quantity == order.quantity
        assert opened.order.price == order.price
        assert closed.order.status is by_venue_id.order.status is OrderStatus.CANCELED

    def test_an_order_that_never_was_is_not_found_and_says_where_it_was_sought(
        self, bench: VenueBench
    ) -> None:
        [answer] = ask(bench, lookup_of(order_at(bench)))
        assert isinstance(answer, OrderNotFound)
        assert answer.searched

    def test_an_order_is_found_with_its_trades(self, bench: VenueBench) -> None:
        order = order_at(bench, price="59000", quantity="0.03")
        place(bench, order)
        bench.trade_against(Side.SELL, Decimal(59000), [Decimal("0.01"), Decimal("0.02")])
        [answer] = ask(bench, lookup_of(order, with_trades=True))
        assert isinstance(answer, OrderFound)
        assert answer.trades_asked
        assert answer.order.status is OrderStatus.FILLED
        assert answer.order.cum_quantity == Decimal("0.03")
        assert answer.order.cum_cost == Decimal("0.03") * 59000
        assert [trade.quantity for trade in answer.trades] == [Decimal("0.01"), Decimal("0.02")]
        assert len({trade.trade_id for trade in answer.trades}) == 2
        assert all(trade.fee is not None for trade in answer.trades)

    def test_a_question_that_fails_is_evidence_of_nothing(self, bench: VenueBench) -> None:
        bench.inject(Trouble.FAIL_QUERIES)
        answers = ask(
            bench,
            lookup_of(order_at(bench)),
            FetchOpenOrders(),
            FetchClosedOrders(symbol=SYMBOL, since=0, until=bench.now()),
            FetchTrades(symbol=SYMBOL, since=0),
            FetchBalances(),
        )
        assert [type(answer) for answer in answers] == [QueryFailed] * 5

    def test_open_orders_are_all_listed(self, bench: VenueBench) -> None:
        kept, canceled = order_at(bench), order_at(bench)
        ask(bench, PlaceOrder(order=kept), PlaceOrder(order=canceled))
        ask(bench, cancel_of(canceled))
        [answer] = ask(bench, FetchOpenOrders(symbols=(SYMBOL,)))
        assert isinstance(answer, OpenOrders)
        assert [order.order_id for order in answer.orders] == [kept.order_id]

    def test_closed_orders_are_listed_filled_or_not_since_the_time_asked_for(
        self, bench: VenueBench
    ) -> None:
        assert bench.venue.profile.lists_closed_orders
        began = bench.now() - 60 * SECOND
        kept, canceled = order_at(bench), order_at(bench)
        filled = order_at(bench, price="59000")
        ask(bench, *(PlaceOrder(order=order) for order in (kept, canceled, filled)))
        ask(bench, cancel_of(canceled))
        bench.trade_against(Side.SELL, Decimal(59000), [Decimal("0.01")])
        ended = bench.now() + 60 * SECOND
        [answer] = ask(bench, FetchClosedOrders(symbol=SYMBOL, since=began, until=ended))
        [later] = ask(bench, FetchClosedOrders(symbol=SYMBOL, since=ended, until=ended))
        assert isinstance(answer, ClosedOrders)
        assert {order.order_id: order.status for order in answer.orders} == {
            canceled.order_id: OrderStatus.CANCELED,
            filled.order_id: OrderStatus.FILLED,
        }
        assert later == ClosedOrders(orders=())

    def test_trades_come_oldest_first_from_the_time_asked_for(self, bench: VenueBench) -> None:
        order = order_at(bench, price="59000", quantity="0.03")
        began = bench.now() - 60 * SECOND
        place(bench, order)
        bench.trade_against(Side.SELL, Decimal(59000), [Decimal("0.01")])
        bench.trade_against(Side.SELL, Decimal(59000), [Decimal("0.02")])
        [answer] = ask(bench, FetchTrades(symbol=SYMBOL, since=began))
        [later] = ask(bench, FetchTrades(symbol=SYMBOL, since=bench.now() + 60 * SECOND))
        assert isinstance(answer, Trades)
        assert [trade.quantity for trade in answer.trades] == [Decimal("0.01"), Decimal("0.02")]
        assert all(trade.side is Side.BUY for trade in answer.trades)
        assert later == Trades(trades=())

    def test_balances_show_what_is_free_and_what_is_locked(self, bench: VenueBench) -> None:
        [before] = ask(bench, FetchBalances())
        place(bench, order_at(bench, price="50000", quantity="0.01"))
        [after] = ask(bench, FetchBalances())
        assert isinstance(before, Balances)
        assert isinstance(after, Balances)
        was = {balance.currency: balance for balance in before.balances}["USDT"]
        now = {balance.currency: balance for balance in after.balances}["USDT"]
        assert (was.free - now.free, now.locked - was.locked) == (Decimal(500), Decimal(500))

    # -- the private stream

    def test_the_stream_tells_an_orders_life(self, bench: VenueBench) -> None:
        heard = listen(bench)
        order = order_at(bench)
        place(bench, order)
        ask(bench, cancel_of(order))
        bench.run_until(lambda: OrderStatus.CANCELED in statuses(heard, order))
        assert statuses(heard, order) == [OrderStatus.NEW, OrderStatus.CANCELED]

    def test_two_fills_in_one_tick_are_both_heard(self, bench: VenueBench) -> None:  # cases 38, 48
        heard = listen(bench)
        order = order_at(bench, price="59000", quantity="0.03")
        place(bench, order)
        bench.trade_against(Side.SELL, Decimal(59000), [Decimal("0.01"), Decimal("0.02")])
        bench.run_until(lambda: OrderStatus.FILLED in statuses(heard, order))
        bench.run_until(lambda: sum(isinstance(event, TradeHeard) for event in heard) == 2)
        trades = [event.trade for event in heard if isinstance(event, TradeHeard)]
        assert [trade.quantity for trade in trades] == [Decimal("0.01"), Decimal("0.02")]
        assert all(trade.fee is not None for trade in trades)
        assert statuses(heard, order) == [
            OrderStatus.NEW,
            OrderStatus.PARTIALLY_FILLED,
            OrderStatus.FILLED,
        ]

    def test_a_fill_has_the_same_key_in_the_stream_and_in_a_query(  # case 30
        self, bench: VenueBench
    ) -> None:
        heard = listen(bench)
        order = order_at(bench, price="59000", quantity="0.01")
        place(bench, order)
        bench.trade_against(Side.SELL, Decimal(59000), [Decimal("0.01")])
        bench.run_until(lambda: any(isinstance(event, TradeHeard) for event in heard))
        [answer] = ask(bench, lookup_of(order, with_trades=True))
        assert isinstance(answer, OrderFound)
        [streamed] = [event.trade for event in heard if isinstance(event, TradeHeard)]
        [queried] = answer.trades
        for name in ("symbol", "venue_order_id", "trade_id", "leg", "price", "quantity", "fee"):
            assert getattr(streamed, name) == getattr(queried, name)

    def test_a_cut_stream_goes_down_and_comes_up_again(self, bench: VenueBench) -> None:  # case 45
        heard = listen(bench)
        bench.inject(Trouble.CUT_STREAM)
        bench.run_until(lambda: sum(isinstance(event, StreamUp) for event in heard) == 2)
        changes = [type(e) for e in heard if isinstance(e, StreamUp | StreamDown)]
        assert changes == [StreamUp, StreamDown, StreamUp]
        order = order_at(bench)
        place(bench, order)
        bench.run_until(lambda: OrderStatus.NEW in statuses(heard, order))
