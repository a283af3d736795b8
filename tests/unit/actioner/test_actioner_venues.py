"""What goes to a venue: refresh, open orders, balances, an operator's word."""

from decimal import Decimal
from typing import Any

import pytest
from actioner_desk import ACC, BTC, START, Desk, seen
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code

FAILED = v.QueryFailed(code=Code.VENUE_UNREACHABLE, text="no route")


def test_open_orders_and_balances_are_the_venues_own_words() -> None:
    desk = Desk()
    order = seen(desk.order())
    balance = v.Balance(currency="BTC", free=Decimal(1), locked=Decimal(0))

    def answers(request: v.VenueRequest) -> v.VenueAnswer:
        if isinstance(request, v.FetchBalances):
            return v.Balances(balances=(balance,))
        return v.OpenOrders(orders=(order,))

    desk.venue.answers = answers

    assert desk.ask(m.VenueOpenOrders, account=ACC, symbol=BTC).orders == (order,)
    assert desk.venue.asked[-1] == v.FetchOpenOrders(symbols=(BTC,))
    balances = desk.ask(m.GetBalances, account=ACC)
    assert balances.balances == (balance,)
    assert START <= balances.asked_at <= desk.clock.now()


def test_a_venue_that_can_not_say_is_an_error_with_its_code() -> None:
    desk = Desk()
    desk.venue.answers = lambda _: FAILED
    assert desk.ask(m.GetBalances, account=ACC).code is Code.VENUE_UNREACHABLE
    assert desk.ask(m.VenueOpenOrders, account=ACC).code is Code.VENUE_UNREACHABLE


def test_a_session_that_is_not_ready_is_not_asked() -> None:
    desk = Desk()
    desk.venue.ready = False
    assert desk.ask(m.GetBalances, account=ACC).code is Code.NOT_READY
    assert desk.venue.asked == []


def test_wrong_accounts_and_symbols_are_refused() -> None:
    desk = Desk()
    assert desk.ask(m.GetBalances, account="x").code is Code.UNKNOWN_ACCOUNT
    unknown = desk.ask(m.VenueOpenOrders, account=ACC, symbol="X/Y")
    assert unknown.code is Code.UNKNOWN_SYMBOL
    desk.venue.profile = replace(desk.venue.profile, lists_all_open_orders=False)
    assert desk.ask(m.VenueOpenOrders, account=ACC).code is Code.MALFORMED


# ---- refresh -----------------------------------------------------------------------------------


def refreshing(desk: Desk, **more: Any) -> tuple[Any, list[Any]]:
    order = desk.placed()
    answers = desk.send(desk.request(m.RefreshOrder, order_id=order.order_id, **more))
    desk.run()
    return order, answers


def test_a_refresh_answers_only_when_the_listener_has_applied_it() -> None:
    desk = Desk()
    order, answers = refreshing(desk)
    assert desk.venue.asked == [
        v.FetchOrder(
            order_id=order.order_id,
            symbol=BTC,
            venue_order_id=order.venue_order_id,
            with_trades=True,
        )
    ]
    found = v.OrderFound(order=seen(order, OrderStatus.FILLED), trades_asked=True)
    desk.run(0.5)
    desk.venue.answer(found)
    desk.run()
    report = desk.reported(m.OrderChecked)[0]
    assert report.answer == found
    assert report.asked_at < report.answered_at
    assert answers == []

    filled = desk.closed(order, OrderStatus.FILLED)
    desk.hear_checked(report, order_ids=(order.order_id,))
    assert (answers[0].fate, answers[0].order) == ("known", filled)


def test_a_refresh_whose_report_was_lost_sends_it_again_as_it_was() -> None:
    desk = Desk()
    _, answers = refreshing(desk)
    desk.venue.answer(v.OrderNotFound(searched=("by_id",)))
    desk.run(2.5)

    reports = desk.reported(m.OrderChecked)
    assert len(reports) == 3
    assert len(set(reports)) == 1

    desk.hear_checked(reports[0])
    assert answers[0].fate == "known"
    desk.run(5)
    assert len(desk.reported(m.OrderChecked)) == 3


