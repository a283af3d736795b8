"""Checks for the manager (cases 54, 55, 56) and cancel-all (cases 26, 64)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from actioner_desk import ACC, BTC, ETH, SECOND, START, TAG, Desk, ids, seen
from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, Origin, Pending, Side
from gateway.domain.errors import Code
from gateway.domain.identity import VenueOrderId, external_order_id, make_order_id
from gateway.domain.order import Order

FAILED = v.QueryFailed(code=Code.VENUE_UNREACHABLE, text="no route")
LIMITED = v.QueryFailed(code=Code.VENUE_RATE_LIMIT, text="429")
BALANCES = v.Balances(balances=(v.Balance(currency="BTC", free=Decimal(1), locked=Decimal(0)),))


def check(desk: Desk, orders: list[Order], **more: Any) -> Any:
    return desk.ask(
        m.CheckOrders,
        account=ACC,
        order_ids=tuple(order.order_id for order in orders),
        symbols=tuple(order.symbol for order in orders),
        venue_order_ids=tuple(order.venue_order_id for order in orders),
        **more,
    )


def sweep(desk: Desk, **more: Any) -> Any:
    fields = {"symbols": (BTC, ETH), "trades_since": START, **more}
    return desk.ask(m.SweepAccount, account=ACC, **fields)


def by_kind(**answers: v.VenueAnswer) -> Callable[[v.VenueRequest], v.VenueAnswer | None]:
    return lambda request: answers.get(type(request).__name__)


# ---- orders ------------------------------------------------------------------------------------


def test_checks_are_taken_in_at_once_and_reported_when_the_venue_answers() -> None:
    desk = Desk()
    orders = [desk.placed() for _ in range(2)]
    taken = check(desk, orders, with_trades=True)
    assert isinstance(taken, m.TakenReply)
    assert all(request.with_trades for request in desk.venue.asked)
    assert desk.reported(m.OrderChecked) == []

    desk.run(0.5)
    desk.venue.answer(v.OrderFound(order=seen(orders[0])))
    desk.venue.answer(v.OrderNotFound(searched=("by_id", "trades")))
    desk.run()

    reports = desk.reported(m.OrderChecked)
    assert ids(reports) == ids(orders)
    assert {report.report_id for report in reports} == {taken.report_id}
    assert all(report.asked_at + SECOND // 2 <= report.answered_at for report in reports)


def test_case_55_a_query_that_failed_is_reported_to_nobody() -> None:
    desk = Desk()
    desk.venue.answers = lambda _: FAILED
    check(desk, [desk.placed()])

    assert desk.reports.frames == []
    assert desk.actioner.counters["queries_failed_venue_unreachable"] == 1


def test_case_56_when_it_was_asked_is_told_by_the_clock_before_the_question_left() -> None:
    desk = Desk(lane_check_width=1)
    orders = [desk.placed() for _ in range(2)]
    check(desk, orders)
    desk.run(3)
    desk.venue.answer(v.OrderNotFound(searched=("by_id",)))
    desk.run(2)
    desk.venue.answer(v.OrderNotFound(searched=("by_id",)))
    desk.run()

    first, second = desk.reported(m.OrderChecked)
    assert first.asked_at < START + SECOND
    assert START + 3 * SECOND <= second.asked_at < START + 4 * SECOND


@pytest.mark.parametrize(
    ("pending", "status", "repeated"),
    [
        (Pending.CANCEL, OrderStatus.NEW, True),
        (Pending.CANCEL, OrderStatus.CANCELED, False),
        (Pending.REPLACE, OrderStatus.NEW, False),
        (Pending.NONE, OrderStatus.NEW, False),
    ],
)
def test_case_18_a_cancel_that_an_order_outlives_is_repeated(
    pending: Pending, status: OrderStatus, repeated: bool
) -> None:
    desk = Desk()
    order = desk.placed(pending=pending)
    desk.venue.answers = lambda _: v.OrderFound(order=seen(order, status))
    check(desk, [order])

    assert ids(desk.cancels()) == ([order.order_id] if repeated else [])


def test_case_18_an_order_that_is_not_found_gets_no_further_cancel() -> None:
    desk = Desk()
    order = desk.placed(pending=Pending.CANCEL)
    desk.venue.answers = lambda _: v.OrderNotFound(searched=("by_id",))
    check(desk, [order])
    assert desk.cancels() == []


def test_case_54_a_few_checks_at_most_are_under_way_and_the_rest_waits() -> None:
    desk = Desk(lane_check_width=3)
    check(desk, [desk.placed() for _ in range(50)])
    assert len(desk.venue.open) == 3

    for _ in range(50):
        desk.venue.answer(v.OrderNotFound(searched=("by_id",)))
        desk.run()
    assert len(desk.reported(m.OrderChecked)) == 50


def test_checks_that_expire_while_they_wait_are_not_asked() -> None:
    desk = Desk(lane_check_width=1)
    check(desk, [desk.placed() for _ in range(3)])
    desk.run(10)
    desk.venue.answer(FAILED)
    desk.run()

    assert len(desk.venue.asked) == 1
    assert desk.actioner.counters["expired_before_asked"] == 2


def test_checks_pause_longer_and_longer_while_the_venue_limits_them() -> None:
    desk = Desk(lane_check_width=1)
    orders = [desk.placed() for _ in range(3)]
    check(desk, orders, expires_at=START + 100 * SECOND)
    desk.venue.answer(LIMITED)
    desk.run(0.9)
    assert len(desk.venue.asked) == 1

    desk.send(desk.request(m.GetBalances, account=ACC))
    desk.run(0.01)
    assert isinstance(desk.venue.asked[-1], v.FetchBalances)

    desk.run(0.2)
    assert len(desk.venue.asked) == 3
    desk.venue.answer(LIMITED)
    desk.venue.answer(LIMITED)
    desk.run(1.5)
    assert len(desk.venue.asked) == 3
    desk.run(1)
    assert len(desk.venue.asked) == 4
    assert desk.actioner.counters["checks_paused"] == 2


def test_more_checks_than_the_bound_are_busy_and_none_of_them_is_taken() -> None:
    desk = Desk(lane_checks=10)
    orders = [desk.placed() for _ in range(11)]
    assert check(desk, orders).code is Code.BUSY
    assert desk.venue.asked == []


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_bounds(count: int) -> None:
    desk = Desk()
    order = desk.placed()
    assert check(desk, [order] * count).code is Code.MALFORMED


def test_lists_of_unequal_length_and_wrong_ids_are_refused() -> None:
    desk = Desk()
    fields = {"account": ACC, "symbols": (BTC,), "venue_order_ids": (None,)}
    uneven = desk.ask(m.CheckOrders, order_ids=(desk.new_id(), desk.new_id()), **fields)
    assert uneven.code is Code.MALFORMED
    assert desk.ask(m.CheckOrders, order_ids=("x",), **fields).code is Code.BAD_ORDER_ID


# ---- closed orders that a journal may have lost ------------------------------------------------


def search_closed(desk: Desk) -> Any:
    return desk.ask(m.SearchClosed, account=ACC, symbol=BTC, since=START, until=START + SECOND)


def test_closed_orders_of_ours_that_are_not_known_to_be_closed_are_reported() -> None:
    desk = Desk()
    known = desk.placed(status=OrderStatus.CANCELED, venue_order_id=VenueOrderId("v1"))
    held_open = desk.placed(venue_order_id=VenueOrderId("v2"))
    lost = desk.order(venue_order_id=VenueOrderId("v3"))
    by_hand = replace(seen(lost, OrderStatus.FILLED), order_id=None)
    theirs = replace(by_hand, order_id=make_order_id(TAG + 1, START, 1))
    canceled = [seen(order, OrderStatus.CANCELED) for order in (known, held_open, lost)]
    taken = search_closed(desk)
    assert isinstance(taken, m.TakenReply)
    assert desk.venue.asked == [v.FetchClosedOrders(symbol=BTC, since=START, until=START + SECOND)]
    desk.venue.answer(v.ClosedOrders(orders=(*canceled, by_hand, theirs)))
    desk.run()

    (report,) = desk.reported(m.ClosedOrdersFetched)
    assert ids(report.orders) == ids([held_open, lost])
    assert (report.report_id, report.symbol, report.is_last) == (taken.report_id, BTC, True)


def test_a_search_that_found_nothing_is_told_too_and_one_that_failed_is_not() -> None:
    desk = Desk()
    search_closed(desk)
    desk.venue.answer(v.ClosedOrders(orders=()))
    search_closed(desk)
    desk.venue.answer(FAILED)
    desk.run()

    (report,) = desk.reported(m.ClosedOrdersFetched)
    assert report.orders == ()


def test_a_long_list_of_closed_orders_is_told_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.actioner.checking.ORDERS_IN_REPORT", 2)
    desk = Desk()
    orders = [desk.order(venue_order_id=VenueOrderId(f"v{n}")) for n in range(5)]
    search_closed(desk)
    desk.venue.answer(v.ClosedOrders(orders=tuple(seen(order) for order in orders)))
    desk.run()

    reports = desk.reported(m.ClosedOrdersFetched)
    assert [ids(report.orders) for report in reports] == [
        ids(orders[:2]), ids(orders[2:4]), ids(orders[4:])
    ]  # fmt: skip
    assert [report.is_last for report in reports] == [False, False, True]


# ---- sweeps ------------------------------------------------------------------------------------


def test_a_sweep_fetches_trades_then_open_orders_then_balances() -> None:
    desk = Desk()
    order = seen(desk.placed())
    trade = v.VenueTrade(
        symbol=BTC,
        venue_order_id=order.venue_order_id,
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(1),
        trade_id="t",
    )
    desk.venue.answers = by_kind(
        FetchTrades=v.Trades(trades=(trade,)),
        FetchOpenOrders=v.OpenOrders(orders=(order,)),
        FetchBalances=BALANCES,
    )
    taken = sweep(desk)

    assert [type(request) for request in desk.venue.asked] == [
        v.FetchTrades,
        v.FetchTrades,
        v.FetchOpenOrders,
        v.FetchBalances,
    ]
    assert desk.venue.asked[2] == v.FetchOpenOrders(symbols=())
    trades, swept = desk.reported(m.TradesFetched), desk.reported(m.AccountSwept)
    assert [report.trades for report in trades] == [(trade,), (trade,)]
    assert [report.symbol for report in trades] == [BTC, ETH]
    assert (swept[0].open_orders.orders, swept[0].balances) == ((order,), BALANCES.balances)
    assert {report.report_id for report in (*trades, *swept)} == {taken.report_id}
    assert trades[0].asked_at < trades[1].asked_at < swept[0].asked_at


def test_case_55_a_sweep_that_can_not_list_the_open_orders_reports_no_sweep() -> None:
    desk = Desk()
    desk.venue.answers = by_kind(FetchTrades=FAILED, FetchOpenOrders=FAILED, FetchBalances=BALANCES)
    sweep(desk)

    assert desk.reports.frames == []
    assert desk.actioner.counters["queries_failed_venue_unreachable"] == 3


def test_a_sweep_without_balances_still_reports_its_orders() -> None:
    desk = Desk()
    desk.venue.answers = by_kind(
        FetchTrades=v.Trades(trades=()),
        FetchOpenOrders=v.OpenOrders(orders=()),
        FetchBalances=FAILED,
    )
    sweep(desk)
    assert [report.balances for report in desk.reported(m.AccountSwept)] == [None]


def test_a_venue_that_lists_one_symbol_at_a_time_is_asked_for_those_in_use() -> None:
    desk = Desk()
    desk.venue.profile = replace(desk.venue.profile, lists_all_open_orders=False)
    desk.venue.answers = by_kind(FetchTrades=v.Trades(trades=()))
    sweep(desk, symbols=(ETH,))
    assert desk.venue.asked[-1] == v.FetchOpenOrders(symbols=(ETH,))

    desk.venue.answer(FAILED)
    desk.run()
    asked = len(desk.venue.asked)
    sweep(desk, symbols=())
    assert len(desk.venue.asked) == asked


def test_one_sweep_waits_behind_the_running_one_and_a_later_one_takes_its_place() -> None:
    desk = Desk()
    ids_given = {sweep(desk, symbols=(BTC,)).report_id for _ in range(2)}
    last = sweep(desk, symbols=(ETH,), trades_since=START - SECOND)
    assert len(ids_given | {last.report_id}) == 3

    for _ in range(3):
        desk.venue.answer(v.Trades(trades=()))
        desk.run()
    trades = [asked for asked in desk.venue.asked if isinstance(asked, v.FetchTrades)]
    assert [(asked.symbol, asked.since) for asked in trades] == [
        (BTC, START),
        (ETH, START - SECOND),
    ]
    assert desk.reported(m.TradesFetched)[-1].report_id == last.report_id


def test_trades_are_fetched_from_each_symbols_own_time_if_it_is_given() -> None:
    desk = Desk()
    desk.venue.answers = by_kind(**SWEPT)
    sweep(desk, since=(START + 1, START - 1), trades_since=START - 1)

    asked = [one for one in desk.venue.asked if isinstance(one, v.FetchTrades)]
    assert [(one.symbol, one.since) for one in asked] == [(BTC, START + 1), (ETH, START - 1)]
    assert sweep(desk, since=(START,)).code is Code.MALFORMED


def test_a_long_sweep_goes_on_beyond_the_time_of_its_request_in_the_order_that_was_asked() -> None:
    desk = Desk()
    symbols = (ETH, BTC, "C1/USDT", "C2/USDT")
    taken = sweep(desk, symbols=symbols)
    for _ in symbols:
        desk.run(2)
        desk.venue.answer(v.Trades(trades=()))
    desk.run(2)
    desk.venue.answer(v.OpenOrders(orders=()))
    desk.run(2)
    desk.venue.answer(BALANCES)
    desk.run()

    assert tuple(asked.symbol for asked in desk.venue.asked[:4]) == symbols
    assert [report.report_id for report in desk.reported(m.AccountSwept)] == [taken.report_id]


def test_a_sweep_whose_turn_comes_too_late_is_not_begun() -> None:
    desk = Desk(lane_check_width=1)
    check(desk, [desk.placed()])
    sweep(desk)
    desk.run(6)
    desk.venue.answer(FAILED)
    desk.run()

    assert not any(isinstance(asked, v.FetchTrades) for asked in desk.venue.asked)


def test_a_sweep_gives_way_to_the_next_after_the_question_that_is_under_way() -> None:
    desk = Desk()
    sweep(desk, symbols=(BTC, ETH))
    last = sweep(desk, symbols=("C1/USDT",))
    desk.venue.answers = by_kind(**SWEPT)
    desk.venue.answer(v.Trades(trades=()))
    desk.run()

    asked = [one.symbol for one in desk.venue.asked if isinstance(one, v.FetchTrades)]
    assert asked == [BTC, "C1/USDT"]
    assert [report.report_id for report in desk.reported(m.AccountSwept)] == [last.report_id]


def test_many_trades_come_in_pieces_of_which_the_last_names_the_sweep() -> None:
    desk = Desk()
    one = v.VenueTrade(
        symbol=BTC,
        venue_order_id=VenueOrderId("v1"),
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(1),
    )
    trades = tuple(replace(one, trade_id=str(number)) for number in range(2 * 2_000 + 1))
    desk.venue.answers = by_kind(FetchTrades=v.Trades(trades=trades))
    taken = sweep(desk, symbols=(BTC,))

    reports = desk.reported(m.TradesFetched)
    assert tuple(trade for report in reports for trade in report.trades) == trades
    assert [report.report_id == taken.report_id for report in reports] == [False, False, True]

    desk.reports.room = 1
    sweep(desk, symbols=(BTC,))
    desk.venue.answer(FAILED)
    desk.run()
    assert len(desk.reported(m.TradesFetched)) == 4
    assert desk.reported(m.TradesFetched)[-1].report_id.endswith(".0")


SWEPT: dict[str, v.VenueAnswer] = {
    "FetchTrades": v.Trades(trades=()),
    "FetchOpenOrders": v.OpenOrders(orders=()),
    "FetchBalances": v.Balances(balances=()),
}


def test_reports_wait_in_order_for_a_listener_that_is_not_connected_yet() -> None:
    desk = Desk()
    desk.reports.room = 0
    desk.venue.answers = by_kind(**SWEPT)
    taken = sweep(desk, symbols=(BTC,))
    desk.run(2)
    assert desk.reported(m.AccountSwept) == []

    desk.reports.room = None
    desk.run(0.2)
    assert [report.report_id for report in desk.reported(m.AccountSwept)] == [taken.report_id]
    frames = [codec.reports.decode(frame) for frame in desk.reports.frames]
    kinds = [type(report) for report in frames if not isinstance(report, m.Heartbeat)]
    assert kinds == [m.TradesFetched, m.AccountSwept]


def test_reports_are_given_up_together_when_the_listener_stays_away() -> None:
    desk = Desk()
    desk.reports.room = 0
    desk.venue.answers = by_kind(**SWEPT)
    sweep(desk, symbols=(BTC,))
    desk.run(11)

    desk.reports.room = None
    desk.run(1)
    assert desk.reported(m.AccountSwept) == desk.reported(m.TradesFetched) == []
    assert desk.actioner.counters["reports_given_up"] == 2


def test_checks_wait_for_a_session_that_is_not_ready_at_the_managers() -> None:
    desk = Desk()
    desk.venue.ready = False
    assert sweep(desk).code is Code.NOT_READY
    assert check(desk, [desk.placed()]).code is Code.NOT_READY


# ---- cancel all --------------------------------------------------------------------------------


def cancel_all(desk: Desk, seconds: float = 2, **more: Any) -> Any:
    desk.executor_lives()
    fields = {"account": ACC, "sent_at": desk.clock.now(), **more}
    return desk.ask(m.CancelAll, seconds, **fields)


def external(desk: Desk) -> Order:
    name = f"x{next(desk.numbers)}"
    return desk.placed(
        order_id=external_order_id(ACC, BTC, name),
        origin=Origin.EXTERNAL,
        client_id="",
        venue_order_id=name,
    )


def test_cancel_all_sends_one_cancel_for_each_open_order() -> None:
    """Case 81: of what rests and of what is in doubt."""
    desk = Desk()
    orders = [desk.placed(), desk.placed(status=OrderStatus.IN_DOUBT), desk.placed(symbol=ETH)]
    desk.closed(desk.placed())

    reply = cancel_all(desk)

    assert ids(reply.results) == ids(orders) == ids(desk.cancels())
    assert all(result.sent for result in reply.results)
    cancel = desk.cancels()[0]
    assert (cancel.client_id, cancel.account, cancel.symbol) == ("tester", ACC, BTC)
    assert cancel.venue_order_id == orders[0].venue_order_id
    assert len({cancel.command_id for cancel in desk.cancels()}) == 3


def test_cancel_all_keeps_to_symbol_owner_and_time() -> None:
    desk = Desk()
    mine, other, eth = desk.placed(), desk.placed(client_id="other"), desk.placed(symbol=ETH)
    sent_at = desk.clock.now()
    desk.run(1.5)
    desk.placed()

    assert ids(cancel_all(desk, sent_at=sent_at, owner="bot", symbol=BTC).results) == ids([mine])
    assert ids(cancel_all(desk, sent_at=sent_at, symbol=ETH).results) == ids([eth])
    assert ids(cancel_all(desk, sent_at=sent_at, owner="other").results) == ids([other])


def test_case_64_external_orders_are_canceled_only_on_request_and_never_by_owner() -> None:
    desk = Desk()
    own, foreign = desk.placed(), external(desk)

    assert ids(cancel_all(desk).results) == ids([own])
    assert ids(cancel_all(desk, owner="bot", include_external=True).results) == ids([own])
    assert ids(cancel_all(desk, include_external=True).results) == ids([own, foreign])


def test_case_26_what_the_executor_does_not_take_is_named_one_by_one() -> None:
    desk = Desk()
    orders = [desk.placed() for _ in range(4)]
    desk.urgent.room = 2

    reply = cancel_all(desk)

    assert [(r.order_id, r.sent, r.code) for r in reply.results] == [
        (orders[0].order_id, True, None),
        (orders[1].order_id, True, None),
        (orders[2].order_id, False, Code.NOT_READY),
        (orders[3].order_id, False, Code.NOT_READY),
    ]


def test_case_26_an_executor_that_is_full_for_a_moment_gets_the_rest_later() -> None:
    desk = Desk()
    orders = [desk.placed() for _ in range(4)]
    desk.urgent.room = 2
    answers = desk.send(desk.request(m.CancelAll, account=ACC, sent_at=desk.clock.now()))
    desk.run(0.1)
    assert answers == []
    desk.urgent.room = None
    desk.executor_lives()
    desk.run(2)

    assert ids(answers[0].results) == ids(orders) == ids(desk.cancels())


def test_case_26_a_request_that_fails_as_a_whole_has_sent_nothing() -> None:
    desk = Desk()
    desk.placed()
    desk.files.lose()

    assert desk.ask(m.CancelAll, account=ACC, sent_at=desk.clock.now()).code is Code.NOT_READY
    assert desk.cancels() == []