def test_a_refresh_whose_confirmation_was_lost_sees_the_effect_in_the_journal() -> None:
    desk = Desk()
    order, answers = refreshing(desk)
    desk.venue.answer(v.OrderFound(order=seen(order)))
    desk.run()
    report = desk.reported(m.OrderChecked)[0]
    desk.listener.touch(replace(order, checked_at=report.asked_at))
    desk.run(1)

    assert answers[0].order.checked_at == report.asked_at


def test_a_refresh_that_the_listener_never_applies_times_out() -> None:
    desk = Desk()
    desk.reports.room = 0
    order, answers = refreshing(desk)
    desk.venue.answer(v.OrderFound(order=seen(order)))
    desk.run(6)

    assert answers[0].code is Code.TIMED_OUT


def test_case_55_a_refresh_that_fails_reports_nothing() -> None:
    desk = Desk()
    desk.venue.answers = lambda _: FAILED
    order, answers = refreshing(desk)

    assert answers[0].code is Code.VENUE_UNREACHABLE
    assert desk.reported(m.OrderChecked) == []
    assert desk.ask(m.GetOrder, order_id=order.order_id).order == order


def test_case_28_an_unknown_order_is_not_refreshed() -> None:
    desk = Desk()
    assert desk.ask(m.RefreshOrder, order_id=desk.new_id()).code is Code.UNKNOWN_ORDER
    assert desk.venue.asked == []


# ---- resolve -----------------------------------------------------------------------------------


def resolve(desk: Desk, order_id: str, **more: Any) -> list[Any]:
    fields = {"operator": "ann", "status": OrderStatus.CANCELED, "text": "seen by phone", **more}
    answers = desk.send(desk.request(m.ResolveOrder, order_id=order_id, **fields))
    desk.run()
    return answers


def test_an_operator_ends_a_doubt_and_hears_how_it_ended() -> None:
    desk = Desk()
    order = desk.placed(status=OrderStatus.IN_DOUBT, doubt="time-out")
    answers = resolve(desk, order.order_id)
    report = desk.reported(m.Resolve)[0]
    assert (report.operator, report.status, report.text) == ("ann", "canceled", "seen by phone")
    assert answers == []

    ended = desk.closed(order)
    desk.hear_checked(report)
    assert answers[0].order == ended


@pytest.mark.parametrize(
    ("status", "more", "code"),
    [
        (OrderStatus.NEW, {}, Code.NOT_IN_DOUBT),
        (OrderStatus.FILLED, {}, Code.NOT_IN_DOUBT),
        (OrderStatus.IN_DOUBT, {"status": OrderStatus.FILLED}, Code.MALFORMED),
        (OrderStatus.IN_DOUBT, {"operator": ""}, Code.MALFORMED),
        (OrderStatus.IN_DOUBT, {"text": "x" * 2000}, Code.MALFORMED),
        (OrderStatus.IN_DOUBT, {"text": "seen\nby phone"}, Code.MALFORMED),
    ],
)
def test_only_a_doubt_is_resolved_and_only_as_an_end(
    status: OrderStatus, more: dict[str, Any], code: Code
) -> None:
    desk = Desk()
    order = desk.placed(status=status)

    assert resolve(desk, order.order_id, **more)[0].code is code
    assert desk.reported(m.Resolve) == []


def test_clients_go_before_checks_and_checks_leave_them_room() -> None:
    desk = Desk(lane_width=2, lane_check_width=1)
    orders = [desk.placed() for _ in range(3)]
    desk.ask(
        m.CheckOrders,
        account=ACC,
        order_ids=tuple(order.order_id for order in orders),
        symbols=(BTC,) * 3,
        venue_order_ids=(None,) * 3,
    )
    for _ in range(2):
        desk.send(desk.request(m.GetBalances, account=ACC))
    desk.run()

    kinds = [type(request) for request, _ in desk.venue.open]
    assert kinds == [v.FetchOrder, v.FetchBalances]
    desk.venue.answer(FAILED)
    desk.run()
    assert type(desk.venue.open[-1][0]) is v.FetchBalances
